"""Patches: each pixel has one owner, and what is read is what one read gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.errors import JobCancelled
from inference.geometry import Mpp, Region, Size
from inference.patches import PatchGrid, iter_batches, plan_patches
from inference.tissue import TissueMask


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)


def tissue_of(mask: np.ndarray, scale: float) -> TissueMask:
    return TissueMask(mask, np.zeros(mask.shape, np.uint8), (0.0, 0.0), scale, dark_field=False)


@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(1, 700),
    height=st.integers(1, 700),
    core=st.integers(8, 64),
    mpp=st.floats(0.1, 1.0),
    patch_mpp=st.floats(0.2, 2.0),
)
def test_every_pixel_is_covered_exactly_once(width, height, core, mpp, patch_mpp) -> None:
    size = Size(width, height)
    grid = plan_patches(size, Mpp(mpp, mpp), patch_mpp=patch_mpp, core_px=core)
    owners = np.zeros((height, width), np.uint8)
    for index in range(len(grid)):
        core_region = grid.core(index)
        inside = core_region.clipped_to(size)
        owners[inside.y : inside.bottom, inside.x : inside.right] += 1
    assert (owners == 1).all()
    # The resolution is the one asked for: within 3 %, or half a pixel per core.
    wanted = patch_mpp / mpp
    assert abs(grid.scale_px - wanted) <= max(0.031 * wanted, 0.51 / core, 1 - wanted)


@pytest.mark.parametrize(
    ("mpp", "scale"), [(0.499, 1.0), (0.25, 2.0), (0.2525, 2.0), (0.2282, 561 / 256)]
)
def test_nearly_whole_factors_are_whole(mpp: float, scale: float) -> None:
    grid = plan_patches(Size(9000, 9000), Mpp(mpp, mpp), patch_mpp=0.5, core_px=256)
    assert grid.scale_px == scale


@settings(max_examples=60, deadline=None)
@given(
    bits=st.lists(st.booleans(), min_size=36, max_size=36),
    margin=st.integers(0, 9),
    batch=st.integers(1, 11),
    workers=st.integers(1, 3),
    block=st.integers(8, 80),
)
def test_batches_hold_each_wanted_patch_once_with_its_pixels(
    bits, margin, batch, workers, block
) -> None:
    from tests.inference.conftest import ArraySlide  # noqa: PLC0415

    mask = np.array(bits).reshape(6, 6)
    slide = ArraySlide(noise(190, 188))
    grid = plan_patches(
        Size(188, 190),
        Mpp(0.25, 0.25),
        patch_mpp=0.5,
        core_px=16,
        margin_px=margin,
        tissue=tissue_of(mask, 32.0),
    )
    assert (grid.selected == mask).all()
    seen: list[int] = []
    sizes = []
    for part in iter_batches(slide, grid, batch_size=batch, workers=workers, block_px=block):
        sizes.append(len(part))
        assert part.images.shape == (len(part), 16 + 2 * margin, 16 + 2 * margin, 3)
        assert (part.xy_px == grid.xy_px[part.index]).all()
        for image, index in zip(part.images, part.index, strict=True):
            core = grid.core(int(index))
            around = Region(
                core.x - 2 * margin, core.y - 2 * margin, 32 + 4 * margin, 32 + 4 * margin
            )
            side = 16 + 2 * margin
            assert (image == slide.read_region(around, Size(side, side))).all()
            seen.append(int(index))
    assert sorted(seen) == list(range(len(grid)))
    assert all(n == batch for n in sizes[:-1])


def collected(slide, grid: PatchGrid, **options: int) -> list[tuple[list[int], bytes]]:
    return [(b.index.tolist(), b.images.tobytes()) for b in iter_batches(slide, grid, **options)]


def test_result_does_not_depend_on_the_workers(array_slide) -> None:
    slide = array_slide(noise(500, 500))
    grid = plan_patches(Size(500, 500), Mpp(0.23, 0.23), patch_mpp=0.5, core_px=24, margin_px=4)
    options = {"batch_size": 7, "block_px": 64}
    one = collected(slide, grid, workers=1, **options)
    assert one == collected(slide, grid, workers=3, **options)


def test_blocks_join_almost_unseen_at_a_fractional_factor(array_slide) -> None:
    """The same patch read in two different blocks differs by rounding of its place only."""
    y, x = np.mgrid[:600, :600]
    smooth = (127 + 100 * np.sin(x / 40) * np.cos(y / 40)).astype(np.uint8)
    slide = array_slide(np.repeat(smooth[..., None], 3, axis=2))
    grid = plan_patches(Size(600, 600), Mpp(0.23, 0.23), patch_mpp=0.5, core_px=32, margin_px=6)
    images = []
    for block_px in (32, 200):
        images.append(np.zeros((len(grid), 44, 44, 3), np.uint8))
        for b in iter_batches(slide, grid, batch_size=4, block_px=block_px):
            images[-1][b.index] = b.images
    inner = np.abs(images[0].astype(int) - images[1])
    assert inner.mean() < 1.0


def test_one_read_serves_many_patches(array_slide) -> None:
    slide = array_slide(noise(512, 512))
    grid = plan_patches(Size(512, 512), Mpp(0.5, 0.5), patch_mpp=0.5, core_px=32, margin_px=16)
    assert sum(len(b) for b in iter_batches(slide, grid, batch_size=16, block_px=512)) == 256
    # One by one, margins would make this four times the slide.
    assert slide.read_px == (512 + 32) ** 2


def test_least_share_of_tissue_is_respected() -> None:
    mask = np.zeros((8, 8), bool)
    mask[0, 0] = True
    mask[4:8, 4:8] = True
    options = {"patch_mpp": 0.5, "core_px": 32, "tissue": tissue_of(mask, 8.0)}
    size, mpp = Size(64, 64), Mpp(0.5, 0.5)
    assert plan_patches(size, mpp, **options).cells.tolist() == [[0, 0], [1, 1]]
    assert plan_patches(size, mpp, min_tissue=0.5, **options).cells.tolist() == [[1, 1]]


def test_no_tissue_gives_no_batch(array_slide) -> None:
    grid = plan_patches(
        Size(64, 64),
        Mpp(0.5, 0.5),
        patch_mpp=0.5,
        core_px=32,
        tissue=tissue_of(np.zeros((8, 8), bool), 8.0),
    )
    assert list(iter_batches(array_slide(noise(64, 64)), grid, batch_size=4)) == []


def test_progress_is_told_and_can_stop(array_slide) -> None:
    slide = array_slide(noise(128, 128))
    grid = plan_patches(Size(128, 128), Mpp(0.5, 0.5), patch_mpp=0.5, core_px=32)
    told: list[int] = []

    def stop(done: int) -> None:
        told.append(done)
        if done >= 8:
            raise JobCancelled

    batches = iter_batches(slide, grid, batch_size=2, block_px=64, on_read=stop)
    with pytest.raises(JobCancelled):
        list(batches)
    assert told == [4, 8]


def test_error_of_the_slide_reaches_the_caller(array_slide) -> None:
    slide = array_slide(noise(64, 64))

    def broken(*_args: object) -> None:
        raise JobCancelled

    slide.read_region = broken
    grid = plan_patches(Size(64, 64), Mpp(0.5, 0.5), patch_mpp=0.5, core_px=32)
    with pytest.raises(JobCancelled):
        list(iter_batches(slide, grid, batch_size=2))


@pytest.mark.parametrize("wrong", [{"core_px": 0}, {"margin_px": -1}, {"patch_mpp": 0.0}])
def test_wrong_plan_is_a_mistake(wrong: dict) -> None:
    options = {"patch_mpp": 0.5, "core_px": 32} | wrong
    with pytest.raises(ValueError, match="core_px"):
        plan_patches(Size(64, 64), Mpp(0.5, 0.5), **options)
