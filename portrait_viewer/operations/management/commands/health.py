"""`manage.py health PROCESS`: for container health checks; exit code 0 or 1 and one sentence."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portrait_viewer.operations.health import (
    Check,
    housekeeper_check,
    ready_checks,
    status_of,
    worker_check,
)
from portrait_viewer.operations.probe import web_ready


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
        """The port that uvicorn was given, asked on the loopback."""
        port = int(os.environ.get("UVICORN_PORT") or os.environ.get("PORTRAIT_PORT") or 8000)
        answer = web_ready(port)
        if isinstance(answer, str):
            raise CommandError(f"web does not answer on port {port}: {answer}")
        if not answer.ready:
            raise CommandError(f"web: {answer.body.get('status')}. {answer.problems()}")
        self.stdout.write(f"web: {answer.body.get('status')}")


def _checks(process: str) -> list[Check]:
    if process == "worker":
        return [worker_check(here=True)]
    return [housekeeper_check()] if process == "housekeeper" else ready_checks()
