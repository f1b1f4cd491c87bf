/**
 * The icons of the toolbar, drawn here so that no font is needed.
 * @module
 */

const NAMESPACE = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} paths in a 20 × 20 box */
const PATHS = {
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  fit: "M3 5h14v10H3zM7 8h6v4H7z",
  rotate: "M15.5 7A6.5 6.5 0 1 0 16.5 11M16 3v4.5h-4.5",
  screen: "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4",
  layers: "M10 3l7.5 4L10 11 2.500 7zM3 10.500l7 4 7-4M3 13.500l7 4 7-4",
  help: "M7 7.200a3 3 0 1 1 4.200 2.800c-.9.4-1.200.9-1.200 2M10 15v.600",
};

/** @param {keyof typeof PATHS} name @returns {SVGSVGElement} */
export function icon(name) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NAMESPACE, "path");
  path.setAttribute("d", PATHS[name] ?? "");
  svg.append(path);
  return svg;
}
