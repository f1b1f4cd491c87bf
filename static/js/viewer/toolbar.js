/**
 * What lies over the slide: magnification and its presets, zoom, rotation, full screen, layers, help.
 * @module
 */
import { h } from "#app/lib/dom.js";
import { icon } from "#app/ui/icons.js";
import { gettext, number } from "#app/lib/i18n.js";
import { PRESETS, label, magnificationOf } from "#app/viewer/magnification.js";
import { scaleBar } from "#app/viewer/scale-bar.js";

/** @typedef {import("#app/viewer/keyboard.js").Commands} Commands */

/** @param {string} sign @param {string} name @param {() => void} action @param {string} testid */
function tool(sign, name, action, testid) {
  return h("button", { type: "button", class: "stage-button", title: name, "aria-label": name, "data-testid": testid, onclick: action }, icon(sign));
}

/**
 * @param {HTMLElement} stage
 * @param {Commands} commands
 * @param {number | null} mpp µm per level-0 px; null where nobody knows
 * @returns {{update: (zoom: number) => void, showOverlays: (on: boolean) => void}}
 */
export function toolbar(stage, commands, mpp) {
  const bar = scaleBar();
  const now = h("output", { class: "magnification", "data-testid": "magnification", "aria-label": gettext("Magnification") });
  const presets = PRESETS.map((value, index) => h("button", {
    type: "button", class: "preset", "data-testid": "preset", "data-preset": value, onclick: () => commands.preset(index),
  }, `${value}×`));
  const eye = tool("layers", gettext("Layers on or off (A)"), commands.toggleOverlays, "toggle-overlays");
  eye.setAttribute("aria-pressed", "true");
  stage.append(
    h("div", { class: "stage-tools", role: "toolbar", "aria-label": gettext("View") },
      tool("plus", gettext("Zoom in (+)"), () => commands.zoomBy(1.5), "zoom-in"),
      tool("minus", gettext("Zoom out (-)"), () => commands.zoomBy(1 / 1.5), "zoom-out"),
      tool("fit", gettext("Whole slide (0)"), commands.fit, "fit"),
      tool("rotate", gettext("Rotate (R)"), () => commands.rotateBy(90), "rotate"),
      tool("screen", gettext("Full screen (F)"), commands.fullScreen, "fullscreen"),
      eye,
      tool("help", gettext("Keyboard shortcuts (?)"), commands.help, "open-help")),
    h("div", { class: "stage-foot" }, mpp ? bar.element : h("span", { class: "scale-bar" }, gettext("resolution unknown")),
      h("div", { class: "presets", role: "group", "aria-label": gettext("Magnification") }, ...(mpp ? presets : []), now)));
  return {
    update(zoom) {
      if (!mpp) {
        now.textContent = `${number(zoom * 100, 1)} %`;
        return;
      }
      const magnification = magnificationOf(zoom, mpp);
      now.textContent = label(magnification);
      now.title = zoom > 1.01 ? gettext("beyond the pixels of the scan") : "";
      now.classList.toggle("is-digital", zoom > 1.01);
      presets.forEach((button, index) => {
        const on = Math.abs(magnification / (PRESETS[index] ?? 1) - 1) < 0.02;
        button.setAttribute("aria-pressed", String(on));
      });
      bar.update(mpp / zoom);
    },
    showOverlays(on) {
      eye.setAttribute("aria-pressed", String(on));
    },
  };
}
