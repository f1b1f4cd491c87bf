/**
 * Says in the bar whether the page is live.
 * @module
 */
import { gettext } from "#app/lib/i18n.js";

/** @param {HTMLElement} element @param {{state: string, code: number}} connection */
export function showConnection(element, { state, code }) {
  element.dataset["state"] = state;
  element.textContent = textOf(state, code);
}

/** @param {string} state @param {number} code */
function textOf(state, code) {
  if (state === "open") return gettext("Live");
  if (code === 4401) return gettext("You are signed out: reload the page");
  if (code === 4404) return gettext("You no longer have access to this slide");
  return state === "closed" ? "" : gettext("Reconnecting…");
}
