"""Where the tissue is, on a coarse grid of about 8 µm.

Bright field: pixels as optical density against the slide's own white (Beer-Lambert), then
Otsu's threshold (IEEE Trans Syst Man Cybern 1979;9:62-66) on chroma, the spread between
the densities of the three channels. Stained tissue is coloured; dust, the edge of the
coverslip and shadows are grey, and stay out. This is the saturation threshold of HistoQC
(Janowczyk, JCO Clin Cancer Inform 2019;3) and CLAM (Lu, Nat Biomed Eng 2021;5:555-570)
with limits, because Otsu alone always splits, even a slide all of glass or all of tissue.
Fluorescence (dark field): Otsu on the logarithm of the brightest channel above the
background, and gaps between nuclei are closed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.geometry import Mpp, Region, Size
from inference.tissue.pen import pen_marks
from inference.wsi import SlideReader

CELL_UM = 8.0
MAX_CELLS = 4096
# Glass, measured on the real slides: chroma below 0.02. Pale counterstain: from 0.04.
CHROMA_LOW, CHROMA_HIGH = 0.03, 0.08
_DARK_FIELD = 60.0
_SMALL_UM2 = 20_000.0
_HOLE_UM2 = 5_000.0
_CLOSE_UM = 16.0
_CLOSE_DARK_UM = 40.0
_BLOCK_ROWS = 512
# Where no resolution is known, a cell counts as this many µm.
_GUESS_UM = 8.0


@dataclass(frozen=True, slots=True)
class TissueMask:
    """Tissue on a grid; cell (0, 0) starts at ``origin_px``.

    Attributes:
        mask: (height, width) bool, tissue without pen.
        pen: (height, width) u8, ``inference.tissue.PenColour`` codes, 0 = none.
        origin_px: level-0 pixel where the grid starts.
        scale_px: level-0 pixels per cell, a whole number.
        dark_field: whether the slide is bright on dark (fluorescence).
    """

    mask: NDArray[np.bool_]
    pen: NDArray[np.uint8]
    origin_px: tuple[float, float]
    scale_px: float
    dark_field: bool

    def area_mm2(self, mpp: Mpp) -> float:
        """Area of the tissue."""
        return mpp.area_mm2(float(self.mask.sum()) * self.scale_px**2)

    def fraction(self, region: Region) -> float:
        """Share (0 to 1) of the region's cells that are tissue; 0 outside the grid."""
        rows, columns = self._window(region)
        window = self.mask[rows, columns]
        return float(window.mean()) if window.size else 0.0

    def touches(self, region: Region) -> bool:
        """Whether any tissue cell meets the region (level-0 pixels)."""
        rows, columns = self._window(region)
        return bool(self.mask[rows, columns].any())

    def holds(self, xy_px: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which of the (n, 2) level-0 points lie on tissue."""
        cells = np.floor((xy_px - self.origin_px) / self.scale_px).astype(np.int64)
        height, width = self.mask.shape
        inside = (cells >= 0).all(axis=1) & (cells[:, 0] < width) & (cells[:, 1] < height)
        result = np.zeros(len(cells), np.bool_)
        result[inside] = self.mask[cells[inside, 1], cells[inside, 0]]
        return result

    def _window(self, region: Region) -> tuple[slice, slice]:
        x, y = region.x - self.origin_px[0], region.y - self.origin_px[1]
        left, top = int(max(0, x // self.scale_px)), int(max(0, y // self.scale_px))
        right = int(max(0, -(-(x + region.width) // self.scale_px)))
        bottom = int(max(0, -(-(y + region.height) // self.scale_px)))
        return slice(top, bottom), slice(left, right)


def tissue_mask(slide: SlideReader, *, stain: str = "", cell_um: float = CELL_UM) -> TissueMask:
    """Finds the tissue of a slide.

    Args:
        slide: the open slide.
        stain: its code; only used to know which pen colours a stain can imitate.
        cell_um: side of a cell; larger where the slide would need over 4096 cells.

    Returns:
        The mask; where the slide's resolution is unknown its cells are a guess.
    """
    properties = slide.properties
    size, mpp = properties.size, properties.mpp
    wanted = mpp.px(cell_um) if mpp else max(size.width, size.height) / 2048
    scale = max(1, round(wanted), -(-max(size.width, size.height) // MAX_CELLS))
    grid = Size(-(-size.width // scale), -(-size.height // scale))
    rgb = slide.read_region(Region(0, 0, grid.width * scale, grid.height * scale), grid)
    outside = _outside(grid, size, scale)
    um = mpp.um(scale) if mpp else _GUESS_UM
    mask, pen, dark = classify(rgb, um_per_cell=um, stain=stain)
    return TissueMask(mask & ~outside, pen, (0.0, 0.0), float(scale), dark)


def classify(
    rgb: NDArray[np.uint8], *, um_per_cell: float, stain: str = ""
) -> tuple[NDArray[np.bool_], NDArray[np.uint8], bool]:
    """Tissue, pen codes and whether the field is dark, of an (h, w, 3) picture."""
    if float(np.median(rgb.max(axis=2))) < _DARK_FIELD:
        raw, pen = _bright_on_dark(rgb), np.zeros(rgb.shape[:2], np.uint8)
        return _clean(raw, um_per_cell, _CLOSE_DARK_UM), pen, True
    white = estimate_white(rgb)
    pen = pen_marks(rgb, white, um_per_cell=um_per_cell, stain=stain)
    raw = _coloured(rgb, white)
    raw[pen > 0] = False
    mask = _clean(raw, um_per_cell, _CLOSE_UM)
    mask[pen > 0] = False
    return mask, pen, False


def estimate_white(rgb: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Colour of the empty glass: the median of bright grey pixels, per channel.

    Where under 0.5 % of the picture looks like glass, the brightest 0.5 % stands for it.
    """
    low, high = rgb.min(axis=2), rgb.max(axis=2)
    glass = (low > 200) & (high - low < 24)
    if glass.mean() < 0.005:
        glass = low >= np.percentile(low, 99.5)
        return _triple(np.maximum(np.median(rgb[glass], axis=0), 200.0))
    return _triple(np.median(rgb[glass], axis=0))


def _triple(values: NDArray[np.floating]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _coloured(rgb: NDArray[np.uint8], white: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Pixels whose chroma in optical density exceeds the limited Otsu threshold."""
    chroma = np.empty(rgb.shape[:2], np.float32)
    tables = [density_table(w) for w in white]
    for top in range(0, len(rgb), _BLOCK_ROWS):
        block = rgb[top : top + _BLOCK_ROWS]
        density = np.stack([tables[i][block[..., i]] for i in range(3)])
        chroma[top : top + _BLOCK_ROWS] = density.max(axis=0) - density.min(axis=0)
    smooth = ndimage.gaussian_filter(chroma, 1.0)
    limit = float(np.clip(otsu_threshold(smooth, 0.0, 0.5), CHROMA_LOW, CHROMA_HIGH))
    # Smoothing joins pale texture, but also spills over the border of dark tissue.
    coloured: NDArray[np.bool_] = (smooth > limit) & (chroma > limit / 2)
    return coloured


def density_table(white: float) -> NDArray[np.float32]:
    """Optical density of each of the 256 grey levels against a white; never negative."""
    levels = (np.arange(256, dtype=np.float32) + 1) / np.float32(white + 1)
    table: NDArray[np.float32] = np.maximum(-np.log10(levels), 0).astype(np.float32)
    return table


def otsu_threshold(values: NDArray[np.floating], low: float, high: float) -> float:
    """Otsu's threshold over 256 bins of low..high: the most variance between two classes."""
    counts, edges = np.histogram(values, bins=256, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts).astype(np.float64)
    above = below[-1] - below
    total = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = total / below - (total[-1] - total) / above
    between = np.nan_to_num(below * above * gap**2, nan=0.0, posinf=0.0, neginf=0.0)
    return float(centres[int(np.argmax(between))])


def _bright_on_dark(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    light = ndimage.gaussian_filter(rgb.max(axis=2).astype(np.float32), 1.0)
    background = float(np.percentile(light, 5))
    signal = np.log1p(np.maximum(light - background, 0))
    if float(signal.max()) - float(signal.min()) < 1e-3:
        return np.zeros(light.shape, np.bool_)
    # Three grey levels above the background: less is the camera's noise.
    threshold = max(otsu_threshold(signal, 0.0, 6.0), float(np.log1p(3.0)))
    bright: NDArray[np.bool_] = signal > threshold
    return bright


def _clean(mask: NDArray[np.bool_], um: float, close_um: float) -> NDArray[np.bool_]:
    """Closes gaps, drops specks and fills small holes; sizes in µm."""
    reach = max(1, round(close_um / um))
    # Closing with a square by two running maxima; the margin keeps the border.
    padded = np.pad(mask, reach).astype(np.uint8)
    side = 2 * reach + 1
    closed = ndimage.minimum_filter(ndimage.maximum_filter(padded, side), side)
    result = closed[reach:-reach, reach:-reach].astype(np.bool_)
    result = drop_small(result, round(_SMALL_UM2 / um**2))
    holes = ~result
    return result | (holes & ~drop_small(holes, round(_HOLE_UM2 / um**2)))


def drop_small(mask: NDArray[np.bool_], cells: int) -> NDArray[np.bool_]:
    """Without the connected parts of fewer than ``cells`` cells."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= max(cells, 1)
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept


def _outside(grid: Size, size: Size, scale: int) -> NDArray[np.bool_]:
    """Cells whose centre is beyond the slide's right or lower edge."""
    x = (np.arange(grid.width) + 0.5) * scale >= size.width
    y = (np.arange(grid.height) + 0.5) * scale >= size.height
    beyond: NDArray[np.bool_] = y[:, None] | x[None, :]
    return beyond
