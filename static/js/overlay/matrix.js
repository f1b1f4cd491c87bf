/**
 * From level-0 px to the stage, exact under zoom, rotation and mirror.
 * @module
 */
import { OSD } from "#app/lib/osd.js";

/** @typedef {import("#app/lib/types.js").Matrix} Matrix */

/**
 * @param {OpenSeadragon.Viewport} viewport
 * @param {number} widthPx of the slide
 * @param {number} stageWidth CSS px
 * @returns {Matrix}
 */
export function matrixOf(viewport, widthPx, stageWidth) {
  const corner = viewport.pixelFromPoint(new OSD.Point(0, 0), true);
  const right = viewport.pixelFromPoint(new OSD.Point(1, 0), true);
  const below = viewport.pixelFromPoint(new OSD.Point(0, 1), true);
  const matrix = {
    a: (right.x - corner.x) / widthPx, b: (right.y - corner.y) / widthPx,
    c: (below.x - corner.x) / widthPx, d: (below.y - corner.y) / widthPx,
    e: corner.x, f: corner.y,
  };
  if (!viewport.getFlip()) return matrix;
  return { ...matrix, a: -matrix.a, c: -matrix.c, e: stageWidth - matrix.e };
}

/** @param {Matrix} m @param {number} x @param {number} y @returns {[number, number]} */
export function apply(m, x, y) {
  return [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f];
}

/** @param {Matrix} m @param {number} x @param {number} y @returns {[number, number]} level-0 px */
export function invert(m, x, y) {
  const determinant = m.a * m.d - m.b * m.c;
  const [left, top] = [x - m.e, y - m.f];
  return [(m.d * left - m.c * top) / determinant, (m.a * top - m.b * left) / determinant];
}

/**
 * The level-0 box around what the stage shows.
 * @param {Matrix} m
 * @param {number} width
 * @param {number} height
 */
export function visibleBounds(m, width, height) {
  const corners = [invert(m, 0, 0), invert(m, width, 0), invert(m, 0, height), invert(m, width, height)];
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}
