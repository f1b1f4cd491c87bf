"""The site under test: one that is told by PORTRAIT_E2E_URL, else `manage.py serve` of our own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
READY_S = 120.0


@dataclass(frozen=True)
class Site:
    """Where it is, and the environment in which `manage.py` works on it."""

    url: str
    environ: dict[str, str]

    @property
    def home(self) -> str:
        return self.environ["PORTRAIT_HOME"]

    def seed(self) -> dict[str, Any]:
        """Makes a laboratory of its own for this run; with the password of its people."""
        password = secrets.token_urlsafe(16)
        given = json.dumps({"word": secrets.token_hex(4), "password": password})
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "-c", "from tests.e2e.seed import main; main()"],
            cwd=ROOT,
            env=self.environ,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("SEED ")]
        assert lines, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(lines[0].removeprefix("SEED "))
        return found | {"password": password}

    def kill_busy_worker(self) -> int:
        """Kills the process that computes analyses, without a chance to say so; its number.

        The worker's pool is one child; its parent (or the supervisor) starts another.
        """
        workers = [pid for pid in _processes() if self._computes_analyses(pid)]
        children = [pid for pid in workers if _parent(pid) in workers]
        assert children, f"no worker of {self.home} runs"
        os.kill(children[0], signal.SIGKILL)
        return children[0]

    def _computes_analyses(self, pid: int) -> bool:
        words = _read(pid, "cmdline")
        if b"celery" not in b" ".join(words) or b"worker" not in words:
            return False
        queues = next((words[i + 1] for i, w in enumerate(words) if w == b"--queues"), b"")
        ours = f"PORTRAIT_HOME={self.home}".encode() in _read(pid, "environ")
        return ours and b"cpu" in queues.split(b",")


@contextmanager
def site_under_test(folder: Path) -> Iterator[Site]:
    """The site; ours is stopped at the end, the given one is left alone."""
    url = os.environ.get("PORTRAIT_E2E_URL")
    if url:
        lines = Path(os.environ["PORTRAIT_E2E_ENV_FILE"]).read_text().splitlines()
        given = dict(line.split("=", 1) for line in lines if "=" in line)
        yield Site(url, {"PATH": os.environ["PATH"]} | given)
        return
    yield from _served(folder)


def _served(folder: Path) -> Iterator[Site]:
    port = _free_port()
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PORTRAIT_") and name not in {"DATABASE_URL", "REDIS_URL"}
    }
    environ |= {
        "PORTRAIT_HOME": str(folder / "home"),
        "PORTRAIT_MIN_FREE_MB": "64",
        "DJANGO_SETTINGS_MODULE": "portrait_viewer.config.settings.embedded",
    }
    log = (folder / "serve.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--no-demo", "--port", str(port)],
        cwd=ROOT,
        env=environ,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    site = Site(f"http://127.0.0.1:{port}", environ)
    try:
        _wait_until_ready(site.url, process, Path(log.name))
        yield site
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        log.close()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/health/ready/", timeout=5) as answer:  # noqa: S310
                # Degraded until the workers have given their first sign of life.
                if json.load(answer)["status"] == "ok":
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.3)
    raise AssertionError(f"not ready: {log.read_text()}")


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _read(pid: int, name: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().split(b"\0")
    except OSError:
        return []


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
