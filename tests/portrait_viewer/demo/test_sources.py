"""Real files, then a download, then phantoms; nothing half-written is ever used."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pytest

from portrait_viewer.demo import sources
from portrait_viewer.demo.laboratory import CASES, PhantomPlan, SlidePlan
from portrait_viewer.demo.sources import CatalogueEntry, DownloadFailed, Sources, download

BODY = b"a slide of fifteen bytes" * 100
ENTRY = CatalogueEntry(
    file="open.svs",
    url="https://slides.example/open.svs",
    sha256=hashlib.sha256(BODY).hexdigest(),
    bytes=len(BODY),
    licence="CC0-1.0",
    origin="example",
    about="a slide",
)
PLAN = SlidePlan("A1", "FLUO", PhantomPlan(2000, 2000, 1, "breast-hes"), real="open.svs")


def make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **options: object
) -> tuple[Sources, list[str]]:
    said: list[str] = []
    monkeypatch.setattr(sources, "catalogue", lambda: {ENTRY.file: ENTRY})
    found = Sources(
        data=tmp_path / "data",
        store=tmp_path / "store",
        say=said.append,
        **options,  # type: ignore[arg-type]
    )
    return found, said


def offline(_url: str) -> io.BytesIO:
    raise URLError("no route to host")


def test_a_file_of_the_data_folder_is_used_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo_site: list[Path]
) -> None:
    file = tmp_path / "data" / "slides" / "open.svs"
    file.parent.mkdir(parents=True)
    file.write_bytes(BODY)
    found, _ = make(tmp_path, monkeypatch, opener=offline)
    slide = found.find(PLAN, "x")
    assert (slide.path, slide.stain, slide.phantom) == (file, "FLUO", False)
    assert demo_site == []


def test_else_the_open_slide_is_downloaded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def opener(url: str) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(BODY)

    found, said = make(tmp_path, monkeypatch, opener=opener)
    assert found.find(PLAN, "x").path.read_bytes() == BODY
    assert found.find(PLAN, "x").phantom is False
    assert asked == [ENTRY.url]
    assert "CC0-1.0" in said[0]


def test_offline_a_phantom_takes_its_place_and_its_stain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, said = make(tmp_path, monkeypatch, opener=offline)
    slide = found.find(PLAN, "case-A1")
    assert (slide.stain, slide.phantom, slide.path.name) == ("HES", True, "case-A1.tif")
    assert "A phantom slide takes its place." in said[1]
    found.find(PLAN, "again")
    assert not [line for line in said[2:] if "downloading" in line]  # asked once, not per slide


def test_without_permission_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opener(_url: str) -> io.BytesIO:
        raise AssertionError("downloaded")

    found, _ = make(tmp_path, monkeypatch, online=False, opener=opener)
    assert found.find(PLAN, "x").phantom


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"x" * len(BODY), "checksum"), (BODY + b"x", "longer"), (BODY[:-1], "checksum")],
)
def test_a_download_that_is_not_the_file_is_thrown_away(
    tmp_path: Path, body: bytes, reason: str
) -> None:
    with pytest.raises(DownloadFailed, match=reason):
        download(ENTRY, tmp_path / "new", lambda _url: io.BytesIO(body))
    assert list((tmp_path / "new").iterdir()) == []


def test_only_https_is_asked() -> None:
    with pytest.raises(DownloadFailed, match="https"):
        sources.open_url("file:///etc/hostname")


def test_a_phantom_is_made_once_and_only_used_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo_site: list[Path]
) -> None:
    found, _ = make(tmp_path, monkeypatch)
    plan = replace(PLAN, real=None)
    drawn = sources.write_phantom

    def interrupted(_spec: object, path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, "write_phantom", interrupted)
    with pytest.raises(KeyboardInterrupt):
        found.find(plan, "x")
    assert list((tmp_path / "store" / "phantoms").glob("*.tif")) == []
    monkeypatch.setattr(sources, "write_phantom", drawn)
    first, second = found.find(plan, "x"), found.find(plan, "x")
    assert first == second
    assert len(demo_site) == 1
    assert {path.name for path in first.path.parent.iterdir()} == {"x.tif", "x.truth.json"}


def test_catalogue_is_complete_and_open() -> None:
    entries = sources.catalogue()
    assert entries
    for name, entry in entries.items():
        assert name == entry.file
        assert entry.url.startswith("https://")
        assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
        assert entry.licence in {"CC0-1.0", "CC-BY-4.0"}
        assert entry.bytes < 20e6


def test_every_catalogue_slide_has_a_place_in_the_demo() -> None:
    wanted = {slide.real for case in CASES for slide in case.slides}
    assert set(sources.catalogue()) <= wanted


@pytest.mark.real_data
def test_catalogue_describes_the_files_of_the_data_folder(real_slides: Path) -> None:
    for name, entry in sources.catalogue().items():
        content = (real_slides / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry.bytes, entry.sha256)
