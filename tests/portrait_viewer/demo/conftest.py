"""An empty demo home; phantoms drawn small, so that the tests are about the demo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portrait_viewer.demo import home as demo_home
from portrait_viewer.demo import sources
from tests.factories.slide_files import write_svs


@pytest.fixture(autouse=True)
def demo_site(
    settings: Any, home: Path, monkeypatch: pytest.MonkeyPatch, db: None
) -> Iterator[list[Path]]:
    """Settings of the embedded site; yields the phantoms made."""
    settings.REALTIME_OUTBOX = True
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
    settings.SESSION_COOKIE_SECURE = False
    settings.PORTRAIT_HOME = home
    settings.DEMO_DATA = home / "no-data"
    made: list[Path] = []

    def small(_spec: Any, path: Path, **_: Any) -> None:
        write_svs(path, width=600, height=500)
        path.with_suffix(".truth.json").write_text("{}")
        made.append(path)

    monkeypatch.setattr(sources, "write_phantom", small)
    # The suite runs on PostgreSQL too; where the demo may run has tests of its own.
    monkeypatch.setattr(demo_home, "_vendor", lambda: "sqlite")
    return made
