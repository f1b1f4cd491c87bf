"""Whether this site can work, and what is wrong where it cannot."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from portrait_viewer.common.disk import free_bytes, is_low
from portrait_viewer.operations import signs
from portrait_viewer.slides.task_refs import SLIDE_REGISTER

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


def worker_check(*, here: bool = False) -> Check:
    """Whether workers take registrations and analyses.

    Args:
        here: whether a worker of this machine (in a container: this one) lives, whatever it takes.
    """
    living = [sign for sign in signs.seen(signs.WORKER) if sign.age_s <= SILENT_S]
    if here:
        living = [sign for sign in living if sign.name.endswith(f"@{socket.gethostname()}")]
    taken = {queue for sign in living for queue in sign.text.split(",")}
    waiting = set(settings.CELERY_TASK_QUEUES_NAMES) - taken
    if not living:
        text = _("No worker is running: slides and analyses wait.")
    elif here or not waiting:
        return Check("worker", ok=True, text=_("Running."), needed=False)
    elif SLIDE_REGISTER.queue in waiting:
        text = _("No worker registers slides: uploads wait.")
    else:
        text = _("Some analyses have no worker: they wait.")
    return Check("worker", ok=False, text=text, needed=False)


def housekeeper_check() -> Check:
    """Whether interrupted jobs are taken care of."""
    if any(sign.age_s <= SILENT_S for sign in signs.seen(signs.HOUSEKEEPER)):
        return Check("housekeeper", ok=True, text=_("Running."), needed=False)
    text = _("The housekeeper is not running: interrupted analyses wait.")
    return Check("housekeeper", ok=False, text=text, needed=False)


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
    try:
        free = free_bytes()
    except OSError:
        # The folder is missing or its disk is away: what storage says in full.
        return Check("disk", ok=False, text=_("Does not answer: see the log of the server."))
    if free < settings.MIN_FREE_BYTES:
        return Check("disk", ok=False, text=_("Full: uploads are refused."), needed=False)
    text = _("Nearly full: make room soon.") if is_low() else _("Room left.")
    return Check("disk", ok=True, text=text, needed=False)
