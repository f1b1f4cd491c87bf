"""JPEG tiles sent as they lie in the file: no decoding, no loss.

An index of offsets is read once per open slide; a tile is then one `pread` with the tables that
TIFF keeps apart put back in front. Whether the result shows the same pixels as the reader that
tools use is checked when the slide is opened, level by level: colour markers, layout and scale
that this module misreads only cost speed, never truth.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from inference.geometry import Region, Size
from inference.wsi import SlideReader
from portrait_viewer.imaging import encoding
from portrait_viewer.imaging.grid import TileGrid

# Formats whose tiles lie side by side; others (BIF, SCN) overlap or leave gaps.
_VENDORS = frozenset({"aperio", "generic-tiff", "philips", "tiff", "ome-tiff"})
_JPEG = 7
_PHOTOMETRIC_RGB = 2
_SOI = b"\xff\xd8"
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
# Mean difference of decoded pixels (0-255) that two JPEG decoders may show; wrong colours: > 20.
_SAME_PIXELS = 2.5
_CHECKED_TILES = 3
_MAX_PAGES = 64


@dataclass(frozen=True, slots=True)
class TileIndex:
    """Where the tiles of one level lie in the file."""

    offsets: NDArray[np.uint64]
    counts: NDArray[np.uint64]
    across: int
    head: bytes  # SOI, colour marker, tables

    def read(self, descriptor: int, column: int, row: int) -> bytes | None:
        """A whole JPEG, or None where the file holds no tile (sparse) or a damaged one."""
        number = row * self.across + column
        if number >= len(self.offsets):
            return None
        count = int(self.counts[number])
        if count < 4:
            return None
        data = os.pread(descriptor, count, int(self.offsets[number]))
        if len(data) != count or data[:2] != _SOI:
            return None
        return self.head + data[2:]


def tile_indexes(
    path: Path, descriptor: int, reader: SlideReader, grid: TileGrid
) -> dict[int, TileIndex]:
    """The levels of the grid that can be passed through, by number in the grid."""
    if reader.properties.vendor not in _VENDORS:
        return {}
    try:
        found = _read_indexes(path, grid)
    except Exception:  # noqa: BLE001 - tifffile raises nearly anything; the reader still reads
        return {}
    return {
        level: index
        for level, index in found.items()
        if _shows_the_same(index, descriptor, reader, grid, level)
    }


def _read_indexes(path: Path, grid: TileGrid) -> dict[int, TileIndex]:
    found = {}
    with tifffile.TiffFile(path) as file:
        # Levels lie in sub-directories (OME) or as pages of the file (SVS and others).
        pages: list[Any] = [level.pages[0] for level in file.series[0].levels]
        pages += list(file.pages)[:_MAX_PAGES]
        for number, level in enumerate(grid.levels):
            if level.native is None:
                continue
            size = (level.width, level.height)
            page = next(
                (p for p in pages if (p.keyframe.imagewidth, p.keyframe.imagelength) == size), None
            )
            if page is not None and _is_plain(page.keyframe, grid):
                found[number] = _index(page)
    return found


def _is_plain(frame: Any, grid: TileGrid) -> bool:  # noqa: ANN401
    return bool(
        frame.is_tiled
        and frame.compression == _JPEG
        and frame.planarconfig == 1
        and frame.bitspersample == 8
        and (frame.tilewidth, frame.tilelength) == (grid.tile_width, grid.tile_height)
    )


def _index(page: Any) -> TileIndex:  # noqa: ANN401
    frame = page.keyframe
    tables = frame.jpegtables or b""
    # Without an Adobe marker browsers take three components for YCbCr: Aperio's RGB tiles
    # would turn green and magenta.
    colour = _ADOBE if frame.photometric == _PHOTOMETRIC_RGB else b""
    return TileIndex(
        offsets=np.asarray(page.dataoffsets, np.uint64),
        counts=np.asarray(page.databytecounts, np.uint64),
        across=-(-frame.imagewidth // frame.tilewidth),
        head=_SOI + colour + tables[2:-2],
    )


def _shows_the_same(
    index: TileIndex, descriptor: int, reader: SlideReader, grid: TileGrid, level: int
) -> bool:
    """Compares the richest of a few inner tiles with what the reader sees there."""
    native = reader.properties.levels[grid.levels[level].native or 0]
    tile = Size(grid.tile_width, grid.tile_height)
    places = _richest(index, native.size, tile)
    for column, row in places:
        data = index.read(descriptor, column, row)
        region = grid.region(level, column, row)
        size = grid.clipped(level, column, row)
        try:
            sent = encoding.decode(data or b"")[: size.height, : size.width].astype(np.int16)
            seen = reader.read_region(Region(region.x, region.y, region.width, region.height), size)
        except Exception:  # noqa: BLE001 - whatever a decoder says of it, do not send it raw
            return False
        if sent.shape != seen.shape or np.abs(sent - seen).mean() > _SAME_PIXELS:
            return False
    return bool(places)


def _richest(index: TileIndex, size: Size, tile: Size) -> list[tuple[int, int]]:
    """The tiles with most bytes: tissue, where a wrong colour shows."""
    down = -(-size.height // tile.height)
    if len(index.counts) != index.across * down:
        return []
    order = np.argsort(index.counts)[::-1][:_CHECKED_TILES]
    return [(int(number) % index.across, int(number) // index.across) for number in order]
