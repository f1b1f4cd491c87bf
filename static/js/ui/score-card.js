/**
 * A score with everything needed to read it: unit, n, interval, category, thresholds, interpretation.
 * @module
 */
import { h } from "#app/lib/dom.js";
import { gettext, interpolate, measure, number, percent } from "#app/lib/i18n.js";

/** @typedef {import("#app/lib/types.js").Score} Score */

/** @param {number | null} value @param {string} unit */
export function valueText(value, unit) {
  if (value === null) return "–";
  return unit ? `${measure(value)} ${unit}` : measure(value);
}

/** @param {Score} score @returns {string} "n = 4 312 · 95 % CI 21.3–24.8 %" */
export function precisionText({ n, interval, unit }) {
  const parts = [];
  if (n !== null) parts.push(`n = ${number(n, 0)}`);
  if (interval) {
    parts.push(interpolate(gettext("%(level)s CI %(low)s–%(high)s"), {
      level: percent(interval.level), low: measure(interval.low), high: valueText(interval.high, unit),
    }));
  }
  return parts.join(" · ");
}

/** @param {Score} score @returns {HTMLElement} */
export function leadScore(score) {
  const precision = precisionText(score);
  return h("div", { class: "score-lead", "data-testid": "score", "data-key": score.key, "data-value": score.value },
    h("div", { class: "score-label" }, score.label),
    h("div", { class: "score-row" },
      h("span", { class: "score-value" }, valueText(score.value, score.unit)),
      score.category && h("span", { class: "badge badge-accent", "data-testid": "category" }, score.category.label)),
    precision && h("div", { class: "score-precision", title: score.interval?.method }, precision),
    score.thresholds.length > 0 && h("div", { class: "score-precision" },
      `${gettext("Thresholds")} ${score.thresholds.map((value) => valueText(value, score.unit)).join(" · ")}`),
    score.interpretation && h("p", { class: "score-text" }, score.interpretation));
}

/** @param {Score[]} scores @returns {HTMLElement} the scores after the first, as a table */
export function otherScores(scores) {
  return h("dl", { class: "score-list" }, ...scores.flatMap((score) => [
    h("dt", {}, score.label),
    h("dd", {
      "data-testid": "score", "data-key": score.key, "data-value": score.value,
      title: [precisionText(score), score.interpretation].filter(Boolean).join("\n"),
    }, score.value === null && score.category ? "" : valueText(score.value, score.unit),
    score.category && h("span", { class: "score-category" }, ` ${score.category.label}`)),
  ]));
}
