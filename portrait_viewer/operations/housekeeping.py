"""What has to be done every few seconds, whoever is at the site or not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import close_old_connections

from portrait_viewer.analysis.services import jobs_reap
from portrait_viewer.audit.services import audit_seal
from portrait_viewer.common.disk import free_bytes, is_low
from portrait_viewer.operations import signs
from portrait_viewer.realtime.outbox import outbox_purge
from portrait_viewer.slides.services import slide_registrations_reap

logger = logging.getLogger(__name__)
_DISK_EVERY_S = 3600.0


class Housekeeper:
    """One round after the other; a task that fails does not stop the others."""

    def __init__(self) -> None:
        self._tasks: dict[str, Callable[[], object]] = {
            "jobs": jobs_reap,
            "registrations": slide_registrations_reap,
            "audit": audit_seal,
            "outbox": outbox_purge,
            "disk": self._warn_of_disk,
            "signs": signs.clear_forgotten,
        }
        self._failing: set[str] = set()
        self._disk_said: float | None = None

    def round(self) -> frozenset[str]:
        """Every task once, then the sign of life; returns the names of those that failed."""
        for name, task in self._tasks.items():
            self._attempt(name, task)
        # Between rounds no connection is held: the database may be restarted meanwhile.
        close_old_connections()
        self._attempt("sign of life", lambda: signs.touch(signs.HOUSEKEEPER))
        return frozenset(self._failing)

    def _attempt(self, name: str, task: Callable[[], object]) -> None:
        try:
            task()
        except Exception:
            # The database may be restarting; say it once, not every ten seconds.
            if name not in self._failing:
                logger.exception("Housekeeping of %s fails; it is tried again.", name)
            self._failing.add(name)
        else:
            if name in self._failing:
                logger.info("Housekeeping of %s works again.", name)
            self._failing.discard(name)

    def _warn_of_disk(self) -> None:
        now = time.monotonic()
        if not is_low() or (self._disk_said is not None and now - self._disk_said < _DISK_EVERY_S):
            return
        self._disk_said = now
        logger.warning("The disk is nearly full: %d MB left.", free_bytes() // 1_000_000)
