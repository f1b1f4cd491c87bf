"""One site per home folder: the process that serves it holds this lock."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from filelock import FileLock


def serving_lock() -> FileLock:
    """A lock that does not wait; the kernel frees it with its process, however that one ends."""
    return FileLock(Path(settings.PORTRAIT_HOME) / "serve.lock", timeout=0)
