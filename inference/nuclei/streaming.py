"""Nuclei of a whole slide, tile by tile, with bounded memory.

Tiles overlap by a margin wider than any filter; a nucleus belongs to the tile whose
core holds its centre, so none is counted twice and none is lost at a seam.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.geometry import Mpp, Region, Size
from inference.nuclei.detection import (
    WORKING_MPP,
    DetectionParameters,
    Nuclei,
    detect_nuclei,
)
from inference.nuclei.stains import (
    StainSeparation,
    StainShares,
    estimate_background,
    stain_shares,
)
from inference.tissue import TissueMask
from inference.wsi import SlideReader

# Widest filter: three sigma of the outer Gaussian, then the reach of the rays.
_MARGIN_UM = 24.0
_SAMPLES = 16
_SAMPLE_PX = 512
_THUMBNAIL_PX = 1024


def working_factor(mpp: Mpp) -> int:
    """Whole number of level-0 pixels per working pixel, so that tiles share one grid.

    The working resolution lies between 0.27 and 0.55 µm/px; sizes are in µm, so the
    exact value does not matter.
    """
    return max(1, int(WORKING_MPP / mpp.mean + 0.2))


@dataclass(frozen=True, slots=True)
class Tile:
    """One step of the stream: the core owns nuclei, the region is what is read."""

    core: Region
    region: Region
    size: Size


def plan_tiles(
    size: Size, mpp: Mpp, tissue: TissueMask | None, *, tile_px: int = 1024
) -> list[Tile]:
    """Tiles of ``tile_px`` working pixels that touch tissue, in reading order."""
    if tile_px <= 0 or tile_px % 2:
        message = "the tile's side is a positive even number of working pixels"
        raise ValueError(message)
    factor = working_factor(mpp)
    # Even: the detector halves the plane, and all tiles must halve alike.
    margin = 2 * int(np.ceil(_MARGIN_UM / (2 * mpp.mean * factor)))
    side = tile_px + 2 * margin
    step = tile_px * factor
    tiles = []
    for y in range(0, size.height, step):
        for x in range(0, size.width, step):
            core = Region(x, y, step, step).clipped_to(size)
            if tissue is not None and not tissue.touches(core):
                continue
            region = Region(x - margin * factor, y - margin * factor, side * factor, side * factor)
            tiles.append(Tile(core, region, Size(side, side)))
    return tiles


def stream_nuclei(
    slide: SlideReader,
    tiles: list[Tile],
    *,
    mpp: Mpp,
    separation: StainSeparation,
    tissue: TissueMask | None = None,
    parameters: DetectionParameters | None = None,
    on_tile: Callable[[int], None] | None = None,
) -> Nuclei:
    """Detects on each tile and keeps the nuclei that each one owns.

    Args:
        slide: the open slide.
        tiles: from ``plan_tiles`` with the same ``mpp``.
        mpp: µm per level-0 pixel.
        separation: stains and white of the slide.
        tissue: nuclei off tissue are dropped; None keeps all.
        parameters: of the detection.
        on_tile: called with the number of tiles done; it may raise to stop.

    Returns:
        Nuclei with ``xy`` in level-0 pixels, in tile order.
    """
    factor = working_factor(mpp)
    parts: list[Nuclei] = []
    for done, tile in enumerate(tiles, start=1):
        pixels = slide.read_region(tile.region, tile.size)
        found = detect_nuclei(
            pixels, mpp=mpp.mean * factor, separation=separation, parameters=parameters
        )
        moved = found.moved(scale=(factor, factor), offset=(tile.region.x, tile.region.y))
        mine = _inside(moved.xy, tile.core)
        if tissue is not None:
            mine &= tissue.holds(moved.xy)
        parts.append(moved.select(mine))
        if on_tile is not None:
            on_tile(done)
    return Nuclei.joined(parts)


def _inside(xy: NDArray[np.float32], core: Region) -> NDArray[np.bool_]:
    """Half-open on the right and the bottom: a centre on a seam has one owner."""
    x, y = xy[:, 0], xy[:, 1]
    inside: NDArray[np.bool_] = (x >= core.x) & (x < core.right) & (y >= core.y) & (y < core.bottom)
    return inside


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the slide's own pixels say about its stains."""

    separation: StainSeparation
    shares: StainShares

    @classmethod
    def blank(cls) -> Calibration:
        """For a slide without tissue: nothing was measured."""
        return cls(StainSeparation((255.0, 255.0, 255.0)), StainShares(0, 0.0, 0.0, 0.0))


def calibrate(slide: SlideReader, tiles: list[Tile]) -> Calibration:
    """Estimates the white of a slide and the nature of its stain from spread samples.

    Glass gives the best white; a scan without glass still has gaps between cells. The
    brighter of both, per channel, is taken.
    """
    thumbnail = slide.read_thumbnail(_THUMBNAIL_PX)
    chosen = np.unique(np.linspace(0, len(tiles) - 1, min(_SAMPLES, len(tiles))).astype(int))
    samples = [_sample(slide, tiles[i]) for i in chosen]
    pixels = np.concatenate([s.reshape(-1, 3) for s in samples]) if samples else thumbnail
    white = np.maximum(estimate_background(thumbnail), estimate_background(pixels))
    background = (float(white[0]), float(white[1]), float(white[2]))
    return Calibration(StainSeparation(background), stain_shares(pixels, background))


def _sample(slide: SlideReader, tile: Tile) -> NDArray[np.uint8]:
    """Pixels from the middle of a tile's core, never outside the slide (that is white)."""
    factor = tile.region.width // tile.size.width
    width = max(1, min(_SAMPLE_PX, tile.core.width // factor))
    height = max(1, min(_SAMPLE_PX, tile.core.height // factor))
    x = tile.core.x + (tile.core.width - width * factor) // 2
    y = tile.core.y + (tile.core.height - height * factor) // 2
    return slide.read_region(Region(x, y, width * factor, height * factor), Size(width, height))
