/**
 * The worklist from the keyboard: J / K move, Enter opens, / searches. A click anywhere on a row opens it.
 * @module
 */

const rows = /** @type {HTMLTableRowElement[]} */ ([...document.querySelectorAll("tr[data-href]")]);
let current = -1;

/** @param {number} index */
function select(index) {
  if (rows.length === 0) return;
  rows[current]?.classList.remove("is-current");
  current = Math.max(0, Math.min(rows.length - 1, index));
  rows[current]?.classList.add("is-current");
  rows[current]?.querySelector("a")?.focus();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.code === "KeyJ") select(current + 1);
  else if (event.code === "KeyK") select(current - 1);
  else if (event.key === "/") {
    event.preventDefault();
    /** @type {HTMLElement | null} */ (document.querySelector("input[type=search]"))?.focus();
  }
}

for (const row of rows) {
  row.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!target.closest("a, button")) location.assign(row.dataset["href"] ?? "");
  });
}
document.addEventListener("keydown", onKey);
