// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LiveSocket, backoff } from "#app/lib/socket.js";

/** @type {FakeSocket[]} */
let sockets = [];

class FakeSocket extends window.EventTarget {
  /** @param {string} url */
  constructor(url) {
    super();
    this.url = url;
    /** @type {string[]} */
    this.sent = [];
    sockets.push(this);
  }

  /** @param {string} text */
  send(text) { this.sent.push(text); }

  close() { /* the tests say when it closes */ }

  /** @param {object} message */
  say(message) { this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(message) })); }

  /** @param {number} code */
  drop(code) { this.dispatchEvent(Object.assign(new Event("close"), { code })); }
}

beforeEach(() => {
  sockets = [];
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** @returns {any} */
function handlers() {
  return { onReady: vi.fn(), onMessage: vi.fn(), onState: vi.fn() };
}

it("refetches on ready, also after it came back", () => {
  const heard = handlers();
  new LiveSocket("/ws/slides/u/", heard);
  sockets[0]?.say({ type: "ready" });
  sockets[0]?.say({ type: "job.changed", job: "j" });
  expect(heard.onReady).toHaveBeenCalledTimes(1);
  expect(heard.onMessage).toHaveBeenCalledWith({ type: "job.changed", job: "j" });
  sockets[0]?.drop(1006);
  expect(heard.onState).toHaveBeenLastCalledWith("waiting", 1006);
  vi.advanceTimersByTime(1000);
  sockets[1]?.say({ type: "ready" });
  expect(heard.onReady).toHaveBeenCalledTimes(2);
});

it("pings every 20 s and leaves a connection that does not answer", () => {
  const heard = handlers();
  new LiveSocket("/ws/slides/u/", heard);
  sockets[0]?.say({ type: "ready" });
  vi.advanceTimersByTime(40_000);
  expect(sockets[0]?.sent).toEqual(['{"type":"ping"}', '{"type":"ping"}']);
  vi.advanceTimersByTime(20_000);
  expect(heard.onState).toHaveBeenLastCalledWith("waiting", 1006);
});

it("does not come back where the person may not be", () => {
  const heard = handlers();
  new LiveSocket("/ws/slides/u/", heard);
  sockets[0]?.drop(4404);
  vi.advanceTimersByTime(60_000);
  expect(sockets).toHaveLength(1);
  expect(heard.onState).toHaveBeenLastCalledWith("closed", 4404);
});

it("waits longer each time, up to 15 s", () => {
  expect([0, 1, 2, 9].map((attempt) => backoff(attempt, () => 1))).toEqual([500, 1000, 2000, 15_000]);
  expect(backoff(9, () => 0)).toBe(7500);
});
