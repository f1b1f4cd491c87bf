// @vitest-environment happy-dom
import { beforeEach, expect, it } from "vitest";
import { errorOf } from "#app/lib/api.js";
import { morph } from "#app/ui/case-live.js";
import { precisionText, valueText } from "#app/ui/score-card.js";
import { progressText, queueText } from "#app/ui/tool-card.js";

beforeEach(() => { document.documentElement.lang = "en"; });

const score = { unit: "%", n: 4312, interval: { low: 22.2, high: 24.7, level: 0.95, method: "wilson" } };

it("a score says its unit, n and interval", () => {
  expect(valueText(23.42, "%")).toBe("23.4 %");
  expect(valueText(null, "%")).toBe("–");
  expect(precisionText(/** @type {any} */ (score))).toBe("n = 4,312 · 95% CI 22.2–24.7 %");
});

it("a running job says its stage and speed, a queued one its place", () => {
  expect(progressText(/** @type {any} */ ({ stage: "detect", rate_per_s: 312.4 }))).toBe("detecting · 312 patches/s");
  expect(queueText(/** @type {any} */ ({ queue_position: 3 }))).toBe("Number 3 in the queue");
});

it("errors of the API keep their sentence, others get one", () => {
  expect(errorOf(400, '{"code":"wrong_stain","message":"Choose Ki-67."}')).toMatchObject({ code: "wrong_stain", message: "Choose Ki-67." });
  expect(errorOf(502, "<html>").message).not.toBe("");
});

it("cards that did not change stay the same elements", () => {
  const shown = document.createElement("div");
  shown.innerHTML = '<a data-slide="1">ready</a><div data-slide="2">Being registered</div>';
  const [first] = shown.children;
  const fresh = document.createElement("div");
  fresh.innerHTML = '<a data-slide="1">ready</a><a data-slide="2">ready</a>';
  morph(shown, fresh);
  expect(shown.children[0]).toBe(first);
  expect(shown.textContent).toBe("readyready");
});
