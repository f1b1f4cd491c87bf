"""Reading pixels: levels, averaging, borders, formats, refusals."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.errors import SlideError
from inference.geometry import Mpp, Region, Size
from inference.wsi import open_slide, reasons, slide_checksum

Write = Callable[..., Path]


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_properties_of_an_aperio_pyramid(write_slide: Write) -> None:
    with open_slide(write_slide(noise(256, 320))) as slide:
        said = slide.properties
    assert (said.vendor, said.size, said.mpp) == ("aperio", Size(320, 256), Mpp(0.5, 0.5))
    assert [(level.size, level.downsample) for level in said.levels] == [
        (Size(320, 256), 1.0),
        (Size(160, 128), 2.0),
        (Size(80, 64), 4.0),
    ]
    assert (said.objective_power, said.tile_size, said.is_pyramid) == (20.0, Size(64, 64), True)


def test_native_pixels_are_exact_and_white_outside(write_slide: Write) -> None:
    pixels = noise(128, 128)
    with open_slide(write_slide(pixels, downsamples=(1,))) as slide:
        inside = slide.read_region(Region(10, 20, 30, 40), Size(30, 40))
        across = slide.read_region(Region(-8, 120, 16, 16), Size(16, 16))
    assert (inside == pixels[20:60, 10:40]).all()
    assert (across[:8, 8:] == pixels[120:, :8]).all()
    assert (across[8:] == 255).all()
    assert (across[:, :8] == 255).all()


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_whole_factors_are_exact_block_means(write_slide: Write, factor: int) -> None:
    pixels = noise(192, 192)
    with open_slide(write_slide(pixels, downsamples=(1,))) as slide:
        found = slide.read_region(
            Region(0, 0, 192, 192), Size(192 // factor, 192 // factor)
        ).astype(float)
    n = 192 // factor
    exact = pixels.reshape(n, factor, n, factor, 3).mean(axis=(1, 3))
    assert np.abs(found - exact).max() <= 0.6


def test_fractional_factor_keeps_means_and_is_near_the_area_average(array_slide) -> None:
    ramp = np.linspace(0, 255, 480).astype(np.uint8)
    pixels = np.broadcast_to(ramp[None, :, None], (480, 480, 3)).copy()
    found = array_slide(pixels).read_region(Region(0, 0, 480, 480), Size(200, 200)).astype(float)
    exact = np.interp((np.arange(200) + 0.5) * 2.4 - 0.5, np.arange(480), ramp)
    assert np.abs(found[100, 2:-2, 0] - exact[2:-2]).max() <= 1.0


def test_level_is_the_nearest_finer(write_slide: Write) -> None:
    # Each level has a grey of its own, so what is read tells the level.
    path = write_slide(np.full((256, 256, 3), 100, np.uint8))
    with tifffile.TiffFile(path, mode="r+") as tiff:
        assert len(tiff.pages) == 3
    with open_slide(path) as slide:
        chosen = {s: slide.level_for(s).downsample for s in (0.5, 1.0, 1.9, 2.0, 3.9, 4.0, 50.0)}
    assert chosen == {0.5: 1.0, 1.0: 1.0, 1.9: 1.0, 2.0: 2.0, 3.9: 2.0, 4.0: 4.0, 50.0: 4.0}


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 97), st.floats(1.0, 9.0), st.integers(-20, 60))
def test_reading_in_bands_changes_nothing(rows: int, factor: float, y: int) -> None:
    from inference.wsi import pyramid  # noqa: PLC0415
    from tests.inference.conftest import ArraySlide  # noqa: PLC0415

    slide = ArraySlide(noise(200, 160))
    region = Region(5, y, 140, 120)
    size = Size(max(1, round(140 / factor)), max(1, round(120 / factor)))
    whole = slide.read_region(region, size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid, "_BAND_PX", rows * 140)
        banded = slide.read_region(region, size)
    assert banded.shape == (size.height, size.width, 3)
    assert np.abs(whole.astype(int) - banded).max() <= 1


def test_memory_stays_bounded_without_overviews(array_slide, monkeypatch) -> None:
    monkeypatch.setattr("inference.wsi.pyramid._BAND_PX", 10_000)
    slide = array_slide(noise(400, 500))
    largest = 0
    original = slide.read_level

    def watched(level, x, y, size):
        nonlocal largest
        largest = max(largest, size.width * size.height)
        return original(level, x, y, size)

    slide.read_level = watched
    assert slide.read_thumbnail(50).shape == (40, 50, 3)
    assert largest <= 12_000


def test_person_wins_over_the_file_and_incredible_mpp_is_dropped(write_slide: Write) -> None:
    pixels = noise(64, 64)
    with open_slide(write_slide(pixels, name="a.svs"), mpp=Mpp(0.25, 0.25)) as slide:
        assert slide.properties.mpp == Mpp(0.25, 0.25)
    for given_mpp in (352.8, 0.01, None):
        path = write_slide(pixels, name=f"{given_mpp}.svs", mpp=given_mpp)
        with open_slide(path) as slide:
            assert slide.properties.mpp is None


@pytest.mark.parametrize("empty", [Region(0, 0, 0, 5), Region(0, 0, 5, -1)])
def test_empty_region_is_a_mistake(array_slide, empty: Region) -> None:
    with pytest.raises(ValueError, match="empty"):
        array_slide(noise(8, 8)).read_region(empty, Size(1, 1))


def write_ome(path: Path, pixels: NDArray[np.uint8], **metadata: object) -> Path:
    metadata = {
        "axes": "YXS",
        "PhysicalSizeX": 250.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.26,
        "PhysicalSizeYUnit": "µm",
    } | metadata
    tifffile.imwrite(
        path,
        pixels,
        tile=(64, 64),
        ome=True,
        photometric="rgb",
        metadata=metadata,
        compression="lzw",
    )
    return path


def test_ome_tiff_is_read_with_its_resolution(tmp_path: Path) -> None:
    pixels = noise(100, 150)
    with open_slide(write_ome(tmp_path / "a.ome.tif", pixels)) as slide:
        assert slide.properties.size == Size(150, 100)
        assert slide.properties.mpp == Mpp(0.25, 0.26)
        found = slide.read_region(Region(-10, -10, 170, 120), Size(170, 120))
    assert (found[10:110, 10:160] == pixels).all()
    assert (found[:10] == 255).all()


def test_striped_grey_tiff_is_read_as_rgb(tmp_path: Path) -> None:
    grey = noise(90, 70)[..., 0]
    path = tmp_path / "grey.tif"
    tifffile.imwrite(
        path,
        grey,
        rowsperstrip=16,
        compression="zlib",
        resolution=(20_000, 20_000),
        resolutionunit="CENTIMETER",
        metadata=None,
    )
    with open_slide(path) as slide:
        assert slide.properties.mpp == Mpp(0.5, 0.5)
        found = slide.read_region(Region(0, 0, 70, 90), Size(70, 90))
    assert (found == grey[..., None]).all()


@pytest.mark.parametrize(
    ("shape", "dtype", "axes", "code"),
    [
        ((5, 64, 64), np.uint8, "CYX", "slide_multichannel"),
        ((4, 64, 64, 3), np.uint8, "ZYXS", "slide_multichannel"),
        ((64, 64, 3), np.uint16, "YXS", "slide_bit_depth"),
    ],
)
def test_what_is_not_8_bit_colour_is_refused(tmp_path, shape, dtype, axes, code) -> None:
    path = tmp_path / "stack.ome.tif"
    photometric = "rgb" if axes.endswith("S") else "minisblack"
    tifffile.imwrite(
        path, np.zeros(shape, dtype), ome=True, photometric=photometric, metadata={"axes": axes}
    )
    with pytest.raises(SlideError) as caught:
        open_slide(path)
    assert caught.value.code == code
    assert "OME-TIFF" in caught.value.message.fr


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(SlideError) as caught:
        open_slide(tmp_path / "none.svs")
    assert caught.value.code == "slide_missing"
    (tmp_path / "text.svs").write_text("hello")
    with pytest.raises(SlideError) as caught:
        open_slide(tmp_path / "text.svs")
    assert caught.value.code == "slide_unsupported"
    assert str(tmp_path) not in caught.value.message.en


@settings(max_examples=60, deadline=None)
@given(cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255))))
def test_damaged_slide_raises_only_slide_error(tmp_path_factory, cut, flips) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = write_ome(folder / "a.ome.tif", noise(70, 70))
    data = bytearray(path.read_bytes())
    for place, change in flips:
        data[min(int(place * len(data)), len(data) - 1)] ^= change
    path.write_bytes(bytes(data[: int(cut * len(data))]))
    try:
        with open_slide(path) as slide:
            slide.read_thumbnail(64)
    except SlideError as error:
        assert error.message.fr  # noqa: PT017
        assert str(folder) not in error.message.en  # noqa: PT017


def test_checksum_is_that_of_the_file(write_slide: Write, tmp_path: Path) -> None:
    path = write_slide(noise(64, 64))
    assert slide_checksum(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(SlideError):
        slide_checksum(tmp_path / "none.svs")


def test_unknown_associated_image_is_refused(write_slide: Write) -> None:
    with open_slide(write_slide(noise(64, 64))) as slide, pytest.raises(SlideError) as caught:
        slide.read_associated("label")
    assert caught.value.code == "associated_missing"


@pytest.mark.parametrize(
    "words",
    [
        "TIFFRGBAImageGet failed, last error: /srv/slides/Dupont Jean/a.tif: bad code",
        "Cannot open C:\\slides\\Dupont.tif",
        "/srv/slides/Dupont.tif",
    ],
)
def test_a_librarys_words_lose_their_paths(words: str) -> None:
    said = reasons.damaged(words).message.en
    assert "slides" not in said
    assert "damaged" in said
