"""A job from its row to its results, computed for real."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from inference.errors import JobCancelled
from inference.runner import Progress
from portrait_viewer.analysis import execution
from portrait_viewer.analysis.execution import job_execute
from portrait_viewer.analysis.models import Finding, Job, JobState, Overlay, Score
from portrait_viewer.analysis.services import job_submit
from tests.portrait_viewer.analysis.conftest import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)  # the heartbeat has a connection of its own


@pytest.fixture
def world(transactional_db: None, ki67_file: Path, run_enqueued: Callable[[], list[str]]) -> World:
    return make_world(ki67_file)


def submitted(world: World, tool: str = "nuclear_ihc") -> Job:
    return job_submit(
        user=world.reader, slide=world.slide, tool_version=world.tools[tool], parameters={}
    )


def ended(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def results() -> list[Path]:
    return [path for path in Path(settings.RESULTS_ROOT).rglob("*") if path.is_file()]


def test_a_job_gives_scores_and_layers_once(
    world: World, run_enqueued: Callable[[], list[str]]
) -> None:
    job = submitted(world)
    assert run_enqueued() == ["analysis.job_run"]
    done = ended(job)
    assert done.state == JobState.SUCCEEDED, done.error_message
    assert done.fraction == 1
    index = Score.objects.get(job=job, key="labelling_index")
    assert index.n
    assert index.n > 100
    assert index.payload["interval"]["low"] < (index.value or 0) < index.payload["interval"]["high"]
    counts = (Score.objects.count(), Overlay.objects.count(), Finding.objects.count())
    job_execute(job_uuid=job.uuid)  # the same message again
    assert counts == (Score.objects.count(), Overlay.objects.count(), Finding.objects.count())


def test_the_layers_bytes_reach_those_who_may_read_and_can_be_kept(
    world: World, run_enqueued: Callable[[], list[str]]
) -> None:
    job = submitted(world)
    run_enqueued()
    client = Client()
    client.force_login(world.reader)
    said = client.get(f"/api/v1/jobs/{job.uuid}/").json()
    assert {overlay["kind"] for overlay in said["overlays"]} >= {"cells", "scalar"}
    for overlay in said["overlays"]:
        answer = client.get(overlay["url"])
        assert hashlib.sha256(answer.content).hexdigest() == overlay["sha256"]
        assert "immutable" in answer["Cache-Control"]
        again = client.get(overlay["url"], headers={"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert isinstance(overlay["label"], str)
        assert "file" not in overlay  # no name of the server's disk


def test_an_altered_slide_file_is_told_and_leaves_nothing(
    world: World, run_enqueued: Callable[[], list[str]]
) -> None:
    job = submitted(world)
    with (Path(settings.SLIDES_ROOT) / "ki67.tif").open("ab") as file:
        file.write(b"x")
    run_enqueued()
    assert (ended(job).state, ended(job).error_code) == (JobState.FAILED, "slide_altered")
    assert results() == []


def test_a_changed_tool_does_not_run_under_the_old_digest(
    world: World, run_enqueued: Callable[[], list[str]]
) -> None:
    job = submitted(world)
    type(world.tools["nuclear_ihc"]).objects.filter(tool_id="nuclear_ihc").update(digest="0" * 64)
    run_enqueued()
    assert ended(job).error_code == "tool_digest_mismatch"


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (RuntimeError("secret /srv/path"), "tool_failed"),
        (MemoryError(), "out_of_memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
    ],
)
def test_what_goes_wrong_is_said_in_words_without_internals(
    world: World,
    run_enqueued: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    problem: BaseException,
    code: str,
) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise problem

    monkeypatch.setattr(execution, "run", breaks)
    job = submitted(world)
    run_enqueued()
    found = ended(job)
    assert (found.state, found.error_code) == (JobState.FAILED, code)
    assert set(found.error_message) == {"fr", "en"}
    assert "secret" not in str(found.error_message)


def test_a_job_that_takes_too_long_is_stopped_and_says_so(
    world: World,
    run_enqueued: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> None:
    settings.JOB_TIME_LIMIT_S = 0

    def listens(*_: Any, cancel: Callable[[], bool], **__: Any) -> None:
        if cancel():
            raise JobCancelled

    monkeypatch.setattr(execution, "run", listens)
    job = submitted(world)
    run_enqueued()
    assert (ended(job).state, ended(job).error_code) == (JobState.FAILED, "time_limit")


def test_the_heartbeat_passes_progress_on_and_hears_the_cancel(
    world: World, run_enqueued: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "BEAT_S", 0.02)
    seen: list[tuple[str, float]] = []
    job = submitted(world)

    def slow(
        *_: Any, progress: Callable[[Progress], None], cancel: Callable[[], bool], **__: Any
    ) -> None:
        progress(Progress("detect", 1, 2, 0.5, 12.0))
        for _turn in range(500):
            row = ended(job)
            if row.stage == "detect" and not seen:
                seen.append((row.stage, row.fraction))
                Job.objects.filter(pk=job.pk).update(cancel_requested_at=row.heartbeat_at)
            if cancel():
                raise JobCancelled
            execution.time.sleep(0.01)

    monkeypatch.setattr(execution, "run", slow)
    run_enqueued()
    assert seen == [("detect", 0.5)]
    assert ended(job).state == JobState.CANCELLED
