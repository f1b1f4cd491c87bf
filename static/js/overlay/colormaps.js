/**
 * Colour maps as tables of 256 colours, interpolated between ten published stops. All are ordered by
 * lightness and readable with a colour-vision deficiency.
 * @module
 */

/** @type {Record<string, string[]>} */
const STOPS = {
  viridis: "440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725".split(" "),
  cividis: "00224e 123570 3b496c 575d6d 707173 8a8678 a59c74 c3b369 e1cc55 fee838".split(" "),
  magma: "000004 180f3d 440f76 721f81 9e2f7f cd4071 f1605d fd9668 feca8d fcfdbf".split(" "),
  inferno: "000004 1b0c41 4a0c6b 781c6d a52c60 cf4446 ed6925 fb9b06 f7d13d fcffa4".split(" "),
};

export const COLORMAPS = Object.keys(STOPS);

/** @param {string} hex "#rrggbb" or "rrggbb" @returns {[number, number, number]} */
export function rgb(hex) {
  const value = Number.parseInt(hex.replace("#", ""), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/**
 * One colour of a map.
 * @param {string} name
 * @param {number} position 0..1
 * @returns {[number, number, number]}
 */
export function colourAt(name, position) {
  const stops = STOPS[name] ?? STOPS["viridis"] ?? [];
  const place = Math.min(1, Math.max(0, position)) * (stops.length - 1);
  const index = Math.min(Math.floor(place), stops.length - 2);
  const [from, to] = [rgb(stops[index] ?? "0"), rgb(stops[index + 1] ?? "0")];
  const part = place - index;
  const mixed = [0, 1, 2].map((i) => Math.round((from[i] ?? 0) * (1 - part) + (to[i] ?? 0) * part));
  return /** @type {[number, number, number]} */ (mixed);
}

/** ABGR words as ImageData holds them on little-endian machines (all that browsers run on). */
/** @param {[number, number, number]} colour @param {number} [alpha] */
export function word([red, green, blue], alpha = 255) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/**
 * The colour of each stored value: 0 is no data; below the threshold nothing is shown.
 * @param {string} name
 * @param {number} firstShown the smallest stored value (1..255) that is shown
 * @returns {Uint32Array}
 */
export function scalarTable(name, firstShown) {
  const table = new Uint32Array(256);
  for (let value = Math.max(1, firstShown); value < 256; value += 1) {
    table[value] = word(colourAt(name, (value - 1) / 254));
  }
  return table;
}

/**
 * @param {{code: number, colour: string}[]} classes
 * @param {Set<number>} hidden codes that are off
 * @returns {Uint32Array}
 */
export function classTable(classes, hidden) {
  const table = new Uint32Array(256);
  for (const { code, colour } of classes) if (!hidden.has(code)) table[code] = word(rgb(colour));
  return table;
}

/**
 * The smallest stored value whose meaning is at least the threshold.
 * @param {number} threshold in the overlay's units
 * @param {{min: number, max: number}} range
 */
export function storedValue(threshold, { min, max }) {
  if (max <= min) return 1;
  // A hair is taken off so that a threshold that is exactly a stored value keeps it.
  return Math.min(256, Math.max(1, Math.ceil(((threshold - min) / (max - min)) * 254 + 1 - 1e-6)));
}
