"""Only the demo's own home is wiped."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portrait_viewer.common.home_lock import serving_lock
from portrait_viewer.demo import home as demo_home
from portrait_viewer.demo import reset
from portrait_viewer.demo.home import DemoRefused


@pytest.fixture
def demo_home_folder(settings: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home as the demo leaves it; the test's own database is not touched."""
    monkeypatch.setattr(reset.connections, "close_all", lambda: None)
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(home / "portrait.sqlite3"))
    demo_home.write_marker(complete="x")
    sqlite3.connect(home / "portrait.sqlite3").close()
    (home / "portrait.sqlite3").touch()
    (home / "portrait.sqlite3-wal").touch()
    for name in ("slides", "results", "demo"):
        (home / name).mkdir(exist_ok=True)
        (home / name / "file").write_text("x")
    (home / "secret_key").write_text("kept")
    (home / "notes-of-the-owner.txt").write_text("kept")
    return home


def test_it_wipes_what_the_demo_wrote(demo_home_folder: Path) -> None:
    call_command("demo_reset", "--yes")
    left = {path.name for path in demo_home_folder.iterdir()}
    locks = {demo_home.lock_path().name, Path(serving_lock().lock_file).name}
    assert left - locks == {"secret_key", "notes-of-the-owner.txt"}


@pytest.mark.parametrize("marker", [None, "not json", "[]", '{"portrait": "site"}'])
def test_another_home_is_left_alone(demo_home_folder: Path, marker: str | None) -> None:
    path = demo_home_folder / demo_home.MARKER
    path.unlink()
    if marker is not None:
        path.write_text(marker)
    with pytest.raises(CommandError, match="not made by the demo"):
        call_command("demo_reset", "--yes")
    assert (demo_home_folder / "portrait.sqlite3").exists()
    assert (demo_home_folder / "slides" / "file").exists()


def test_it_asks_first(demo_home_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _question: "")
    call_command("demo_reset")
    assert (demo_home_folder / "portrait.sqlite3").exists()
    monkeypatch.setattr("builtins.input", lambda _question: "oui")
    call_command("demo_reset")
    assert not (demo_home_folder / "portrait.sqlite3").exists()


def test_a_running_site_is_left_alone(demo_home_folder: Path) -> None:
    database = sqlite3.connect(demo_home_folder / "portrait.sqlite3")
    (demo_home_folder / "portrait.sqlite3-wal").unlink()
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (x)")
        with pytest.raises(DemoRefused, match="running"):
            reset.demo_wipe()
    finally:
        database.close()
    assert (demo_home_folder / "slides" / "file").exists()


def test_a_site_that_starts_is_left_alone_before_any_question(
    demo_home_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its database may not be open yet."""
    monkeypatch.setattr("builtins.input", lambda _question: pytest.fail("asked"))
    with serving_lock(), pytest.raises(CommandError, match="running"):
        call_command("demo_reset")
    assert (demo_home_folder / "slides" / "file").exists()


def test_while_the_demo_is_loaded_it_is_not_wiped(demo_home_folder: Path) -> None:
    with reset.FileLock(demo_home.lock_path()), pytest.raises(DemoRefused, match="running"):
        reset.demo_wipe()


def test_a_database_elsewhere_is_not_the_demos(
    demo_home_folder: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "portrait.sqlite3"
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(elsewhere))
    with pytest.raises(DemoRefused, match="does not lie"):
        reset.demo_wipe()


def test_a_real_site_is_left_alone(demo_home_folder: Path, settings: Any) -> None:
    settings.REALTIME_OUTBOX = False
    with pytest.raises(CommandError, match="embedded site"):
        call_command("demo_reset", "--yes")
    assert (demo_home_folder / "slides" / "file").exists()
