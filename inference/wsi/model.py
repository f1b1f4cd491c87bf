"""What is known of a slide, and what a reader can do."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from inference.geometry import Mpp, Region, Size

MPP_MIN = 0.05
MPP_MAX = 20.0


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution of the pyramid; ``downsample`` is level-0 px per px of this level."""

    index: int
    size: Size
    downsample: float


@dataclass(frozen=True, slots=True)
class SlideProperties:
    """What the file says. ``mpp`` is None where it is absent or not credible."""

    vendor: str
    size: Size
    levels: tuple[Level, ...]
    mpp: Mpp | None
    objective_power: float | None = None
    tile_size: Size | None = None
    scanner: str | None = None
    has_icc_profile: bool = False
    associated: tuple[str, ...] = ()

    @property
    def is_pyramid(self) -> bool:
        """Whether overviews exist in the file; without them reading wide is slow."""
        return len(self.levels) > 1


class SlideReader(Protocol):
    """Reads pixels of one open slide. Closes itself as a context manager."""

    @property
    def properties(self) -> SlideProperties: ...

    def read_region(self, region: Region, size: Size) -> NDArray[np.uint8]:
        """Pixels of a region in level-0 px, resampled by area averaging to ``size``.

        Args:
            region: may stick out of the slide; what lies outside is white.
            size: of the result.

        Returns:
            (size.height, size.width, 3) u8 RGB.

        Raises:
            SlideError: the file is damaged there.
        """
        ...

    def read_thumbnail(self, max_px: int) -> NDArray[np.uint8]:
        """The whole slide, its longer side ``max_px`` at most: (h, w, 3) u8 RGB."""
        ...

    def read_associated(self, name: str) -> NDArray[np.uint8]:
        """A picture stored beside the slide ("label", "macro"): (h, w, 3) u8 RGB."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def credible_mpp(x: float | None, y: float | None) -> Mpp | None:
    """The resolution, or None where an axis is missing or out of 0.05-20 µm/px."""
    if x is None or y is None:
        return None
    if not (MPP_MIN <= x <= MPP_MAX and MPP_MIN <= y <= MPP_MAX):
        return None
    return Mpp(x, y)
