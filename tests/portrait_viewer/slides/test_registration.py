"""Registration never runs twice in effect and never stays on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from inference.errors import SlideError
from inference.text import LocalText
from portrait_viewer.audit.models import AuditEvent
from portrait_viewer.common.errors import Conflict, PermissionRefused
from portrait_viewer.imaging.guarded import Inspection
from portrait_viewer.slides import services
from portrait_viewer.slides.models import Slide, SlideState
from tests.factories import CaseFactory, SlideFactory
from tests.factories.slide_files import write_svs
from tests.portrait_viewer.slides.conftest import World

Run = Callable[[], list[str]]
FOUND = Inspection("aperio", "", 700, 500, 2, 0.5, 0.5, 20.0, (), "ab" * 32, 1000)


@pytest.fixture
def waiting(world: World, tmp_path: Path) -> Slide:
    path = write_svs(tmp_path / "a.svs")
    return services.slide_import(case=world.case, stain="HE", block=None, path=path)


def old(slide: Slide, seconds: int = 61, **changes: Any) -> None:
    past = timezone.now() - timedelta(seconds=seconds)
    Slide.objects.filter(pk=slide.pk).update(updated_at=past, **changes)


def test_running_it_again_changes_nothing(waiting: Slide) -> None:
    services.slide_registration_run(slide_uuid=waiting.uuid)
    first = Slide.objects.values().get()
    services.slide_registration_run(slide_uuid=str(waiting.uuid))
    assert Slide.objects.values().get() == first
    assert AuditEvent.objects.filter(verb="slide.registered").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_register_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_enqueued: Run
) -> None:
    slide = services.slide_import(
        case=CaseFactory.create(), stain="HE", block=None, path=write_svs(tmp_path / "a.svs")
    )
    both = threading.Barrier(2)
    inspected = []

    def inspect(_path: Path, thumbnail: Path, **_: Any) -> Inspection:
        inspected.append(1)
        thumbnail.write_bytes(b"jpeg")
        return FOUND

    monkeypatch.setattr(services, "inspect_guarded", inspect)

    def work() -> None:
        both.wait(10)
        services.slide_registration_run(slide_uuid=slide.uuid)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    slide.refresh_from_db()
    assert (slide.state, slide.registration_attempts, len(inspected)) == (SlideState.READY, 1, 1)
    assert AuditEvent.objects.filter(verb="slide.registered").count() == 1


def test_two_results_only_the_first_counts(waiting: Slide) -> None:
    services._register(waiting, FOUND)
    services._reject(waiting, "slide_crashed", LocalText(fr="non", en="no"))
    waiting.refresh_from_db()
    assert waiting.state == SlideState.READY
    assert waiting.reject_code == ""
    assert not AuditEvent.objects.filter(verb="slide.rejected").exists()


def test_the_reaper_leaves_the_fresh_and_the_running(waiting: Slide, run_enqueued: Run) -> None:
    assert services.slide_registrations_reap() == 0
    old(waiting, 59)
    assert services.slide_registrations_reap() == 0
    assert run_enqueued() == []


def test_a_lost_registration_is_started_again(
    waiting: Slide, run_enqueued: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit  # the worker dies

    with monkeypatch.context() as patched:
        patched.setattr(services, "inspect_guarded", killed)
        with pytest.raises(SystemExit):
            services.slide_registration_run(slide_uuid=waiting.uuid)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.registration_attempts) == (SlideState.REGISTERING, 1)
    services.slide_registration_run(slide_uuid=waiting.uuid)  # redelivered: may be running still
    waiting.refresh_from_db()
    assert waiting.state == SlideState.REGISTERING
    old(waiting)
    assert services.slide_registrations_reap() == 1
    assert services.slide_registrations_reap() == 0  # sent once
    assert run_enqueued() == ["slides.register"]
    waiting.refresh_from_db()
    assert (waiting.state, waiting.registration_attempts) == (SlideState.READY, 2)


def test_the_third_loss_is_a_refusal(waiting: Slide, run_enqueued: Run) -> None:
    old(waiting, registration_attempts=3)
    assert services.slide_registrations_reap() == 1
    assert run_enqueued() == []
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reject_code) == (SlideState.REJECTED, "registration_lost")
    assert "trois fois" in waiting.reject_reason["fr"]
    assert AuditEvent.objects.filter(verb="slide.rejected").count() == 1


def test_a_reason_of_the_child_is_kept(waiting: Slide, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise SlideError("slide_too_slow", LocalText(fr="Trop lent.", en="Too slow."))

    monkeypatch.setattr(services, "inspect_guarded", refuse)
    services.slide_registration_run(slide_uuid=waiting.uuid)
    waiting.refresh_from_db()
    assert waiting.reject_reason == {"fr": "Trop lent.", "en": "Too slow."}
    assert waiting.reject_code == "slide_too_slow"


def test_the_beat_keeps_the_reaper_away(waiting: Slide, run_enqueued: Run) -> None:
    old(waiting, registration_attempts=1)
    services._beat(waiting)
    assert services.slide_registrations_reap() == 0


@pytest.mark.parametrize("state", SlideState.values)
def test_only_the_table_moves_a_slide(world: World, state: str) -> None:
    """From each state, exactly the transitions of the table go through."""
    for target in SlideState:
        for start in SlideState:
            slide = SlideFactory.create(case=world.case, state=state)
            allowed = target in services.TRANSITIONS[start] and start == state
            try:
                moved = services._move_on(
                    slide, frm=start, to=target, changes={}, verb="slide.test", user=None
                )
            except ValueError:
                moved = None
            slide.refresh_from_db()
            assert (moved is not None) == allowed
            assert slide.state == (target if allowed else state)


def test_archive_is_for_managers(world: World) -> None:
    from portrait_viewer.accounts.models import Role  # noqa: PLC0415
    from tests.factories import member  # noqa: PLC0415

    slide = SlideFactory.create(case=world.case)
    with pytest.raises(PermissionRefused):
        services.slide_archive(user=world.pathologist, slide=slide)
    manager = member(Role.LAB_MANAGER, world.organization)
    assert services.slide_archive(user=manager, slide=slide).state == SlideState.ARCHIVED
    with pytest.raises(Conflict):
        services.slide_archive(user=manager, slide=slide)
