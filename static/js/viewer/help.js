/**
 * The dialog of keyboard shortcuts.
 * @module
 */
import { h } from "#app/lib/dom.js";
import { gettext } from "#app/lib/i18n.js";
import { shortcuts } from "#app/viewer/keyboard.js";

/** @returns {() => void} opens or closes it */
export function helpDialog() {
  const dialog = h("dialog", { class: "help", "data-testid": "help", "aria-labelledby": "help-title" },
    h("h2", { id: "help-title" }, gettext("Keyboard shortcuts")),
    h("dl", {}, ...shortcuts().flatMap(([keys, text]) => [
      h("dt", {}, ...keys.map((key) => (key === "…" ? "…" : h("kbd", {}, key)))), h("dd", {}, text),
    ])),
    h("form", { method: "dialog" }, h("button", { class: "button", type: "submit" }, gettext("Close"))));
  document.body.append(dialog);
  return () => (dialog.open ? dialog.close() : dialog.showModal());
}
