"""The slides and broken files of PORTRAIT_DATA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.errors import SlideError
from inference.geometry import Mpp, Region, Size
from inference.wsi import open_slide

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize(
    ("name", "vendor", "size", "mpp", "levels", "associated"),
    [
        (
            "CMU-1-Small-Region.svs",
            "aperio",
            Size(2220, 2967),
            Mpp(0.499, 0.499),
            1,
            ("label", "macro", "thumbnail"),
        ),
        ("TCGA-CR-7395-01A-01-TS1.svs", "aperio", Size(4443, 3567), None, 2, ("thumbnail",)),
        (
            "fluo-DAPI.ndpi",
            "hamamatsu",
            Size(3968, 4864),
            Mpp(0.2281750559028887, 0.2281750559028887),
            7,
            ("macro",),
        ),
        ("dicom_camelyon_jpeg2000.dcm", "dicom", Size(1696, 812), None, 1, ()),
        ("dicom_camelyon_jpeg.dcm", "dicom", Size(1152, 700), None, 1, ()),
        (
            "dicom_marrow_jpeg.dcm",
            "dicom",
            Size(957, 715),
            Mpp(16.782999999999998, 16.782999999999998),
            1,
            (),
        ),
        (
            "tma_core_HE.ome.tif",
            "ome-tiff",
            Size(1380, 1484),
            Mpp(0.5000799214486333, 0.5000799214486333),
            1,
            (),
        ),
    ],
)
def test_real_slide(real_slides: Path, name, vendor, size, mpp, levels, associated) -> None:
    with open_slide(real_slides / name) as slide:
        said = slide.properties
        assert (said.vendor, said.size, said.mpp) == (vendor, size, mpp)
        assert (len(said.levels), said.associated) == (levels, associated)
        picture = slide.read_thumbnail(200)
        assert max(picture.shape[:2]) == 200
        assert picture.std() > 5
        for other in associated:
            assert slide.read_associated(other).shape[2] == 3
        # The same place at two scales tells the same story.
        region = Region(size.width // 4, size.height // 4, 512, 512)
        fine = slide.read_region(region, Size(512, 512)).astype(float)
        coarse = slide.read_region(region, Size(64, 64))
        means = fine.reshape(64, 8, 64, 8, 3).mean(axis=(1, 3))
        # Levels of a lossy file differ a little, by noise and by half a pixel of rounding.
        assert np.abs(means - coarse).mean() < 5


def test_icc_profile_is_seen(real_slides: Path) -> None:
    with open_slide(real_slides / "TCGA-CR-7395-01A-01-TS1.svs") as slide:
        assert slide.properties.has_icc_profile
    with open_slide(real_slides / "CMU-1-Small-Region.svs") as slide:
        assert not slide.properties.has_icc_profile


@pytest.mark.parametrize(
    ("name", "code"),
    [("rgb.czi", "slide_unsupported"), ("small_vectra.qptiff", "slide_multichannel")],
)
def test_refusals_say_what_is_read(real_slides: Path, name: str, code: str) -> None:
    with pytest.raises(SlideError) as caught:
        open_slide(real_slides / name)
    assert caught.value.code == code
    assert "Formats lus : SVS" in caught.value.message.fr
    assert "Formats read: SVS" in caught.value.message.en


def test_fixtures_read_or_refuse_plainly(portrait_data: Path) -> None:
    refused, read = set(), set()
    for path in sorted((portrait_data / "format_fixtures").rglob("*")):
        if not path.is_file():
            continue
        try:
            with open_slide(path) as slide:
                slide.read_thumbnail(64)
            read.add(path.name)
        except SlideError as error:
            assert str(path.parent) not in error.message.en  # noqa: PT017
            refused.add(path.name)
    assert {
        "boxes.tiff",
        "boxes_0.dcm",
        "small.svs",
        "sm_image.dcm",
        "yb10kx5k.zstd.tiff",
        "grey10kx5k.tif",
        "small_la.tiff",
    } <= read
    assert {
        "histolab_broken.svs",
        "unopenable.tiff",
        "zero_gi.tif",
        "notanimage.txt",
        "wsi_annotation.dcm",
        "sr_document.dcm",
        "boxes.png",
        "sm_image_jpegls.dcm",
    } <= refused
