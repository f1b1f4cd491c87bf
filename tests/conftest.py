"""Fixtures of every test: data folder, a home of its own, tasks run where they are sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]


def data_folder() -> Path:
    """The folder of real slides and images: PORTRAIT_DATA, else ../shared/data."""
    return Path(os.environ.get("PORTRAIT_DATA") or ROOT.parent / "shared" / "data")


def pytest_configure() -> None:
    """The same examples each time; the site's texts, compiled where a fresh clone has none."""
    hypothesis.settings.register_profile("portrait", derandomize=True, deadline=None)
    hypothesis.settings.load_profile("portrait")
    from portrait_viewer.common.catalogues import compile_catalogues  # noqa: PLC0415

    compile_catalogues(ROOT / "portrait_viewer" / "locale")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("real_data") and not data_folder().is_dir():
        pytest.skip("PORTRAIT_DATA is absent: real slides and images are not on this machine")
    if item.get_closest_marker("gpu"):
        torch = pytest.importorskip("torch")
        if not torch.cuda.is_available():
            pytest.skip("no CUDA device on this machine (gpu)")


@pytest.fixture(scope="session")
def portrait_data() -> Path:
    """The folder of real data; skips, saying so, where it is absent."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip("PORTRAIT_DATA is absent: real slides and images are not on this machine")
    return folder


@pytest.fixture(scope="session")
def real_slides(portrait_data: Path) -> Path:
    return portrait_data / "slides"


def _has_django() -> bool:
    return bool(os.environ.get("DJANGO_SETTINGS_MODULE"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A home folder of the test's own, wherever the test uses the site's settings."""
    if not _has_django() or ("settings" not in request.fixturenames and not _uses_site(request)):
        yield tmp_path
        return
    from django.test import override_settings  # noqa: PLC0415

    folders = {
        name: tmp_path / name.split("_")[0].lower()
        for name in ("SLIDES_ROOT", "RESULTS_ROOT", "UPLOADS_ROOT")
    }
    for folder in folders.values():
        folder.mkdir()
    with override_settings(
        PORTRAIT_HOME=tmp_path, FILE_UPLOAD_TEMP_DIR=str(folders["UPLOADS_ROOT"]), **folders
    ):
        yield tmp_path


def _uses_site(request: pytest.FixtureRequest) -> bool:
    return "portrait_viewer" in str(request.path) or "e2e" in str(request.path)


@pytest.fixture
def run_enqueued(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Collects tasks instead of sending them; calling it runs them in order, returns their names.

    `task_always_eager` is ignored by `send_task`; this runs the bound task itself. Use it with
    `django_capture_on_commit_callbacks` or a transactional test.
    """
    sent: list[tuple[str, dict[str, Any]]] = []

    def send_task(_app: Any, name: str, kwargs: dict[str, Any], queue: str, **_: Any) -> None:
        assert queue in {"slides", "cpu", "gpu"}
        sent.append((name, kwargs))

    monkeypatch.setattr("celery.Celery.send_task", send_task)

    def run() -> list[str]:
        from portrait_viewer.config.celery import app  # noqa: PLC0415

        app.loader.import_default_modules()
        names = []
        while sent:
            name, kwargs = sent.pop(0)
            names.append(name)
            app.tasks[name](**kwargs)
        return names

    return run
