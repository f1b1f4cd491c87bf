/**
 * What keys and buttons do to the view.
 * @module
 */
import { OSD } from "#app/lib/osd.js";
import { PRESETS, zoomFor } from "#app/viewer/magnification.js";
import { neighbour } from "#app/viewer/tray.js";

/** @typedef {import("#app/viewer/keyboard.js").Commands} Commands */
/** @typedef {import("#app/lib/types.js").ViewerConfig} ViewerConfig */

/**
 * @param {OpenSeadragon.Viewer | null} viewer null where the slide has no picture
 * @param {ViewerConfig} config
 * @param {import("#app/overlay/engine.js").OverlayEngine | null} engine
 * @param {{toggle: (side: "panel" | "tray") => void, help: () => void, overlays: (on: boolean) => void}} page
 * @returns {Commands}
 */
export function makeCommands(viewer, config, engine, page) {
  const mpp = config.slide.mpp_x;
  const viewport = () => (viewer?.isOpen() ? viewer.viewport : null);
  let on = true;
  const apply = (/** @type {boolean} */ peek) => engine?.setHidden(!on || peek);
  return {
    fit: () => viewport()?.goHome(),
    preset(index) {
      const port = viewport();
      const preset = PRESETS[index];
      if (port && mpp && preset) port.zoomTo(port.imageToViewportZoom(zoomFor(preset, mpp)));
    },
    zoomBy: (factor) => void viewport()?.zoomBy(factor).applyConstraints(),
    pan(x, y) {
      const port = viewport();
      if (!port) return;
      const size = port.getBoundsNoRotate();
      const delta = new OSD.Point(x * size.width, y * size.height).rotate(-port.getRotation());
      port.panBy(delta).applyConstraints();
    },
    rotateBy: (degrees) => void viewport()?.rotateBy(degrees),
    fullScreen() {
      if (document.fullscreenElement) void document.exitFullscreen();
      else void document.documentElement.requestFullscreen?.();
    },
    otherSlide(step) {
      const slide = neighbour(config.tray, config.slide.uuid, step);
      if (slide) location.assign(slide.page_url);
    },
    toggleOverlays() {
      on = !on;
      apply(false);
      page.overlays(on);
    },
    peek: apply,
    togglePanel: () => page.toggle("panel"),
    toggleTray: () => page.toggle("tray"),
    help: page.help,
  };
}

/**
 * Shows a finding with some tissue around it.
 * @param {OpenSeadragon.Viewer} viewer
 * @param {{x: number, y: number, width: number, height: number}} region level-0 px
 */
export function goToRegion(viewer, { x, y, width, height }) {
  const margin = Math.max(width, height) * 0.15;
  const { viewport } = viewer;
  viewport.fitBounds(viewport.imageToViewportRectangle(x - margin, y - margin, width + 2 * margin, height + 2 * margin));
}
