/**
 * The view in the address: centre in level-0 px, zoom in screen px per level-0 px, rotation in degrees.
 * Nothing about the patient.
 * @module
 */

/** @typedef {{x: number, y: number, zoom: number, rotation: number}} View */

/** @param {string} hash @returns {View | null} */
export function parseHash(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const [x, y, zoom] = ["x", "y", "z"].map((name) => Number(fields.get(name) ?? NaN));
  const rotation = Number(fields.get("r") ?? 0);
  if (x === undefined || y === undefined || zoom === undefined) return null;
  if (![x, y, zoom, rotation].every(Number.isFinite) || zoom <= 0) return null;
  return { x, y, zoom, rotation };
}

/** @param {View} view @returns {string} */
export function formatHash(view) {
  const turned = Math.round(((view.rotation % 360) + 360) % 360);
  const base = `#x=${Math.round(view.x)}&y=${Math.round(view.y)}&z=${Number(view.zoom.toPrecision(4))}`;
  return turned ? `${base}&r=${turned}` : base;
}

/**
 * Opens the view of the address, then keeps the address up to date.
 * @param {OpenSeadragon.Viewer} viewer
 */
export function keepInHash(viewer) {
  const asked = parseHash(location.hash);
  if (asked) show(viewer, asked);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  viewer.addHandler("viewport-change", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => history.replaceState(null, "", formatHash(viewOf(viewer))), 200);
  });
  window.addEventListener("hashchange", () => {
    const view = parseHash(location.hash);
    if (view) show(viewer, view);
  });
}

/** @param {OpenSeadragon.Viewer} viewer @param {View} view */
export function show(viewer, view) {
  const { viewport } = viewer;
  viewport.setRotation(view.rotation, true);
  viewport.zoomTo(viewport.imageToViewportZoom(view.zoom), undefined, true);
  viewport.panTo(viewport.imageToViewportCoordinates(view.x, view.y), true);
}

/** @param {OpenSeadragon.Viewer} viewer @returns {View} */
export function viewOf(viewer) {
  const { viewport } = viewer;
  const centre = viewport.viewportToImageCoordinates(viewport.getCenter());
  return {
    x: centre.x, y: centre.y,
    zoom: viewport.viewportToImageZoom(viewport.getZoom()),
    rotation: viewport.getRotation(),
  };
}
