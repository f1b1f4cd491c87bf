/**
 * One tool on this slide: what it does, why it refuses, its running job, its result and layers.
 * @module
 */
import { h } from "#app/lib/dom.js";
import { dateTime, gettext, interpolate, number, percent } from "#app/lib/i18n.js";
import { layerControls } from "#app/ui/layer-controls.js";
import { leadScore, otherScores } from "#app/ui/score-card.js";

/** @typedef {import("#app/lib/types.js").Job} Job */
/** @typedef {import("#app/lib/types.js").Tool} Tool */
/** @typedef {{canRun: boolean, busy: boolean, problem: string, run: () => void, cancel: (job: Job) => void,
 *   retry: (job: Job) => void, layers: import("#app/overlay/layers.js").Layers,
 *   goTo: ((region: {x: number, y: number, width: number, height: number}) => void) | null}} CardContext */

/** @returns {Record<string, string>} */
function stages() {
  return {
    open: gettext("opening the slide"), tissue: gettext("finding the tissue"), detect: gettext("detecting"),
    features: gettext("measuring"), score: gettext("computing the scores"), write: gettext("writing the result"),
  };
}

/** @param {Job} job @returns {string} "detecting · 312 patches/s" */
export function progressText(job) {
  const rate = job.rate_per_s ? interpolate(gettext("%(rate)s patches/s"), { rate: number(job.rate_per_s, job.rate_per_s < 10 ? 1 : 0) }) : "";
  return [stages()[job.stage] ?? job.stage, rate].filter(Boolean).join(" · ");
}

/** @param {Job} job @returns {string} */
export function queueText(job) {
  if (job.queue_position === null) return gettext("Waiting for a worker");
  if (job.queue_position <= 1) return gettext("Next in the queue");
  return interpolate(gettext("Number %(position)s in the queue"), { position: job.queue_position });
}

/** @param {Job | undefined} job @returns {{active?: Job, ended?: Job}} under way, or ended without a result */
function phase(job) {
  if (job?.state === "queued" || job?.state === "running") return { active: job };
  return job?.state === "failed" || job?.state === "cancelled" ? { ended: job } : {};
}

/**
 * @param {Tool} tool
 * @param {Job | undefined} newest
 * @param {Job | undefined} result
 * @param {CardContext} context
 * @returns {HTMLElement}
 */
export function toolCard(tool, newest, result, context) {
  const { active, ended } = phase(newest);
  const card = h("article", {
    class: "tool", "data-testid": "tool", "data-tool": tool.tool_id, "data-state": newest?.state ?? "none",
  },
  h("header", { class: "tool-head" },
    h("h3", {}, tool.title),
    h("span", { class: "tool-version" }, `v${tool.version}`),
    h("span", { class: "badge badge-ruo", title: gettext("Research use only: not for diagnosis") }, gettext("RUO"))),
  !result && h("p", { class: "tool-summary" }, tool.summary),
  context.problem && h("p", { class: "tool-problem", role: "alert" }, context.problem));
  if (active) card.append(activeJob(active, context));
  if (ended) card.append(endedJob(ended, tool, context));
  if (result) card.append(resultOf(result, context));
  const start = active || ended ? null : startRow(tool, result, context);
  if (start) card.append(start);
  return card;
}

/** @param {Tool} tool @param {Job | undefined} result @param {CardContext} context @returns {HTMLElement | null} */
function startRow(tool, result, context) {
  if (!tool.accepted) return h("p", { class: "tool-refusal", "data-testid": "refusal" }, tool.refusal ?? "");
  if (!context.canRun) return result ? null : h("p", { class: "tool-refusal" }, gettext("You may read results here, not start an analysis."));
  return h("div", { class: "tool-actions" }, h("button", {
    type: "button", class: result ? "button button-quiet" : "button button-primary", "data-testid": "run",
    disabled: context.busy, onclick: context.run,
  }, result ? gettext("Run again") : gettext("Run")));
}

/** @param {Job} job @param {CardContext} context */
function activeJob(job, context) {
  const running = job.state === "running";
  return h("div", { class: "job", "data-testid": "job", "data-job": job.uuid, "data-state": job.state },
    h("div", { class: "job-line", role: "status" },
      h("strong", {}, running ? job.state_label : queueText(job)),
      h("span", { class: "job-percent", "data-testid": "percent" }, running ? percent(job.fraction) : "")),
    h("progress", { max: 1, value: running ? job.fraction : null, "aria-label": gettext("Progress") }),
    h("div", { class: "job-line" },
      h("span", { class: "job-stage", "data-testid": "stage" }, running ? progressText(job) : ""),
      job.can_cancel && h("button", {
        type: "button", class: "button button-quiet", "data-testid": "cancel", disabled: context.busy,
        onclick: () => context.cancel(job),
      }, gettext("Cancel"))));
}

/** Updates a running job in place, so that focus and sliders stay. @param {HTMLElement} card @param {Job} job */
export function showProgress(card, job) {
  const bar = card.querySelector("progress");
  if (bar) bar.value = job.fraction;
  const text = card.querySelector("[data-testid=percent]");
  const shown = percent(job.fraction);
  if (text && text.textContent !== shown) text.textContent = shown;
  const stage = card.querySelector("[data-testid=stage]");
  if (stage) stage.textContent = progressText(job);
}

/** @param {Job} job @param {Tool} tool @param {CardContext} context */
function endedJob(job, tool, context) {
  const failed = job.state === "failed";
  const retry = context.canRun && (job.can_retry || tool.accepted);
  return h("div", { class: failed ? "job job-failed" : "job", "data-testid": "job", "data-job": job.uuid, "data-state": job.state, role: "status" },
    h("strong", {}, job.state_label),
    job.error && h("p", { "data-testid": "job-error" }, job.error.message),
    retry && h("div", { class: "tool-actions" }, h("button", {
      type: "button", class: "button", "data-testid": "retry", disabled: context.busy,
      onclick: () => (job.can_retry ? context.retry(job) : context.run()),
    }, gettext("Try again"))));
}

/** @param {Job} job @param {CardContext} context */
function resultOf(job, context) {
  const [lead, ...others] = job.scores;
  return h("div", { class: "result", "data-testid": "result", "data-job": job.uuid },
    lead && leadScore(lead),
    others.length > 0 && otherScores(others),
    ...job.messages.map((message) => h("p", { class: "result-message" }, message)),
    context.goTo && findings(job, context.goTo),
    job.overlays.length > 0 && h("div", { class: "layers" }, ...job.overlays.map((overlay) => layerControls(context.layers, overlay))),
    h("p", { class: "provenance" }, [`v${job.version}`, job.digest.slice(0, 8), dateTime(job.finished_at), job.device].filter(Boolean).join(" · ")));
}

/** @param {Job} job @param {NonNullable<CardContext["goTo"]>} goTo */
function findings(job, goTo) {
  const placed = job.findings.filter(({ region }) => region).slice(0, 12);
  if (placed.length === 0) return null;
  return h("ul", { class: "findings" }, ...placed.map((finding) => h("li", {}, h("button", {
    type: "button", class: "finding", "data-testid": "finding",
    onclick: () => finding.region && goTo(finding.region),
  }, h("span", {}, finding.label), h("span", { "aria-hidden": "true" }, "→")))));
}
