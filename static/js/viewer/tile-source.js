/**
 * The slide's own tile grid as OpenSeadragon reads it: level 0 is the coarsest, sizes are the file's.
 * @module
 */
import { OSD } from "#app/lib/osd.js";

/** @typedef {import("#app/lib/types.js").TileSourceConfig} TileSourceConfig */

/**
 * @param {TileSourceConfig} config
 * @returns {OpenSeadragon.TileSource}
 */
export function tileSource(config) {
  const { levels } = config;
  const source = new OSD.TileSource(/** @type {any} */ ({
    width: config.width, height: config.height,
    tileWidth: config.tile_width, tileHeight: config.tile_height,
    tileOverlap: 0, minLevel: 0, maxLevel: levels.length - 1,
  }));
  const own = /** @type {any} */ (source);
  own.getLevelScale = (/** @type {number} */ level) => (levels[level]?.width ?? config.width) / config.width;
  own.getNumTiles = (/** @type {number} */ level) => {
    const size = levels[level] ?? { width: 0, height: 0 };
    return new OSD.Point(
      Math.ceil(size.width / config.tile_width), Math.ceil(size.height / config.tile_height),
    );
  };
  own.getTileUrl = (/** @type {number} */ level, /** @type {number} */ x, /** @type {number} */ y) =>
    tileUrl(config.url, level, x, y);
  return source;
}

/** @param {string} url @param {number} level @param {number} column @param {number} row */
export function tileUrl(url, level, column, row) {
  return url.replace("{level}", String(level)).replace("{column}", String(column)).replace("{row}", String(row));
}
