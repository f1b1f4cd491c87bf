"""Tiles: ours against OpenSlide's DeepZoomGenerator + PIL, in interleaved rounds.

    python benchmarks/bench_tiles.py            (about a minute)
    python benchmarks/bench_tiles.py --smoke    (a few seconds, small slide, same code)

Ratios are CPU time of the rival / CPU time of ours, per tile, medians over rounds: both run in
the same minute on the same core. The slide is a mosaic of a real stained field (scikit-image's
bundled immunohistochemistry picture) with flips, jitter and noise, in Aperio's layout: 256 px
JPEG tiles, q80, levels 1/4/16. The rival is the setting of OpenSlide's own example server:
DeepZoomGenerator(254 px + 1 overlap), PIL JPEG q80.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import openslide
import tifffile
from numpy.typing import NDArray
from openslide.deepzoom import DeepZoomGenerator
from skimage.data import immunohistochemistry

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from portrait_viewer.imaging import tiles  # noqa: E402

TILE = 256
GOALS = {"tile_inprocess": 60.0, "tile_absent_level": 6.0, "tile_http": 0.2}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="a few seconds: does it run")
    parser.add_argument("--prepare", nargs=2, metavar=("HOME", "SLIDE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.prepare:
        _prepare(Path(given.prepare[1]))
        return 0
    side, rounds, count = (4096, 3, 40) if given.smoke else (16384, 7, 200)
    with tempfile.TemporaryDirectory() as folder:
        slide = write_mosaic(Path(folder) / "mosaic.svs", side)
        print(f"slide {side} x {side} px, {slide.stat().st_size / 2**20:.0f} MiB")
        ratios = in_process(slide, rounds, count)
        ratios["tile_http"] = over_http(Path(folder) / "home", slide, rounds, count)
    ok = True
    for name, ratio in ratios.items():
        passed = ratio >= GOALS[name]
        ok &= passed
        print(f"BENCH {name} {ratio:.2f} >={GOALS[name]:g} {'pass' if passed else 'fail'}")
    return 0 if ok else 1


def write_mosaic(path: Path, side: int) -> Path:
    """Tiles of a real field, half of the slide glass; memory holds one row of tiles."""
    rng = np.random.default_rng(1)
    field = immunohistochemistry()
    said = (
        f"Aperio Image Library v12.0.0 \r\n{side}x{side} [0,0 {side}x{side}] (256x256) JPEG Q=80"
        "|AppMag = 40|MPP = 0.25"
    )
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for factor in (1, 4, 16):
            size = side // factor
            file.write(
                _tiles(field, size, rng),
                shape=(size, size, 3),
                dtype=np.uint8,
                tile=(TILE, TILE),
                photometric="rgb",
                compression="jpeg",
                compressionargs={"level": 80},
                subsampling=(2, 2),
                description=said,
                metadata=None,
                software=None,
            )
    return path


def _tiles(
    field: NDArray[np.uint8], size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.uint8]]:
    for row in range(size // TILE):
        for _ in range(size // TILE):
            if row % 4 == 3:
                base = np.full((TILE, TILE, 3), 243.0)
            else:
                y, x = rng.integers(0, field.shape[0] - TILE, 2)
                base = field[y : y + TILE, x : x + TILE].astype(float)
                base = base[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]
                base = base * rng.uniform(0.95, 1.05)
            yield np.clip(base + rng.normal(0, 2, base.shape), 0, 255).astype(np.uint8)


def in_process(slide: Path, rounds: int, count: int) -> dict[str, float]:
    """Native levels, and the level 1/2 that the file lacks."""
    grid = tiles.tile_grid(slide)
    deep = DeepZoomGenerator(openslide.OpenSlide(slide), 254, 1, limit_bounds=False)
    last = len(grid.levels) - 1
    ours: dict[str, list[float]] = {"tile_inprocess": [], "tile_absent_level": []}
    rival: dict[str, list[float]] = {"tile_inprocess": [], "tile_absent_level": []}
    for number in range(rounds):
        for name, back in (("tile_inprocess", 0), ("tile_absent_level", 1)):
            level, few = last - back, count if back == 0 else max(10, count // 5)
            places = _places(grid.levels[level].width // TILE, few, seed=number)
            tiles.forget_all()
            tiles.tile_grid(slide)  # both keep the slide open
            ours[name].append(_cpu(partial(tiles.tile, slide, level), places))
            top = deep.level_count - 1 - back
            rival[name].append(_cpu(partial(_deep_tile, deep, top), places))
    ratios = {}
    for name, mine in ours.items():
        pairs = zip(rival[name], mine, strict=True)
        ratios[name] = statistics.median(theirs / own for theirs, own in pairs)
        print(
            f"{name}: ours {statistics.median(mine) * 1e6:.0f} us, DeepZoom + PIL "
            f"{statistics.median(rival[name]) * 1e6:.0f} us CPU a tile"
        )
    return ratios


def _deep_tile(deep: DeepZoomGenerator, level: int, column: int, row: int) -> bytes:
    out = io.BytesIO()
    deep.get_tile(level, (column, row)).save(out, "JPEG", quality=80)
    return out.getvalue()


def _places(across: int, count: int, seed: int) -> list[tuple[int, int]]:
    chooser = random.Random(seed)
    return [(chooser.randrange(across), chooser.randrange(across)) for _ in range(count)]


def _cpu(make: Callable[[int, int], object], places: list[tuple[int, int]]) -> float:
    start = time.process_time()
    for column, row in places:
        make(column, row)
    return (time.process_time() - start) / len(places)


def over_http(home: Path, slide: Path, rounds: int, count: int) -> float:
    """The authorised endpoint under uvicorn: session, user, memo, tile; CPU of the server."""
    (home / "static").mkdir(parents=True)
    env = os.environ | {
        "PORTRAIT_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "portrait_viewer.config.settings.embedded",
        "PORTRAIT_LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT),
    }
    env.pop("DATABASE_URL", None)
    env.pop("REDIS_URL", None)
    prepare = [sys.executable, __file__, "--prepare", str(home), str(slide)]
    made = subprocess.run(prepare, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SystemExit(made.stderr)
    site = json.loads(made.stdout.splitlines()[-1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--log-level", "error", "--no-access-log"]
    server = subprocess.Popen(
        [*command, "django.core.asgi:get_asgi_application"], env=env, cwd=ROOT
    )
    try:
        return _http_rounds(server.pid, port, site, slide, rounds=rounds, count=count)
    finally:
        server.terminate()
        server.wait(20)


def _http_rounds(
    pid: int, port: int, site: dict[str, str], slide: Path, *, rounds: int, count: int
) -> float:
    grid = tiles.tile_grid(slide)
    last = len(grid.levels) - 1
    deep = DeepZoomGenerator(openslide.OpenSlide(slide), 254, 1, limit_bounds=False)
    connection = _connect(port)
    headers = {"Cookie": f"sessionid={site['session']}", "Host": "127.0.0.1"}

    def fetch(column: int, row: int) -> None:
        connection.request("GET", f"{site['tiles']}{last}/{column}_{row}", headers=headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200 or body[:2] != b"\xff\xd8":
            raise SystemExit(f"the tile endpoint answered {response.status}")

    for column, row in _places(grid.levels[last].width // TILE, 20, seed=99):
        fetch(column, row)
    ours, rival, waits = [], [], []
    for number in range(rounds):
        places = _places(grid.levels[last].width // TILE, count, seed=number)
        before = _server_cpu(pid)
        for column, row in places:
            start = time.perf_counter()
            fetch(column, row)
            waits.append(time.perf_counter() - start)
        ours.append((_server_cpu(pid) - before) / len(places))
        top = deep.level_count - 1
        rival.append(_cpu(partial(_deep_tile, deep, top), places))
    print(
        f"tile_http: {statistics.median(ours) * 1e6:.0f} us server CPU a tile, "
        f"p50 {statistics.median(waits) * 1e3:.1f} ms on one connection; "
        f"DeepZoom + PIL in process {statistics.median(rival) * 1e6:.0f} us"
    )
    return statistics.median(theirs / own for theirs, own in zip(rival, ours, strict=True))


def _connect(port: int) -> http.client.HTTPConnection:
    end = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.connect()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return connection


def _server_cpu(pid: int) -> float:
    """User and system seconds of the process (Linux; ticks of 10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _prepare(slide_path: Path) -> None:
    """A site with one reader, one case and the slide; prints the session and the tile URL."""
    import django  # noqa: PLC0415

    django.setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: PLC0415
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    from portrait_viewer.accounts.models import Membership, Organization, Site, User  # noqa: PLC0415
    from portrait_viewer.cases.models import Case, Patient  # noqa: PLC0415
    from portrait_viewer.slides.models import Slide, SlideFile  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    lab = Organization.objects.create(name="Lab", slug="lab", kind="laboratory")
    site = Site.objects.create(organization=lab, name="Main", slug="main")
    user = User.objects.create(username="reader")
    user.set_unusable_password()
    user.save()
    Membership.objects.create(user=user, organization=lab, site=site, role="pathologist")
    patient = Patient.objects.create(organization=lab, pseudonym="P-1")
    case = Case.objects.create(
        organization=lab, site=site, patient=patient, accession="B-1", organ="breast"
    )
    grid = tiles.tile_grid(slide_path)
    slide = Slide.objects.create(
        case=case,
        label="A1",
        stain="HE",
        state="ready",
        width=grid.width,
        height=grid.height,
        mpp_x=0.25,
        mpp_y=0.25,
        sha256="ab" * 32,
        original_name="mosaic.svs",
    )
    SlideFile.objects.create(slide=slide, path=str(slide_path), size_bytes=1)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    url = f"/slides/{slide.uuid}/tiles/{slide.sha256[:8]}/"
    print(json.dumps({"session": session.session_key, "tiles": url}))


if __name__ == "__main__":
    raise SystemExit(main())
