/**
 * The panel of analyses: a card per tool, rebuilt when a job changes state, updated in place while one runs.
 * @module
 */
import { h } from "#app/lib/dom.js";
import { gettext, interpolate } from "#app/lib/i18n.js";
import { firstShown } from "#app/overlay/layers.js";
import { showProgress, toolCard } from "#app/ui/tool-card.js";

/** @typedef {import("#app/lib/types.js").Job} Job */
/** @typedef {import("#app/lib/types.js").Tool} Tool */
/** @typedef {import("#app/viewer/analyses.js").Analyses} Analyses */
/** @typedef {import("#app/overlay/layers.js").Layers} Layers */

export class AnalysesPanel {
  /**
   * @param {HTMLElement} element
   * @param {{analyses: Analyses, layers: Layers, canRun: boolean,
   *   goTo: ((region: {x: number, y: number, width: number, height: number}) => void) | null}} parts
   */
  constructor(element, { analyses, layers, canRun, goTo }) {
    this.analyses = analyses;
    this.layers = layers;
    this.canRun = canRun;
    this.goTo = goTo;
    /** @type {Set<string>} results whose layers have been switched on once */
    this.met = new Set();
    /** @type {Set<string>} tools with a call under way */
    this.busy = new Set();
    /** @type {Map<string, string>} what the server refused, by tool */
    this.problems = new Map();
    /** @type {Map<string, {key: string, card: HTMLElement}>} */
    this.cards = new Map();
    this.list = h("div", { class: "tools" });
    this.problem = h("p", { class: "panel-problem", role: "alert", hidden: true });
    this.news = h("p", { class: "visually-hidden", "aria-live": "polite" });
    element.replaceChildren(h("div", { class: "panel-head" }, h("h2", {}, gettext("Analyses"))), this.problem, this.list, this.news);
    analyses.on("change", () => this.render());
    analyses.on("progress", (job) => {
      const known = this.cards.get(job.tool_id);
      if (known) showProgress(known.card, job);
    });
    this.list.append(h("p", { class: "panel-empty" }, gettext("Loading…")));
  }

  render() {
    const { analyses } = this;
    this.problem.hidden = !analyses.problem;
    this.problem.textContent = analyses.problem;
    if (!analyses.loaded) return;
    this.#meetResults();
    const tools = this.#tools();
    const cards = tools.map((tool) => this.#card(tool));
    if (cards.length === 0) cards.push(h("p", { class: "panel-empty" }, gettext("No tool is installed at this site.")));
    const same = cards.length === this.list.children.length && cards.every((card, index) => this.list.children[index] === card);
    if (!same) this.list.replaceChildren(...cards);
  }

  /** Tools of the site, then results of tools that are no longer offered. @returns {Tool[]} */
  #tools() {
    const { tools, jobs } = this.analyses;
    const known = new Set(tools.map(({ tool_id }) => tool_id));
    /** @type {Map<string, Tool>} */
    const past = new Map();
    for (const job of jobs) {
      if (known.has(job.tool_id) || past.has(job.tool_id)) continue;
      past.set(job.tool_id, {
        tool_version: job.tool_version, tool_id: job.tool_id, version: job.version, title: job.tool_title, summary: "",
        explanation: "", family: "", status: job.status, digest: job.digest, accepted: false,
        refusal: gettext("This tool is no longer offered at this site."), queue: "",
      });
    }
    const rank = (/** @type {Tool} */ tool) => {
      const state = this.analyses.newest(tool.tool_id)?.state;
      if (state) return state === "running" || state === "queued" ? 0 : 1;
      return tool.accepted ? 2 : 3;
    };
    return [...tools, ...past.values()].sort((one, other) => rank(one) - rank(other));
  }

  /** The card of a tool; the same element while nothing but progress has changed. @param {Tool} tool */
  #card(tool) {
    const newest = this.analyses.newest(tool.tool_id);
    const result = this.analyses.result(tool.tool_id);
    const key = JSON.stringify([
      tool, newest?.uuid, newest?.state, newest?.queue_position, newest?.can_cancel, result?.uuid,
      this.busy.has(tool.tool_id), this.problems.get(tool.tool_id),
    ]);
    const known = this.cards.get(tool.tool_id);
    if (known?.key === key) {
      if (newest?.state === "running") showProgress(known.card, newest);
      return known.card;
    }
    const card = toolCard(tool, newest, result, {
      canRun: this.canRun, busy: this.busy.has(tool.tool_id), problem: this.problems.get(tool.tool_id) ?? "",
      layers: this.layers, goTo: this.goTo,
      run: () => void this.#act(tool, () => this.analyses.run(tool)),
      cancel: (job) => void this.#act(tool, () => this.analyses.cancel(job)),
      retry: (job) => void this.#act(tool, () => this.analyses.retry(job)),
    });
    this.#keepFocus(known?.card, card);
    this.cards.set(tool.tool_id, { key, card });
    return card;
  }

  /** @param {HTMLElement | undefined} before @param {HTMLElement} after */
  #keepFocus(before, after) {
    if (!before?.contains(document.activeElement)) return;
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (after.querySelector("button:not([disabled])"))?.focus());
  }

  /** A result that appears for the first time shows its layers. */
  #meetResults() {
    const { analyses } = this;
    const first = this.met.size === 0;
    const results = [...new Set(analyses.jobs.map(({ tool_id }) => tool_id))]
      .map((tool) => analyses.result(tool)).filter((job) => job !== undefined);
    const fresh = results.filter((job) => !this.met.has(job.uuid));
    // On arrival only the newest result is laid over the slide; later each one as it comes.
    const shown = first ? fresh.toSorted((a, b) => (b.finished_at ?? "").localeCompare(a.finished_at ?? "")).slice(0, 1) : fresh;
    for (const job of fresh) this.met.add(job.uuid);
    this.layers.keep(new Set(results.flatMap((job) => job.overlays.map(({ uuid }) => uuid))));
    for (const job of shown) {
      const on = firstShown(job.overlays);
      for (const overlay of job.overlays) if (on.has(overlay.uuid)) this.layers.restyle(overlay, { visible: true });
      if (!first) this.news.textContent = interpolate(gettext("%(tool)s: the result is here."), { tool: job.tool_title });
    }
    // A slide without results yet: what comes next is news.
    this.met.add("arrived");
  }

  /** @param {Tool} tool @param {() => Promise<void>} action */
  async #act(tool, action) {
    this.busy.add(tool.tool_id);
    this.problems.delete(tool.tool_id);
    this.render();
    try {
      await action();
    } catch (error) {
      this.problems.set(tool.tool_id, /** @type {Error} */ (error).message);
    } finally {
      this.busy.delete(tool.tool_id);
      this.render();
    }
  }
}
