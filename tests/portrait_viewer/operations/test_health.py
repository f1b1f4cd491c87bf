"""What the site says of itself."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError
from django.test import Client
from django.utils import translation
from kombu import Connection
from kombu.exceptions import OperationalError as BrokerError

from portrait_viewer.accounts.models import Role
from portrait_viewer.common import disk
from portrait_viewer.operations import health, housekeeping, signs
from portrait_viewer.operations.housekeeping import Housekeeper
from tests.factories import SiteFactory, member

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test lies in one transaction: its connection stays open between rounds."""
    monkeypatch.setattr(housekeeping, "close_old_connections", lambda: None)


def ready() -> tuple[int, dict[str, Any]]:
    answer = Client().get("/health/ready/")
    return answer.status_code, answer.json()


def works(name: str, queues: str, machine: str = "here") -> None:
    signs.touch(f"{signs.WORKER}{name}@{machine}", queues)


def test_a_site_whose_processes_live_is_ok(home: Path) -> None:
    signs.touch(signs.HOUSEKEEPER)
    works("slides", "slides")
    works("tools", "cpu,gpu", "elsewhere")
    code, said = ready()
    assert (code, said["status"]) == (200, "ok"), said


@pytest.mark.parametrize(
    ("queues", "word"), [("cpu,gpu", "uploads wait"), ("slides,cpu", "Some analyses")]
)
def test_a_queue_without_a_worker_is_said(home: Path, queues: str, word: str) -> None:
    signs.touch(signs.HOUSEKEEPER)
    works("tools", queues)
    with translation.override("en"):
        check = health.worker_check()
    assert not check.ok
    assert word in check.text
    assert ready()[1]["status"] == "degraded"


def test_a_container_asks_for_its_own_worker(home: Path) -> None:
    works("tools", "cpu,gpu", "another-container")
    with pytest.raises(CommandError):
        call_command("health", "worker")
    works("slides", "slides", socket.gethostname())
    call_command("health", "worker")


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
    signs.touch(signs.HOUSEKEEPER)
    call_command("health", "housekeeper")
    os.utime(home / "run" / "housekeeper.alive", (then, then))
    with pytest.raises(CommandError):
        call_command("health", "housekeeper")


@pytest.mark.parametrize(
    ("part", "error"),
    [
        ("_database", InterfaceError("connection to secret-host already closed")),
        ("_database", OperationalError("could not connect to secret-host:5432")),
        ("_broker", BrokerError("redis://:secret-host@away")),
        ("_storage", OSError(28, "No space left", "/secret-host/uploads")),
    ],
)
def test_what_is_away_makes_it_unavailable_and_tells_no_address(
    home: Path, monkeypatch: pytest.MonkeyPatch, part: str, error: Exception
) -> None:
    def away() -> str:
        raise error

    monkeypatch.setattr(health, part, away)
    code, said = ready()
    assert (code, said["status"]) == (503, "unavailable")
    assert said["checks"][part.removeprefix("_")]["ok"] is False
    assert "secret-host" not in str(said)


def test_a_broker_that_does_not_answer_is_found_out(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
    monkeypatch.setattr(
        health.current_app,
        "connection_for_write",
        lambda **options: Connection(url, **options),
    )
    began = time.monotonic()
    code, said = ready()
    assert (code, said["checks"]["broker"]["ok"]) == (503, False)
    assert time.monotonic() - began < 10


def test_tables_of_another_version_make_it_unavailable(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_: [("slides", "0002")])
    code, said = ready()
    assert (code, said["checks"]["database"]["ok"]) == (503, False)


def test_a_missing_folder_makes_it_unavailable(home: Path) -> None:
    (home / "uploads").rmdir()
    code, said = ready()
    assert (code, said["checks"]["storage"]["ok"]) == (503, False)
    assert str(home) not in str(said)


def test_pages_go_on_where_the_disk_cannot_be_asked(home: Path) -> None:
    client = Client()
    client.force_login(member(Role.LAB_MANAGER, SiteFactory.create().organization))
    (home / "uploads").rmdir()
    assert client.get("/").status_code == 200


def test_the_disk_is_said_to_fill_before_it_is_full(home: Path, settings: Any) -> None:
    free = disk.free_bytes()
    settings.MIN_FREE_BYTES = free // 2 + 2**30
    with translation.override("en"):
        low = health._disk()
    assert (low.ok, low.text) == (True, "Nearly full: make room soon.")
    settings.MIN_FREE_BYTES = 2 * free
    assert health._disk().ok is False
    assert ready()[0] == 200  # who reads slides is not sent away


def test_health_needs_no_sign_in_and_is_never_kept(home: Path) -> None:
    for path in ("/health/live/", "/health/ready/"):
        answer = Client().get(path)
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]
        assert Client().post(path).status_code == 405


def test_live_asks_nothing_of_the_database(
    home: Path, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    with django_assert_num_queries(0):
        Client().get("/health/live/")


def test_the_command_asks_the_web_process(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PORTRAIT_PORT", str(closed.getsockname()[1]))
    with pytest.raises(CommandError, match="does not answer"):
        call_command("health", "web")


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
    (sign,) = signs.seen(signs.HOUSEKEEPER)
    assert sign.age_s < 5


def test_one_round_says_what_failed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("housekeeper", "--once")

    def broken() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(housekeeping, "outbox_purge", broken)
    with pytest.raises(CommandError, match="outbox"):
        call_command("housekeeper", "--once")


def test_what_works_again_is_said_and_may_fail_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fails = iter([True, False, True])

    def sometimes() -> None:
        if next(fails):
            raise RuntimeError("broken")

    monkeypatch.setattr(housekeeping, "jobs_reap", sometimes)
    housekeeper = Housekeeper()
    assert [housekeeper.round() for _ in range(3)] == [{"jobs"}, set(), {"jobs"}]
    assert caplog.text.count("Housekeeping of jobs fails") == 2
    assert caplog.text.count("Housekeeping of jobs works again") == 1


def test_a_low_disk_is_logged_once_an_hour(
    home: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MIN_FREE_BYTES = disk.free_bytes()
    housekeeper = Housekeeper()
    for _ in range(3):
        housekeeper.round()
    assert caplog.text.count("nearly full") == 1


def test_signs_of_yesterday_are_forgotten(home: Path) -> None:
    works("tools", "cpu")
    works("slides", "slides")
    then = time.time() - 25 * 3600
    os.utime(home / "run" / "worker-tools@here.alive", (then, then))
    Housekeeper().round()
    assert [sign.name for sign in signs.seen(signs.WORKER)] == ["worker-slides@here"]
