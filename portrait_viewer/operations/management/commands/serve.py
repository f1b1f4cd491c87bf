"""`manage.py serve`: the whole site on one machine. What `make run` calls."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from filelock import FileLock, Timeout

from portrait_viewer.operations import preparation
from portrait_viewer.operations.supervisor import Program, Supervisor

ADDRESS = "127.0.0.1"
_START_S = 60.0
_CELERY = ("-m", "celery", "--app", "portrait_viewer.config.celery", "worker")


class _Stop(Exception):
    """Ctrl-C, or a signal that asks to end."""


class Command(BaseCommand):
    """Prepares the home, starts web, workers and housekeeper, loads the demo; Ctrl-C ends all."""

    help = "Runs the whole site on this machine, reachable from this machine only."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, default=int(os.environ.get("PORTRAIT_PORT") or 8000)
        )
        parser.add_argument("--no-demo", action="store_true", help="do not load the demo")
        parser.add_argument(
            "--prepare-only", action="store_true", help="prepare the home folder, start nothing"
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        started = time.monotonic()
        home = Path(settings.PORTRAIT_HOME)
        home.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(home / "serve.lock", timeout=0):
                self._say(f"Portrait, in {home}")
                self._prepare()
                if not options["prepare_only"]:
                    demo = not options["no_demo"] and settings.REALTIME_OUTBOX
                    self._serve(options["port"], started, demo=demo)
        except Timeout:
            raise CommandError(
                f"Portrait is running on {home} already. Stop it there with Ctrl-C, or choose "
                "another folder with PORTRAIT_HOME."
            ) from None

    def _prepare(self) -> None:
        steps: tuple[tuple[str, Callable[[], str]], ...] = (
            ("translations", preparation.texts_prepare),
            ("browser files", preparation.static_prepare),
            ("database", preparation.database_prepare),
            ("tools", preparation.tools_prepare),
        )
        for number, (title, step) in enumerate(steps, 1):
            began = time.monotonic()
            result = step()
            self._say(
                f"[{number}/{len(steps)}] {title}: {result} ({time.monotonic() - began:.1f} s)"
            )

    def _serve(self, port: int, started: float, *, demo: bool) -> None:
        _check_port(port)
        supervisor = Supervisor(
            logs=Path(settings.PORTRAIT_HOME) / "logs", say=self._say, environ=_environ(port)
        )
        with _stopped_by_signals():
            try:
                for program in programs(port):
                    supervisor.start(program)
                self._wait(supervisor, port)
                self._say(f"Portrait is ready ({time.monotonic() - started:.0f} s): {_url(port)}")
                self._run(supervisor, port, demo=demo)
            except _Stop:
                self._say("Stopping …")
            finally:
                _end(supervisor)
        self._say("Everything has stopped.")

    def _wait(self, supervisor: Supervisor, port: int) -> None:
        until = time.monotonic() + _START_S
        while not _answers(port):
            if not supervisor.running("web") or time.monotonic() > until:
                raise CommandError(
                    f"The web server did not start: read {supervisor.log_of('web')}."
                )
            time.sleep(0.1)

    def _run(self, supervisor: Supervisor, port: int, *, demo: bool) -> None:
        loading = self._load_demo() if demo else None
        try:
            while True:
                supervisor.watch()
                if loading is not None and loading.poll() is not None:
                    loading = None
                    self._say(f"Open {_url(port)} (Ctrl-C stops everything).")
                time.sleep(0.5)
        finally:
            if loading is not None and loading.poll() is None:
                loading.terminate()
                loading.wait()

    def _load_demo(self) -> subprocess.Popen[bytes]:
        """In a process of its own: the site can be used while it loads."""
        tied = [sys.executable, "-m", "portrait_viewer.operations.tied", "TERM"]
        self.stdout.flush()
        return subprocess.Popen(  # noqa: S603 - our own command
            [*tied, sys.executable, "manage.py", "demo_load"],
            cwd=settings.PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def programs(port: int) -> Iterator[Program]:
    """The processes of a site on one machine."""
    python = sys.executable
    yield Program(
        "web",
        (
            *(python, "-m", "uvicorn", "portrait_viewer.config.asgi:application"),
            *("--host", ADDRESS, "--port", str(port), "--no-access-log", "--no-server-header"),
            *("--no-proxy-headers", "--lifespan", "off", "--timeout-graceful-shutdown", "2"),
        ),
    )
    # Slides are registered while an analysis runs. QUIT ends a worker at once: the job it was on
    # is queued again by the housekeeper of the next start.
    for name, queues in (("slides", "slides"), ("tools", "cpu,gpu")):
        yield Program(
            f"worker-{name}",
            (
                *(python, *_CELERY, "--queues", queues, "--concurrency", "1"),
                *("--hostname", f"{name}@%h", "--loglevel", settings.ENV.log_level),
            ),
            stop="QUIT",
        )
    yield Program("housekeeper", (python, "manage.py", "housekeeper"))


def _environ(port: int) -> dict[str, str]:
    found = dict(os.environ)
    found["PORTRAIT_HOME"] = str(settings.PORTRAIT_HOME)
    found["PORTRAIT_PORT"] = str(port)
    found["PYTHONUNBUFFERED"] = "1"
    return found


def _url(port: int) -> str:
    return f"http://{ADDRESS}:{port}/"


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            raise CommandError(
                f"Port {port} is in use. Choose another one: make run PORTRAIT_PORT={port + 1}"
            ) from None


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"{_url(port)}health/live/", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _Stop

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    former = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _end(supervisor: Supervisor) -> None:
    """A second Ctrl-C does not wait."""
    try:
        supervisor.stop()
    except _Stop:
        supervisor.kill()
