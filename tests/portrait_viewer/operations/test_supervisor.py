"""Children are restarted, told of, and ended with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portrait_viewer.operations.interrupts import Interrupts
from portrait_viewer.operations.logs import Log
from portrait_viewer.operations.supervisor import Program, Supervisor

ROOT = Path(__file__).resolve().parents[3]
# Says its number and that of a child that would sleep on.
FAMILY = """
import os, signal, subprocess, sys, time
{prelude}
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    found = Supervisor(folder=ROOT, logs=tmp_path / "logs", say=said.append, environ=os.environ)
    yield found
    found.kill()


def python(code: str, name: str = "child", **options: object) -> Program:
    return Program(name, (sys.executable, "-c", code), **options)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def eventually(holds: Callable[[], bool], *, within_s: float = 20) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False


def family(supervisor: Supervisor, prelude: str = "") -> list[int]:
    """Starts a program that starts another one; their numbers."""
    supervisor.start(python(FAMILY.format(prelude=prelude), grace_s=1.0))
    log = supervisor.logs / "child.log"
    assert eventually(lambda: log.read_text().endswith("\n"))
    return [int(word) for word in log.read_text().split()]


@pytest.mark.parametrize("prelude", ["", DEAF], ids=["obedient", "deaf"])
def test_stop_leaves_nothing_of_a_family(supervisor: Supervisor, prelude: str) -> None:
    pids = family(supervisor, prelude)
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 5
    assert eventually(lambda: not any(map(alive, pids)))


def test_who_insists_does_not_wait(supervisor: Supervisor) -> None:
    supervisor.start(python(f"import signal, time\n{DEAF}\nprint(1)\ntime.sleep(600)"))
    assert eventually(lambda: (supervisor.logs / "child.log").stat().st_size > 0)
    began = time.monotonic()
    supervisor.stop(hurry=lambda: True)
    assert time.monotonic() - began < 2


def test_what_a_dead_child_leaves_behind_ends_before_it_is_started_again(
    supervisor: Supervisor, said: list[str]
) -> None:
    parent, child = family(supervisor)
    os.kill(parent, signal.SIGKILL)
    assert eventually(lambda: supervisor.watch() or bool(said))
    assert eventually(lambda: not alive(child))
    log = supervisor.logs / "child.log"
    assert eventually(lambda: supervisor.watch() or len(log.read_text().splitlines()) == 2)
    assert "child ended (code -9); starting it again in 1 s" in said[0]


def test_a_child_that_dies_at_once_is_tried_less_and_less_often(
    supervisor: Supervisor, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("portrait_viewer.operations.supervisor.time.monotonic", lambda: now[0])
    supervisor.start(python("raise SystemExit('no such thing')"))
    delays = []
    for _ in range(7):
        while not said:
            time.sleep(0.02)
            supervisor.watch()
        assert "no such thing" in said[0]  # the reason stands on the terminal
        delays.append(int(said.pop().split(" again in ")[1].split()[0]))
        now[0] += delays[-1]
        supervisor.watch()
    assert delays == [1, 2, 4, 8, 16, 30, 30]


def test_a_program_that_is_meant_to_end_is_not_started_again(
    supervisor: Supervisor, said: list[str]
) -> None:
    supervisor.start(python("raise SystemExit(3)", lasting=False))
    assert eventually(lambda: supervisor.exit_code("child") == 3)
    for _ in range(3):
        supervisor.watch()
    assert said == []
    assert supervisor.exit_code("child") == 3


def test_errors_of_a_child_are_told_once(supervisor: Supervisor, said: list[str]) -> None:
    line = "2026-01-01 10:00:00,123 ERROR portrait the disk is full"
    code = f"import time; print('INFO fine'); print('{line}', flush=True); time.sleep(600)"
    supervisor.start(python(code))
    assert eventually(lambda: supervisor.watch() or bool(said))
    supervisor.watch()
    assert said == [f"child: {line}"]


def test_a_flood_of_errors_is_counted(tmp_path: Path) -> None:
    log = Log(tmp_path / "a.log")
    log.path.write_text("ERROR:    boom\n" * 20 + "ERROR half a li")
    assert list(log.new_errors()) == [
        *["ERROR:    boom"] * 5,
        f"and 15 more errors, see {log.path}",
    ]
    with log.path.open("a") as file:
        file.write("ne\n")
    assert list(log.new_errors()) == ["ERROR half a line"]
    assert log.last_line() == "ERROR half a line"


def test_the_log_of_the_last_start_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("former")
    log = Log(tmp_path / "a.log")
    with log.open() as file:
        file.write(b"new")
    assert (tmp_path / "a.log.1").read_text() == "former"
    assert (tmp_path / "a.log").read_text() == "new"


def test_a_child_ends_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import os, sys, time
from pathlib import Path
from portrait_viewer.operations.supervisor import Program, Supervisor
s = Supervisor(Path({str(ROOT)!r}), Path({str(tmp_path)!r}), print, os.environ)
s.start(Program("child", (sys.executable, "-c", "import os,time; print(os.getpid(), flush=True);"
    "time.sleep(600)")))
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    log = tmp_path / "child.log"
    assert eventually(lambda: log.exists() and log.read_text().endswith("\n"))
    process.kill()
    process.wait()
    assert eventually(lambda: not alive(int(log.read_text())))


def test_signals_only_count() -> None:
    with Interrupts() as interrupts:
        assert not interrupts.asked(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.asked(5)
        assert not interrupts.insisted()
        os.kill(os.getpid(), signal.SIGHUP)
        assert eventually(interrupts.insisted)
