from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.geometry import Mpp, Region, Size
from inference.nuclei.detection import Nuclei
from inference.nuclei.matching import detection_quality
from inference.nuclei.streaming import (
    Calibration,
    calibrate,
    plan_tiles,
    stream_nuclei,
    working_factor,
)
from inference.tissue import TissueMask


def tissue_of(mask: NDArray[np.bool_], scale_px: float) -> TissueMask:
    return TissueMask(mask, np.zeros(mask.shape, np.uint8), (0.0, 0.0), scale_px, dark_field=False)


Plant = Callable[..., Any]
HALF = Mpp(0.5, 0.5)


class ArraySlide:
    """A slide in memory: white outside, area averaging by whole factors."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self.rgb = rgb
        self.size = Size(rgb.shape[1], rgb.shape[0])
        self.largest_read = 0

    def read_region(self, region: Region, size: Size) -> NDArray[np.uint8]:
        self.largest_read = max(self.largest_read, size.width * size.height)
        canvas = np.full((region.height, region.width, 3), 255, np.uint8)
        part = region.clipped_to(self.size)
        if part.width and part.height:
            y, x = part.y - region.y, part.x - region.x
            canvas[y : y + part.height, x : x + part.width] = self.rgb[
                part.y : part.bottom, part.x : part.right
            ]
        factor = region.width // size.width
        shape = (size.height, factor, size.width, factor, 3)
        return canvas.reshape(shape).mean(axis=(1, 3)).round().astype(np.uint8)

    def read_thumbnail(self, max_px: int) -> NDArray[np.uint8]:
        step = max(1, -(-max(self.rgb.shape[:2]) // max_px))
        return self.rgb[::step, ::step]


def stream(slide: ArraySlide, mpp: Mpp, *, tile_px: int = 256, **options: Any) -> Nuclei:
    tiles = plan_tiles(slide.size, mpp, options.get("tissue"), tile_px=tile_px)
    separation = calibrate(slide, tiles).separation  # type: ignore[arg-type]
    return stream_nuclei(slide, tiles, mpp=mpp, separation=separation, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mpp", "factor"), [(0.5, 1), (0.499, 1), (0.25, 2), (0.2277, 2), (0.33, 1), (0.125, 4), (1, 1)]
)
def test_working_resolution_is_a_whole_number_of_pixels(mpp: float, factor: int) -> None:
    assert working_factor(Mpp(mpp, mpp)) == factor


def test_cores_tile_the_slide_without_gap_or_overlap() -> None:
    covered = np.zeros((700, 1000), int)
    for tile in plan_tiles(Size(1000, 700), HALF, None, tile_px=256):
        core = tile.core
        covered[core.y : core.bottom, core.x : core.right] += 1
        assert tile.size == Size(256 + 96, 256 + 96)
    assert covered.min() == covered.max() == 1


def test_only_tiles_with_tissue_are_read() -> None:
    mask = np.zeros((4, 4), bool)
    mask[3, 0] = True
    tiles = plan_tiles(Size(1024, 1024), HALF, tissue_of(mask, 256.0), tile_px=256)
    assert [t.core for t in tiles] == [Region(0, 768, 256, 256)]


def test_odd_tiles_are_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        plan_tiles(Size(10, 10), HALF, None, tile_px=33)


def test_no_nucleus_is_lost_or_doubled_at_a_seam(plant: Plant) -> None:
    field = plant(side_um=300)
    slide = ArraySlide(field.rgb)
    whole, tiled = stream(slide, HALF, tile_px=1024), stream(slide, HALF, tile_px=64)
    assert len(whole) == len(tiled)
    assert detection_quality(whole.xy, tiled.xy, 0.5).f1 == 1.0
    assert whole.dab.mean() == pytest.approx(tiled.dab.mean(), abs=1e-3)


def test_memory_is_bounded_by_the_tile(plant: Plant) -> None:
    slide = ArraySlide(plant(side_um=300).rgb)
    stream(slide, HALF, tile_px=64)
    assert slide.largest_read <= 512 * 512


def test_centres_are_level_0_pixels_at_every_resolution(plant: Plant) -> None:
    field = plant(mpp=0.25, side_um=200)
    found = stream(ArraySlide(field.rgb), Mpp(0.25, 0.25), tile_px=128)
    assert detection_quality(found.xy, field.xy, 1.5 / 0.25).f1 >= 0.98


def test_nuclei_off_tissue_are_dropped(plant: Plant) -> None:
    field = plant(side_um=200)
    mask = np.zeros((2, 2), bool)
    mask[:, 1] = True
    found = stream(ArraySlide(field.rgb), HALF, tissue=tissue_of(mask, 200.0))
    assert len(found) > 0
    assert found.xy[:, 0].min() >= 200


def test_progress_counts_tiles_and_may_stop(plant: Plant) -> None:
    slide = ArraySlide(plant(side_um=100).rgb)
    seen: list[int] = []
    stream(slide, HALF, tile_px=128, on_tile=seen.append)
    assert seen == [1, 2, 3, 4]

    def stop(done: int) -> None:
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        stream(slide, HALF, tile_px=128, on_tile=stop)


def test_calibration_finds_the_white_and_the_stain(plant: Plant) -> None:
    slide = ArraySlide(plant(side_um=200).rgb)
    found = calibrate(slide, plan_tiles(slide.size, HALF, None, tile_px=256))  # type: ignore[arg-type]
    assert found.separation.background == pytest.approx((243.0, 243.0, 239.0), abs=2)
    assert not found.shares.looks_like_he
    assert found.shares.brown > 0.05


def test_a_slide_without_tissue_has_a_blank_calibration() -> None:
    blank = Calibration.blank()
    assert blank.shares.stained == 0
    assert not blank.shares.looks_like_he
