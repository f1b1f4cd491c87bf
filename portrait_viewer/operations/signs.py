"""Signs of life: a small file per process in the home folder, touched while it works.

Every process of a site mounts the home folder, containers too, so whoever looks sees them all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

HOUSEKEEPER = "housekeeper"
WORKER = "worker-"
_END = ".alive"
_FORGOTTEN_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Sign:
    """One process: its name, what it said of itself, how long ago it gave its last sign."""

    name: str
    text: str
    age_s: float


def touch(name: str, text: str = "") -> None:
    """Says that the process of this name works; `text` is kept from the first time on."""
    path = _path(name)
    with suppress(FileNotFoundError):
        os.utime(path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text)
    part.replace(path)


def remove(name: str) -> None:
    """Says that the process ended in order."""
    _path(name).unlink(missing_ok=True)


def clear(*, older_than_s: float = -1.0) -> None:
    """Forgets all signs, or the old ones: of processes that were killed, of former containers."""
    for path in _folder().glob(f"*{_END}"):
        age = _age_s(path)
        if age is not None and age > older_than_s:
            path.unlink(missing_ok=True)


def clear_forgotten() -> None:
    """Forgets the signs of a day ago."""
    clear(older_than_s=_FORGOTTEN_S)


def seen(prefix: str) -> Iterator[Sign]:
    """The signs of all processes whose name starts so, old ones too."""
    for path in sorted(_folder().glob(f"{prefix}*{_END}")):
        age = _age_s(path)
        if age is not None:
            with suppress(FileNotFoundError):  # ended this moment
                yield Sign(path.name.removesuffix(_END), path.read_text(), age)


def _age_s(path: Path) -> float | None:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None


def _path(name: str) -> Path:
    return _folder() / f"{name}{_END}"


def _folder() -> Path:
    return Path(settings.PORTRAIT_HOME) / "run"
