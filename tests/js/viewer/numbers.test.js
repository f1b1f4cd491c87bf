// @vitest-environment happy-dom
import { afterEach, describe, expect, it } from "vitest";
import { label, magnificationOf, zoomFor } from "#app/viewer/magnification.js";
import { lengthLabel, niceLength } from "#app/viewer/scale-bar.js";
import { tileUrl } from "#app/viewer/tile-source.js";
import { formatHash, parseHash } from "#app/viewer/view-hash.js";

afterEach(() => { document.documentElement.lang = ""; });

describe("magnification", () => {
  it("is 40× at 0.25 µm per screen pixel, whatever the scan", () => {
    expect(magnificationOf(1, 0.25)).toBe(40);
    expect(magnificationOf(2, 0.5)).toBe(40);
    expect(zoomFor(10, 0.5)).toBe(0.5);
  });

  it("is written in the reader's language", () => {
    document.documentElement.lang = "fr";
    expect(label(12.41)).toBe("12,4×");
    document.documentElement.lang = "en";
    expect(label(1.256)).toBe("1.26×");
  });
});

describe("scale bar", () => {
  it.each([[0.25, 20, 80], [0.5, 50, 100], [1, 100, 100], [8, 1000, 125], [100, 10_000, 100]])(
    "at %d µm/px is %d µm long", (umPerPx, um, px) => {
      expect(niceLength(umPerPx, 130)).toEqual({ um, px });
    });

  it("changes to mm", () => {
    document.documentElement.lang = "en";
    expect(lengthLabel(500)).toBe("500 µm");
    expect(lengthLabel(2000)).toBe("2 mm");
  });
});

describe("the view in the address", () => {
  it("comes back as it was written", () => {
    const view = { x: 1110, y: 1484, zoom: 0.5, rotation: 90 };
    expect(formatHash(view)).toBe("#x=1110&y=1484&z=0.5&r=90");
    expect(parseHash(formatHash(view))).toEqual(view);
  });

  it.each(["", "#x=1&y=2", "#x=1&y=2&z=0", "#x=a&y=2&z=1", "#x=1&y=2&z=Infinity"])("ignores %s", (hash) => {
    expect(parseHash(hash)).toBeNull();
  });
});

it("a tile has one address", () => {
  expect(tileUrl("/slides/u/tiles/ab/{level}/{column}_{row}", 3, 4, 5)).toBe("/slides/u/tiles/ab/3/4_5");
});
