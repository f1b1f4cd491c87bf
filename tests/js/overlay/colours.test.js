import { describe, expect, it } from "vitest";
import { COLORMAPS, classTable, colourAt, scalarTable, storedValue, word } from "#app/overlay/colormaps.js";
import { paint } from "#app/overlay/grid-layer.js";

describe("colour maps", () => {
  it("start and end on the published colours", () => {
    expect(COLORMAPS).toEqual(["viridis", "cividis", "magma", "inferno"]);
    expect(colourAt("viridis", 0)).toEqual([0x44, 0x01, 0x54]);
    expect(colourAt("viridis", 1)).toEqual([0xfd, 0xe7, 0x25]);
    expect(colourAt("magma", 2)).toEqual(colourAt("magma", 1));
  });

  it.each(COLORMAPS)("%s grows lighter from end to end", (name) => {
    const lightness = Array.from({ length: 64 }, (_, index) => {
      const [red, green, blue] = colourAt(name, index / 63);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    });
    expect(lightness).toEqual(lightness.toSorted((one, other) => one - other));
  });
});

describe("threshold", () => {
  const range = { min: 0, max: 100 };

  it("is the smallest stored value that means at least as much", () => {
    expect(storedValue(0, range)).toBe(1);
    expect(storedValue(100, range)).toBe(255);
    expect(storedValue(50, range)).toBe(128); // 127 / 254 is exactly one half
    expect(storedValue(50.1, range)).toBe(129);
    expect(storedValue(-5, range)).toBe(1);
    expect(storedValue(200, range)).toBe(256); // nothing is left
  });

  it("shows no data and what lies below as nothing", () => {
    const out = new Uint32Array(4);
    paint(new Uint8Array([0, 127, 128, 255]), scalarTable("viridis", 128), out);
    expect([...out]).toEqual([0, 0, word(colourAt("viridis", 0.5)), word(colourAt("viridis", 1))]);
  });
});

it("classes that are off are not painted", () => {
  const table = classTable([{ code: 1, colour: "#ff0000" }, { code: 2, colour: "#00ff00" }], new Set([2]));
  expect([table[0], table[1], table[2]]).toEqual([0, word([255, 0, 0]), 0]);
});
