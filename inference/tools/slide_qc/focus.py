"""How blurred each part of the tissue is, as the width of an equivalent Gaussian, in µm.

The energy of the Laplacian (Pech-Pacheco et al., ICPR 2000, "diatom autofocusing") falls
with blur, but also with pale staining. The ratio of the energies at two scales does not
depend on contrast: at 1 and 4 µm for slight blur, at 2 and 8 µm for strong blur, where
noise and JPEG blocks fill the finest scale. The tables turn a ratio into a width; they are
the medians over an H&E section, an H&E frozen section and a fluorescence slide of three
scanners, blurred on purpose and compressed anew (JPEG 60 to 100).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.patches import PatchBatch, PatchGrid
from inference.tissue import TissueMask

# Analysis pixels (about 1 µm) per cell of the tissue grid, cells per block, blocks per tile.
CELL_PX = 8
BLOCK_CELLS = 16
TILE_CELLS = 128
# log10(E1/E4) and log10(E2/E8) against sigma in analysis pixels; rising, for np.interp.
_FINE_RATIO = (-2.10, -1.85, -1.62, -1.28, -0.95, -0.30)
_FINE_SIGMA = (3.0, 2.0, 1.5, 1.0, 0.7, 0.3)
_COARSE_RATIO = (-2.10, -1.84, -1.60, -1.15, -0.95)
_COARSE_SIGMA = (6.0, 4.0, 3.0, 2.0, 1.4)
# Below this energy at 4 µm there is nothing to be sharp (mucus, empty lumen): not measured.
_MIN_ENERGY = 2.0
# A block is judged from this share of tissue on.
MIN_TISSUE = 0.2
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class FocusMap:
    """Blur per block.

    Attributes:
        blur_um: (rows, columns) float64, NaN where not measured.
        tissue: (rows, columns) tissue cells in the block.
        scale_px: level-0 pixels per block.
    """

    blur_um: NDArray[np.float64]
    tissue: NDArray[np.int64]
    scale_px: float


def focus_tiles(tissue: TissueMask) -> PatchGrid:
    """The tiles to read: ``TILE_CELLS`` cells wide, margins for the filters' reach."""
    height, width = tissue.mask.shape
    rows, columns = -(-height // TILE_CELLS), -(-width // TILE_CELLS)
    padded = np.zeros((rows * TILE_CELLS, columns * TILE_CELLS), np.bool_)
    padded[:height, :width] = tissue.mask
    tiles = padded.reshape(rows, TILE_CELLS, columns, TILE_CELLS)
    selected: NDArray[np.bool_] = np.asarray(tiles.any(axis=(1, 3)))
    cells = np.argwhere(selected)[:, ::-1].astype(np.int32)
    step = round(TILE_CELLS * tissue.scale_px)
    return PatchGrid(TILE_CELLS * CELL_PX, CELL_PX, step, selected, cells)


class FocusSum:
    """Adds up the energies of tiles, then gives the map; memory is that of the grid."""

    def __init__(self, tissue: TissueMask, *, um_per_px: float) -> None:
        self._tissue = tissue
        self._um = um_per_px
        # The white beyond the scan's border would look like sharp detail.
        self._inner = np.zeros_like(tissue.mask)
        self._inner[1:-2, 1:-2] = tissue.mask[1:-2, 1:-2]
        height, width = tissue.mask.shape
        self._shape = -(-height // BLOCK_CELLS), -(-width // BLOCK_CELLS)
        self._energy = np.zeros((4, *self._shape))
        self._count = np.zeros(self._shape, np.int64)

    def add(self, batch: PatchBatch) -> None:
        """Adds tiles of ``focus_tiles``."""
        for image, corner in zip(batch.images, batch.xy_px, strict=True):
            column, row = (round(v / self._tissue.scale_px) for v in corner)
            self._add_tile(image, row, column)

    def _add_tile(self, image: NDArray[np.uint8], row: int, column: int) -> None:
        mask = np.zeros((TILE_CELLS, TILE_CELLS), np.bool_)
        known = self._inner[row : row + TILE_CELLS, column : column + TILE_CELLS]
        mask[: known.shape[0], : known.shape[1]] = known
        energies = cell_energies(image, dark_field=self._tissue.dark_field) * mask
        side = TILE_CELLS // BLOCK_CELLS
        blocks = energies.reshape(4, side, BLOCK_CELLS, side, BLOCK_CELLS).sum(axis=(2, 4))
        counts = mask.reshape(side, BLOCK_CELLS, side, BLOCK_CELLS).sum(axis=(1, 3))
        top, left = row // BLOCK_CELLS, column // BLOCK_CELLS
        height = min(side, self._shape[0] - top)
        width = min(side, self._shape[1] - left)
        place = slice(top, top + height), slice(left, left + width)
        self._energy[:, place[0], place[1]] += blocks[:, :height, :width]
        self._count[place] += counts[:height, :width]

    def result(self) -> FocusMap:
        enough = self._count >= MIN_TISSUE * BLOCK_CELLS**2
        energy = self._energy / np.maximum(self._count, 1)
        judged = enough & (energy[2] >= _MIN_ENERGY)
        blur = np.where(judged, blur_width(energy) * self._um, np.nan)
        return FocusMap(blur, self._count, BLOCK_CELLS * self._tissue.scale_px)


def cell_energies(image: NDArray[np.uint8], *, dark_field: bool) -> NDArray[np.float32]:
    """Mean squared Laplacian per cell, at 1, 2, 4 and 8 analysis pixels.

    Args:
        image: (side, side, 3) u8, a tile with a margin of ``CELL_PX``.
        dark_field: takes the brightest channel instead of the luminance.

    Returns:
        (4, side / 8 - 2, side / 8 - 2) float32.
    """
    pixels = image.max(axis=2).astype(np.float32) if dark_field else image @ _LUMA
    energies = [_energy(pixels, 1), _energy(_halved(pixels), 2)]
    quarter = _halved(_halved(pixels))
    energies += [_energy(quarter, 4), _energy(_halved(quarter), 8)]
    return np.stack(energies)


def _halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    return 0.25 * (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2])


def _energy(plane: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Squared Laplacian, meaned over the inner cells."""
    laplacian = (
        plane[:-2, 1:-1]
        + plane[2:, 1:-1]
        + plane[1:-1, :-2]
        + plane[1:-1, 2:]
        - 4 * plane[1:-1, 1:-1]
    )
    edge = CELL_PX // step - 1
    inner = laplacian[edge : laplacian.shape[0] - edge, edge : laplacian.shape[1] - edge] ** 2
    side = CELL_PX // step
    rows, columns = inner.shape[0] // side, inner.shape[1] // side
    means: NDArray[np.float32] = inner.reshape(rows, side, columns, side).mean(axis=(1, 3))
    return means


def blur_width(energy: NDArray[np.floating]) -> NDArray[np.float64]:
    """Width in analysis pixels from the (4, ...) energies; the wider of both estimates."""
    logs = np.log10(np.maximum(energy, 1e-3))
    fine = np.interp(logs[0] - logs[2], _FINE_RATIO, _FINE_SIGMA)
    ratio = logs[1] - logs[3]
    strong = np.interp(ratio, _COARSE_RATIO, _COARSE_SIGMA)
    # Coarse detail of a sharp slide says nothing of its focus.
    coarse = np.where(ratio <= _COARSE_RATIO[-1], strong, 0.0)
    wider: NDArray[np.float64] = np.maximum(fine, coarse)
    return wider
