"""Asks the web process of this machine how it is, over its own port."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Answer:
    """What `/health/ready/` said."""

    ready: bool
    body: dict[str, Any]

    def problems(self) -> str:
        """The sentences of the checks that fail."""
        checks: dict[str, dict[str, Any]] = self.body.get("checks", {})
        return "; ".join(f"{name}: {c['text']}" for name, c in checks.items() if not c["ok"])


def web_ready(port: int, *, timeout_s: float = 10.0) -> Answer | str:
    """The answer, or why there is none."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        # As the proxy speaks: production redirects plain HTTP and checks the host's name.
        headers = {"Host": _host(), "X-Forwarded-Proto": "https"}
        link.request("GET", "/health/ready/", headers=headers)
        answer = link.getresponse()
        body = json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        link.close()
    if not isinstance(body, dict):
        return "not the answer of a Portrait site"
    return Answer(answer.status == http.client.OK, body)


def _host() -> str:
    named = [host for host in settings.ALLOWED_HOSTS if not host.startswith(".") and host != "*"]
    return named[0] if named else "localhost"
