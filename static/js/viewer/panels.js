/**
 * The two side panels: opened and closed by keys and buttons; on a narrow screen they are sheets at the
 * bottom, one at a time, behind two tabs.
 * @module
 */
import { h } from "#app/lib/dom.js";
import { gettext } from "#app/lib/i18n.js";

const NARROW = "(max-width: 760px)";

/** @typedef {"panel" | "tray"} Side */

/** @param {HTMLElement} root the element that holds both @returns {{toggle: (side: Side) => void}} */
export function panels(root) {
  const narrow = matchMedia(NARROW);
  /** @type {Record<Side, boolean>} */
  const open = { panel: !narrow.matches, tray: !narrow.matches };
  const tabs = /** @type {Record<Side, HTMLButtonElement>} */ ({
    tray: tab(gettext("Slides"), "tray", () => toggle("tray")),
    panel: tab(gettext("Analyses"), "panel", () => toggle("panel")),
  });
  root.append(h("div", { class: "viewer-tabs" }, tabs.tray, tabs.panel));

  const show = () => {
    for (const side of /** @type {Side[]} */ (["tray", "panel"])) {
      root.classList.toggle(`no-${side}`, !open[side]);
      tabs[side].setAttribute("aria-expanded", String(open[side]));
    }
  };
  /** @param {Side} side */
  const toggle = (side) => {
    open[side] = !open[side];
    if (narrow.matches && open[side]) open[side === "tray" ? "panel" : "tray"] = false;
    show();
  };
  narrow.addEventListener("change", () => {
    open.panel = open.tray = !narrow.matches;
    show();
  });
  show();
  return { toggle };
}

/** @param {string} text @param {Side} side @param {() => void} action */
function tab(text, side, action) {
  return h("button", {
    type: "button", class: "viewer-tab", "aria-controls": side, "data-testid": `tab-${side}`, onclick: action,
  }, text);
}
