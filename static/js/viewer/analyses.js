/**
 * The tools and jobs of the slide, kept up to date: the socket's messages are hints to refetch, polling
 * stands in while the socket is down, and a queued job's place is asked for again now and then.
 * @module
 */
import { getJson, postJson } from "#app/lib/api.js";
import { Emitter } from "#app/lib/emitter.js";
import { LiveSocket } from "#app/lib/socket.js";

/** @typedef {import("#app/lib/types.js").Job} Job */
/** @typedef {import("#app/lib/types.js").Tool} Tool */

const POLL_MS = 5000;
const GATHER_MS = 60;

export class Analyses extends Emitter {
  /** @param {{slide: string, tools: string, jobs: string, socket: string}} api */
  constructor(api) {
    super();
    this.api = api;
    /** @type {Tool[]} */
    this.tools = [];
    /** @type {Job[]} newest first */
    this.jobs = [];
    this.loaded = false;
    /** @type {string} */
    this.problem = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.gathering = undefined;
    this.sequence = 0;
  }

  start() {
    this.socket = new LiveSocket(this.api.socket, {
      onReady: () => void this.refresh(),
      onMessage: (message) => this.#hear(message),
      onState: (state, code) => this.emit("connection", { state, code }),
    });
    setInterval(() => this.#poll(), POLL_MS);
    void this.refresh();
  }

  /** Fetches everything again; only the latest answer counts. */
  async refresh() {
    this.sequence += 1;
    const sequence = this.sequence;
    try {
      const [tools, jobs] = await Promise.all([getJson(this.api.tools), getJson(this.api.jobs)]);
      if (sequence !== this.sequence) return;
      this.tools = tools;
      this.jobs = jobs;
      this.loaded = true;
      this.problem = "";
    } catch (error) {
      if (sequence !== this.sequence) return;
      this.problem = /** @type {Error} */ (error).message;
    }
    this.emit("change");
  }

  /** @param {Tool} tool */
  async run(tool) {
    await this.#act(() => postJson(this.api.jobs, { tool_version: tool.tool_version }));
  }

  /** @param {Job} job */
  async cancel(job) {
    await this.#act(() => postJson(`/api/v1/jobs/${job.uuid}/cancel/`));
  }

  /** @param {Job} job */
  async retry(job) {
    await this.#act(() => postJson(`/api/v1/jobs/${job.uuid}/retry/`));
  }

  /** The newest job of a tool, whatever its version. @param {string} toolId @returns {Job | undefined} */
  newest(toolId) {
    return this.jobs.find((job) => job.tool_id === toolId);
  }

  /** The newest result of a tool. @param {string} toolId @returns {Job | undefined} */
  result(toolId) {
    return this.jobs.find((job) => job.tool_id === toolId && job.state === "succeeded");
  }

  /** @param {() => Promise<unknown>} action */
  async #act(action) {
    try {
      await action();
    } finally {
      await this.refresh();
    }
  }

  /** @param {import("#app/lib/socket.js").Message} message */
  #hear(message) {
    if (message.type === "job.progress") {
      const job = this.jobs.find(({ uuid }) => uuid === message["job"]);
      if (job && (job.state === "running" || job.state === "queued")) {
        const { stage, fraction, rate_per_s } = /** @type {any} */ (message);
        Object.assign(job, { stage, fraction, rate_per_s });
        if (job.state === "running") {
          this.emit("progress", job);
          return;
        }
      } else if (job) {
        return;
      }
    }
    if (message.type === "slide.changed") this.emit("slide", message);
    clearTimeout(this.gathering);
    this.gathering = setTimeout(() => void this.refresh(), GATHER_MS);
  }

  #poll() {
    const down = this.socket?.state !== "open" && this.socket?.state !== "closed";
    if (down || this.jobs.some(({ state }) => state === "queued")) void this.refresh();
  }
}
