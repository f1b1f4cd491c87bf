"""Submitting, cancelling, retrying; leases and the reaper."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone, translation

from inference.text import LocalText
from portrait_viewer.accounts.models import Role
from portrait_viewer.analysis.models import Job, JobState
from portrait_viewer.analysis.selectors import queue_positions
from portrait_viewer.analysis.services import (
    job_cancel,
    job_fail,
    job_heartbeat,
    job_retry,
    job_start,
    job_stop,
    job_submit,
    jobs_reap,
)
from portrait_viewer.audit.models import AuditEvent
from portrait_viewer.common.errors import Conflict, DomainError, PermissionRefused
from portrait_viewer.slides.models import SlideState
from portrait_viewer.tools.models import Deployment
from portrait_viewer.tools.services import deployment_retire
from tests.factories import OrganizationFactory, SlideFactory, member
from tests.portrait_viewer.analysis.conftest import World

REASON = LocalText(fr="Raison.", en="Reason.")


@pytest.fixture(autouse=True)
def _nothing_is_sent(run_enqueued: Callable[[], list[str]]) -> None:
    """Tasks are collected; no test here runs one."""


def submit(world: World, tool: str = "nuclear_ihc", **parameters: Any) -> Job:
    return job_submit(
        user=world.reader,
        slide=world.slide,
        tool_version=world.tools[tool],
        parameters=parameters,
    )


def age(job: Job, seconds: float) -> None:
    then = timezone.now() - timedelta(seconds=seconds)
    Job.objects.filter(pk=job.pk).update(heartbeat_at=then, updated_at=then, queued_at=then)


def state(job: Job) -> str:
    job.refresh_from_db()
    return str(job.state)


def test_a_submission_pins_slide_and_settings_and_sends_one_message(
    world: World,
    run_enqueued: Callable[[], list[str]],
    django_capture_on_commit_callbacks: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(
        "portrait_viewer.analysis.services.enqueue", lambda ref, **kw: sent.append((ref, kw))
    )
    with django_capture_on_commit_callbacks(execute=True):
        job = submit(world, hotspot_cells=400)
        assert sent == []  # nothing before the commit
    assert [(ref.queue, kw) for ref, kw in sent] == [("cpu", {"job_uuid": str(job.uuid)})]
    assert job.slide_sha256 == world.slide.sha256
    assert job.parameters["hotspot_cells"] == 400
    assert "detection_score" in job.parameters  # the defaults of today are kept with the job
    assert AuditEvent.objects.filter(verb="job.submitted", object_uuid=job.uuid).count() == 1


def test_a_broker_that_is_away_does_not_undo_a_submission(
    world: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("away")

    monkeypatch.setattr("portrait_viewer.analysis.services.enqueue", away)
    with django_capture_on_commit_callbacks(execute=True):
        job = submit(world)
    assert state(job) == JobState.QUEUED


def test_the_same_run_twice_names_the_first(world: World) -> None:
    first = submit(world)
    with pytest.raises(Conflict) as refused:
        submit(world)
    assert refused.value.details == {"job": str(first.uuid)}
    submit(world, "slide_qc")  # another tool may run beside it


def test_a_slide_of_another_stain_is_refused_in_the_readers_language(world: World) -> None:
    with pytest.raises(DomainError) as refused, translation.override("fr"):
        submit(world, "nuclei_segmentation")
    assert refused.value.code == "wrong_stain"
    assert "ne s'applique pas" in str(refused.value.message)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"no_such": 1}, "parameter_unknown"),
        ({"hotspot_cells": "many"}, "parameter_invalid"),
        ({"hotspot_cells": float("nan")}, "parameter_invalid"),
    ],
)
def test_settings_are_checked(world: World, parameters: dict[str, Any], code: str) -> None:
    with pytest.raises(DomainError) as refused:
        submit(world, **parameters)
    assert refused.value.code == code


def test_who_only_reads_starts_nothing(world: World) -> None:
    stranger = member(Role.PATHOLOGIST, OrganizationFactory.create())
    for user in (world.researcher, stranger):
        with pytest.raises(PermissionRefused):
            job_submit(
                user=user,
                slide=world.slide,
                tool_version=world.tools["nuclear_ihc"],
                parameters={},
            )


def test_a_retired_tool_and_an_unready_slide_are_refused(world: World) -> None:
    waiting = SlideFactory.create(case=world.slide.case, stain="KI67", state=SlideState.REGISTERING)
    with pytest.raises(Conflict):
        job_submit(
            user=world.reader,
            slide=waiting,
            tool_version=world.tools["nuclear_ihc"],
            parameters={},
        )
    admin = member(Role.ADMIN, world.site.organization, world.site)
    deployment_retire(user=admin, deployment=Deployment.objects.get(tool_id="nuclear_ihc"))
    with pytest.raises(DomainError) as refused:
        submit(world)
    assert refused.value.code == "tool_not_deployed"


def test_a_job_is_started_once(world: World) -> None:
    job = submit(world)
    lease = job_start(job_uuid=job.uuid)
    assert lease is not None
    assert lease.slide_path.is_file()
    assert job_start(job_uuid=job.uuid) is None
    assert job_start(job_uuid=uuid.uuid4()) is None
    assert state(job) == JobState.RUNNING
    assert job.attempt == 1


def test_a_waiting_job_is_cancelled_at_once_a_running_one_at_its_next_beat(world: World) -> None:
    waiting, running = submit(world, "slide_qc"), submit(world)
    assert job_cancel(user=world.reader, job=waiting).state == JobState.CANCELLED
    lease = job_start(job_uuid=running.uuid)
    assert lease is not None
    assert job_heartbeat(lease).cancel is False
    job_cancel(user=world.reader, job=running)
    assert state(running) == JobState.RUNNING
    assert job_heartbeat(lease).cancel is True
    assert job_stop(lease)
    assert state(running) == JobState.CANCELLED
    with pytest.raises(Conflict):
        job_cancel(user=world.reader, job=running)


def test_a_worker_that_lost_its_lease_writes_nothing_more(world: World) -> None:
    job = submit(world)
    lost = job_start(job_uuid=job.uuid)
    assert lost is not None
    age(job, settings.JOB_LOST_AFTER_S + 1)
    assert jobs_reap() == 1
    assert state(job) == JobState.QUEUED
    held = job_start(job_uuid=job.uuid)
    assert held is not None
    pulse = job_heartbeat(lost, stage="detect", fraction=0.9)
    assert (pulse.held, pulse.cancel) == (False, True)
    assert job_fail(lost, code="late", message=REASON) is False
    assert job_stop(lost) is False
    job.refresh_from_db()
    assert (job.state, job.fraction, job.attempt) == (JobState.RUNNING, 0, 2)


def test_a_living_job_is_left_alone(world: World) -> None:
    job = submit(world)
    job_start(job_uuid=job.uuid)
    age(job, settings.JOB_LOST_AFTER_S - 5)
    assert jobs_reap() == 0
    assert state(job) == JobState.RUNNING


def test_after_the_last_attempt_a_lost_job_fails_with_a_reason(world: World) -> None:
    job = submit(world)
    for _ in range(settings.JOB_MAX_ATTEMPTS):
        assert job_start(job_uuid=job.uuid) is not None
        age(job, settings.JOB_LOST_AFTER_S + 1)
        assert jobs_reap() == 1
    assert state(job) == JobState.FAILED
    assert job.error_code == "worker_lost"
    assert set(job.error_message) == {"fr", "en"}
    assert jobs_reap() == 0


def test_a_lost_job_that_somebody_cancelled_ends_cancelled(world: World) -> None:
    job = submit(world)
    job_start(job_uuid=job.uuid)
    job_cancel(user=world.reader, job=job)
    age(job, settings.JOB_LOST_AFTER_S + 1)
    jobs_reap()
    assert state(job) == JobState.CANCELLED


def test_a_lost_message_is_sent_again_at_growing_intervals(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(
        "portrait_viewer.analysis.services.enqueue", lambda _, **kw: sent.append(kw["job_uuid"])
    )
    job = submit(world)
    age(job, 30)
    assert jobs_reap() == 0  # a worker may still take it
    age(job, 61)
    assert jobs_reap() == 1
    assert sent == [str(job.uuid)]
    assert jobs_reap() == 0
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(
        queued_at=now - timedelta(seconds=600), updated_at=now - timedelta(seconds=100)
    )
    assert jobs_reap() == 0  # waited 500 s before: waits as long again


def test_a_failed_job_is_retried_as_a_new_one(world: World) -> None:
    job = submit(world, hotspot_cells=400)
    lease = job_start(job_uuid=job.uuid)
    assert lease is not None
    with pytest.raises(Conflict):
        job_retry(user=world.reader, job=job)
    job_fail(lease, code="tool_failed", message=REASON)
    job.refresh_from_db()
    again = job_retry(user=world.reader, job=job)
    assert again.pk != job.pk
    assert again.parameters == job.parameters
    assert state(job) == JobState.FAILED


def test_places_in_the_queue_count_jobs_of_the_same_queue(world: World) -> None:
    first, second = submit(world), submit(world, "slide_qc")
    assert queue_positions([first, second]) == {first.pk: 1, second.pk: 2}
    job_start(job_uuid=first.uuid)
    first.refresh_from_db()
    assert queue_positions([first, second]) == {second.pk: 1}
