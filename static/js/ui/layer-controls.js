/**
 * The controls of one layer: on or off, opacity, colour map and threshold of a heatmap, legend with the
 * classes to switch.
 * @module
 */
import { h } from "#app/lib/dom.js";
import { gettext, interpolate, measure, number, percent } from "#app/lib/i18n.js";
import { COLORMAPS, colourAt } from "#app/overlay/colormaps.js";
import { addShape } from "#app/overlay/shapes.js";

/** @typedef {import("#app/lib/types.js").Overlay} Overlay */
/** @typedef {import("#app/lib/types.js").ScalarOverlay} ScalarOverlay */
/** @typedef {import("#app/lib/types.js").OverlayClass} OverlayClass */
/** @typedef {import("#app/overlay/layers.js").Layers} Layers */

/** @param {Layers} layers @param {Overlay} overlay @returns {HTMLElement} */
export function layerControls(layers, overlay) {
  const entry = layers.entry(overlay);
  const body = h("div", { class: "layer-body" });
  const toggle = h("input", {
    type: "checkbox", role: "switch", class: "switch", "data-testid": "layer-toggle",
    onchange: (event) => {
      layers.restyle(overlay, { visible: event.target.checked });
      update();
    },
  });
  const note = h("span", { class: "layer-note", role: "status" });
  const element = h("section", {
    class: "layer", "data-testid": "layer", "data-key": overlay.key, "data-kind": overlay.kind, "data-uuid": overlay.uuid,
  }, h("label", { class: "layer-head" }, toggle, h("span", { class: "layer-name" }, overlay.label), note), body);

  const update = () => {
    toggle.checked = entry.style.visible;
    element.dataset["state"] = entry.state;
    note.textContent = noteOf(entry.state);
    body.hidden = !entry.style.visible;
    if (entry.style.visible) body.replaceChildren(...controls(layers, overlay));
  };
  layers.on("layer", (uuid) => {
    if (uuid === overlay.uuid && element.isConnected) update();
  });
  update();
  return element;
}

/** @param {import("#app/overlay/layers.js").LayerState} state */
function noteOf(state) {
  if (state === "loading") return gettext("loading…");
  return state === "failed" ? gettext("could not be loaded: switch it on to try again") : "";
}

/** @param {Layers} layers @param {Overlay} overlay @returns {HTMLElement[]} */
function controls(layers, overlay) {
  const { style, layer } = layers.entry(overlay);
  const opacity = slider({
    label: gettext("Opacity"), testid: "opacity", min: 0, max: 1, step: 0.05, value: style.opacity, text: percent,
    change: (value) => layers.restyle(overlay, { opacity: value }),
  });
  if (overlay.kind === "scalar") return [opacity, ...scalarControls(layers, overlay)];
  const rows = legend(layers, overlay, layer?.counts ?? new Map());
  if (overlay.kind !== "cells") return [opacity, rows];
  const share = (layer?.shown ?? 1) < 1
    ? h("p", { class: "layer-sample" }, interpolate(gettext("%(share)s of the cells in view are drawn: zoom in for all."), { share: percent(layer?.shown ?? 1) }))
    : null;
  return [opacity, ...(share ? [share] : []), slider({
    label: gettext("Probability"), testid: "threshold", min: 0, max: 1, step: 0.01, value: style.threshold,
    text: percent, change: (value) => layers.restyle(overlay, { threshold: value }),
  }), rows];
}

/** @param {Layers} layers @param {ScalarOverlay} overlay @returns {HTMLElement[]} */
function scalarControls(layers, overlay) {
  const { style } = layers.entry(overlay);
  const ramp = rampOf(style.colormap);
  const select = h("select", {
    "aria-label": gettext("Colour map"), "data-testid": "colormap",
    onchange: (event) => {
      layers.restyle(overlay, { colormap: event.target.value });
      paintRamp(ramp, event.target.value);
    },
  }, ...COLORMAPS.map((name) => h("option", { value: name, selected: name === style.colormap }, name)));
  return [
    slider({
      label: gettext("Threshold"), testid: "threshold", min: overlay.min, max: overlay.max,
      step: (overlay.max - overlay.min) / 254 || 1, value: style.threshold,
      text: (value) => `${measure(value)} ${overlay.unit}`.trim(),
      change: (value) => layers.restyle(overlay, { threshold: value }),
    }),
    h("div", { class: "control" }, h("span", {}, gettext("Colours")), select),
    h("div", { class: "ramp" }, ramp,
      h("div", { class: "ramp-ends" }, h("span", {}, measure(overlay.min)), h("span", {}, overlay.unit), h("span", {}, measure(overlay.max)))),
  ];
}

/**
 * @param {{label: string, testid: string, min: number, max: number, step: number, value: number,
 *   text: (value: number) => string, change: (value: number) => void}} options
 * @returns {HTMLElement}
 */
export function slider({ label, testid, min, max, step, value, text, change }) {
  const output = h("output", {}, text(value));
  const input = h("input", {
    type: "range", min, max, step, value, "aria-label": label, "aria-valuetext": text(value), "data-testid": testid,
    oninput: () => {
      const now = Number(input.value);
      output.textContent = text(now);
      input.setAttribute("aria-valuetext", text(now));
      change(now);
    },
  });
  // The browser rounds to the step; the exact value stands until it is moved.
  return h("label", { class: "control" }, h("span", {}, label), input, output);
}

/** @param {string} name */
function rampOf(name) {
  const canvas = h("canvas", { class: "ramp-colours", width: 256, height: 1, "aria-hidden": "true" });
  paintRamp(canvas, name);
  return canvas;
}

/** @param {HTMLCanvasElement} canvas @param {string} name */
function paintRamp(canvas, name) {
  const context = canvas.getContext("2d");
  if (!context) return;
  for (let x = 0; x < 256; x += 1) {
    context.fillStyle = `rgb(${colourAt(name, x / 255).join(" ")})`;
    context.fillRect(x, 0, 1, 1);
  }
}

/**
 * @param {Layers} layers
 * @param {Exclude<Overlay, ScalarOverlay>} overlay
 * @param {Map<number, number>} counts
 */
function legend(layers, overlay, counts) {
  const { style } = layers.entry(overlay);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return h("ul", { class: "legend", "data-testid": "legend" }, ...overlay.classes.map((row) => h("li", {},
    h("label", {},
      h("input", {
        type: "checkbox", checked: !style.hidden.has(row.code), "data-testid": "class-toggle", "data-class": row.id,
        onchange: (event) => {
          if (event.target.checked) style.hidden.delete(row.code);
          else style.hidden.add(row.code);
          layers.restyle(overlay, { hidden: new Set(style.hidden) });
        },
      }),
      symbol(row, overlay.kind),
      h("span", { class: "legend-label" }, row.label),
      h("span", { class: "legend-count", "data-testid": "class-count" }, countText(overlay.kind, counts.get(row.code) ?? 0, total))))));
}

/** @param {string} kind @param {number} count @param {number} total */
function countText(kind, count, total) {
  if (kind === "labels") return total ? percent(count / total) : "";
  return total ? interpolate(gettext("%(count)s (%(share)s)"), { count: number(count, 0), share: percent(count / total) }) : "";
}

/** @param {OverlayClass} row @param {string} kind */
function symbol(row, kind) {
  const canvas = h("canvas", { class: "legend-symbol", width: 32, height: 32, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  if (context) {
    context.fillStyle = row.colour;
    context.beginPath();
    addShape(context, kind === "cells" ? (row.shape ?? "circle") : "square", 16, 16, 11);
    context.fill();
  }
  return canvas;
}
