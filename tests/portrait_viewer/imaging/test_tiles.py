"""Tiles show what the reader of the tools sees, at every level, of every format."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import openslide
import pytest
from numpy.typing import NDArray
from PIL import Image

from inference.errors import SlideError
from inference.wsi import open_slide
from portrait_viewer.imaging import passthrough, tiles
from portrait_viewer.imaging.grid import TileGrid, TileOutOfRange
from portrait_viewer.imaging.pool import ImagePool, TileCache, file_key
from portrait_viewer.imaging.source import OpenImage
from tests.factories.slide_files import tissue, write_svs

# Decoding again costs a little: JPEG at quality 90 over noise.
NEAR = 6.5


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    tiles.forget_all()


def as_browser(data: bytes) -> NDArray[np.int16]:
    """Decodes as browsers do: by the markers of the JPEG alone."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.int16)


def all_places(grid: TileGrid) -> list[tuple[int, int, int]]:
    return [
        (number, column, row)
        for number, level in enumerate(grid.levels)
        for column in range(-(-level.width // grid.tile_width))
        for row in range(-(-level.height // grid.tile_height))
    ]


def test_the_grid_goes_from_one_tile_to_full_resolution(tmp_path: Path) -> None:
    grid = tiles.tile_grid(write_svs(tmp_path / "a.svs"))
    assert (grid.width, grid.height, grid.tile_width, grid.tile_height) == (700, 500, 128, 128)
    assert [(level.width, level.height) for level in grid.levels] == [
        (87, 62),
        (175, 125),
        (350, 250),
        (700, 500),
    ]
    assert [level.native for level in grid.levels] == [None, 1, None, 0]


@pytest.mark.parametrize("rgb", [False, True], ids=["ycbcr", "rgb"])
def test_native_levels_are_sent_as_they_lie_in_the_file(tmp_path: Path, rgb: bool) -> None:
    path = write_svs(tmp_path / "a.svs", rgb=rgb)
    image = OpenImage(path)
    assert image.passed_through == {1, 3}
    image.close()
    data = tiles.tile(path, 3, 1, 2).data
    scan = data[data.index(b"\xff\xda") :]
    assert len(scan) > 500
    assert scan in path.read_bytes()
    with openslide.OpenSlide(path) as slide:
        seen = np.asarray(slide.read_region((128, 256), 0, (128, 128)).convert("RGB"), np.int16)
    assert np.abs(as_browser(data) - seen).max() <= 3
    assert np.abs(as_browser(data) - tissue(700, 500)[256:384, 128:256]).mean() < 4


def test_rgb_tiles_without_their_marker_are_not_sent_raw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_svs(tmp_path / "a.svs", rgb=True)
    # As Aperio's own: no Adobe marker, components numbered 1, 2, 3 instead of R, G, B.
    raw = path.read_bytes().replace(b"\xff\xee\x00\x0eAdobe", b"\xff\xfe\x00\x0eAdobe")
    raw = re.sub(rb"(?s)(\xff\xc0\x00\x11.{6})R(..)G(..)B", b"\\1\x01\\2\x02\\3\x03", raw)
    raw = re.sub(rb"(?s)(\xff\xda\x00\x0c\x03)R(.)G(.)B", b"\\1\x01\\2\x02\\3\x03", raw)
    path.write_bytes(raw)
    image = OpenImage(path)
    assert image.passed_through == {1, 3}  # ours is put in front
    image.close()
    monkeypatch.setattr(passthrough, "_ADOBE", b"")
    image = OpenImage(path)
    assert image.passed_through == frozenset()  # seen as green and magenta: decoded instead
    image.close()


def test_every_tile_of_every_level_is_clipped_and_true(tmp_path: Path) -> None:
    path = write_svs(tmp_path / "a.svs")
    grid = tiles.tile_grid(path)
    whole = tissue(700, 500).astype(np.float64)
    for level, column, row in all_places(grid):
        got = as_browser(tiles.tile(path, level, column, row).data)
        size = grid.clipped(level, column, row)
        assert got.shape == (size.height, size.width, 3)
        region = grid.region(level, column, row)
        truth = whole[region.y : region.bottom, region.x : region.right].mean(axis=(0, 1))
        assert np.abs(got.mean(axis=(0, 1)) - truth).max() < 3, (level, column, row)


@pytest.mark.parametrize(
    "place", [(-1, 0, 0), (4, 0, 0), (3, 6, 0), (3, 0, 4), (0, 1, 0), (3, 10**9, 0)]
)
def test_what_the_grid_lacks_is_out_of_range(tmp_path: Path, place: tuple[int, int, int]) -> None:
    path = write_svs(tmp_path / "a.svs")
    with pytest.raises(TileOutOfRange):
        tiles.tile(path, *place)


REAL = [
    "CMU-1-Small-Region.svs",
    "TCGA-CR-7395-01A-01-TS1.svs",
    "dicom_camelyon_jpeg.dcm",
    "dicom_camelyon_jpeg2000.dcm",
    "dicom_marrow_jpeg.dcm",
    "fluo-DAPI.ndpi",
    "tma_core_HE.ome.tif",
]


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_formats_show_what_the_tools_see(real_slides: Path, name: str) -> None:
    path = real_slides / name
    grid = tiles.tile_grid(path)
    with open_slide(path) as reader:
        assert (grid.width, grid.height) == (
            reader.properties.size.width,
            reader.properties.size.height,
        )
        for level, column, row in all_places(grid)[::3]:
            got = as_browser(tiles.tile(path, level, column, row).data)
            seen = reader.read_region(
                grid.region(level, column, row), grid.clipped(level, column, row)
            )
            assert got.shape == seen.shape
            assert np.abs(got - seen).mean() < NEAR, (level, column, row)
    picture = Image.open(io.BytesIO(tiles.thumbnail(path, 300)))
    assert max(picture.size) == 300


@pytest.mark.real_data
def test_aperio_rgb_keeps_its_colours_in_the_browser(real_slides: Path) -> None:
    path = real_slides / "CMU-1-Small-Region.svs"
    image = OpenImage(path)
    assert image.passed_through == {len(image.grid.levels) - 1}
    image.close()
    data = tiles.tile(path, 4, 4, 5).data
    with openslide.OpenSlide(path) as slide:
        seen = np.asarray(slide.read_region((960, 1200), 0, (240, 240)).convert("RGB"), np.int16)
    assert np.abs(as_browser(data) - seen).max() == 0


@pytest.mark.real_data
def test_label_where_there_is_one(real_slides: Path) -> None:
    label = tiles.label_image(real_slides / "CMU-1-Small-Region.svs")
    assert label is not None
    assert Image.open(io.BytesIO(label)).size == (387, 463)
    assert tiles.label_image(real_slides / "tma_core_HE.ome.tif") is None


def test_a_file_that_is_no_slide_says_so(tmp_path: Path) -> None:
    path = tmp_path / "text.svs"
    path.write_text("not a slide")
    with pytest.raises(SlideError):
        tiles.tile_grid(path)
    with pytest.raises(SlideError):
        tiles.tile_grid(tmp_path / "absent.svs")


def test_a_replaced_file_is_read_anew(tmp_path: Path) -> None:
    path = write_svs(tmp_path / "a.svs")
    assert tiles.tile_grid(path).width == 700
    write_svs(tmp_path / "b.svs", width=300, height=300).replace(path)
    assert tiles.tile_grid(path).width == 300


def test_threads_get_the_same_tiles_as_one_reader(tmp_path: Path) -> None:
    paths = [write_svs(tmp_path / f"{n}.svs", reductions=(1,), rgb=bool(n % 2)) for n in range(4)]
    jobs = [(path, *place) for path in paths for place in all_places(tiles.tile_grid(path))]
    alone = [tiles.tile(*job).data for job in jobs]
    tiles.forget_all()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: tiles.tile(*job).data, jobs))
    assert together == alone


def test_the_pool_is_bounded_and_closes_only_what_nobody_reads(tmp_path: Path) -> None:
    paths = [write_svs(tmp_path / f"{n}.svs") for n in range(3)]
    pool = ImagePool(2, OpenImage)
    with pool.lease(paths[0], file_key(paths[0])) as first:
        for path in paths[1:]:
            with pool.lease(path, file_key(path)):
                pass
        assert len(pool) == 2
        assert first.tile(3, 0, 2).data  # evicted, still open for its reader
    with pytest.raises(OSError, match="Bad file descriptor"):
        first.tile(3, 0, 2)
    pool.clear()
    assert len(pool) == 0


def test_two_threads_that_open_the_same_slide_share_it(tmp_path: Path) -> None:
    path = write_svs(tmp_path / "a.svs")
    barrier = threading.Barrier(2)
    opened = []

    def opener(found: Path) -> OpenImage:
        barrier.wait(5)
        opened.append(OpenImage(found))
        return opened[-1]

    pool = ImagePool(2, opener)

    def use() -> int:
        with pool.lease(path, file_key(path)) as image:
            return id(image)

    with ThreadPoolExecutor(2) as threads:
        used = {future.result() for future in [threads.submit(use), threads.submit(use)]}
    assert (len(opened), len(used), len(pool)) == (2, 1, 1)
    pool.clear()


def test_the_tile_cache_is_bounded_in_bytes() -> None:
    cache = TileCache(100)
    for number in range(5):
        cache.put((("a", 0, 0), 0, number, 0), bytes(40))
    assert cache.bytes_held == 80
    assert cache.get((("a", 0, 0), 0, 0, 0)) is None
    assert cache.get((("a", 0, 0), 0, 4, 0)) == bytes(40)
    cache.put((("a", 0, 0), 0, 9, 0), bytes(1000))
    assert cache.bytes_held <= 100
