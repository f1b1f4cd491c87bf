"""The fast way gives OpenSlide's pixels to the bit, or steps aside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openslide
import pytest
import tifffile
from numpy.typing import NDArray

from inference.errors import SlideError
from inference.geometry import Region, Size
from inference.wsi import open_slide
from inference.wsi.jpeg_tiles import JpegTiles


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    planes = [np.sin(x / 9 + i) * np.cos(y / (7 + i)) for i in range(3)]
    return (127 + 120 * np.stack(planes, axis=-1)).astype(np.uint8)


def write_jpeg(path: Path, *, photometric: str, subsampling: tuple[int, int]) -> Path:
    pixels = smooth(300, 410)
    with tifffile.TiffWriter(path) as tiff:
        for factor in (1, 2):
            tiff.write(
                pixels[::factor, ::factor],
                tile=(64, 64),
                compression="jpeg",
                compressionargs={"level": 80},
                photometric=photometric,
                subsampling=subsampling if photometric == "ycbcr" else None,
                subfiletype=0 if factor == 1 else 1,
                description="Aperio x\n410x300 (64x64)|MPP = 0.5",
                metadata=None,
            )
    return path


def by_openslide(path: Path, level: int, x: int, y: int, size: Size) -> NDArray[np.uint8]:
    with openslide.OpenSlide(path) as slide:
        factor = slide.level_downsamples[level]
        place = (round(x * factor), round(y * factor))
        return np.asarray(slide.read_region(place, level, (size.width, size.height)))


@pytest.mark.parametrize(
    ("photometric", "subsampling"),
    [("rgb", (1, 1)), ("ycbcr", (1, 1)), ("ycbcr", (2, 1)), ("ycbcr", (2, 2))],
)
def test_same_pixels_as_openslide(tmp_path: Path, photometric, subsampling) -> None:
    path = write_jpeg(tmp_path / "a.svs", photometric=photometric, subsampling=subsampling)
    with open_slide(path) as slide:
        levels = slide.properties.levels
        tiles = JpegTiles.of(path, levels)
        assert tiles is not None
        for level, x, y in ((0, 0, 0), (0, 37, 61), (0, 300, 200), (1, 10, 20), (1, -9, 100)):
            size = Size(150, 130)
            found = tiles.read(level, x, y, size)
            expected = by_openslide(path, level, x, y, size)
            inside = expected[..., 3] == 255
            assert (found[inside] == expected[inside][:, :3]).all()
            assert (found[~inside] == 255).all()
            assert (slide.read_level(levels[level], x, y, size) == found).all()
        tiles.close()


def test_all_outside_is_white(tmp_path: Path) -> None:
    path = write_jpeg(tmp_path / "a.svs", photometric="rgb", subsampling=(1, 1))
    with open_slide(path) as slide:
        assert (slide.read_region(Region(900, 0, 9, 9), Size(9, 9)) == 255).all()


def test_other_codecs_are_left_to_openslide(write_slide) -> None:
    path = write_slide(smooth(128, 128))
    with open_slide(path) as slide:
        assert JpegTiles.of(path, slide.properties.levels) is None
        found = slide.read_region(Region(0, 0, 128, 128), Size(128, 128))
    assert (found == smooth(128, 128)).all()


def test_damaged_tile_is_a_slide_error(tmp_path: Path) -> None:
    path = write_jpeg(tmp_path / "a.svs", photometric="ycbcr", subsampling=(2, 2))
    with tifffile.TiffFile(path) as tiff:
        offset, length = tiff.pages[0].dataoffsets[0], tiff.pages[0].databytecounts[0]
    data = bytearray(path.read_bytes())
    data[offset : offset + length] = bytes(length)
    path.write_bytes(bytes(data))
    with open_slide(path) as slide, pytest.raises(SlideError) as caught:
        slide.read_region(Region(0, 0, 64, 64), Size(64, 64))
    assert caught.value.code == "slide_damaged"


@pytest.mark.real_data
def test_real_aperio_slide_is_read_the_fast_way(real_slides: Path) -> None:
    path = real_slides / "CMU-1-Small-Region.svs"
    with open_slide(path) as slide:
        tiles = JpegTiles.of(path, slide.properties.levels)
        assert tiles is not None
        found = tiles.read(0, 100, 2000, Size(700, 600))
        tiles.close()
    expected = by_openslide(path, 0, 100, 2000, Size(700, 600))
    assert (found == expected[..., :3]).all()
