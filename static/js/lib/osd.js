/**
 * OpenSeadragon, which the page loads as a classic script before the modules.
 * @module
 */

/** @typedef {typeof import("openseadragon")} Library */

export const OSD = /** @type {Library} */ (/** @type {any} */ (globalThis)["OpenSeadragon"]);
