/**
 * The smallest event source: listeners by name.
 * @module
 */

export class Emitter {
  constructor() {
    /** @type {Map<string, ((detail: any) => void)[]>} */
    this.listeners = new Map();
  }

  /** @param {string} name @param {(detail: any) => void} listener */
  on(name, listener) {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
  }

  /** @param {string} name @param {unknown} [detail] */
  emit(name, detail) {
    for (const listener of this.listeners.get(name) ?? []) listener(detail);
  }
}
