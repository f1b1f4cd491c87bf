"""Reading jobs and their results, among those the user may see."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.models import User
from portrait_viewer.analysis.models import Job, JobQuerySet, JobState, Overlay
from portrait_viewer.common.errors import NotFound
from portrait_viewer.slides.models import Slide

# The newest jobs of a slide that a page shows; older ones stay in the database.
SHOWN = 50


def job_get(user: User, job_uuid: uuid.UUID) -> Job:
    """One job with its results.

    Raises:
        NotFound: there is no such job for this user.
    """
    found = _whole(Job.objects.visible_to(user)).filter(uuid=job_uuid).first()
    if found is None:
        raise NotFound(
            "job_not_found", _("This analysis does not exist, or you do not have access to it.")
        )
    return found


def job_list(user: User, slide: Slide) -> list[Job]:
    """The newest jobs of a slide, newest first, with their results."""
    return list(_whole(Job.objects.visible_to(user)).filter(slide=slide)[:SHOWN])


def queue_positions(jobs: Iterable[Job]) -> dict[int, int]:
    """The place in its queue (1 = next) of each job that waits, by the job's pk."""
    waiting = [job for job in jobs if job.state == JobState.QUEUED]
    if not waiting:
        return {}
    queues: dict[str, list[int]] = {}
    rows = Job.objects.filter(state=JobState.QUEUED).order_by("queued_at", "id")
    for pk, queue in rows.values_list("pk", "tool_version__queue"):
        queues.setdefault(queue, []).append(pk)
    places = {pk: place for line in queues.values() for place, pk in enumerate(line, start=1)}
    return {job.pk: places[job.pk] for job in waiting if job.pk in places}


def overlay_get(user: User, overlay_uuid: uuid.UUID) -> Overlay:
    """One overlay with its job.

    Raises:
        NotFound: there is no such overlay for this user.
    """
    found = (
        Overlay.objects.filter(uuid=overlay_uuid, job__in=Job.objects.visible_to(user))
        .select_related("job")
        .first()
    )
    if found is None:
        raise NotFound(
            "overlay_not_found", _("This layer does not exist, or you do not have access to it.")
        )
    return found


def overlay_path(overlay: Overlay) -> Path:
    """Where the overlay's file lies."""
    return Path(settings.RESULTS_ROOT) / overlay.job.result_folder / overlay.file_name


def _whole(jobs: JobQuerySet) -> JobQuerySet:
    return jobs.select_related(
        "tool_version", "slide__case__site__organization", "slide__case__organization"
    ).prefetch_related("scores", "findings", "overlays")
