"""`manage.py health PROCESS`: for container health checks; exit code 0 or 1 and one sentence."""

from __future__ import annotations

import http.client
import json
import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portrait_viewer.operations.health import (
    Check,
    housekeeper_check,
    ready_checks,
    status_of,
    worker_check,
)


class Command(BaseCommand):
    """Asks one process of this machine, or the whole site."""

    help = "Checks a process (web, worker, housekeeper) or all that the site needs (site)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "process", nargs="?", default="site", choices=["site", "web", "worker", "housekeeper"]
        )

    def handle(self, *_args: Any, process: str, **_options: Any) -> None:  # noqa: ANN401
        if process == "web":
            self._web()
            return
        checks = _checks(process)
        for check in checks:
            self.stdout.write(f"{check.name}: {check.text}")
        if status_of(checks) != "ok":
            raise CommandError(f"{process}: {status_of(checks)}")

    def _web(self) -> None:
        """The address that uvicorn was given, asked on the loopback."""
        port = int(os.environ.get("UVICORN_PORT") or os.environ.get("PORTRAIT_PORT") or 8000)
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            # As the proxy speaks: production redirects plain HTTP and checks the host's name.
            headers = {"Host": _host(), "X-Forwarded-Proto": "https"}
            link.request("GET", "/health/ready/", headers=headers)
            answer = link.getresponse()
            body = json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise CommandError(f"web does not answer on port {port}: {error}") from error
        finally:
            link.close()
        self.stdout.write(f"web: {body.get('status')}")
        if answer.status != http.client.OK:
            raise CommandError(f"web: {body}")


def _checks(process: str) -> list[Check]:
    if process == "worker":
        return [worker_check()]
    return [housekeeper_check()] if process == "housekeeper" else ready_checks()


def _host() -> str:
    named = [host for host in settings.ALLOWED_HOSTS if not host.startswith(".") and host != "*"]
    return named[0] if named else "localhost"
