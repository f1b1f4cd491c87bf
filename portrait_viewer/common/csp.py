"""Content Security Policy: own scripts only, no inline script, no foreign host."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# 'nonce' serves the one inline element that browsers cannot load from a file: the import map.
# The hash is that of the one style sheet that OpenSeadragon writes into the page (it hides the
# focus ring on touch screens); a test with a browser fails when a release changes it.
_OPENSEADRAGON_STYLE = "sha256-9xTiqzfwFaL2SGb1rmr8gysEwVVjIvqWAgmZgqFqpEE="
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; "
    f"style-src 'self' '{_OPENSEADRAGON_STYLE}'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self' {websocket}; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "manifest-src 'self'"
)


class ContentSecurityPolicyMiddleware:
    """Gives each request a nonce and each response the policy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        nonce = secrets.token_urlsafe(16)
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = self.get_response(request)
        scheme = "wss" if request.is_secure() else "ws"
        response.headers["Content-Security-Policy"] = POLICY.format(
            nonce=nonce, websocket=f"{scheme}://{request.get_host()}"
        )
        return response
