"""`serve` with real processes: starts, answers, restarts what dies, leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from portrait_viewer.operations.management.commands import serve

ROOT = Path(__file__).resolve().parents[3]


class Served:
    def __init__(self, home: Path) -> None:
        self.prepare(home)
        self.process = self.start("--no-demo", "--port", str(self.port))

    def prepare(self, home: Path) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.log = home / "serve.log"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PORTRAIT_")}
        for name in ("DATABASE_URL", "REDIS_URL"):
            kept.pop(name, None)
        self.environ = kept | {
            "PORTRAIT_HOME": str(home),
            "PORTRAIT_MIN_FREE_MB": "64",
            "DJANGO_SETTINGS_MODULE": "portrait_viewer.config.settings.embedded",
        }

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", "serve", *words],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> dict[str, Any]:
        try:
            url = f"http://127.0.0.1:{self.port}/health/ready/"
            with urllib.request.urlopen(url, timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except OSError:
            return {}

    def processes(self) -> list[int]:
        """All that carry this home in their environment, serve itself left out."""
        mark = f"PORTRAIT_HOME={self.home}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == self.process.pid:
                continue
            try:
                alive = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
                if alive and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


def eventually(holds: Callable[[], bool], *, within_s: float = 60) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    site = Served(tmp_path)
    yield site
    if site.process.poll() is None:
        site.process.kill()
        site.process.wait()
    eventually(lambda: not site.processes(), within_s=15)


def test_a_site_starts_heals_and_ends_without_a_trace(served: Served) -> None:
    assert eventually(lambda: served.ready().get("status") == "ok"), served.log.read_text()
    before = served.processes()
    assert len(before) >= 4  # web, two workers, housekeeper

    second = served.start("--no-demo", "--port", str(served.port + 1))
    assert second.wait(timeout=30) != 0
    assert "Ctrl-C" in served.log.read_text()

    housekeeper = next(
        pid for pid in before if b"housekeeper" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(housekeeper, signal.SIGKILL)
    assert eventually(lambda: "housekeeper ended" in served.log.read_text())
    assert eventually(
        lambda: any(
            b"housekeeper" in Path(f"/proc/{pid}/cmdline").read_bytes()
            for pid in set(served.processes()) - set(before)
        )
    )

    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(timeout=30) == 0
    assert served.processes() == []
    assert "Everything has stopped." in served.log.read_text()


def test_a_killed_supervisor_takes_its_processes_along(served: Served) -> None:
    assert eventually(lambda: bool(served.ready())), served.log.read_text()
    served.process.kill()
    served.process.wait()
    assert eventually(lambda: served.processes() == [], within_s=20)


def test_without_workers_the_others_start() -> None:
    names = [program.name for program in serve.programs(8000, workers=False)]
    assert names == ["web", "housekeeper"]
    queues = {
        queue
        for program in serve.programs(8000)
        if "--queues" in program.command
        for queue in program.command[program.command.index("--queues") + 1].split(",")
    }
    assert queues == set(settings.CELERY_TASK_QUEUES_NAMES)


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_said(port: str) -> None:
    with pytest.raises(CommandError, match="no port"):
        call_command("serve", "--port", port)


def test_a_site_that_cannot_work_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    """Its broker does not answer: the web server does, and knows."""
    site = Served.__new__(Served)
    site.prepare(tmp_path)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        site.environ["REDIS_URL"] = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
    code = (
        "import django\ndjango.setup()\n"
        "from portrait_viewer.operations.management.commands import serve\n"
        "serve._START_S = 8.0\n"
        "from django.core.management import execute_from_command_line as run\n"
        f"run(['manage.py', 'serve', '--port', '{site.port}', '--no-worker'])"
    )
    site.process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=site.environ,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=False,
    )
    said = site.process.communicate(timeout=60)[1].decode()
    assert site.process.returncode == 1
    assert "broker: " in said
    assert "Traceback" not in said
    assert site.processes() == []


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        served = Served.__new__(Served)
        served.prepare(tmp_path)
        process = served.start("--no-demo", "--port", str(taken.getsockname()[1]))
        assert process.wait(timeout=60) != 0
    assert "is in use" in served.log.read_text()
    assert "Traceback" not in served.log.read_text()
