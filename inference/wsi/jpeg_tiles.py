"""Decodes the JPEG tiles of a TIFF slide directly.

The pixels are those of OpenSlide to the bit, several times faster because nothing is
composited. Whatever is not plain (absent tile, other codec) is left to OpenSlide.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import simplejpeg
import tifffile
from numpy.typing import NDArray

from inference.geometry import Size
from inference.wsi.model import Level

# Says "RGB, not YCbCr" (Adobe Technical Note 5116): Aperio's RGB tiles lack the marker.
_ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class _Page:
    """Where the tiles of one level lie; ``prefix`` goes between a tile's SOI and its rest."""

    size: Size
    tile: Size
    offsets: tuple[int, ...]
    lengths: tuple[int, ...]
    prefix: bytes


class JpegTiles:
    """The tiles of all levels; safe to read from several threads."""

    def __init__(self, path: Path, pages: tuple[_Page, ...]) -> None:
        self._pages = pages
        self._descriptor = os.open(path, os.O_RDONLY)

    @classmethod
    def of(cls, path: Path, levels: tuple[Level, ...]) -> Self | None:
        """None where a level is not stored as plain 8-bit colour JPEG tiles."""
        try:
            with tifffile.TiffFile(path) as file:
                found = [_page_of(file, level.size) for level in levels]
        except Exception:  # noqa: BLE001  OpenSlide opened it: tifffile's opinion is not needed
            return None
        pages = tuple(page for page in found if page is not None)
        return cls(path, pages) if len(pages) == len(levels) else None

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def read(self, level: int, x: int, y: int, size: Size) -> NDArray[np.uint8] | None:
        """A rectangle of a level, white outside; None where a tile is absent or damaged."""
        page = self._pages[level]
        left, right = max(0, x), min(page.size.width, x + size.width)
        top, bottom = max(0, y), min(page.size.height, y + size.height)
        whole = (left, top, right, bottom) == (x, y, x + size.width, y + size.height)
        shape = (size.height, size.width, 3)
        result = np.empty(shape, np.uint8) if whole else np.full(shape, 255, np.uint8)
        if left >= right or top >= bottom:
            return result
        width, height = page.tile.width, page.tile.height
        across = -(-page.size.width // width)
        for row in range(top // height, -(-bottom // height)):
            for column in range(left // width, -(-right // width)):
                tile = self._tile(page, row * across + column)
                if tile is None:
                    return None
                x0, y0 = column * width, row * height
                x1, y1 = min(x0 + width, right), min(y0 + height, bottom)
                sx, sy = max(x0, left), max(y0, top)
                result[sy - y : y1 - y, sx - x : x1 - x] = tile[
                    sy - y0 : y1 - y0, sx - x0 : x1 - x0
                ]
        return result

    def _tile(self, page: _Page, index: int) -> NDArray[np.uint8] | None:
        length = page.lengths[index]
        if length < 4:
            return None
        data = os.pread(self._descriptor, length, page.offsets[index])
        try:
            pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data[:2] + page.prefix + data[2:])
        except ValueError:
            return None
        return pixels if pixels.shape == (page.tile.height, page.tile.width, 3) else None


def _page_of(file: tifffile.TiffFile, size: Size) -> _Page | None:
    """The one plain tiled page of this size."""
    pages: list[Any] = [
        page
        for page in file.pages
        if isinstance(page, tifffile.TiffPage)
        and (page.imagewidth, page.imagelength) == (size.width, size.height)
        and page.is_tiled
    ]
    if len(pages) != 1:
        return None
    page = pages[0]
    plain = (page.samplesperpixel, page.planarconfig, page.bitspersample) == (3, 1, 8)
    if not plain or page.compression != 7 or page.photometric not in {2, 6}:
        return None
    tables = page.jpegtables[2:-2] if page.jpegtables else b""
    adobe = _ADOBE_RGB if page.photometric == 2 else b""
    tile = Size(int(page.tilewidth), int(page.tilelength))
    return _Page(size, tile, page.dataoffsets, page.databytecounts, adobe + tables)
