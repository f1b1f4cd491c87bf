"""Starts the processes of a site on one machine, keeps them alive, and ends them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from portrait_viewer.operations.logs import Log

_STEADY_S = 30.0
_MAX_DELAY_S = 30.0
_PAUSE_S = 0.05
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: a name for people, the command, how it ends."""

    name: str
    command: Sequence[str]
    stop: str = "TERM"
    grace_s: float = 8.0  # how long it may take to end before it is killed
    lasting: bool = True  # False: it is meant to end, and speaks to the terminal


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    log: Log | None
    started: float
    delay_s: float = 1.0
    restart_at: float = 0.0
    ended: bool = False


@dataclass
class Supervisor:
    """Owns its children: each in a session of its own, the lasting ones with a log file each."""

    folder: Path
    logs: Path
    say: Say
    environ: Mapping[str, str]
    _children: list[_Child] = field(default_factory=list)

    def start(self, program: Program) -> None:
        """Starts a program; a lasting one is kept running until `stop`."""
        log = Log(self.logs / f"{program.name}.log") if program.lasting else None
        process = self._spawn(program, log)
        self._children.append(_Child(program, process, log, time.monotonic()))

    def watch(self) -> None:
        """Starts again what has ended; waits longer each time it ends soon after its start."""
        now = time.monotonic()
        for child in self._children:
            self._tell_errors(child)
            if self._has_ended(child):
                self._plan_restart(child, now)
            elif child.ended and child.program.lasting and now >= child.restart_at:
                child.process = self._spawn(child.program, child.log)
                child.started, child.ended = now, False

    def exit_code(self, name: str) -> int | None:
        """The code with which the program of this name ended; None while it runs."""
        codes = [c.process.poll() for c in self._children if c.program.name == name]
        return codes[0] if codes else None

    def last_words(self, name: str) -> str:
        """What the program's log ends with, and where the log is."""
        logs = [c.log for c in self._children if c.program.name == name and c.log is not None]
        return "".join(f"{log.last_line()}\n  Its log: {log.path}" for log in logs)

    def stop(self, *, hurry: Callable[[], bool] = lambda: False) -> None:
        """Asks all children to end; kills those that take too long, or all of them on `hurry`."""
        began = time.monotonic()
        waited = [child for child in self._children if not child.ended]
        for child in waited:
            _signal(child.process.pid, getattr(signal, f"SIG{child.program.stop}"), group=False)
        while waited and not hurry():
            time.sleep(_PAUSE_S)
            spent = time.monotonic() - began
            waited = [c for c in waited if spent < c.program.grace_s and not self._has_ended(c)]
        self.kill()

    def kill(self) -> None:
        """Ends at once whatever still runs, with all that it started."""
        for child in self._children:
            if not child.ended:
                _signal(child.process.pid, signal.SIGKILL, group=True)
                child.process.wait()
        self._children.clear()

    def _has_ended(self, child: _Child) -> bool:
        """True once per end; what the process leaves behind in its group ends with it.

        Not later than now: the number of a process that is gone may be given to a stranger.
        """
        if child.ended or child.process.poll() is None:
            return False
        child.ended = True
        _signal(child.process.pid, signal.SIGKILL, group=True)
        return True

    def _plan_restart(self, child: _Child, now: float) -> None:
        if not child.program.lasting:
            return
        if now - child.started > _STEADY_S:
            child.delay_s = 1.0
        child.restart_at = now + child.delay_s
        name = child.program.name
        self.say(
            f"{name} ended (code {child.process.returncode}); starting it again in "
            f"{child.delay_s:.0f} s. {self.last_words(name)}"
        )
        child.delay_s = min(2 * child.delay_s, _MAX_DELAY_S)

    def _tell_errors(self, child: _Child) -> None:
        for line in child.log.new_errors() if child.log else ():
            self.say(f"{child.program.name}: {line}")

    def _spawn(self, program: Program, log: Log | None) -> subprocess.Popen[bytes]:
        tied = [sys.executable, "-m", "portrait_viewer.operations.tied", program.stop]
        output = log.open() if log else None
        try:
            return subprocess.Popen(  # noqa: S603 - the site's own programs
                [*tied, *program.command],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(self.environ),
                start_new_session=True,
            )
        finally:
            if output:
                output.close()


def _signal(pid: int, number: int, *, group: bool) -> None:
    with suppress(ProcessLookupError):
        if group:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
