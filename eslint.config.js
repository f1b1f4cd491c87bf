import js from "@eslint/js";

const browser = Object.fromEntries(
  [
    "window", "document", "location", "history", "navigator", "fetch", "WebSocket", "URL", "URLSearchParams",
    "XMLHttpRequest", "FormData", "CustomEvent", "Event", "HTMLElement", "customElements", "requestAnimationFrame",
    "cancelAnimationFrame", "setTimeout", "clearTimeout", "setInterval", "clearInterval", "ImageData", "Image", "Blob",
    "File", "ResizeObserver", "OpenSeadragon", "gettext", "ngettext", "interpolate", "localStorage", "performance",
    "console", "structuredClone", "AbortController", "queueMicrotask", "devicePixelRatio", "matchMedia", "getComputedStyle",
    "TextDecoder", "TextEncoder", "crypto", "Path2D", "OffscreenCanvas", "createImageBitmap", "Worker", "self", "Response",
  ].map((name) => [name, "readonly"]),
);

export default [
  js.configs.recommended,
  {
    files: ["static/js/**/*.js", "tests/js/**/*.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: browser },
    rules: {
      eqeqeq: "error", "no-var": "error", "prefer-const": "error", "no-eval": "error", "no-implied-eval": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }], complexity: ["error", 12],
      "max-lines-per-function": ["error", { max: 80, skipBlankLines: true, skipComments: true }],
    },
  },
];
