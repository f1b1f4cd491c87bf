"""What is done to jobs: submitted, run, cancelled, retried, reaped.

The row in the database is the truth, the queue's message only a hint to look at it. A worker that
starts a job gets a lease; whatever it writes later counts only while the lease is still the
row's. So a message may come twice, or a worker return from the dead: the results stay single.
"""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from inference.errors import InputRefused
from inference.outputs import ParameterValue, ToolOutput
from inference.text import LocalText
from inference.tools import resolve_parameters
from portrait_viewer.accounts.models import User
from portrait_viewer.analysis.models import (
    ACTIVE,
    Finding,
    Job,
    JobEvent,
    JobState,
    Overlay,
    Score,
)
from portrait_viewer.analysis.permissions import can_run
from portrait_viewer.analysis.task_refs import JOB_RUN
from portrait_viewer.audit.services import audit_record
from portrait_viewer.common.errors import Conflict, DomainError, PermissionRefused
from portrait_viewer.common.task_refs import enqueue
from portrait_viewer.common.text import local
from portrait_viewer.realtime.messages import JobChanged, JobProgress, case_topic, slide_topic
from portrait_viewer.realtime.services import publish_on_commit
from portrait_viewer.slides.models import MppSource, Slide, SlideState
from portrait_viewer.slides.selectors import slide_path
from portrait_viewer.tools.models import ToolVersion
from portrait_viewer.tools.selectors import deployed_version, manifest_of, refusal_of

logger = logging.getLogger(__name__)

TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(
        {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}
    ),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}
# A message that no worker took for a minute is sent again, then at doubling intervals.
RESEND_AFTER = timedelta(seconds=60)
_LOST = LocalText(
    fr="L'analyse a été interrompue plusieurs fois : le programme qui la calculait s'est arrêté. "
    "Relancez-la ; si cela recommence, prévenez l'administrateur.",
    en="The analysis was interrupted several times: the program computing it stopped. "
    "Start it again; if it happens again, tell the administrator.",
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run one attempt of a job, with all that the run needs."""

    job: uuid.UUID
    token: uuid.UUID
    tool_id: str
    digest: str
    slide_path: Path
    slide_sha256: str
    stain: str
    mpp: float | None  # entered by a person; None takes the file's
    parameters: Mapping[str, ParameterValue]

    @property
    def folder(self) -> str:
        """Of the result, relative to RESULTS_ROOT: another one for each attempt."""
        return f"{self.job}/{self.token}"


def job_submit(
    *, user: User, slide: Slide, tool_version: ToolVersion, parameters: Mapping[str, Any]
) -> Job:
    """Queues a run of the tool on the slide.

    Args:
        user: who asks.
        slide: must be READY.
        tool_version: must be in use at the slide's site.
        parameters: those that differ from the tool's defaults.

    Raises:
        PermissionRefused: the user does not work at the slide's site.
        DomainError: the tool is not in use there, or does not apply to this slide.
        Conflict: the same run is under way (``details.job``), or the slide is not ready.
    """
    if not can_run(user, slide):
        raise PermissionRefused(
            "run_refused", _("Only people who work at this case's site can start an analysis.")
        )
    if slide.state != SlideState.READY:
        raise Conflict("slide_not_ready", _("This slide is not ready to be analysed yet."))
    checked = _check_run(slide, tool_version, parameters)
    job = Job(
        slide=slide,
        tool_version=tool_version,
        requested_by=user,
        parameters=checked,
        slide_sha256=slide.sha256,
        queued_at=timezone.now(),
    )
    try:
        with transaction.atomic():
            job.save()
            _note(job, "submitted", {"parameters": checked})
            _record(job, "job.submitted", user)
            _publish(job)
            transaction.on_commit(lambda: _send(job))
    except IntegrityError as error:
        raise _already_active(slide, tool_version) from error
    return job


@transaction.atomic
def job_cancel(*, user: User, job: Job) -> Job:
    """Stops a job: at once where it waits, at its next step where it runs.

    Raises:
        PermissionRefused: the user does not work at the slide's site.
        Conflict: the job has ended.
    """
    if not can_run(user, job.slide):
        raise PermissionRefused(
            "cancel_refused", _("Only people who work at this case's site can stop an analysis.")
        )
    now = timezone.now()
    waiting = {"cancel_requested_at": now, "finished_at": now}
    if _move(job.pk, JobState.QUEUED, JobState.CANCELLED, changes=waiting):
        event = "cancelled"
    elif Job.objects.filter(
        pk=job.pk, state=JobState.RUNNING, cancel_requested_at__isnull=True
    ).update(cancel_requested_at=now, updated_at=now):
        event = "cancel_requested"
    elif not Job.objects.filter(pk=job.pk, state=JobState.RUNNING).exists():
        raise Conflict("job_ended", _("This analysis has ended already. Reload the page."))
    else:
        return _fresh(job.pk)
    found = _fresh(job.pk)
    _note(found, event)
    _record(found, f"job.{event}", user)
    _publish(found)
    return found


def job_retry(*, user: User, job: Job) -> Job:
    """Queues a new job like one that failed or was cancelled; that one stays as it is.

    Raises:
        Conflict: the job did not fail and was not cancelled.
        PermissionRefused, DomainError: as `job_submit`.
    """
    if not can_run(user, job.slide):
        raise PermissionRefused(
            "run_refused", _("Only people who work at this case's site can start an analysis.")
        )
    if job.state not in {JobState.FAILED, JobState.CANCELLED}:
        raise Conflict(
            "job_not_retryable", _("Only an analysis that failed or was stopped can be retried.")
        )
    return job_submit(
        user=user, slide=job.slide, tool_version=job.tool_version, parameters=job.parameters
    )


# --- The worker's side ----------------------------------------------------------------


@transaction.atomic
def job_start(*, job_uuid: uuid.UUID | str) -> Lease | None:
    """Takes a waiting job; None where it does not wait any more (taken, cancelled, done)."""
    job = _jobs().filter(uuid=job_uuid, state=JobState.QUEUED).first()
    if job is None:
        return None
    now, token = timezone.now(), uuid.uuid4()
    changes = {
        "lease": token,
        "attempt": F("attempt") + 1,
        "heartbeat_at": now,
        "started_at": now,
        "stage": "",
        "fraction": 0,
        "rate_per_s": None,
        "device": settings.JOB_DEVICE,
    }
    if not _move(job.pk, JobState.QUEUED, JobState.RUNNING, changes=changes):
        return None
    job = _fresh(job.pk)
    _note(job, "started", {"attempt": job.attempt})
    _publish(job)
    return Lease(
        job=job.uuid,
        token=token,
        tool_id=job.tool_version.tool_id,
        digest=job.tool_version.digest,
        slide_path=slide_path(job.slide),
        slide_sha256=job.slide_sha256,
        stain=job.slide.stain,
        mpp=job.slide.mpp_x if job.slide.mpp_source == MppSource.PERSON else None,
        parameters=job.parameters,
    )


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the row says to the worker that runs it."""

    held: bool
    cancel: bool


@transaction.atomic
def job_heartbeat(
    lease: Lease, *, stage: str = "", fraction: float = 0.0, rate_per_s: float | None = None
) -> Pulse:
    """Says that the worker lives and how far it is; hears whether to go on."""
    now = timezone.now()
    held = Job.objects.filter(uuid=lease.job, state=JobState.RUNNING, lease=lease.token).update(
        heartbeat_at=now, stage=stage, fraction=fraction, rate_per_s=rate_per_s, updated_at=now
    )
    if not held:
        return Pulse(held=False, cancel=True)
    row = Job.objects.filter(uuid=lease.job).values_list("cancel_requested_at", "slide__uuid")[0]
    message = JobProgress(
        slide=str(row[1]),
        job=str(lease.job),
        tool=lease.tool_id,
        stage=stage,
        fraction=round(fraction, 4),
        rate_per_s=rate_per_s,
    )
    publish_on_commit(slide_topic(row[1]), message)
    return Pulse(held=True, cancel=row[0] is not None)


@transaction.atomic
def job_complete(lease: Lease, output: ToolOutput) -> bool:
    """Stores the result and ends the job, both or neither; False where the lease was lost."""
    changes = {"finished_at": timezone.now(), "fraction": 1, "result_folder": lease.folder}
    if not _end(lease, JobState.SUCCEEDED, changes):
        return False
    job = _fresh_by(lease)
    _store(job, output)
    _note(job, "succeeded")
    _record(job, "job.succeeded", None)
    _publish(job)
    return True


@transaction.atomic
def job_fail(lease: Lease, *, code: str, message: LocalText) -> bool:
    """Ends the job with a reason; False where the lease was lost."""
    changes = {
        "finished_at": timezone.now(),
        "error_code": code[:60],
        "error_message": message.to_json(),
    }
    if not _end(lease, JobState.FAILED, changes):
        return False
    job = _fresh_by(lease)
    _note(job, "failed", {"code": code})
    _record(job, "job.failed", None)
    _publish(job)
    return True


@transaction.atomic
def job_stop(lease: Lease) -> bool:
    """Ends the job as the person who cancelled it asked; False where the lease was lost."""
    if not _end(lease, JobState.CANCELLED, {"finished_at": timezone.now()}):
        return False
    job = _fresh_by(lease)
    _note(job, "cancelled")
    _record(job, "job.cancelled", None)
    _publish(job)
    return True


# --- The reaper -------------------------------------------------------------------------


def jobs_reap() -> int:
    """Takes care of jobs whose worker died and of messages that got lost; returns how many.

    A lost job is queued again, and fails after the last attempt: nothing stays "running".
    """
    limit = timezone.now() - timedelta(seconds=settings.JOB_LOST_AFTER_S)
    lost = _jobs().filter(state=JobState.RUNNING, heartbeat_at__lt=limit).order_by("id")[:100]
    count = sum(_reap(job, limit) for job in lost)
    return count + _send_again()


@transaction.atomic
def _reap(job: Job, silent_since: datetime) -> bool:
    cancelled = job.cancel_requested_at is not None
    last = job.attempt >= settings.JOB_MAX_ATTEMPTS
    now = timezone.now()
    target = JobState.CANCELLED if cancelled else JobState.FAILED if last else JobState.QUEUED
    changes: dict[str, Any] = {"lease": None}
    if target == JobState.QUEUED:
        changes |= {"heartbeat_at": None, "queued_at": now, "stage": "", "fraction": 0}
    else:
        changes |= {"finished_at": now}
    if target == JobState.FAILED:
        changes |= {"error_code": "worker_lost", "error_message": _LOST.to_json()}
    if not _move(
        job.pk,
        JobState.RUNNING,
        target,
        changes=changes,
        lease=job.lease,
        heartbeat_at__lt=silent_since,
    ):
        return False
    found = _fresh(job.pk)
    event = "requeued" if target == JobState.QUEUED else str(target)
    _note(found, event, {"reason": "worker_lost", "attempt": job.attempt})
    _record(found, f"job.{event}", None)
    _publish(found)
    if target == JobState.QUEUED:
        transaction.on_commit(lambda: _send(found))
    # The dead worker's unfinished files; a result is only ever in the lease that ended the job.
    transaction.on_commit(lambda: discard_results(job.uuid, job.lease))
    return True


def _send_again() -> int:
    count = 0
    now = timezone.now()
    waiting = _jobs().filter(state=JobState.QUEUED, updated_at__lt=now - RESEND_AFTER)
    for job in waiting.order_by("id")[:100]:
        if now - job.updated_at < job.updated_at - job.queued_at:
            continue
        touched = Job.objects.filter(
            pk=job.pk, state=JobState.QUEUED, updated_at=job.updated_at
        ).update(updated_at=now)
        if touched:
            _send(job)
            count += 1
    return count


def discard_results(job_uuid: uuid.UUID, lease: uuid.UUID | None) -> None:
    """Deletes what an attempt left behind, finished or not."""
    folder = Path(settings.RESULTS_ROOT) / str(job_uuid)
    for left in folder.glob(f"*{lease}*"):
        shutil.rmtree(left, ignore_errors=True)


# --- Parts --------------------------------------------------------------------------------


def _check_run(
    slide: Slide, version: ToolVersion, parameters: Mapping[str, Any]
) -> dict[str, ParameterValue]:
    if deployed_version(slide, version.uuid) is None:
        raise DomainError(
            "tool_not_deployed",
            _("This tool, or this version of it, is not in use at the site any more. Reload."),
        )
    refusal = refusal_of(version, slide)
    if refusal is not None:
        raise DomainError(refusal.code, local(refusal.message.to_json()))
    try:
        return resolve_parameters(manifest_of(version), parameters)
    except InputRefused as error:
        raise DomainError(error.code, local(error.message.to_json())) from error


def _already_active(slide: Slide, version: ToolVersion) -> Conflict:
    active = Job.objects.filter(slide=slide, tool_version=version, state__in=ACTIVE).first()
    return Conflict(
        "job_active",
        _("This analysis is under way on this slide already."),
        details={"job": str(active.uuid)} if active else {},
    )


def _send(job: Job) -> None:
    """A broker that is away does not undo the submission: the reaper sends the task again."""
    try:
        enqueue(JOB_RUN[job.tool_version.queue], job_uuid=str(job.uuid))
    except (OperationalError, OSError):
        logger.warning("Job %s was not sent; it will be tried again.", job.uuid)


def _jobs() -> Any:  # noqa: ANN401 - a queryset with what messages and the trail name
    return Job.objects.select_related(
        "tool_version", "slide__case__organization", "slide__case__site__organization"
    )


def _fresh(pk: int) -> Job:
    job: Job = _jobs().get(pk=pk)
    return job


def _fresh_by(lease: Lease) -> Job:
    job: Job = _jobs().get(uuid=lease.job)
    return job


def _move(
    pk: int,
    frm: JobState,
    to: JobState,
    *,
    changes: Mapping[str, Any],
    **only_if: Any,  # noqa: ANN401
) -> bool:
    """The one place where a job changes its state: compare and set."""
    if to not in TRANSITIONS[frm]:
        raise ValueError(f"no transition {frm} -> {to}")
    changed = Job.objects.filter(pk=pk, state=frm, **only_if).update(
        state=to, updated_at=timezone.now(), **changes
    )
    return changed == 1


def _end(lease: Lease, to: JobState, changes: Mapping[str, Any]) -> bool:
    pk = Job.objects.filter(uuid=lease.job).values_list("pk", flat=True).first()
    return pk is not None and _move(pk, JobState.RUNNING, to, changes=changes, lease=lease.token)


def _store(job: Job, output: ToolOutput) -> None:
    Score.objects.bulk_create(
        Score(
            job=job,
            key=score.id,
            value=score.value,
            unit=score.unit,
            n=score.n,
            category=score.category.code if score.category else "",
            payload=score.to_json(),
        )
        for score in output.scores
    )
    Finding.objects.bulk_create(
        Finding(job=job, key=f.id, kind=f.kind, score=f.score, payload=f.to_json())
        for f in output.findings
    )
    Overlay.objects.bulk_create(
        Overlay(
            job=job,
            key=overlay.id,
            kind=overlay.kind,
            sha256=overlay.file.sha256,
            size_bytes=overlay.file.bytes,
            file_name=overlay.file.name,
            payload=overlay.to_json(),
        )
        for overlay in output.overlays
    )
    job.messages = [m.to_json() for m in _unique((*output.messages, *output.warnings))]
    job.save(update_fields=["messages"])


def _unique(texts: Iterable[LocalText]) -> list[LocalText]:
    return list(dict.fromkeys(texts))


def _note(job: Job, kind: str, details: Mapping[str, Any] | None = None) -> None:
    JobEvent.objects.create(job=job, kind=kind, details=dict(details or {}))


def _record(job: Job, verb: str, user: User | None) -> None:
    audit_record(
        verb=verb,
        object_type="job",
        object_uuid=job.uuid,
        organization_uuid=job.slide.case.organization.uuid,
        actor_uuid=user.uuid if user else None,
        case_uuid=job.slide.case.uuid,
        details={
            "tool": job.tool_version.tool_id,
            "digest": job.tool_version.digest,
            "slide": str(job.slide.uuid),
        },
    )


def _publish(job: Job) -> None:
    message = JobChanged(
        slide=str(job.slide.uuid),
        job=str(job.uuid),
        tool=job.tool_version.tool_id,
        state=str(job.state),
    )
    publish_on_commit(slide_topic(job.slide.uuid), message)
    publish_on_commit(case_topic(job.slide.case.uuid), message)
