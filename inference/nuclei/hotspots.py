"""Local density and positivity on a grid, and the hot-spot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntGrid = NDArray[np.int64]

# A local percentage of fewer nuclei says nothing.
MIN_CELLS_PER_BIN = 10
# 500 nuclei are asked for by hot-spot scoring of Ki-67 (Nielsen et al. 2021).
HOTSPOT_CELLS = 500
HOTSPOT_SIDE_UM = 1000.0


@dataclass(frozen=True, slots=True)
class CellGrid:
    """Number of nuclei and of positive nuclei per square bin.

    ``bin_px`` is the side of a bin in level-0 pixels along x and y; bin (0, 0) starts
    at the slide's origin.
    """

    cells: IntGrid
    positive: IntGrid
    bin_px: tuple[float, float]

    @classmethod
    def of_points(
        cls,
        xy_px: NDArray[np.float32],
        positive: NDArray[np.bool_],
        *,
        bin_px: tuple[float, float],
        extent_px: tuple[float, float],
    ) -> CellGrid:
        """Bins points given in level-0 pixels over (0, 0)-``extent_px``."""
        columns = max(1, int(np.ceil(extent_px[0] / bin_px[0])))
        rows = max(1, int(np.ceil(extent_px[1] / bin_px[1])))
        column = np.clip((xy_px[:, 0] / bin_px[0]).astype(np.int64), 0, columns - 1)
        row = np.clip((xy_px[:, 1] / bin_px[1]).astype(np.int64), 0, rows - 1)
        flat = row * columns + column
        shape = (rows, columns)
        cells = np.bincount(flat, minlength=rows * columns).reshape(shape)
        brown = np.bincount(flat[positive], minlength=rows * columns).reshape(shape)
        return cls(cells.astype(np.int64), brown.astype(np.int64), bin_px)

    def positivity(self, min_cells: int = MIN_CELLS_PER_BIN) -> NDArray[np.float32]:
        """Local labelling index in %, NaN where there are fewer than ``min_cells`` nuclei."""
        index = np.full(self.cells.shape, np.nan, dtype=np.float32)
        enough = self.cells >= min_cells
        index[enough] = 100.0 * self.positive[enough] / self.cells[enough]
        return index

    def density_per_mm2(self, bin_area_mm2: float) -> NDArray[np.float32]:
        """Nuclei per mm², NaN where there is none."""
        density = np.full(self.cells.shape, np.nan, dtype=np.float32)
        some = self.cells > 0
        density[some] = self.cells[some] / bin_area_mm2
        return density


@dataclass(frozen=True, slots=True)
class HotSpot:
    """A square of bins: first column and row, side in bins, and its counts."""

    column: int
    row: int
    side: int
    cells: int
    positive: int


def find_hotspot(
    grid: CellGrid, *, min_cells: int = HOTSPOT_CELLS, max_side: int = 10
) -> HotSpot | None:
    """The most positive window that holds enough nuclei.

    At each place the window is the smallest square of bins with ``min_cells`` nuclei,
    up to ``max_side`` bins. Ties go to more nuclei, then to the first in reading order.
    Being a maximum, the index of a hot-spot lies above the one of a chosen-at-random
    window of the same size: that is what it is asked for, not an estimate of the slide.

    Returns:
        None where no window holds enough nuclei.
    """
    best: HotSpot | None = None
    done = np.zeros(grid.cells.shape, dtype=bool)
    for side in range(1, min(max_side, max(grid.cells.shape)) + 1):
        cells = _window_sums(grid.cells, side)
        eligible = (cells >= min_cells) & ~done
        if not eligible.any():
            continue
        done |= eligible
        positive = _window_sums(grid.positive, side)
        share = np.where(eligible, positive / np.maximum(cells, 1), -1.0)
        top = np.flatnonzero(share == share.max())
        flat = int(top[np.argmax(cells.ravel()[top])])
        row, column = divmod(flat, grid.cells.shape[1])
        found = HotSpot(column, row, side, int(cells[row, column]), int(positive[row, column]))
        if best is None or _rank(found) > _rank(best):
            best = found
    return best


def _rank(spot: HotSpot) -> tuple[float, int]:
    return spot.positive / spot.cells, spot.cells


def _window_sums(values: IntGrid, side: int) -> IntGrid:
    """Sum over the window that starts at each bin; windows past the edge are cut there."""
    rows, columns = values.shape
    total = np.zeros((rows + 1, columns + 1), dtype=np.int64)
    total[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    low_y, low_x = np.arange(rows), np.arange(columns)
    high_y, high_x = np.minimum(low_y + side, rows), np.minimum(low_x + side, columns)
    summed: IntGrid = (
        total[np.ix_(high_y, high_x)]
        - total[np.ix_(low_y, high_x)]
        - total[np.ix_(high_y, low_x)]
        + total[np.ix_(low_y, low_x)]
    )
    return summed
