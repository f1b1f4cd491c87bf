/**
 * The slides of the case page, live: what the server would draw now replaces what is shown, card by card,
 * when a slide or an analysis changes. The page itself is the template, so there is one rendering.
 * @module
 */
import { postJson } from "#app/lib/api.js";
import { LiveSocket } from "#app/lib/socket.js";

const GATHER_MS = 250;
const POLL_MS = 5000;

/**
 * Puts the fresh list in place; cards that have not changed, and a form that a person is filling in, stay.
 * @param {HTMLElement} shown
 * @param {HTMLElement} fresh
 */
export function morph(shown, fresh) {
  const before = cardsOf(shown);
  for (const [uuid, card] of cardsOf(fresh)) {
    const old = before.get(uuid);
    if (old && (same(old, card) || old.contains(document.activeElement))) card.replaceWith(old);
  }
  shown.replaceChildren(...fresh.childNodes);
}

/** @param {HTMLElement} list @returns {Map<string, HTMLElement>} */
function cardsOf(list) {
  const cards = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[data-slide]")]);
  return new Map(cards.map((card) => [card.dataset["slide"] ?? "", card]));
}

/** @param {HTMLElement} one @param {HTMLElement} other apart from the token, which differs each time */
function same(one, other) {
  const [left, right] = [one, other].map((card) => {
    const copy = /** @type {HTMLElement} */ (card.cloneNode(true));
    for (const token of copy.querySelectorAll("[name=csrfmiddlewaretoken]")) token.remove();
    return copy.outerHTML;
  });
  return left === right;
}

/** @param {HTMLElement} list */
export async function refresh(list) {
  const response = await fetch(location.pathname, { credentials: "same-origin", headers: { "X-Requested-With": "live" } });
  if (!response.ok || response.redirected) return;
  const page = new window.DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById(list.id);
  if (fresh) morph(list, fresh);
}

/** @param {SubmitEvent} event */
async function saveResolution(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.matches(".resolution-form")) return;
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (form.querySelector("[name=mpp]"));
  const status = /** @type {HTMLElement} */ (form.querySelector("[role=status]"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  button.disabled = true;
  try {
    await postJson(form.dataset["url"] ?? "", { mpp: input.valueAsNumber });
    input.blur();
    button.blur();
    document.dispatchEvent(new CustomEvent("slide-uploaded"));
  } catch (error) {
    status.textContent = /** @type {Error} */ (error).message;
  } finally {
    button.disabled = false;
  }
}

/** @param {HTMLElement} list @param {string} caseUuid */
export function goLive(list, caseUuid) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  let arrived = false;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => void refresh(list).catch(() => undefined), GATHER_MS);
  };
  const socket = new LiveSocket(`/ws/cases/${caseUuid}/`, {
    // The page was drawn a moment ago: only what a reconnection missed is fetched.
    onReady: () => {
      if (arrived || pending(list)) soon();
      arrived = true;
    },
    onMessage: (message) => {
      if (message.type !== "job.progress") soon();
    },
  });
  document.addEventListener("slide-uploaded", soon);
  document.addEventListener("submit", (event) => void saveResolution(event));
  setInterval(() => {
    if (socket.state !== "open" && socket.state !== "closed") soon();
  }, POLL_MS);
}

/** @param {HTMLElement} list */
function pending(list) {
  return list.querySelector("[data-state=registering], .badge-running, .badge-queued") !== null;
}

const list = document.getElementById("case-slides");
const caseUuid = document.getElementById("case-uuid")?.textContent;
if (list && caseUuid) goLive(list, JSON.parse(caseUuid));
