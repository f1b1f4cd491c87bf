/**
 * The slides of the case: thumbnail, stain, state, and what the tools are doing on each.
 * @module
 */
import { h } from "#app/lib/dom.js";
import { gettext } from "#app/lib/i18n.js";

/** @typedef {import("#app/lib/types.js").Slide} Slide */

/** @param {HTMLElement} element @param {Slide[]} slides @param {string} current */
export function showTray(element, slides, current) {
  element.replaceChildren(h("ul", {}, ...slides.map((slide) => h("li", {}, h("a", {
    href: slide.page_url, class: "tray-slide", "aria-current": slide.uuid === current ? "page" : null,
    "data-testid": "tray-slide", "data-slide": slide.uuid, "data-state": slide.state,
  },
  slide.thumbnail_url
    ? h("img", { src: slide.thumbnail_url, alt: "", loading: "lazy" })
    : h("span", { class: "tray-empty" }, slide.state_label),
  h("span", { class: "tray-label" }, slide.label),
  h("span", { class: "tray-stain" }, slide.label.includes(slide.stain_label) ? "" : slide.stain_label),
  h("span", { class: "tray-dots" }, ...slide.jobs_summary.map(({ tool, state }) =>
    h("span", { class: `dot dot-${state}`, title: `${tool}: ${stateText(state)}` }))))))));
  element.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

/** @param {string} state */
function stateText(state) {
  const texts = /** @type {Record<string, string>} */ ({
    queued: gettext("queued"), running: gettext("running"), succeeded: gettext("done"), failed: gettext("failed"),
    cancelled: gettext("cancelled"),
  });
  return texts[state] ?? state;
}

/**
 * The neighbour in the tray, or null at its ends.
 * @param {Slide[]} slides @param {string} current @param {number} step
 */
export function neighbour(slides, current, step) {
  return slides[slides.findIndex(({ uuid }) => uuid === current) + step] ?? null;
}
