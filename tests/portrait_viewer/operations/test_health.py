"""What the site says of itself."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portrait_viewer.accounts.models import Role
from portrait_viewer.operations import health, housekeeping, signs
from portrait_viewer.operations.housekeeping import Housekeeper
from tests.factories import SiteFactory, member

pytestmark = pytest.mark.django_db


def ready() -> tuple[int, dict[str, Any]]:
    answer = Client().get("/health/ready/")
    return answer.status_code, answer.json()


def test_a_site_whose_processes_live_is_ok(home: Path) -> None:
    signs.touch(signs.HOUSEKEEPER)
    signs.touch(f"{signs.WORKER}tools@here")
    code, said = ready()
    assert (code, said["status"]) == (200, "ok"), said


def test_without_a_worker_pages_work_and_the_site_says_it(home: Path) -> None:
    signs.touch(signs.HOUSEKEEPER)
    code, said = ready()
    assert (code, said["status"]) == (200, "degraded")
    assert said["checks"]["worker"]["ok"] is False


def test_an_old_sign_counts_for_nothing(home: Path) -> None:
    signs.touch(signs.HOUSEKEEPER)
    then = time.time() - health.SILENT_S - 1
    os.utime(home / "run" / "housekeeper.alive", (then, then))
    assert ready()[1]["checks"]["housekeeper"]["ok"] is False
    with pytest.raises(CommandError):
        call_command("health", "housekeeper")


def test_a_database_that_is_away_makes_it_unavailable_and_tells_no_address(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> str:
        raise OSError("could not connect to secret-host:5432")

    monkeypatch.setattr(health, "_database", away)
    code, said = ready()
    assert (code, said["status"]) == (503, "unavailable")
    assert "secret-host" not in str(said)


def test_a_low_disk_is_said_to_those_who_can_make_room(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portrait_viewer.operations.context.is_low", lambda: True)
    site = SiteFactory.create()
    for role, told in ((Role.LAB_MANAGER, True), (Role.PATHOLOGIST, False)):
        client = Client()
        client.force_login(member(role, site.organization, site))
        assert ("nearly full" in client.get("/").content.decode()) is told


def test_one_chore_that_fails_does_not_stop_the_others(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def broken() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(housekeeping, "jobs_reap", broken)
    monkeypatch.setattr(housekeeping, "audit_seal", lambda: done.append("audit"))
    housekeeper = Housekeeper()
    housekeeper.round()
    housekeeper.round()
    assert done == ["audit", "audit"]
    assert caplog.text.count("Housekeeping of jobs fails") == 1  # said once, not every round
    age = signs.freshest_s(signs.HOUSEKEEPER)
    assert age is not None
    assert age < 5
