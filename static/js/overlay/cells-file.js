/**
 * The CEL1 file: cells in square chunks of 4096 px, planar, in random order inside a chunk, so that the
 * first k of a chunk are a fair sample of it.
 * @module
 */

/** @typedef {{cx: number, cy: number, first: number, count: number, counts: number[]}} Chunk */

/**
 * @typedef {object} Cells
 * @property {number} n
 * @property {number} tile side of a chunk in level-0 px
 * @property {number} scale steps per level-0 px
 * @property {Chunk[]} chunks
 * @property {Uint16Array} xy interleaved, in 1/scale px from the chunk's corner
 * @property {Uint8Array} codes class of each cell
 * @property {Uint8Array} probability 0..255
 */

const MAGIC = 0x314c4543; // "CEL1", little endian

/** @param {ArrayBuffer} buffer @returns {Cells} views on the buffer, nothing is copied */
export function parseCells(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || view.getUint32(0, true) !== MAGIC) throw new TypeError("Not a CEL1 file.");
  const headerLength = view.getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, headerLength)));
  const body = 8 + headerLength;
  const n = Number(header.n);
  if (buffer.byteLength !== body + n * 6) throw new RangeError("The cells' file is cut off.");
  return {
    n,
    tile: header.tile,
    scale: header.scale,
    chunks: header.chunks,
    xy: new Uint16Array(buffer, body, n * 2),
    codes: new Uint8Array(buffer, body + n * 4, n),
    probability: new Uint8Array(buffer, body + n * 5, n),
  };
}

/** @param {Cells} cells @returns {Map<number, number>} cells per class code */
export function countClasses(cells) {
  const counts = new Uint32Array(256);
  for (const code of cells.codes) counts[code] = (counts[code] ?? 0) + 1;
  return new Map([...counts.entries()].filter(([, count]) => count));
}

/**
 * The chunks that touch a box of the slide.
 * @param {Cells} cells
 * @param {{left: number, top: number, right: number, bottom: number}} bounds level-0 px
 * @param {number} margin level-0 px that a symbol reaches beyond its centre
 */
export function visibleChunks(cells, bounds, margin) {
  const { tile } = cells;
  return cells.chunks.filter(({ cx, cy }) =>
    cx * tile < bounds.right + margin && (cx + 1) * tile > bounds.left - margin &&
    cy * tile < bounds.bottom + margin && (cy + 1) * tile > bounds.top - margin);
}
