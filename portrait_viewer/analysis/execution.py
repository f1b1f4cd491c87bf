"""Runs one job in a worker: takes the lease, computes, hands in the result.

A thread tells the database every second that the worker lives and how far it is, and hears
whether somebody cancelled; the computing itself never waits for the database.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import DatabaseError, connection

from inference.errors import JobCancelled, PortraitError
from inference.outputs import ToolOutput
from inference.runner import JobSpec, Progress, run
from inference.text import LocalText
from portrait_viewer.analysis import services
from portrait_viewer.analysis.services import Lease

logger = logging.getLogger(__name__)

BEAT_S = 1.0
_INTERNAL = LocalText(
    fr="L'outil s'est arrêté sur une erreur interne. Relancez l'analyse ; si cela recommence, "
    "donnez à l'administrateur le numéro {number}.",
    en="The tool stopped on an internal error. Start the analysis again; if it happens again, "
    "give the administrator the number {number}.",
)
_TOO_LONG = LocalText(
    fr="L'analyse a dépassé le temps permis et a été arrêtée. Prévenez l'administrateur.",
    en="The analysis took longer than allowed and was stopped. Tell the administrator.",
)
_NO_MEMORY = LocalText(
    fr="La mémoire du serveur n'a pas suffi à cette analyse. Relancez-la plus tard, ou prévenez "
    "l'administrateur.",
    en="The server's memory was too small for this analysis. Start it again later, or tell the "
    "administrator.",
)
_DISK_FULL = LocalText(
    fr="Le disque du serveur est plein : le résultat n'a pas pu être écrit. Prévenez "
    "l'administrateur, puis relancez l'analyse.",
    en="The server's disk is full: the result could not be written. Tell the administrator, then "
    "start the analysis again.",
)


def job_execute(*, job_uuid: uuid.UUID | str) -> None:
    """Runs the job if it waits; safe to call twice, also at the same time."""
    lease = services.job_start(job_uuid=job_uuid)
    if lease is None:
        return
    kept = False
    try:
        with Heartbeat(lease) as heartbeat:
            output = _computed(lease, heartbeat)
        kept = output is not None and services.job_complete(lease, output)
    finally:
        if not kept:
            services.discard_results(lease.job, lease.token)


class Heartbeat:
    """Keeps the lease alive, passes the progress on, and says when to stop."""

    def __init__(self, lease: Lease, *, limit_s: float | None = None) -> None:
        self._lease = lease
        self._limit_s = settings.JOB_TIME_LIMIT_S if limit_s is None else limit_s
        self._until = time.monotonic() + self._limit_s
        self._latest = Progress("open", 0, 1, 0.0)
        self._stop = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self.held = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def report(self, progress: Progress) -> None:
        """Called by the tool at each of its steps."""
        self._latest = progress

    @property
    def too_long(self) -> bool:
        return time.monotonic() > self._until

    def stop(self) -> bool:
        """Whether the tool must stop: cancelled, lease lost, or out of time."""
        return self._stop.is_set() or self.too_long

    def _run(self) -> None:
        try:
            while not self._done.wait(BEAT_S):
                self._beat()
        finally:
            connection.close()

    def _beat(self) -> None:
        latest = self._latest
        try:
            pulse = services.job_heartbeat(
                self._lease,
                stage=latest.stage,
                fraction=latest.fraction,
                rate_per_s=latest.rate_per_s,
            )
        except DatabaseError:
            # The next beat tries again; the reaper takes the job if the database stays away.
            logger.warning("Heartbeat of job %s failed.", self._lease.job, exc_info=True)
            connection.close()
            return
        self.held = pulse.held
        if pulse.cancel:
            self._stop.set()


def _computed(lease: Lease, heartbeat: Heartbeat) -> ToolOutput | None:
    """The result; None where the job has ended otherwise."""
    spec = JobSpec(
        tool_id=lease.tool_id,
        slide_path=lease.slide_path,
        output_dir=Path(settings.RESULTS_ROOT) / lease.folder,
        stain=lease.stain,
        mpp=lease.mpp,
        parameters=lease.parameters,
        tool_digest=lease.digest,
        slide_sha256=lease.slide_sha256,
        device=settings.JOB_DEVICE,
    )
    try:
        with _plain_reasons(lease):
            return run(spec, progress=heartbeat.report, cancel=heartbeat.stop)
    except JobCancelled:
        if heartbeat.held and heartbeat.too_long:
            services.job_fail(lease, code="time_limit", message=_TOO_LONG)
        else:
            services.job_stop(lease)
    except PortraitError as error:
        services.job_fail(lease, code=error.code, message=error.message)
    return None


@contextmanager
def _plain_reasons(lease: Lease) -> Iterator[None]:
    """Turns what a machine says into a reason that a person understands; the log has the rest."""
    try:
        yield
    except (PortraitError, MemoryError, OSError) as error:
        cause = error.__cause__ if getattr(error, "code", "") == "tool_failed" else error
        if isinstance(cause, PortraitError):
            raise
        logger.exception("Job %s failed.", lease.job)
        raise _reason(cause, lease) from error
    except Exception as error:
        logger.exception("Job %s failed.", lease.job)
        raise _reason(error, lease) from error


def _reason(cause: BaseException | None, lease: Lease) -> PortraitError:
    if isinstance(cause, MemoryError):
        return PortraitError("out_of_memory", _NO_MEMORY)
    if isinstance(cause, OSError) and cause.errno in {errno.ENOSPC, errno.EDQUOT}:
        return PortraitError("disk_full", _DISK_FULL)
    number = str(lease.job)[:8]
    return PortraitError(
        "tool_failed",
        LocalText(fr=_INTERNAL.fr.format(number=number), en=_INTERNAL.en.format(number=number)),
    )
