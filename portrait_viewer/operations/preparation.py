"""Brings a home folder to the state that this version needs; quick where nothing changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portrait_viewer.common.catalogues import compile_catalogues
from portrait_viewer.tools.services import tool_versions_sync

_STAMP = ".made-from"


def texts_prepare() -> str:
    """Compiles the translations."""
    compiled = sum(compile_catalogues(Path(folder)) for folder in settings.LOCALE_PATHS)
    return f"{compiled} compiled" if compiled else "up to date"


def static_prepare() -> str:
    """Collects the browser's files under names that carry their digest."""
    root = Path(settings.STATIC_ROOT)
    stamp, found = root / _STAMP, _static_digest()
    if stamp.is_file() and stamp.read_text() == found:
        return "up to date"
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(found)
    return "collected"


def database_prepare() -> str:
    """Applies the migrations that are missing."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return "up to date"
    call_command("migrate", interactive=False, verbosity=0)
    return f"{len(plan)} migrations applied"


def tools_prepare() -> str:
    """Registers the installed tools."""
    return f"{len(tool_versions_sync())} installed"


def _static_digest() -> str:
    found = hashlib.sha256()
    for path in sorted(_static_files()):
        status = path.stat()
        found.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _static_files() -> Iterator[Path]:
    for entry in settings.STATICFILES_DIRS:
        folder = Path(str(entry[1] if isinstance(entry, tuple) else entry))
        yield from (path for path in folder.rglob("*") if path.is_file())
