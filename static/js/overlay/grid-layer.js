/**
 * Heatmaps and masks: numbers on a grid, coloured here. Never smoothed: a cell of the grid is shown as
 * what it is, and colours between two values are not invented.
 * @module
 */
import { classTable, scalarTable, storedValue } from "#app/overlay/colormaps.js";

/** @typedef {import("#app/lib/types.js").ScalarOverlay} ScalarOverlay */
/** @typedef {import("#app/lib/types.js").LabelsOverlay} LabelsOverlay */
/** @typedef {import("#app/lib/types.js").Frame} Frame */
/** @typedef {import("#app/lib/types.js").LayerStyle} LayerStyle */

/**
 * @param {Uint8Array} values
 * @param {Uint32Array} table
 * @param {Uint32Array} out
 */
export function paint(values, table, out) {
  for (let index = 0; index < values.length; index += 1) out[index] = table[values[index] ?? 0] ?? 0;
}

export class GridLayer {
  /**
   * @param {ScalarOverlay | LabelsOverlay} overlay
   * @param {ArrayBuffer} bytes
   */
  constructor(overlay, bytes) {
    if (bytes.byteLength !== overlay.width * overlay.height) throw new RangeError("The grid's file has another size.");
    this.overlay = overlay;
    this.values = new Uint8Array(bytes);
    this.canvas = document.createElement("canvas");
    this.canvas.width = overlay.width;
    this.canvas.height = overlay.height;
    this.painted = "";
    this.counts = overlay.kind === "labels" ? countCodes(this.values) : undefined;
  }

  /** @param {Frame} frame @param {LayerStyle} style */
  draw(frame, style) {
    this.#colour(style);
    const { context, matrix: m, pixelRatio } = frame;
    const { origin_px: [x, y], scale_px: scale } = this.overlay;
    context.save();
    context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
    context.transform(m.a, m.b, m.c, m.d, m.e, m.f);
    context.transform(scale, 0, 0, scale, x, y);
    context.globalAlpha = style.opacity;
    context.imageSmoothingEnabled = false;
    context.drawImage(this.canvas, 0, 0);
    context.restore();
  }

  /**
   * The value under a point, in the overlay's units; null where there is none.
   * @param {number} x level-0 px
   * @param {number} y
   */
  valueAt(x, y) {
    const { origin_px: [left, top], scale_px: scale, width, height } = this.overlay;
    const [column, row] = [Math.floor((x - left) / scale), Math.floor((y - top) / scale)];
    if (column < 0 || row < 0 || column >= width || row >= height) return null;
    const stored = this.values[row * width + column] ?? 0;
    if (stored === 0 || this.overlay.kind !== "scalar") return stored || null;
    return this.overlay.min + ((stored - 1) / 254) * (this.overlay.max - this.overlay.min);
  }

  /** @param {LayerStyle} style */
  #colour(style) {
    const { overlay } = this;
    const key = overlay.kind === "scalar" ? `${style.colormap} ${style.threshold}` : [...style.hidden].sort().join();
    if (key === this.painted && this.canvas.dataset["painted"]) return;
    const table = overlay.kind === "scalar"
      ? scalarTable(style.colormap, storedValue(style.threshold, overlay))
      : classTable(overlay.classes, style.hidden);
    const image = new ImageData(overlay.width, overlay.height);
    paint(this.values, table, new Uint32Array(image.data.buffer));
    this.canvas.getContext("2d")?.putImageData(image, 0, 0);
    this.painted = key;
    this.canvas.dataset["painted"] = "yes";
  }
}

/** @param {Uint8Array} values @returns {Map<number, number>} */
export function countCodes(values) {
  const counts = new Uint32Array(256);
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return new Map([...counts.entries()].filter(([code, count]) => code && count));
}
