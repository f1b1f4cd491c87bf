"""One open slide, and the three ways to make a tile of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.geometry import Size
from inference.wsi import SlideReader, open_slide
from portrait_viewer.imaging import encoding
from portrait_viewer.imaging.grid import TileGrid, build_grid
from portrait_viewer.imaging.passthrough import TileIndex, tile_indexes

# A level that the file lacks is put together from at most this many finer tiles per side; from
# there on the reader's own overview is nearer.
_MAX_REDUCE = 4


@dataclass(frozen=True, slots=True)
class MadeTile:
    """A tile as JPEG, and whether making it cost a decode (then it is worth keeping)."""

    data: bytes
    decoded: bool


class OpenImage:
    """An open slide; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.reader: SlideReader = open_slide(path)
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self.reader.close()
            raise
        self.grid: TileGrid = build_grid(self.reader.properties)
        self._indexes: dict[int, TileIndex] = tile_indexes(
            path, self._descriptor, self.reader, self.grid
        )

    @property
    def passed_through(self) -> frozenset[int]:
        """Levels of the grid whose tiles are sent as they lie in the file."""
        return frozenset(self._indexes)

    def tile(self, level: int, column: int, row: int) -> MadeTile:
        """The tile, clipped at the right and bottom edge.

        Raises:
            TileOutOfRange: the grid has no such tile.
            SlideError: the file is damaged there.
        """
        size = self.grid.clipped(level, column, row)
        index = self._indexes.get(level)
        data = index.read(self._descriptor, column, row) if index else None
        if data is not None:
            whole = Size(self.grid.tile_width, self.grid.tile_height)
            return MadeTile(data, decoded=False) if size == whole else _cropped(data, size)
        pixels = self._reduced(level, column, row, size)
        if pixels is None:
            pixels = self.reader.read_region(self.grid.region(level, column, row), size)
        return MadeTile(encoding.encode(pixels), decoded=True)

    def close(self) -> None:
        os.close(self._descriptor)
        self.reader.close()

    def _reduced(self, level: int, column: int, row: int, size: Size) -> NDArray[np.uint8] | None:
        """A level that the file lacks, from the next finer JPEG tiles decoded at 1/2 or 1/4.

        The decoder averages in the frequency domain, 5-8 times faster than decoding in full.
        """
        finer = next(
            (n for n in range(level + 1, len(self.grid.levels)) if n in self._indexes), None
        )
        if finer is None:
            return None
        factor = self.grid.levels[level].downsample // self.grid.levels[finer].downsample
        tile = (self.grid.tile_width, self.grid.tile_height)
        if factor > _MAX_REDUCE or tile[0] % factor or tile[1] % factor:
            return None
        width, height = tile[0] // factor, tile[1] // factor
        result = np.full((tile[1], tile[0], 3), 255, np.uint8)
        for y in range(-(-size.height // height)):
            for x in range(-(-size.width // width)):
                data = self._indexes[finer].read(
                    self._descriptor, column * factor + x, row * factor + y
                )
                part = _decode_reduced(data, factor, tile)
                if part is None:
                    return None
                result[y * height : (y + 1) * height, x * width : (x + 1) * width] = part
        return result[: size.height, : size.width]


def _decode_reduced(
    data: bytes | None, factor: int, tile: tuple[int, int]
) -> NDArray[np.uint8] | None:
    if data is None:
        return None
    try:
        part = encoding.decode(data, reduce=factor, tile=tile)
    except ValueError:
        return None
    return part if part.shape[:2] == (tile[1] // factor, tile[0] // factor) else None


def _cropped(data: bytes, size: Size) -> MadeTile:
    """Tiles at the edge are padded in the file: the browser would draw the padding."""
    pixels = encoding.decode(data)[: size.height, : size.width]
    return MadeTile(encoding.encode(pixels, encoding.EDGE_QUALITY), decoded=True)
