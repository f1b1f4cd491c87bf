/**
 * The layers of the results on this slide: loaded when first shown, styled by the person, drawn by the
 * engine. Files never change, so each is fetched once.
 * @module
 */
import { getBytes } from "#app/lib/api.js";
import { Emitter } from "#app/lib/emitter.js";
import { CellsLayer } from "#app/overlay/cells-layer.js";
import { GridLayer } from "#app/overlay/grid-layer.js";
import { RegionsLayer } from "#app/overlay/regions-layer.js";

/** @typedef {import("#app/lib/types.js").Overlay} Overlay */
/** @typedef {import("#app/lib/types.js").Layer} Layer */
/** @typedef {import("#app/lib/types.js").LayerStyle} LayerStyle */
/** @typedef {"idle" | "loading" | "ready" | "failed"} LayerState */
/** @typedef {{overlay: Overlay, style: LayerStyle, state: LayerState, layer: Layer | null}} LayerEntry */

/** @param {Overlay} overlay @returns {LayerStyle} */
export function defaultStyle(overlay) {
  const scalar = overlay.kind === "scalar";
  return {
    visible: false,
    opacity: overlay.kind === "cells" ? 1 : 0.55,
    colormap: scalar ? overlay.colormap || "viridis" : "viridis",
    threshold: scalar ? (overlay.default_threshold ?? overlay.min) : 0,
    hidden: new Set(),
  };
}

/** @param {Overlay} overlay @param {ArrayBuffer} bytes @returns {Layer} */
export function makeLayer(overlay, bytes) {
  if (overlay.kind === "cells") return new CellsLayer(overlay, bytes);
  if (overlay.kind === "regions") return new RegionsLayer(overlay, bytes);
  return new GridLayer(overlay, bytes);
}

/**
 * Which of a fresh result's layers are switched on: its objects and its first map.
 * @param {Overlay[]} overlays
 * @returns {Set<string>} uuids
 */
export function firstShown(overlays) {
  const map = overlays.find(({ kind }) => kind === "scalar") ?? overlays.find(({ kind }) => kind === "labels");
  const objects = overlays.filter(({ kind }) => kind === "cells" || kind === "regions");
  return new Set([...objects, ...(map ? [map] : [])].map(({ uuid }) => uuid));
}

export class Layers extends Emitter {
  /** @param {import("#app/overlay/engine.js").OverlayEngine | null} engine */
  constructor(engine) {
    super();
    this.engine = engine;
    /** @type {Map<string, LayerEntry>} */
    this.entries = new Map();
  }

  /** @param {Overlay} overlay @returns {LayerEntry} */
  entry(overlay) {
    const known = this.entries.get(overlay.uuid);
    if (known) return known;
    /** @type {LayerEntry} */
    const made = { overlay, style: defaultStyle(overlay), state: "idle", layer: null };
    this.entries.set(overlay.uuid, made);
    return made;
  }

  /** @param {Overlay} overlay @param {Partial<LayerStyle>} change */
  restyle(overlay, change) {
    const entry = this.entry(overlay);
    Object.assign(entry.style, change);
    if (entry.style.visible && (entry.state === "idle" || entry.state === "failed")) void this.#load(entry);
    this.engine?.redraw();
  }

  /** Drops the layers of results that are no longer shown. @param {Set<string>} uuids those that stay */
  keep(uuids) {
    for (const uuid of [...this.entries.keys()]) {
      if (uuids.has(uuid)) continue;
      this.entries.delete(uuid);
      this.engine?.remove(uuid);
    }
  }

  /** @param {LayerEntry} entry */
  async #load(entry) {
    const { overlay } = entry;
    this.#become(entry, "loading");
    try {
      entry.layer = makeLayer(overlay, await getBytes(overlay.url));
      if (this.entries.get(overlay.uuid) === entry) {
        this.engine?.put(overlay.uuid, overlay.kind, entry.layer, entry.style);
      }
      this.#become(entry, "ready");
    } catch {
      entry.style.visible = false;
      this.#become(entry, "failed");
    }
  }

  /** @param {LayerEntry} entry @param {LayerState} state */
  #become(entry, state) {
    entry.state = state;
    this.emit("layer", entry.overlay.uuid);
  }
}
