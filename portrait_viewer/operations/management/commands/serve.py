"""`manage.py serve`: the whole site on one machine. What `make run` calls."""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from filelock import Timeout

from portrait_viewer.common.home_lock import serving_lock
from portrait_viewer.operations import preparation, signs
from portrait_viewer.operations.interrupts import Interrupts
from portrait_viewer.operations.probe import Answer, web_ready
from portrait_viewer.operations.supervisor import Program, Supervisor

ADDRESS = "127.0.0.1"
DEMO = "demo"
_START_S = 60.0
_LOOK_S = 0.5
_CELERY = ("-m", "celery", "--app", "portrait_viewer.config.celery", "worker")


class Command(BaseCommand):
    """Prepares the home, starts web, workers and housekeeper, loads the demo; Ctrl-C ends all."""

    help = "Runs the whole site on this machine, reachable from this machine only."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=_port, default=os.environ.get("PORTRAIT_PORT") or "8000")
        parser.add_argument("--no-demo", action="store_true", help="do not load the demo")
        parser.add_argument(
            "--no-worker",
            action="store_true",
            help="start no worker: slides and analyses wait for one that is started elsewhere",
        )
        parser.add_argument(
            "--prepare-only", action="store_true", help="prepare the home folder, start nothing"
        )

    def handle(self, *_args: Any, port: int, **options: Any) -> None:  # noqa: ANN401
        started = time.monotonic()
        home = Path(settings.PORTRAIT_HOME)
        home.mkdir(parents=True, exist_ok=True)
        try:
            with serving_lock():
                if not options["prepare_only"]:
                    _check_port(port)
                self._say(f"Portrait, in {home}")
                self._prepare()
                if not options["prepare_only"]:
                    demo = not options["no_demo"] and settings.REALTIME_OUTBOX
                    found = [*programs(port, workers=not options["no_worker"])]
                    self._serve(found, port, started, demo=demo)
        except Timeout:
            raise CommandError(
                f"Portrait is running on {home} already. Stop it there with Ctrl-C, or choose "
                "another folder with PORTRAIT_HOME."
            ) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped; the next start goes on.", returncode=130) from None

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

    def _serve(self, found: list[Program], port: int, started: float, *, demo: bool) -> None:
        # Workers are killed at the end: they leave signs of life behind.
        signs.clear()
        supervisor = Supervisor(
            folder=settings.PROJECT_ROOT,
            logs=Path(settings.PORTRAIT_HOME) / "logs",
            say=self._say,
            environ=_environ(port),
        )
        with Interrupts() as interrupts:
            try:
                for program in found:
                    supervisor.start(program)
                if self._wait(supervisor, interrupts, port):
                    took = time.monotonic() - started
                    self._say(f"Portrait is ready ({took:.0f} s): {_url(port)}")
                    self._run(supervisor, interrupts, port, demo=demo)
                self._say("Stopping … (Ctrl-C again stops at once)")
            finally:
                supervisor.stop(hurry=interrupts.insisted)
                signs.clear()
        self._say("Everything has stopped.")

    def _wait(self, supervisor: Supervisor, interrupts: Interrupts, port: int) -> bool:
        """True once pages can be served; False where somebody stopped it before."""
        until = time.monotonic() + _START_S
        while not interrupts.asked(0.1):
            answer = web_ready(port, timeout_s=5)
            if isinstance(answer, Answer) and answer.ready:
                return True
            if supervisor.exit_code("web") is not None or time.monotonic() > until:
                why = answer.problems() if isinstance(answer, Answer) else answer
                raise CommandError(
                    f"The web server cannot work: {why}\n  {supervisor.last_words('web')}"
                )
        return False

    def _run(
        self, supervisor: Supervisor, interrupts: Interrupts, port: int, *, demo: bool
    ) -> None:
        if demo:
            supervisor.start(_demo_program())
        loading = demo
        while not interrupts.asked(_LOOK_S):
            supervisor.watch()
            code = supervisor.exit_code(DEMO) if loading else None
            if code is not None:
                loading = False
                if code != 0:
                    self._say("The demo is not complete; the next `make run` goes on with it.")
                self._say(f"Open {_url(port)} (Ctrl-C stops everything).")

    def _say(self, line: str) -> None:
        # A terminal that is closed must not keep us from ending the processes.
        with suppress(OSError):
            self.stdout.write(line)
            self.stdout.flush()


def programs(port: int, *, workers: bool = True) -> Iterator[Program]:
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
    # Slides are registered while an analysis runs. A worker takes five seconds to end in order,
    # and nothing is gained by it: the housekeeper of the next start queues again what it was on.
    for name, queues in (("slides", "slides"), ("tools", "cpu,gpu")) if workers else ():
        yield Program(
            f"worker-{name}",
            (
                *(python, *_CELERY, "--queues", queues, "--concurrency", "1"),
                *("--hostname", f"{name}@%h", "--loglevel", settings.ENV.log_level),
            ),
            stop="QUIT",
            grace_s=1.0,
        )
    yield Program("housekeeper", (python, "manage.py", "housekeeper"))


def _demo_program() -> Program:
    """In a process of its own: the site can be used while it loads."""
    return Program(DEMO, (sys.executable, "manage.py", "demo_load"), lasting=False)


def _environ(port: int) -> dict[str, str]:
    found = dict(os.environ)
    found["PORTRAIT_HOME"] = str(settings.PORTRAIT_HOME)
    found["PORTRAIT_PORT"] = str(port)
    found["PYTHONUNBUFFERED"] = "1"
    return found


def _url(port: int) -> str:
    return f"http://{ADDRESS}:{port}/"


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ArgumentTypeError(f"{text!r} is no port: choose a number from 1 to 65535")
    return int(text)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            why = "in use" if error.errno == errno.EADDRINUSE else f"not to be had ({error})"
            other = port + 1 if 1024 <= port < 65535 else 8001
            raise CommandError(
                f"Port {port} is {why}. Choose another one: make run PORTRAIT_PORT={other}"
            ) from None
