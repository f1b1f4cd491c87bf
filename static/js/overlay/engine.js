/**
 * The one canvas above the slide: redraws all visible layers when the view or a layer changes, at most
 * once a frame.
 * @module
 */
import { matrixOf, visibleBounds } from "#app/overlay/matrix.js";

/** @typedef {import("#app/lib/types.js").Layer} Layer */
/** @typedef {import("#app/lib/types.js").LayerStyle} LayerStyle */
/** @typedef {import("#app/lib/types.js").Frame} Frame */

/** Grids first, then regions, cells on top. */
const ORDER = ["scalar", "labels", "regions", "cells"];
/** Drawing on the processor: sharper screens get 1.5 times their CSS pixels at most. */
const MOST_PIXEL_RATIO = 1.5;

export class OverlayEngine {
  /**
   * @param {OpenSeadragon.Viewer} viewer
   * @param {{width: number, mpp: number}} slide
   */
  constructor(viewer, slide) {
    this.viewer = viewer;
    this.slide = slide;
    /** @type {Map<string, {kind: string, layer: Layer, style: LayerStyle}>} */
    this.layers = new Map();
    this.hidden = false;
    this.asked = 0;
    this.drawn = 0;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "overlay-canvas";
    this.canvas.setAttribute("aria-hidden", "true");
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    viewer.canvas.append(this.canvas);
    for (const name of /** @type {any[]} */ (["update-viewport", "resize", "open", "rotate", "flip"])) {
      viewer.addHandler(name, () => this.redraw());
    }
    new ResizeObserver(() => this.redraw()).observe(viewer.canvas);
  }

  /** @param {string} id @param {string} kind @param {Layer} layer @param {LayerStyle} style */
  put(id, kind, layer, style) {
    this.layers.set(id, { kind, layer, style });
    this.redraw();
  }

  /** @param {string} id */
  remove(id) {
    if (this.layers.delete(id)) this.redraw();
  }

  /** @param {boolean} hidden */
  setHidden(hidden) {
    this.hidden = hidden;
    this.redraw();
  }

  redraw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.#draw();
    });
  }

  #draw() {
    const width = this.viewer.canvas.clientWidth;
    const height = this.viewer.canvas.clientHeight;
    const pixelRatio = Math.min(devicePixelRatio || 1, MOST_PIXEL_RATIO);
    const pixels = [Math.round(width * pixelRatio), Math.round(height * pixelRatio)];
    if (this.canvas.width !== pixels[0] || this.canvas.height !== pixels[1]) {
      [this.canvas.width, this.canvas.height] = /** @type {[number, number]} */ (pixels);
    } else {
      this.context.setTransform(1, 0, 0, 1, 0, 0);
      this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    }
    const shown = [...this.layers.values()].filter(({ style }) => style.visible && style.opacity > 0);
    this.canvas.dataset["layers"] = String(this.hidden ? 0 : shown.length);
    this.drawn += 1;
    if (this.hidden || shown.length === 0 || !width || !this.viewer.isOpen()) return;
    const frame = this.#frame(width, height, pixelRatio);
    shown.sort((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind));
    for (const { layer, style } of shown) layer.draw(frame, style);
  }

  /** @param {number} width @param {number} height @param {number} pixelRatio @returns {Frame} */
  #frame(width, height, pixelRatio) {
    const matrix = matrixOf(this.viewer.viewport, this.slide.width, width);
    return {
      context: this.context, matrix, width, height, pixelRatio,
      zoom: Math.hypot(matrix.a, matrix.b), mpp: this.slide.mpp,
      bounds: visibleBounds(matrix, width, height),
    };
  }
}
