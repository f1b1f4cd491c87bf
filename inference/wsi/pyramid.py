"""Reads any region at any scale from a backend that only reads whole-level rectangles."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
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
        source = _Source.of(region, size, level)
        rows = max(1, int(_BAND_PX / max(source.width * source.ratio_y, 1.0)))
        read = self._read_blocks if source.blocks else self._read_filtered
        if rows >= size.height:
            return read(level, source, size.width, 0, size.height)
        result = np.empty((size.height, size.width, 3), np.uint8)
        for top in range(0, size.height, rows):
            bottom = min(size.height, top + rows)
            result[top:bottom] = read(level, source, size.width, top, bottom)
        return result

    def level_for(self, scale: float) -> Level:
        """The coarsest level that is at least as fine as ``scale`` level-0 px per px."""
        fine = [v for v in self._properties.levels if v.downsample <= scale * 1.005]
        return fine[-1] if fine else self._properties.levels[0]

    def _read_filtered(
        self, level: Level, source: _Source, columns: int, top: int, bottom: int
    ) -> NDArray[np.uint8]:
        """Rows ``top`` to ``bottom`` of the result, by a filter of fractional width."""
        x0, x1 = source.x, source.x + source.width
        y0, y1 = source.y + top * source.ratio_y, source.y + bottom * source.ratio_y
        # The filter reaches one result pixel beyond the band: read it, so bands join unseen.
        reach_x, reach_y = (math.ceil(max(1.0, r)) for r in (source.ratio_x, source.ratio_y))
        left, upper = math.floor(x0) - reach_x, math.floor(y0) - reach_y
        window = Size(math.ceil(x1) + reach_x - left, math.ceil(y1) + reach_y - upper)
        pixels = Image.fromarray(self.read_level(level, left, upper, window))
        box = (x0 - left, y0 - upper, x1 - left, y1 - upper)
        # Pillow's BOX counts whole pixels only; HAMMING is 2-5 times nearer to the exact
        # area average at ratios that are not integers (measured on an H&E slide).
        kind = Image.Resampling.HAMMING if source.ratio_x > 1 else Image.Resampling.BILINEAR
        return np.asarray(pixels.resize((columns, bottom - top), kind, box=box))

    def _read_blocks(
        self, level: Level, source: _Source, columns: int, top: int, bottom: int
    ) -> NDArray[np.uint8]:
        """Rows ``top`` to ``bottom`` of the result, exact means of whole blocks."""
        across, down = round(source.ratio_x), round(source.ratio_y)
        window = Size(columns * across, (bottom - top) * down)
        pixels = self.read_level(level, round(source.x), round(source.y) + top * down, window)
        if (across, down) == (1, 1):
            return pixels
        return np.asarray(Image.fromarray(pixels).reduce((across, down)))


@dataclass(frozen=True, slots=True)
class _Source:
    """A region in the pixels of a level, and how many of them make one result pixel."""

    x: float
    y: float
    width: float
    ratio_x: float
    ratio_y: float
    blocks: bool

    @classmethod
    def of(cls, region: Region, size: Size, level: Level) -> _Source:
        scale = level.downsample
        ratio_x = region.width / scale / size.width
        ratio_y = region.height / scale / size.height
        blocks = _near_integer(ratio_x, size.width) and _near_integer(ratio_y, size.height)
        width = region.width / scale
        return cls(region.x / scale, region.y / scale, width, ratio_x, ratio_y, blocks)


def _near_integer(ratio: float, count: int) -> bool:
    """Whether whole blocks drift by less than a quarter of a pixel over the result."""
    nearest = round(ratio)
    return nearest >= 1 and abs(ratio - nearest) * count <= _DRIFT_PX
