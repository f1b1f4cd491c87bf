"""Wipes a demo home, and nothing that is not the demo's."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from django.conf import settings
from django.db import connections
from filelock import FileLock, Timeout

from portrait_viewer.common.home_lock import serving_lock
from portrait_viewer.demo import home
from portrait_viewer.demo.home import DemoRefused


def demo_check_reset() -> None:
    """Says no to everything but an idle demo home.

    Raises:
        DemoRefused: the home is not the demo's, or something still uses it.
    """
    home.check_place()
    if home.read_marker() is None:
        raise DemoRefused(
            f"{settings.PORTRAIT_HOME} was not made by the demo: nothing is wiped there."
        )
    home.database_files()
    try:
        with serving_lock():
            pass
    except Timeout:
        raise DemoRefused(_IN_USE) from None


def demo_wipe() -> None:
    """Deletes database, slides, results and the demo's own files; the marker goes last.

    Raises:
        DemoRefused: the home is not the demo's, or something still uses it.
    """
    demo_check_reset()
    try:
        with serving_lock(), FileLock(home.lock_path(), timeout=0):
            connections.close_all()
            files = home.database_files()
            _check_unused(files[0])
            root = Path(settings.PORTRAIT_HOME)
            for name in home.WIPED:
                shutil.rmtree(root / name, ignore_errors=True)
            for path in files:
                path.unlink(missing_ok=True)
            (root / home.MARKER).unlink()
    except Timeout:
        raise DemoRefused(_IN_USE) from None


_IN_USE = "Portrait is running on this home: stop it first (Ctrl-C where `make run` stands)."


def _check_unused(database: Path) -> None:
    """SQLite leaves WAL mode only where nobody else has the file open."""
    if not database.is_file():
        return
    connection = sqlite3.connect(database, timeout=1)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError:
        raise DemoRefused(_IN_USE) from None
    finally:
        connection.close()
