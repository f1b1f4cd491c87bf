/**
 * Opens OpenSeadragon on a slide.
 * @module
 */
import { OSD } from "#app/lib/osd.js";
import { tileSource } from "#app/viewer/tile-source.js";

/** @typedef {import("#app/lib/types.js").TileSourceConfig} TileSourceConfig */

/**
 * @param {HTMLElement} element
 * @param {TileSourceConfig} config
 * @returns {OpenSeadragon.Viewer}
 */
export function openViewer(element, config) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return new OSD.Viewer(/** @type {any} */ ({
    element,
    tileSources: tileSource(config),
    // The canvas drawer is the fast one without a graphics card, and fast enough with one.
    drawer: "canvas",
    maxTilesPerFrame: 12, imageLoaderLimit: 8, tileRetryMax: 2, tileRetryDelay: 800,
    maxImageCacheCount: 400,
    showNavigationControl: false, showNavigator: true, navigatorPosition: "TOP_RIGHT",
    navigatorSizeRatio: 0.16, navigatorMaintainSizeRatio: true, navigatorRotate: false, navigatorAutoFade: false, navigatorOpacity: 1,
    navigatorBackground: "#ffffff", navigatorBorderColor: "#3c3a4a", navigatorDisplayRegionColor: "#c2407a",
    keyboardNavEnabled: false, gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    animationTime: still ? 0 : 0.5, springStiffness: 9, zoomPerScroll: 1.35,
    maxZoomPixelRatio: 4, minZoomImageRatio: 0.7, visibilityRatio: 0.3, preserveImageSizeOnResize: true, placeholderFillStyle: "#f3f2f5",
  }));
}
