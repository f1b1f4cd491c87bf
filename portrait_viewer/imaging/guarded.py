"""Inspects a file that a stranger sent, in a child process that may fail without harm.

The child (`inspect_slide`) has limits of memory, CPU time, written bytes and open files, no
network where the kernel allows, no privileges to gain, no environment of the site. What it says
is checked like any foreign input.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from inference.errors import SlideError
from inference.text import LocalText

MEMORY_BYTES = 4 * 1024**3
CPU_S = 300
WALL_S = 600
_MAX_ANSWER = 256 * 1024
_EXIT_OUT_OF_MEMORY = 77
_EXIT_NOT_WRITTEN = 78
_BEAT_S = 10.0
_MAX_SIDE_PX = 2_000_000
_PACKAGE_PARENT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the child may use."""

    memory_bytes: int = MEMORY_BYTES
    cpu_s: int = CPU_S
    wall_s: float = WALL_S


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a readable file says of itself; mpp is None where absent or not credible."""

    vendor: str
    scanner: str
    width: int
    height: int
    level_count: int
    mpp_x: float | None
    mpp_y: float | None
    objective_power: float | None
    associated: tuple[str, ...]
    sha256: str
    size_bytes: int


def inspect_guarded(
    path: Path,
    thumbnail: Path,
    limits: Limits | None = None,
    *,
    beat: Callable[[], object] | None = None,
) -> Inspection:
    """Reads the slide and writes its thumbnail (JPEG), in a child process.

    Args:
        path: the file.
        thumbnail: where the picture goes; its folder exists.
        limits: of the child.
        beat: called every ten seconds while the child works.

    Raises:
        OSError: this machine's fault (no disk for the thumbnail): trying again can help.
        SlideError: the file is refused (the child's reason), or its reading crashed, took too
            long or too much memory.
    """
    limits = limits or Limits()
    request = {
        "path": str(path.absolute()),
        "thumbnail": str(thumbnail.absolute()),
        "memory_bytes": limits.memory_bytes,
        "cpu_s": limits.cpu_s,
        "parent": os.getpid(),
    }
    # A file, not a pipe: the child's limit of written bytes then bounds what we read.
    with tempfile.TemporaryFile() as answer:
        code = _run(request, answer, limits.wall_s, beat)
        answer.seek(0)
        text = answer.read(_MAX_ANSWER + 1)
    if code == _EXIT_NOT_WRITTEN:
        raise OSError("the thumbnail could not be written")
    if code != 0:
        raise _failure(code)
    return _checked(text)


def _run(
    request: dict[str, Any],
    answer: IO[bytes],
    wall_s: float,
    beat: Callable[[], object] | None,
) -> int:
    child = subprocess.Popen(
        [sys.executable, "-m", "portrait_viewer.imaging.inspect_slide"],
        stdin=subprocess.PIPE,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        cwd="/",
        start_new_session=True,
    )
    try:
        _wait(child, json.dumps(request).encode(), wall_s, beat)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return child.returncode


def _wait(
    child: subprocess.Popen[bytes],
    request: bytes,
    wall_s: float,
    beat: Callable[[], object] | None,
) -> None:
    end = time.monotonic() + wall_s
    while True:
        left = end - time.monotonic()
        try:
            child.communicate(request, timeout=max(0.0, min(_BEAT_S, left)))
        except subprocess.TimeoutExpired as error:
            if left <= _BEAT_S:
                raise _too_long() from error
            if beat is not None:
                beat()
        else:
            return


def _environment() -> dict[str, str]:
    """Nothing of the site's: no secret key, no database address."""
    return {
        "PYTHONPATH": str(_PACKAGE_PARENT),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TIFFFILE_NUM_THREADS": "1",
    }


def _checked(text: bytes) -> Inspection:
    try:
        answer = json.loads(text)
        if "refused" in answer:
            refused = answer["refused"]
            raise SlideError(str(refused["code"])[:60], LocalText.from_json(refused["reason"]))
        return _inspection(answer["slide"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _crashed() from error


def _inspection(said: dict[str, Any]) -> Inspection:
    found = Inspection(
        vendor=str(said["vendor"])[:60],
        scanner=str(said["scanner"])[:120],
        width=int(said["width"]),
        height=int(said["height"]),
        level_count=int(said["level_count"]),
        mpp_x=_number(said["mpp_x"]),
        mpp_y=_number(said["mpp_y"]),
        objective_power=_number(said["objective_power"]),
        associated=tuple(str(name)[:40] for name in said["associated"][:20]),
        sha256=str(said["sha256"]),
        size_bytes=int(said["size_bytes"]),
    )
    if not (0 < found.width <= _MAX_SIDE_PX and 0 < found.height <= _MAX_SIDE_PX):
        raise ValueError("size")
    if len(found.sha256) != 64 or not 0 < found.level_count < 100:
        raise ValueError("description")
    return found


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _failure(code: int) -> SlideError:
    if code == -signal.SIGXCPU:
        return _too_long()
    if code in {_EXIT_OUT_OF_MEMORY, -signal.SIGKILL}:
        return SlideError(
            "slide_too_much_memory",
            LocalText(
                fr="La lecture de ce fichier demande trop de mémoire : il est peut-être endommagé. "
                "Exportez de nouveau la lame depuis le scanner, avec des niveaux de zoom.",
                en="Reading this file takes too much memory: it may be damaged. "
                "Export the slide again from the scanner, with zoom levels.",
            ),
        )
    return _crashed()


def _too_long() -> SlideError:
    return SlideError(
        "slide_too_slow",
        LocalText(
            fr="La lecture de ce fichier prend trop de temps : il est peut-être endommagé. "
            "Exportez de nouveau la lame depuis le scanner.",
            en="Reading this file takes too long: it may be damaged. "
            "Export the slide again from the scanner.",
        ),
    )


def _crashed() -> SlideError:
    return SlideError(
        "slide_crashed",
        LocalText(
            fr="La lecture de ce fichier s'est interrompue : il est endommagé ou d'un format "
            "inconnu. Exportez de nouveau la lame depuis le scanner.",
            en="Reading this file broke off: it is damaged or of an unknown format. "
            "Export the slide again from the scanner.",
        ),
    )
