/**
 * Magnification as pathologists know it: 0.25 µm per screen pixel is 40×, whatever the scanner.
 * @module
 */
import { number } from "#app/lib/i18n.js";

/** µm per px at 1×. */
const MPP_AT_1X = 10;
export const PRESETS = [1, 2, 5, 10, 20, 40];

/** @param {number} zoom screen px per level-0 px @param {number} mpp µm per level-0 px */
export function magnificationOf(zoom, mpp) {
  return (MPP_AT_1X / mpp) * zoom;
}

/** @param {number} magnification @param {number} mpp @returns {number} screen px per level-0 px */
export function zoomFor(magnification, mpp) {
  return (magnification * mpp) / MPP_AT_1X;
}

/** @param {number} magnification @returns {string} "12,4×" in French */
export function label(magnification) {
  return `${number(magnification, magnification < 10 ? 2 : 1)}×`;
}
