/**
 * Regions: GeoJSON polygons in level-0 px, outlined in the colour of their class.
 * @module
 */

/** @typedef {import("#app/lib/types.js").RegionsOverlay} RegionsOverlay */
/** @typedef {import("#app/lib/types.js").Frame} Frame */
/** @typedef {import("#app/lib/types.js").LayerStyle} LayerStyle */
/** @typedef {{geometry: {type: string, coordinates: any}, properties?: Record<string, any> | null}} Feature */

export class RegionsLayer {
  /**
   * @param {RegionsOverlay} overlay
   * @param {ArrayBuffer} bytes
   */
  constructor(overlay, bytes) {
    this.overlay = overlay;
    /** @type {Feature[]} */
    const features = JSON.parse(new TextDecoder().decode(bytes)).features;
    /** @type {Map<number, Path2D>} */
    this.paths = new Map();
    /** @type {Map<number, number>} */
    this.counts = new Map();
    for (const feature of features) {
      const code = codeOf(feature, overlay.classes);
      const path = this.paths.get(code) ?? new Path2D();
      this.paths.set(code, path);
      this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
      for (const ring of rings(feature.geometry)) addRing(path, ring);
    }
  }

  /** @param {Frame} frame @param {LayerStyle} style */
  draw({ context, matrix: m, pixelRatio, zoom }, style) {
    context.save();
    context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
    context.transform(m.a, m.b, m.c, m.d, m.e, m.f);
    context.lineWidth = 2 / zoom;
    for (const { code, colour } of this.overlay.classes) {
      const path = this.paths.get(code);
      if (!path || style.hidden.has(code)) continue;
      context.globalAlpha = style.opacity * 0.25;
      context.fillStyle = colour;
      context.fill(path, "evenodd");
      context.globalAlpha = style.opacity;
      context.strokeStyle = colour;
      context.stroke(path);
    }
    context.restore();
  }
}

/** @param {Feature} feature @param {{code: number, id: string}[]} classes */
export function codeOf(feature, classes) {
  const named = feature.properties?.["class"] ?? feature.properties?.["code"];
  const found = classes.find(({ code, id }) => id === named || code === named);
  return found?.code ?? classes[0]?.code ?? 0;
}

/** @param {{type: string, coordinates: any}} geometry @returns {[number, number][][]} */
export function rings(geometry) {
  if (geometry.type === "Polygon") return geometry.coordinates;
  if (geometry.type === "MultiPolygon") return geometry.coordinates.flat();
  return [];
}

/** @param {Path2D} path @param {[number, number][]} ring */
function addRing(path, ring) {
  ring.forEach(([x, y], index) => (index === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
  path.closePath();
}
