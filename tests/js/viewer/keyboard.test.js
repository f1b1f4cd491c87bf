// @vitest-environment happy-dom
import { expect, it, vi } from "vitest";
import { keyHandler } from "#app/viewer/keyboard.js";

/** @returns {any} */
function commands() {
  const names = ["fit", "preset", "zoomBy", "pan", "rotateBy", "fullScreen", "otherSlide", "toggleOverlays", "peek", "togglePanel", "toggleTray", "help"];
  return Object.fromEntries(names.map((name) => [name, vi.fn()]));
}

it.each([
  [{ code: "Digit5", key: "5" }, "preset", [4]],
  [{ code: "Digit5", key: "(" }, "preset", [4]], // AZERTY without shift
  [{ code: "Digit0", key: "à" }, "fit", null],
  [{ code: "Equal", key: "+" }, "zoomBy", [1.5]],
  [{ code: "ArrowLeft", key: "ArrowLeft" }, "pan", [-0.2, 0]],
  [{ code: "ArrowDown", key: "ArrowDown", shiftKey: true }, "pan", [0, 0.9]],
  [{ code: "KeyR", key: "R", shiftKey: true }, "rotateBy", [-90]],
  [{ code: "Digit5", key: "[" }, "otherSlide", [-1]], // AZERTY with AltGr
  [{ code: "KeyH", key: "h" }, "peek", [true]],
])("%o does %s", (event, name, args) => {
  const made = commands();
  expect(keyHandler(made)(new window.KeyboardEvent("keydown", event))).toBe(true);
  expect(made[name]).toHaveBeenCalledOnce();
  if (args) expect(made[name]).toHaveBeenCalledWith(...args);
});

it("leaves other keys alone", () => {
  expect(keyHandler(commands())(new window.KeyboardEvent("keydown", { code: "KeyZ", key: "z" }))).toBe(false);
});
