"""Whether this site can work, and what is wrong where it cannot."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from portrait_viewer.common.disk import free_bytes, is_low
from portrait_viewer.operations import signs

logger = logging.getLogger(__name__)
# A sign of life older than this means that the process hangs or is gone.
SILENT_S = 45.0


@dataclass(frozen=True, slots=True)
class Check:
    """One answer; a check that is not needed to serve pages only degrades the site."""

    name: str
    ok: bool
    text: str
    needed: bool = True


def ready_checks() -> list[Check]:
    """Everything that a page, an upload and an analysis need."""
    return [
        _checked("database", _database),
        _checked("broker", _broker),
        _checked("storage", _storage),
        _disk(),
        worker_check(),
        housekeeper_check(),
    ]


def status_of(checks: list[Check]) -> str:
    """`ok`, `degraded` (pages work, something else does not) or `unavailable`."""
    if all(check.ok for check in checks):
        return "ok"
    return "unavailable" if any(c.needed and not c.ok for c in checks) else "degraded"


def worker_check() -> Check:
    """Whether a worker takes registrations and analyses."""
    return _sign("worker", signs.WORKER, _("No worker is running: slides and analyses wait."))


def housekeeper_check() -> Check:
    """Whether interrupted jobs are taken care of."""
    return _sign(
        "housekeeper",
        signs.HOUSEKEEPER,
        _("The housekeeper is not running: interrupted analyses wait."),
    )


def _sign(name: str, prefix: str, missing: str) -> Check:
    age = signs.freshest_s(prefix)
    if age is None or age > SILENT_S:
        return Check(name, ok=False, text=missing, needed=False)
    return Check(name, ok=True, text=_("Running."), needed=False)


def _checked(name: str, look: Callable[[], str]) -> Check:
    """The address of a server or a path never leaves the log."""
    try:
        problem = look()
    except (DatabaseError, OperationalError, OSError) as error:
        logger.warning("Health of %s: %s", name, error)
        problem = _("Does not answer: see the log of the server.")
    return Check(name, ok=not problem, text=problem or _("Works."))


def _database() -> str:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return _("Its tables are of another version: run `manage.py migrate`.")
    return ""


def _broker() -> str:
    with current_app.connection_for_write(connect_timeout=2) as link:
        link.ensure_connection(max_retries=1, interval_start=0.1)
    return ""


def _storage() -> str:
    for root in (settings.SLIDES_ROOT, settings.RESULTS_ROOT, settings.UPLOADS_ROOT):
        if not os.access(root, os.W_OK):
            return _("A folder of the site cannot be written to.")
    # A full or read-only disk still answers "writable" to the question above.
    with tempfile.TemporaryFile(dir=Path(settings.UPLOADS_ROOT)) as file:
        file.write(b"portrait")
    return ""


def _disk() -> Check:
    free = free_bytes()
    if free < settings.MIN_FREE_BYTES:
        return Check("disk", ok=False, text=_("Full: uploads are refused."), needed=False)
    text = _("Nearly full: make room soon.") if is_low() else _("Room left.")
    return Check("disk", ok=True, text=text, needed=False)
