"""Tissue and pen on painted overviews and on real slides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inference.geometry import Mpp, Region
from inference.tissue import PenColour, TissueMask, classify, pen_marks, tissue_mask
from inference.tissue.mask import drop_small, otsu_threshold
from inference.wsi import open_slide

GLASS = (243, 243, 241)
# Optical densities (R, G, B) of dyes: Ruifrok & Johnston 2001.
DYES = {
    "haematoxylin": (0.65, 0.70, 0.29),
    "eosin": (0.07, 0.99, 0.11),
    "dab": (0.27, 0.57, 0.78),
}
INKS = {
    PenColour.BLACK: (25, 22, 20),
    PenColour.BLUE: (30, 60, 190),
    PenColour.GREEN: (20, 150, 110),
    PenColour.RED: (205, 20, 40),
}


def glass(height: int = 200, width: int = 300, seed: int = 0) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(0, 2, (height, width, 3))
    return np.clip(np.array(GLASS) + noise, 0, 255).astype(np.uint8)


def paint(rgb: NDArray[np.uint8], place: tuple[slice, slice], dye: str, density: float) -> None:
    light = 10 ** (-density * np.array(DYES[dye]))
    rgb[place] = (rgb[place] * light).astype(np.uint8)


BODY = (slice(40, 160), slice(60, 240))


@pytest.mark.parametrize("dye", list(DYES))
@pytest.mark.parametrize("density", [0.12, 0.3, 0.8])
def test_stained_area_is_found_pale_or_dark(dye: str, density: float) -> None:
    rgb = glass()
    paint(rgb, BODY, dye, density)
    mask, pen, dark = classify(rgb, um_per_cell=8.0, stain="HE")
    truth = np.zeros(mask.shape, bool)
    truth[BODY] = True
    assert (mask & truth).sum() / (mask | truth).sum() > 0.96
    assert pen.sum() == 0
    assert not dark


def test_empty_glass_holds_nothing() -> None:
    mask, pen, _ = classify(glass(), um_per_cell=8.0)
    assert not mask.any()
    assert not pen.any()


def test_a_field_full_of_tissue_is_all_tissue() -> None:
    rgb = glass()
    paint(rgb, (slice(None), slice(None)), "eosin", 0.4)
    mask, _, _ = classify(rgb, um_per_cell=8.0)
    assert mask.mean() > 0.99


def test_grey_dirt_shadow_and_specks_are_not_tissue() -> None:
    rgb = glass()
    rgb[:, :4] = 90
    rgb[:20] = (rgb[:20] * 0.85).astype(np.uint8)
    paint(rgb, (slice(100, 106), slice(100, 106)), "eosin", 0.8)
    mask, _, _ = classify(rgb, um_per_cell=8.0)
    assert not mask.any()


def test_small_holes_are_filled_large_ones_kept() -> None:
    rgb = glass()
    paint(rgb, BODY, "eosin", 0.5)
    rgb[60:66, 80:86] = GLASS
    rgb[90:130, 120:180] = GLASS
    mask, _, _ = classify(rgb, um_per_cell=8.0)
    assert mask[60:66, 80:86].all()
    assert not mask[95:125, 125:175].any()


@pytest.mark.parametrize("colour", list(PenColour))
def test_pen_is_found_by_colour_and_left_out(colour: PenColour) -> None:
    rgb = glass()
    paint(rgb, BODY, "eosin", 0.4)
    rgb[20:180, 150:165] = INKS[colour]
    mask, pen, _ = classify(rgb, um_per_cell=8.0, stain="HE")
    assert set(np.unique(pen[30:170, 152:163])) == {colour}
    assert not mask[30:170, 152:163].any()
    assert mask[60:140, 70:140].all()
    assert not pen[:, :140].any()


@pytest.mark.parametrize("dye", list(DYES))
@pytest.mark.parametrize("density", [0.3, 0.8, 1.4])
def test_stains_are_not_pen(dye: str, density: float) -> None:
    rgb = glass()
    paint(rgb, (slice(80, 120), slice(100, 160)), dye, density)
    assert not pen_marks(rgb, GLASS, um_per_cell=8.0, stain="HE").any()


def test_special_stain_has_only_black_pen() -> None:
    rgb = glass()
    rgb[20:60, 20:60] = INKS[PenColour.BLUE]
    rgb[100:140, 20:60] = INKS[PenColour.BLACK]
    pen = pen_marks(rgb, GLASS, um_per_cell=8.0, stain="OTHER")
    assert set(np.unique(pen)) == {0, PenColour.BLACK}


def test_fluorescence_is_bright_on_dark() -> None:
    rng = np.random.default_rng(1)
    rgb = rng.integers(0, 4, (200, 300, 3)).astype(np.uint8)
    for y, x in rng.integers((50, 70), (150, 230), (600, 2)):
        rgb[y : y + 2, x : x + 2, 2] = 160
    mask, pen, dark = classify(rgb, um_per_cell=8.0, stain="FLUO")
    assert dark
    assert not pen.any()
    assert mask[60:140, 80:220].mean() > 0.95
    assert mask[:40].mean() == 0


def test_black_field_holds_nothing() -> None:
    mask, _, dark = classify(np.zeros((50, 50, 3), np.uint8), um_per_cell=8.0)
    assert dark
    assert not mask.any()


def test_otsu_separates_two_heaps() -> None:
    values = np.r_[np.full(900, 0.1), np.full(100, 0.4)]
    assert 0.1 <= otsu_threshold(values, 0.0, 0.5) < 0.4
    assert otsu_threshold(np.zeros(5), 0.0, 0.5) < 0.01


def test_drop_small_keeps_at_least_the_size() -> None:
    mask = np.zeros((10, 10), bool)
    mask[0, :3] = mask[5, :4] = True
    assert drop_small(mask, 4).sum() == 4


def test_grid_covers_the_slide_and_answers_in_level_0(array_slide) -> None:
    rgb = np.full((610, 1010, 3), 243, np.uint8)
    rgb[160:480, 320:800] = (200, 120, 190)
    tissue = tissue_mask(array_slide(rgb, mpp=0.5), stain="HE")
    assert tissue.scale_px == 16.0
    assert tissue.mask.shape == (39, 64)
    assert abs(tissue.area_mm2(Mpp(0.5, 0.5)) - 320 * 480 * 0.25e-6) < 0.003
    assert tissue.touches(Region(300, 150, 40, 40))
    assert not tissue.touches(Region(0, 0, 200, 100))
    assert not tissue.touches(Region(2000, 0, 50, 50))
    assert tissue.fraction(Region(400, 200, 160, 160)) == 1.0
    assert tissue.fraction(Region(-500, -500, 100, 100)) == 0.0
    points = np.array([[400.0, 300.0], [10.0, 10.0], [-5.0, 3.0], [5000.0, 1.0]])
    assert tissue.holds(points).tolist() == [True, False, False, False]


def test_grid_never_exceeds_4096_cells(array_slide, monkeypatch) -> None:
    monkeypatch.setattr("inference.tissue.mask.MAX_CELLS", 10)
    tissue = tissue_mask(array_slide(np.full((95, 200, 3), 243, np.uint8), mpp=8.0))
    assert tissue.scale_px == 20.0
    assert tissue.mask.shape == (5, 10)


def test_unknown_resolution_still_gives_a_mask(array_slide) -> None:
    rgb = np.full((300, 400, 3), 243, np.uint8)
    rgb[50:250, 50:350] = (200, 120, 190)
    tissue = tissue_mask(array_slide(rgb, mpp=None))
    assert 0.4 < tissue.mask.mean() < 0.6


def test_origin_shifts_the_answers() -> None:
    mask = np.ones((2, 2), bool)
    tissue = TissueMask(mask, mask.astype(np.uint8) * 0, (100.0, 50.0), 10.0, dark_field=False)
    assert tissue.touches(Region(115, 65, 1, 1))
    assert not tissue.touches(Region(0, 0, 100, 50))
    assert tissue.holds(np.array([[100.0, 50.0], [99.0, 50.0]])).tolist() == [True, False]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "stain", "low", "high"),
    [
        ("CMU-1-Small-Region.svs", "HE", 0.30, 0.42),
        ("tma_core_HE.ome.tif", "HE", 0.65, 0.80),
        ("fluo-DAPI.ndpi", "FLUO", 0.75, 0.92),
        ("TCGA-CR-7395-01A-01-TS1.svs", "HE", 0.55, 0.70),
    ],
)
def test_real_slides(real_slides: Path, name: str, stain: str, low: float, high: float) -> None:
    with open_slide(real_slides / name) as slide:
        tissue = tissue_mask(slide, stain=stain)
    assert low < tissue.mask.mean() < high
    assert not tissue.pen.any()


@pytest.mark.real_data
@pytest.mark.parametrize("colour", [PenColour.BLACK, PenColour.GREEN, PenColour.RED])
def test_real_pen_marks(portrait_data: Path, colour: PenColour) -> None:
    """HistoQC's marked slides with their masks, at about 16 µm per pixel."""
    folder = portrait_data / "qc_histoqc" / "pen" / "1k_version"
    name = colour.name.lower()
    rgb = np.asarray(Image.open(folder / f"pen_{name}.png").convert("RGB"))
    truth = np.asarray(Image.open(folder / f"pen_{name}_mask.png").convert("L")) > 127
    _, pen, _ = classify(rgb, um_per_cell=16.0, stain="HE")
    found = pen > 0
    assert (found & truth).sum() / truth.sum() > 0.75
    assert (found & truth).sum() / found.sum() > 0.75
    assert (pen == colour).sum() > 0.9 * found.sum()
