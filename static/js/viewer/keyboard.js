/**
 * The viewer's keys. Letters and digits by their place on the keyboard (AZERTY digits need no shift),
 * signs by what they write. Nothing fires while a person types or a dialog is open.
 * @module
 */
import { gettext } from "#app/lib/i18n.js";

/**
 * @typedef {object} Commands
 * @property {() => void} fit
 * @property {(index: number) => void} preset 0-based
 * @property {(factor: number) => void} zoomBy
 * @property {(x: number, y: number) => void} pan in parts of the field
 * @property {(degrees: number) => void} rotateBy
 * @property {() => void} fullScreen
 * @property {(step: number) => void} otherSlide
 * @property {() => void} toggleOverlays
 * @property {(on: boolean) => void} peek
 * @property {() => void} togglePanel
 * @property {() => void} toggleTray
 * @property {() => void} help
 */

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param {Commands} commands
 * @returns {(event: KeyboardEvent) => boolean} true where the key did something
 */
export function keyHandler(commands) {
  /** @type {Record<string, (event: KeyboardEvent) => void>} */
  const byCode = {
    Digit0: commands.fit, Numpad0: commands.fit, Home: commands.fit,
    KeyR: ({ shiftKey }) => commands.rotateBy(shiftKey ? -90 : 90),
    KeyF: commands.fullScreen, KeyA: commands.toggleOverlays, KeyP: commands.togglePanel, KeyT: commands.toggleTray,
    KeyH: () => commands.peek(true),
    PageUp: () => commands.otherSlide(-1), PageDown: () => commands.otherSlide(1),
  };
  /** @type {Record<string, () => void>} */
  const byKey = {
    "+": () => commands.zoomBy(1.5), "=": () => commands.zoomBy(1.5), "-": () => commands.zoomBy(1 / 1.5),
    "?": commands.help, "[": () => commands.otherSlide(-1), "]": () => commands.otherSlide(1),
  };
  return (event) => {
    const arrow = ARROWS[event.code];
    const digit = /^(?:Digit|Numpad)([1-6])$/.exec(event.code);
    // What a key writes comes before where it lies: on AZERTY "-" is Digit6 without shift.
    const action = byKey[event.key] ?? byCode[event.code];
    if (arrow) commands.pan(arrow[0] * (event.shiftKey ? 0.9 : 0.2), arrow[1] * (event.shiftKey ? 0.9 : 0.2));
    else if (action && !(digit && event.key === "-")) action(event);
    else if (digit) commands.preset(Number(digit[1]) - 1);
    else return false;
    return true;
  };
}

/** @param {Event} event */
export function isTyping(event) {
  const target = event.target instanceof HTMLElement ? event.target : null;
  return Boolean(target?.closest("input, select, textarea, dialog[open]"));
}

/** @param {Commands} commands */
export function listenToKeys(commands) {
  const handle = keyHandler(commands);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    if (handle(event)) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.code === "KeyH") commands.peek(false);
  });
  window.addEventListener("blur", () => commands.peek(false));
}

/** @returns {[string[], string][]} keys and what they do */
export function shortcuts() {
  return [
    [["1", "…", "6"], gettext("1×, 2×, 5×, 10×, 20×, 40×")],
    [["0"], gettext("whole slide")],
    [["+", "-"], gettext("closer, farther")],
    [["←", "→", "↑", "↓"], gettext("move (with Shift: a whole field)")],
    [["R"], gettext("rotate (with Shift: back)")],
    [["F"], gettext("full screen")],
    [["["], gettext("previous slide")],
    [["]"], gettext("next slide")],
    [["A"], gettext("layers on or off")],
    [["H"], gettext("hold: look under the layers")],
    [["P"], gettext("panel of analyses")],
    [["T"], gettext("slides of the case")],
    [["?"], gettext("this help")],
  ];
}
