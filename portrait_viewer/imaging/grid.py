"""The tile grid of a slide: which levels the browser may ask for, and where a tile lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

from inference.geometry import Region, Size
from inference.wsi import Level, SlideProperties

DEFAULT_TILE = 256
TILE_MIN = 128
TILE_MAX = 1024


class TileOutOfRange(LookupError):
    """The grid has no such tile."""


@dataclass(frozen=True, slots=True)
class GridLevel:
    """One resolution offered to the browser: 1 px is `downsample` level-0 px (a power of two).

    `native` is the level of the file with the same pixels, or None where tiles are reduced from
    a finer one.
    """

    width: int
    height: int
    downsample: int
    native: int | None


@dataclass(frozen=True, slots=True)
class TileGrid:
    """Sizes in px; `levels` from the coarsest (one tile) to full resolution."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    levels: tuple[GridLevel, ...]

    def clipped(self, level: int, column: int, row: int) -> Size:
        """The size of a tile: smaller at the right and bottom edge.

        Raises:
            TileOutOfRange: there is no such tile.
        """
        if not 0 <= level < len(self.levels):
            raise TileOutOfRange(f"level {level}")
        whole = self.levels[level]
        left, top = column * self.tile_width, row * self.tile_height
        if not (0 <= left < whole.width and 0 <= top < whole.height):
            raise TileOutOfRange(f"tile {column}, {row} of level {level}")
        return Size(
            min(self.tile_width, whole.width - left), min(self.tile_height, whole.height - top)
        )

    def region(self, level: int, column: int, row: int) -> Region:
        """What a tile shows, in level-0 px."""
        size = self.clipped(level, column, row)
        factor = self.levels[level].downsample
        return Region(
            column * self.tile_width * factor,
            row * self.tile_height * factor,
            size.width * factor,
            size.height * factor,
        )


def build_grid(properties: SlideProperties) -> TileGrid:
    """The grid on the file's own tiles where they have a usual size, else on 256 px ones."""
    whole, tile = properties.size, _tile_size(properties)
    steps = max(whole.width / tile.width, whole.height / tile.height)
    count = 1 + max(0, math.ceil(math.log2(steps)))
    levels = tuple(_level(properties, 2**power) for power in reversed(range(count)))
    return TileGrid(whole.width, whole.height, tile.width, tile.height, levels)


def _tile_size(properties: SlideProperties) -> Size:
    tile = properties.tile_size
    if tile and all(TILE_MIN <= side <= TILE_MAX for side in (tile.width, tile.height)):
        return tile
    return Size(DEFAULT_TILE, DEFAULT_TILE)


def _level(properties: SlideProperties, factor: int) -> GridLevel:
    whole = properties.size
    for level in properties.levels:
        if _is_reduced(whole.width, level.size.width, factor) and _is_reduced(
            whole.height, level.size.height, factor
        ):
            return _grid_level(level, factor)
    # Rounded down: a partial pixel would mix tissue with the white beyond the edge.
    return GridLevel(max(1, whole.width // factor), max(1, whole.height // factor), factor, None)


def _is_reduced(whole: int, part: int, factor: int) -> bool:
    """Scanners round the sizes of overviews up or down."""
    return whole // factor <= part <= -(-whole // factor)


def _grid_level(level: Level, factor: int) -> GridLevel:
    return GridLevel(level.size.width, level.size.height, factor, level.index)
