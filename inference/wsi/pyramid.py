"""Reads any region at any scale from a backend that only reads whole-level rectangles."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.geometry import Region, Size
from inference.wsi.model import Level, SlideProperties

# Source pixels held at once: a slide without overviews is averaged band by band.
_BAND_PX = 16_000_000
# A ratio this near to an integer over the whole result is read as that integer.
_DRIFT_PX = 0.25


class PyramidReader(ABC):
    """Base of the backends: chooses the level, bands the reading, averages areas."""

    def __init__(self, properties: SlideProperties) -> None:
        self._properties = properties

    @property
    def properties(self) -> SlideProperties:
        return self._properties

    @abstractmethod
    def read_level(self, level: Level, x: int, y: int, size: Size) -> NDArray[np.uint8]:
        """(size.height, size.width, 3) pixels of a level at (x, y) of that level; white outside."""

    @abstractmethod
    def read_associated(self, name: str) -> NDArray[np.uint8]: ...

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def read_thumbnail(self, max_px: int) -> NDArray[np.uint8]:
        whole = self._properties.size
        factor = min(1.0, max_px / max(whole.width, whole.height))
        size = Size(max(1, round(whole.width * factor)), max(1, round(whole.height * factor)))
        return self.read_region(Region(0, 0, whole.width, whole.height), size)

    def read_region(self, region: Region, size: Size) -> NDArray[np.uint8]:
        if min(region.width, region.height, size.width, size.height) < 1:
            raise ValueError("an empty region or size")
        level = self.level_for(min(region.width / size.width, region.height / size.height))
        if (size.width, size.height) == (region.width, region.height) and level.downsample == 1.0:
            return self.read_level(level, region.x, region.y, size)
        rows = self._band_rows(region, size, level)
        if rows >= size.height:
            return self._read_band(region, size, level, 0, size.height)
        result = np.empty((size.height, size.width, 3), np.uint8)
        for top in range(0, size.height, rows):
            bottom = min(size.height, top + rows)
            result[top:bottom] = self._read_band(region, size, level, top, bottom)
        return result

    def level_for(self, scale: float) -> Level:
        """The coarsest level that is at least as fine as ``scale`` level-0 px per px."""
        fine = [v for v in self._properties.levels if v.downsample <= scale * 1.005]
        return fine[-1] if fine else self._properties.levels[0]

    def _band_rows(self, region: Region, size: Size, level: Level) -> int:
        """Rows of the result whose sources fit the limit."""
        per_row = region.width * region.height / size.height / level.downsample**2
        return max(1, int(_BAND_PX / max(per_row, 1.0)))

    def _read_band(
        self, region: Region, size: Size, level: Level, top: int, bottom: int
    ) -> NDArray[np.uint8]:
        """Rows ``top`` to ``bottom`` of the result."""
        step = region.height / size.height
        x0, x1 = (v / level.downsample for v in (region.x, region.right))
        y0, y1 = ((region.y + v * step) / level.downsample for v in (top, bottom))
        out = Size(size.width, bottom - top)
        ratio_x, ratio_y = (x1 - x0) / out.width, (y1 - y0) / out.height
        exact = _near_integer(ratio_x, out.width) and _near_integer(ratio_y, out.height)
        if exact:
            return self._read_blocks(level, x0, y0, out, (round(ratio_x), round(ratio_y)))
        # The filter reaches one result pixel beyond the band: read it, so bands join unseen.
        reach_x, reach_y = math.ceil(max(1.0, ratio_x)), math.ceil(max(1.0, ratio_y))
        left, upper = math.floor(x0) - reach_x, math.floor(y0) - reach_y
        source = Size(math.ceil(x1) + reach_x - left, math.ceil(y1) + reach_y - upper)
        pixels = Image.fromarray(self.read_level(level, left, upper, source))
        box = (x0 - left, y0 - upper, x1 - left, y1 - upper)
        # Pillow's BOX counts whole pixels only; HAMMING is 2-5 times nearer to the exact
        # area average at ratios that are not integers (measured on an H&E slide).
        kind = Image.Resampling.HAMMING if ratio_x > 1 else Image.Resampling.BILINEAR
        return np.asarray(pixels.resize((out.width, out.height), kind, box=box))

    def _read_blocks(
        self, level: Level, x0: float, y0: float, out: Size, ratio: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """Exact mean of blocks of ``ratio`` pixels."""
        source = Size(out.width * ratio[0], out.height * ratio[1])
        pixels = self.read_level(level, round(x0), round(y0), source)
        if ratio == (1, 1):
            return pixels
        return np.asarray(Image.fromarray(pixels).reduce(ratio))


def _near_integer(ratio: float, count: int) -> bool:
    nearest = round(ratio)
    return nearest >= 1 and abs(ratio - nearest) * count <= _DRIFT_PX
