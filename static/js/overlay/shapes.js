/**
 * The four symbols of classes: colour is never the only sign.
 * @module
 */

/**
 * Adds a symbol to a path.
 * @param {Path2D | CanvasRenderingContext2D} path
 * @param {string} shape circle, square, triangle or diamond
 * @param {number} x centre
 * @param {number} y
 * @param {number} radius
 */
export function addShape(path, shape, x, y, radius) {
  if (shape === "square") {
    path.rect(x - radius * 0.88, y - radius * 0.88, radius * 1.76, radius * 1.76);
    return;
  }
  const corners = CORNERS[shape];
  if (!corners) {
    path.moveTo(x + radius, y);
    path.arc(x, y, radius, 0, Math.PI * 2);
    return;
  }
  corners.forEach(([dx, dy], index) => {
    if (index === 0) path.moveTo(x + dx * radius, y + dy * radius);
    else path.lineTo(x + dx * radius, y + dy * radius);
  });
  path.closePath();
}

/** @type {Record<string, [number, number][]>} */
const CORNERS = {
  triangle: [[0, -1.15], [1.05, 0.75], [-1.05, 0.75]],
  diamond: [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]],
};
