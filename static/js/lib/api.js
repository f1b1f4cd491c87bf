/**
 * Calls to the API: same origin, session cookie, CSRF token, one error shape.
 * @module
 */
import { gettext } from "#app/lib/i18n.js";

export class ApiError extends Error {
  /**
   * @param {number} status 0 where the server could not be reached
   * @param {{code?: string, message?: string, details?: Record<string, any>}} body
   */
  constructor(status, body) {
    super(body.message || gettext("The server could not answer. Try again."));
    this.status = status;
    this.code = body.code ?? "error";
    this.details = body.details ?? {};
  }
}

/** @returns {string} the token of the CSRF cookie */
export function csrfToken() {
  return /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}

/**
 * The error that a response stands for, in words.
 * @param {number} status
 * @param {string} text the body
 */
export function errorOf(status, text) {
  try {
    const body = JSON.parse(text);
    if (body && typeof body === "object") return new ApiError(status, body);
  } catch {
    // Not ours: a proxy's page, or nothing.
  }
  if (status === 413) return new ApiError(status, { message: gettext("This file is larger than the site accepts.") });
  return new ApiError(status, {});
}

/** @param {string} url @param {RequestInit} init @returns {Promise<Response>} */
async function send(url, init) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...init });
  } catch {
    throw new ApiError(0, { code: "offline", message: gettext("The server cannot be reached. Check the network.") });
  }
  if (response.redirected && response.url.includes("/login/")) {
    throw new ApiError(401, { code: "signed_out", message: gettext("You are signed out. Sign in again.") });
  }
  if (!response.ok) throw errorOf(response.status, await response.text());
  return response;
}

/** @param {string} url @returns {Promise<any>} */
export async function getJson(url) {
  return (await send(url, { headers: { Accept: "application/json" } })).json();
}

/** @param {string} url @returns {Promise<ArrayBuffer>} */
export async function getBytes(url) {
  return (await send(url, {})).arrayBuffer();
}

/** @param {string} url @param {unknown} [body] @returns {Promise<any>} */
export async function postJson(url, body = {}) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
  return (await send(url, { method: "POST", headers, body: JSON.stringify(body) })).json();
}
