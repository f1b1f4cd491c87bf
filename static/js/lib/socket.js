/**
 * A socket that comes back: reconnects with backoff and jitter, pings every 20 s, and says when it is
 * up. Its messages are hints; `onReady` is where the page refetches what it may have missed.
 * @module
 */

/** @typedef {"connecting" | "open" | "waiting" | "closed"} SocketState */
/** @typedef {{type: string} & Record<string, any>} Message */

const PING_MS = 20_000;
const SILENCE_MS = 50_000;
const BACKOFF_MS = [500, 1000, 2000, 4000, 8000, 15_000];
/** Closed for good: signed out, or not visible to this person any more. */
const FINAL = new Set([4401, 4404]);

export class LiveSocket {
  /**
   * @param {string} path
   * @param {{onReady: () => void, onMessage: (message: Message) => void,
   *   onState?: (state: SocketState, code: number) => void}} handlers
   */
  constructor(path, handlers) {
    this.url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    this.handlers = handlers;
    /** @type {SocketState} */
    this.state = "connecting";
    this.attempt = 0;
    this.heard = 0;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retry = undefined;
    this.timer = setInterval(() => this.#beat(), PING_MS);
    window.addEventListener("online", () => this.#hurry());
    this.#open();
  }

  close() {
    clearInterval(this.timer);
    clearTimeout(this.retry);
    this.#become("closed", 1000);
    this.socket?.close();
  }

  #open() {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.addEventListener("message", (event) => {
      if (socket === this.socket) this.#receive(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.#lost(event.code);
    });
  }

  /** @param {Message} message */
  #receive(message) {
    this.heard = Date.now();
    if (message.type === "ready") {
      this.attempt = 0;
      this.#become("open", 0);
      this.handlers.onReady();
    } else if (message.type !== "pong") {
      this.handlers.onMessage(message);
    }
  }

  /** @param {number} code */
  #lost(code) {
    if (this.state === "closed") return;
    if (FINAL.has(code)) {
      clearInterval(this.timer);
      this.#become("closed", code);
      return;
    }
    this.#become("waiting", code);
    this.retry = setTimeout(() => this.#open(), backoff(this.attempt));
    this.attempt += 1;
  }

  /** The network is back: no need to wait. */
  #hurry() {
    if (this.state !== "waiting") return;
    clearTimeout(this.retry);
    this.#open();
  }

  #beat() {
    if (this.state !== "open" || !this.socket) return;
    if (Date.now() - this.heard > SILENCE_MS) {
      // A dead connection that the system has not noticed: a new one is opened.
      const dead = this.socket;
      this.socket = null;
      dead.close();
      this.#lost(1006);
      return;
    }
    this.socket.send(JSON.stringify({ type: "ping" }));
  }

  /** @param {SocketState} state @param {number} code */
  #become(state, code) {
    if (state === this.state) return;
    this.state = state;
    this.handlers.onState?.(state, code);
  }
}

/**
 * How long to wait before the next attempt: doubling, with half of it drawn at random so that a
 * restarted server is not met by every browser at once.
 * @param {number} attempt
 * @param {() => number} [random]
 */
export function backoff(attempt, random = Math.random) {
  const full = BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)] ?? 15_000;
  return full / 2 + (random() * full) / 2;
}
