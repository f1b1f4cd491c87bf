/**
 * A scale bar of a round length in µm or mm.
 * @module
 */
import { number } from "#app/lib/i18n.js";
import { h } from "#app/lib/dom.js";

const MAX_PX = 150;

/**
 * The longest round length (1, 2 or 5 times a power of ten) that fits.
 * @param {number} umPerPx µm per screen px
 * @param {number} [maxPx]
 * @returns {{um: number, px: number}}
 */
export function niceLength(umPerPx, maxPx = MAX_PX) {
  const most = umPerPx * maxPx;
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [5, 2, 1].find((candidate) => candidate * power <= most) ?? 1;
  const um = step * power;
  return { um, px: um / umPerPx };
}

/** @param {number} um @returns {string} "200 µm", "1 mm" */
export function lengthLabel(um) {
  return um >= 1000 ? `${number(um / 1000, 3)} mm` : `${number(um, 3)} µm`;
}

/**
 * @returns {{element: HTMLElement, update: (umPerPx: number) => void}}
 */
export function scaleBar() {
  const line = h("div", { class: "scale-bar-line" });
  const text = h("span", { class: "scale-bar-text" });
  const element = h("div", { class: "scale-bar", "data-testid": "scale-bar" }, text, line);
  return {
    element,
    update(umPerPx) {
      const { um, px } = niceLength(umPerPx);
      line.style.width = `${px}px`;
      text.textContent = lengthLabel(um);
    },
  };
}
