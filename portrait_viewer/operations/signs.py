"""Signs of life: a small file per process in the home folder, touched while it works."""

from __future__ import annotations

import time
from pathlib import Path

from django.conf import settings

HOUSEKEEPER = "housekeeper"
WORKER = "worker-"


def touch(name: str) -> None:
    """Says that the process of this name works."""
    path = _folder() / f"{name}.alive"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def remove(name: str) -> None:
    """Says that the process ended in order."""
    (_folder() / f"{name}.alive").unlink(missing_ok=True)


def freshest_s(prefix: str) -> float | None:
    """Seconds since any process whose name starts so gave a sign; None where none ever did."""
    ages = []
    for path in _folder().glob(f"{prefix}*.alive"):
        try:
            ages.append(time.time() - path.stat().st_mtime)
        except FileNotFoundError:
            continue  # ended this moment
    return min(ages, default=None)


def _folder() -> Path:
    return Path(settings.PORTRAIT_HOME) / "run"
