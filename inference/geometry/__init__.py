"""Points, sizes and regions whose unit is in the type.

Pixels are always level-0 pixels of a slide, origin top-left, unless a name says
otherwise. Micrometre types cannot be mixed with pixel types by accident.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SizeUm:
    """Width and height in µm."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Point:
    """A place in level-0 pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Region:
    """An axis-aligned rectangle in level-0 pixels: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def clipped_to(self, size: Size) -> Region:
        """The part of the region inside a slide of this size (may be empty)."""
        left, top = max(0, self.x), max(0, self.y)
        right, bottom = min(size.width, self.right), min(size.height, self.bottom)
        return Region(left, top, max(0, right - left), max(0, bottom - top))


@dataclass(frozen=True, slots=True)
class Mpp:
    """Micrometres per level-0 pixel along x and y (DICOM: Pixel Spacing)."""

    x: float
    y: float

    @property
    def mean(self) -> float:
        return (self.x + self.y) / 2

    def size_um(self, size: Size) -> SizeUm:
        return SizeUm(size.width * self.x, size.height * self.y)

    def px(self, um: float) -> float:
        """A length in µm as level-0 pixels (mean of both axes)."""
        return um / self.mean

    def um(self, px: float) -> float:
        """A length in level-0 pixels as µm (mean of both axes)."""
        return px * self.mean

    def area_mm2(self, area_px: float) -> float:
        """An area in square level-0 pixels as mm²."""
        return area_px * self.x * self.y / 1e6
