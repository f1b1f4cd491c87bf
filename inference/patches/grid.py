"""Which patches of a slide to look at: a regular grid at a given resolution over tissue."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.geometry import Mpp, Region, Size
from inference.tissue import TissueMask

# A network does not see 3 % of scale, and whole factors need no resampling filter.
_SNAP = 0.03


@dataclass(frozen=True, slots=True)
class PatchGrid:
    """Square patches whose cores tile the slide: every pixel of tissue has one owner.

    Attributes:
        core_px: side of a core in patch pixels.
        margin_px: patch pixels read around the core on each side.
        step_px: side of a core in level-0 pixels, a whole number.
        selected: (rows, columns) bool, the cores that are wanted.
        cells: (n, 2) int32 (column, row) of the wanted cores, in reading order.
    """

    core_px: int
    margin_px: int
    step_px: int
    selected: NDArray[np.bool_]
    cells: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def side_px(self) -> int:
        """Side of a patch with its margins, in patch pixels."""
        return self.core_px + 2 * self.margin_px

    @property
    def scale_px(self) -> float:
        """Level-0 pixels per patch pixel."""
        return self.step_px / self.core_px

    @property
    def xy_px(self) -> NDArray[np.int64]:
        """(n, 2) left upper corners of the cores in level-0 pixels."""
        return self.cells.astype(np.int64) * self.step_px

    def core(self, index: int) -> Region:
        """The core of a patch in level-0 pixels; at the edges it may stick out."""
        column, row = (int(v) for v in self.cells[index])
        return Region(column * self.step_px, row * self.step_px, self.step_px, self.step_px)


def plan_patches(
    size: Size,
    mpp: Mpp,
    *,
    patch_mpp: float,
    core_px: int,
    margin_px: int = 0,
    tissue: TissueMask | None = None,
    min_tissue: float = 0.0,
) -> PatchGrid:
    """Plans the patches of a slide.

    Args:
        size: of the slide, level 0.
        mpp: of the slide.
        patch_mpp: wanted µm per patch pixel. The result's is within 3 % of it, or within
            half a level-0 pixel per core where the factor is not nearly whole.
        core_px: side of the part of a patch that it owns, patch pixels.
        margin_px: context around it, patch pixels.
        tissue: keeps cores that hold tissue; None keeps all.
        min_tissue: least share (0 to 1) of tissue in a core; 0 keeps any touch.
    """
    if core_px < 1 or margin_px < 0 or patch_mpp <= 0:
        raise ValueError("core_px >= 1, margin_px >= 0, patch_mpp > 0")
    factor = patch_mpp / mpp.mean
    whole = max(1, round(factor))
    step = core_px * whole if abs(factor / whole - 1) <= _SNAP else round(core_px * factor)
    step = max(1, step)
    columns, rows = math.ceil(size.width / step), math.ceil(size.height / step)
    selected = np.ones((rows, columns), np.bool_)
    if tissue is not None:
        for row, column in np.ndindex(rows, columns):
            selected[row, column] = _wanted(
                tissue, Region(column * step, row * step, step, step).clipped_to(size), min_tissue
            )
    cells = np.argwhere(selected)[:, ::-1].astype(np.int32)
    return PatchGrid(core_px, margin_px, step, selected, cells)


def _wanted(tissue: TissueMask, core: Region, min_tissue: float) -> bool:
    if min_tissue <= 0:
        return tissue.touches(core)
    return tissue.fraction(core) >= min_tissue
