import { describe, expect, it } from "vitest";
import { countClasses, parseCells, visibleChunks } from "#app/overlay/cells-file.js";

/** A file of three cells in two chunks, as the inference library writes it. */
function file() {
  const header = {
    n: 3, tile: 4096, scale: 16,
    chunks: [
      { cx: 0, cy: 0, first: 0, count: 2, counts: [0, 1, 1] },
      { cx: 2, cy: 1, first: 2, count: 1, counts: [0, 0, 1] },
    ],
  };
  let text = JSON.stringify(header);
  while ((8 + text.length) % 4) text += " ";
  const buffer = new ArrayBuffer(8 + text.length + 18);
  const view = new DataView(buffer);
  "CEL1".split("").forEach((sign, index) => view.setUint8(index, sign.charCodeAt(0)));
  view.setUint32(4, text.length, true);
  new Uint8Array(buffer, 8).set(new TextEncoder().encode(text));
  const body = 8 + text.length;
  [16, 32, 65535, 0, 8, 24].forEach((value, index) => view.setUint16(body + index * 2, value, true));
  [1, 2, 2, 255, 128, 0].forEach((value, index) => view.setUint8(body + 12 + index, value));
  return buffer;
}

describe("CEL1", () => {
  it("gives views on places, classes and probabilities", () => {
    const cells = parseCells(file());
    expect([...cells.xy]).toEqual([16, 32, 65535, 0, 8, 24]);
    expect([...cells.codes]).toEqual([1, 2, 2]);
    expect([...cells.probability]).toEqual([255, 128, 0]);
    expect(countClasses(cells)).toEqual(new Map([[1, 1], [2, 2]]));
  });

  it("refuses other files and files that are cut off", () => {
    expect(() => parseCells(new ArrayBuffer(16))).toThrow(TypeError);
    expect(() => parseCells(file().slice(0, -1))).toThrow(RangeError);
  });

  it("keeps the chunks that touch the view, symbols that reach in included", () => {
    const cells = parseCells(file());
    const places = (/** @type {any} */ bounds, margin = 0) => visibleChunks(cells, bounds, margin).map(({ cx }) => cx);
    expect(places({ left: 0, top: 0, right: 100, bottom: 100 })).toEqual([0]);
    expect(places({ left: 8000, top: 5000, right: 8190, bottom: 5100 })).toEqual([]);
    expect(places({ left: 8000, top: 5000, right: 8190, bottom: 5100 }, 10)).toEqual([2]);
  });
});
