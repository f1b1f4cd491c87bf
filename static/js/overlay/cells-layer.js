/**
 * Cells: dots while they are small on the screen, a symbol per class when they are large. Where more
 * cells are in view than can be drawn at once, the first of each chunk are drawn (a fair sample) and
 * `shown` says which share, so that the panel can tell.
 * @module
 */
import { classTable } from "#app/overlay/colormaps.js";
import { countClasses, parseCells, visibleChunks } from "#app/overlay/cells-file.js";
import { addShape } from "#app/overlay/shapes.js";

/** @typedef {import("#app/lib/types.js").CellsOverlay} CellsOverlay */
/** @typedef {import("#app/lib/types.js").Frame} Frame */
/** @typedef {import("#app/lib/types.js").LayerStyle} LayerStyle */
/** @typedef {import("#app/overlay/cells-file.js").Chunk} Chunk */

const MOST_DOTS = 600_000;
const MOST_SYMBOLS = 6000;
const SMALLEST_SYMBOL_PX = 3;

export class CellsLayer {
  /**
   * @param {CellsOverlay} overlay
   * @param {ArrayBuffer} bytes
   */
  constructor(overlay, bytes) {
    this.overlay = overlay;
    this.cells = parseCells(bytes);
    this.counts = countClasses(this.cells);
    this.shown = 1;
    this.canvas = document.createElement("canvas");
  }

  /** @param {Frame} frame @param {LayerStyle} style */
  draw(frame, style) {
    const radius = Math.min(40, ((this.overlay.radius_um || 4) / frame.mpp) * frame.zoom);
    const chunks = visibleChunks(this.cells, frame.bounds, 60);
    const wanted = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
    if (radius >= SMALLEST_SYMBOL_PX) {
      const paths = this.#symbols(frame, style, chunks, radius);
      if (paths) {
        this.shown = 1;
        this.#stroke(frame, style, paths, radius);
        return;
      }
    }
    this.shown = Math.min(1, MOST_DOTS / Math.max(1, wanted));
    this.#dots(frame, style, chunks, radius);
  }

  /**
   * Calls with each cell that is shown, at its place on the stage.
   * @param {Frame} frame @param {LayerStyle} style @param {Chunk[]} chunks
   * @param {(x: number, y: number, code: number) => boolean | void} visit false ends the walk
   */
  #walk({ matrix: m, width, height }, style, chunks, visit) {
    const { xy, codes, probability, tile, scale } = this.cells;
    const least = Math.ceil(style.threshold * 255);
    const step = 1 / scale;
    for (const { cx, cy, first, count } of chunks) {
      const e = m.a * cx * tile + m.c * cy * tile + m.e;
      const f = m.b * cx * tile + m.d * cy * tile + m.f;
      const end = first + Math.ceil(count * this.shown);
      for (let index = first; index < end; index += 1) {
        if ((probability[index] ?? 0) < least) continue;
        const u = /** @type {number} */ (xy[index * 2]) * step;
        const v = /** @type {number} */ (xy[index * 2 + 1]) * step;
        const x = m.a * u + m.c * v + e;
        const y = m.b * u + m.d * v + f;
        if (outside(x, width) || outside(y, height)) continue;
        if (visit(x, y, codes[index] ?? 0) === false) return;
      }
    }
  }

  /**
   * One path per class, or null where there are too many symbols.
   * @param {Frame} frame @param {LayerStyle} style @param {Chunk[]} chunks @param {number} radius
   */
  #symbols(frame, style, chunks, radius) {
    const shapes = new Map(this.overlay.classes.map(({ code, shape }) => [code, shape ?? "circle"]));
    /** @type {Map<number, Path2D>} */
    const paths = new Map();
    let drawn = 0;
    this.shown = 1;
    this.#walk(frame, style, chunks, (x, y, code) => {
      if (style.hidden.has(code)) return true;
      const path = paths.get(code) ?? new Path2D();
      paths.set(code, path);
      addShape(path, shapes.get(code) ?? "circle", x, y, radius);
      drawn += 1;
      return drawn <= MOST_SYMBOLS;
    });
    return drawn <= MOST_SYMBOLS ? paths : null;
  }

  /** @param {Frame} frame @param {LayerStyle} style @param {Map<number, Path2D>} paths @param {number} radius */
  #stroke({ context, pixelRatio }, style, paths, radius) {
    context.save();
    context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
    context.globalAlpha = style.opacity;
    context.lineJoin = "round";
    const line = radius > 12 ? 2.5 : 1.6;
    for (const { code, colour } of this.overlay.classes) {
      const path = paths.get(code);
      if (!path) continue;
      // A light rim keeps the symbol readable on dark tissue.
      context.strokeStyle = "rgb(255 255 255 / 70%)";
      context.lineWidth = line + 1.6;
      context.stroke(path);
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.stroke(path);
    }
    context.restore();
  }

  /** @param {Frame} frame @param {LayerStyle} style @param {Chunk[]} chunks @param {number} radius */
  #dots(frame, style, chunks, radius) {
    const { context, pixelRatio } = frame;
    const width = Math.max(1, Math.round(frame.width * pixelRatio));
    const height = Math.max(1, Math.round(frame.height * pixelRatio));
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const table = classTable(this.overlay.classes, style.hidden);
    const side = Math.max(1, Math.min(8, Math.round(radius * 1.6 * pixelRatio)));
    this.#walk(frame, style, chunks, (x, y, code) => {
      const colour = table[code] ?? 0;
      if (colour) splat(pixels, width, height, Math.round(x * pixelRatio), Math.round(y * pixelRatio), side, colour);
    });
    this.canvas.width = width;
    this.canvas.height = height;
    this.canvas.getContext("2d")?.putImageData(image, 0, 0);
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = style.opacity;
    context.drawImage(this.canvas, 0, 0);
    context.restore();
  }
}

/** @param {number} place @param {number} side CSS px of the stage */
function outside(place, side) {
  return place < -40 || place > side + 40;
}

/**
 * A square dot, clipped at the edges.
 * @param {Uint32Array} pixels @param {number} width @param {number} height
 * @param {number} x centre @param {number} y @param {number} side @param {number} colour
 */
export function splat(pixels, width, height, x, y, side, colour) {
  const left = x - (side >> 1);
  const top = y - (side >> 1);
  const right = Math.min(width, left + side);
  const bottom = Math.min(height, top + side);
  for (let row = Math.max(0, top); row < bottom; row += 1) {
    for (let column = Math.max(0, left); column < right; column += 1) pixels[row * width + column] = colour;
  }
}
