"""A file that breaks its reader is refused with a reason; the site goes on."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inference.errors import SlideError
from portrait_viewer.imaging import guarded
from portrait_viewer.imaging.guarded import Limits, inspect_guarded
from tests.factories.slide_files import write_svs


def test_a_good_slide_is_described_and_pictured(tmp_path: Path) -> None:
    path = write_svs(tmp_path / "a.svs")
    found = inspect_guarded(path, tmp_path / "thumbnail.jpg")
    assert (found.vendor, found.width, found.height, found.level_count) == ("aperio", 700, 500, 2)
    assert (found.mpp_x, found.mpp_y, found.objective_power) == (0.5, 0.5, 20.0)
    assert found.size_bytes == path.stat().st_size
    assert len(found.sha256) == 64
    picture = Image.open(io.BytesIO((tmp_path / "thumbnail.jpg").read_bytes()))
    assert (picture.format, picture.size) == ("JPEG", (512, 366))


@pytest.mark.parametrize("mpp", [None, 0.001, 99.0])
def test_a_missing_or_absurd_resolution_is_none(tmp_path: Path, mpp: float | None) -> None:
    found = inspect_guarded(write_svs(tmp_path / "a.svs", mpp=mpp), tmp_path / "t.jpg")
    assert (found.mpp_x, found.mpp_y) == (None, None)


def test_text_renamed_svs_is_refused_in_both_languages(tmp_path: Path) -> None:
    path = tmp_path / "a.svs"
    path.write_text("this is not a slide\n" * 100)
    with pytest.raises(SlideError) as refused:
        inspect_guarded(path, tmp_path / "t.jpg")
    assert refused.value.code == "slide_unsupported"
    assert "Ce fichier" in refused.value.message.fr
    assert "This file" in refused.value.message.en


REFUSED = {
    "slides/rgb.czi": "slide_unsupported",
    "slides/small_vectra.qptiff": "slide_multichannel",
    "format_fixtures/histolab_broken.svs": None,
    "format_fixtures/wsi_annotation.dcm": None,
    "format_fixtures/openslide-python/unopenable.tiff": None,
    "format_fixtures/openslide-python/boxes.png": None,
    "format_fixtures/highdicom/sr_document.dcm": None,
    "format_fixtures/highdicom/seg_image_sm_dots.dcm": None,
    "format_fixtures/large_image/notanimage.txt": None,
    "format_fixtures/large_image/zero_gi.tif": None,
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", REFUSED)
def test_real_files_that_are_no_readable_slides(
    portrait_data: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(SlideError) as refused:
        inspect_guarded(portrait_data / name, tmp_path / "t.jpg")
    assert REFUSED[name] in {None, refused.value.code}
    assert refused.value.code not in {"slide_crashed", "slide_too_slow"}
    assert len(refused.value.message.fr) > 20


@pytest.mark.parametrize(
    ("limits", "codes"),
    [
        (Limits(wall_s=0.05), {"slide_too_slow"}),
        (Limits(cpu_s=0), {"slide_too_slow"}),
        (Limits(memory_bytes=40 * 1024**2), {"slide_too_much_memory", "slide_crashed"}),
    ],
    ids=["wall", "cpu", "memory"],
)
def test_limits_end_the_child_with_a_reason(
    tmp_path: Path, limits: Limits, codes: set[str]
) -> None:
    with pytest.raises(SlideError) as refused:
        inspect_guarded(write_svs(tmp_path / "a.svs"), tmp_path / "t.jpg", limits)
    assert refused.value.code in codes


def test_a_memory_bomb_is_told_from_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _child_runs(
        monkeypatch,
        "import portrait_viewer.imaging.inspect_slide as i\n"
        "i._inspect = lambda *a: len(bytearray(2 * 1024**3))\nraise SystemExit(i.main())",
    )
    with pytest.raises(SlideError) as refused:
        inspect_guarded(
            write_svs(tmp_path / "a.svs"), tmp_path / "t.jpg", Limits(memory_bytes=1024**3)
        )
    assert refused.value.code == "slide_too_much_memory"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import os; os.abort()", "slide_crashed"),
        ("print('{\"slide\": {}}')", "slide_crashed"),
        ("print('nonsense')", "slide_crashed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "slide_too_much_memory"),
    ],
)
def test_a_child_that_breaks_is_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, error: str
) -> None:
    _child_runs(monkeypatch, code)
    with pytest.raises(SlideError) as refused:
        inspect_guarded(tmp_path / "a.svs", tmp_path / "t.jpg")
    assert refused.value.code == error


def test_a_disk_that_is_full_is_not_the_slides_fault(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="thumbnail"):
        inspect_guarded(write_svs(tmp_path / "a.svs"), tmp_path / "absent" / "t.jpg")


def test_the_child_sees_neither_secrets_nor_django(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTRAIT_SECRET_KEY", "x" * 60)
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    assert {"PORTRAIT_SECRET_KEY", "DATABASE_URL"}.isdisjoint(guarded._environment())
    code = (
        "import sys, portrait_viewer.imaging.inspect_slide as i\n"
        "from inference.wsi import open_slide; from portrait_viewer.imaging import encoding\n"
        "print(sorted({'django', 'torch', 'celery'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=guarded._environment(),
        cwd="/",
    )
    assert ran.stdout.strip() == "[]"


def test_the_child_is_confined() -> None:
    code = (
        "import resource, portrait_viewer.imaging.inspect_slide as i\n"
        "i._confine(memory_bytes=2**30, cpu_s=7)\n"
        "status = open('/proc/self/status').read()\n"
        "limits = [resource.getrlimit(n)[0] for n in (resource.RLIMIT_AS, resource.RLIMIT_CPU)]\n"
        "print(*limits, 'NoNewPrivs:\\t1' in status)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=guarded._environment(),
        cwd="/",
    )
    assert ran.stdout.split() == [str(2**30), "7", "True"]


def test_the_child_ends_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    """It reads in a session of its own: nobody else would end it."""
    child = (
        "import os, time\n"
        "import portrait_viewer.imaging.inspect_slide as i\n"
        f"i._inspect = lambda *a: (open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())),"
        " time.sleep(600))\ni.main()"
    )
    worker = (
        "import subprocess, sys\nfrom pathlib import Path\n"
        "from portrait_viewer.imaging import guarded\n"
        "start = subprocess.Popen\n"
        "subprocess.Popen = lambda _command, **k:"
        f" start([sys.executable, '-c', {child!r}], **k)\n"
        f"guarded.inspect_guarded(Path('a.svs'), Path({str(tmp_path / 't.jpg')!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", worker])
    noted = tmp_path / "pid"
    _until(lambda: noted.exists() and noted.read_text() != "")
    process.kill()
    process.wait()
    entry = Path("/proc") / noted.read_text()
    _until(lambda: not entry.exists() or ") Z " in (entry / "stat").read_text())


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def _child_runs(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    start = subprocess.Popen

    def popen(_command: list[str], **kwargs: Any) -> subprocess.Popen[bytes]:
        return start([sys.executable, "-c", code], **kwargs)

    monkeypatch.setattr(guarded.subprocess, "Popen", popen)
