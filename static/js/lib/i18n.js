/**
 * Texts and numbers in the reader's language. Texts come from Django's JavaScript catalogue; where a
 * page has none (tests), the English source text stands.
 * @module
 */

/** @typedef {{gettext?: (id: string) => string, ngettext?: (one: string, many: string, n: number) => string}} Catalogue */

const catalogue = /** @type {Catalogue} */ (/** @type {unknown} */ (globalThis));

/** @param {string} id the English source text @returns {string} */
export function gettext(id) {
  return catalogue.gettext ? catalogue.gettext(id) : id;
}

/** @param {string} one @param {string} many @param {number} n @returns {string} */
export function ngettext(one, many, n) {
  if (catalogue.ngettext) return catalogue.ngettext(one, many, n);
  return n === 1 ? one : many;
}

/**
 * Fills `%(name)s` in a translated text.
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function interpolate(text, values) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => String(values[name] ?? whole));
}

/** @returns {string} the page's language */
export function language() {
  return globalThis.document?.documentElement.lang || "en";
}

/** @param {number} value @param {number} [digits] most digits after the point @returns {string} */
export function number(value, digits = 1) {
  return new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(value);
}

/**
 * Three significant digits for small values, whole numbers above a hundred.
 * @param {number} value
 */
export function measure(value) {
  const size = Math.abs(value);
  return number(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** @param {number} fraction 0..1 */
export function percent(fraction) {
  return new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: 0 }).format(fraction);
}

/** @param {string | null} iso */
export function dateTime(iso) {
  if (!iso) return "";
  return new Intl.DateTimeFormat(language(), { dateStyle: "short", timeStyle: "short" }).format(new Date(iso));
}
