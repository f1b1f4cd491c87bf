"""Starts the processes of a site on one machine, keeps them alive, and ends them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_STEADY_S = 30.0
_MAX_DELAY_S = 30.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: a name for people, the command, the signal that ends it quickly."""

    name: str
    command: Sequence[str]
    stop: str = "TERM"


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    started: float
    delay_s: float = 1.0
    restart_at: float | None = None


@dataclass
class Supervisor:
    """Owns its children: each in a session of its own, each with a log file of its own."""

    logs: Path
    say: Say
    environ: Mapping[str, str]
    _children: list[_Child] = field(default_factory=list)

    def start(self, program: Program) -> None:
        """Starts a program that is meant to run until `stop`."""
        process = self._spawn(program)
        self._children.append(_Child(program, process, time.monotonic()))

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def watch(self) -> None:
        """Starts again what has ended; waits longer each time it ends soon after its start."""
        now = time.monotonic()
        for child in self._children:
            code = child.process.poll()
            if code is None:
                continue
            if child.restart_at is None:
                if now - child.started > _STEADY_S:
                    child.delay_s = 1.0
                child.restart_at = now + child.delay_s
                self.say(
                    f"{child.program.name} ended (code {code}); starting it again in "
                    f"{child.delay_s:.0f} s. Its log: {self.log_of(child.program.name)}"
                )
                child.delay_s = min(2 * child.delay_s, _MAX_DELAY_S)
            elif now >= child.restart_at:
                child.process = self._spawn(child.program)
                child.started, child.restart_at = now, None

    def running(self, name: str) -> bool:
        """Whether the program of this name runs now."""
        return any(c.program.name == name and c.process.poll() is None for c in self._children)

    def stop(self, *, grace_s: float = 8.0) -> None:
        """Asks all children to end, then ends them and whatever they started."""
        for child in self._children:
            _signal(child.process.pid, getattr(signal, f"SIG{child.program.stop}"), group=False)
        until = time.monotonic() + grace_s
        for child in self._children:
            try:
                child.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"{child.program.name} does not end: killed.")
        self.kill()

    def kill(self) -> None:
        """Ends every process group at once; also what a child left behind."""
        for child in self._children:
            _signal(child.process.pid, signal.SIGKILL, group=True)
            child.process.wait()
        self._children.clear()

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        self.logs.mkdir(parents=True, exist_ok=True)
        path = self.log_of(program.name)
        if path.exists() and not any(c.program is program for c in self._children):
            path.replace(path.with_suffix(".log.1"))  # that of the last start is kept
        tied = [sys.executable, "-m", "portrait_viewer.operations.tied", program.stop]
        with path.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the site's own programs
                [*tied, *program.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environ),
                start_new_session=True,
            )


def _signal(pid: int, number: int, *, group: bool) -> None:
    try:
        if group:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        pass
