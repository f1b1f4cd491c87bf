/**
 * Adding a slide on the case page: progress while the file travels, cancel, refusals in words.
 * @module
 */
import { csrfToken, errorOf } from "#app/lib/api.js";
import { h } from "#app/lib/dom.js";
import { gettext, interpolate, number, percent } from "#app/lib/i18n.js";

/** @param {number} bytes @returns {string} "312 MB" */
export function megabytes(bytes) {
  const mb = bytes / 1e6;
  return `${number(mb, mb < 10 ? 1 : 0)} ${gettext("MB")}`;
}

/** @param {HTMLFormElement} form */
export function wireUpload(form) {
  const status = /** @type {HTMLElement} */ (form.querySelector("[role=status]"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const file = /** @type {File | null} */ (new FormData(form).get("file"));
    if (!file?.size) {
      say(status, gettext("This file is empty. Choose the slide file again."), "danger");
      return;
    }
    send(form, status, file);
  });
  wireDrop(form);
}

/** @param {HTMLFormElement} form @param {HTMLElement} status @param {File} file */
function send(form, status, file) {
  const request = new XMLHttpRequest();
  const bar = h("progress", { max: 1, value: 0, "aria-label": gettext("Upload") });
  const text = h("span", { class: "small", "data-testid": "upload-percent" }, percent(0));
  const cancel = h("button", {
    type: "button", class: "button button-quiet", "data-testid": "upload-cancel", onclick: () => request.abort(),
  }, gettext("Cancel"));
  status.replaceChildren(bar, h("div", { class: "inline-form" }, text, cancel));
  enable(form, false);
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = total ? loaded / total : 0;
    text.textContent = loaded < total
      ? interpolate(gettext("%(done)s of %(size)s"), { done: megabytes(loaded), size: megabytes(total) })
      : gettext("Received; the site is storing the file…");
  });
  const end = (/** @type {string} */ words, /** @type {string} */ tone) => {
    enable(form, true);
    say(status, words, tone);
  };
  request.addEventListener("abort", () => end(gettext("The upload was cancelled."), "warning"));
  request.addEventListener("error", () => end(gettext("The connection was lost during the upload. Try again."), "danger"));
  request.addEventListener("load", () => {
    if (request.status !== 201) {
      end(errorOf(request.status, request.responseText).message, "danger");
      return;
    }
    end(interpolate(gettext("%(name)s was received and is being registered."), { name: file.name }), "success");
    form.reset();
    document.dispatchEvent(new CustomEvent("slide-uploaded", { detail: JSON.parse(request.responseText) }));
  });
  // What the form holds is read before its fields are switched off.
  request.open("POST", form.dataset["url"] ?? "");
  request.setRequestHeader("X-CSRFToken", csrfToken());
  request.setRequestHeader("Accept", "application/json");
  request.send(bodyOf(form, file));
}

/** @param {HTMLFormElement} form @param {File} file */
function bodyOf(form, file) {
  const body = new FormData();
  for (const name of ["stain", "block"]) {
    const field = form.elements.namedItem(name);
    if (field && "value" in field) body.set(name, String(field.value));
  }
  body.set("file", file);
  return body;
}

/** @param {HTMLFormElement} form @param {boolean} on */
function enable(form, on) {
  for (const field of form.querySelectorAll("input, select, button[type=submit]")) {
    /** @type {HTMLInputElement} */ (field).disabled = !on;
  }
}

/** @param {HTMLElement} status @param {string} words @param {string} tone */
function say(status, words, tone) {
  status.replaceChildren(h("p", {
    class: `message message-${tone === "danger" ? "error" : tone}`, "data-testid": `upload-${tone}`,
  }, words));
}

/** A file dropped on the form is chosen. @param {HTMLFormElement} form */
function wireDrop(form) {
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("is-over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("is-over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("is-over");
    const input = /** @type {HTMLInputElement | null} */ (form.querySelector("input[type=file]"));
    if (input && event.dataTransfer?.files.length) input.files = event.dataTransfer.files;
  });
}

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-testid=upload-form]"));
if (form) wireUpload(form);
