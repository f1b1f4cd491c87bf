"""Felt-pen marks on the coverslip, by the colour they absorb.

Rules on the proportions of the optical densities (R, G, B), which hardly depend on how
thick the ink is; set on HistoQC's marked slides. Haematoxylin (0.65, 0.70, 0.29), eosin
(0.07, 0.99, 0.11) and DAB (0.27, 0.57, 0.78; Ruifrok & Johnston 2001) fall outside them.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_MIN_UM2 = 40_000.0
_GROW_UM = 24.0
_BLOCK_ROWS = 512
# A colour over more than this share of the field is the stain, not a pen (Giemsa, PAS).
_STAIN_SHARE = 0.35
# Special stains (trichrome, PAS, Alcian blue) are as blue, green and red as a pen.
_ANY_COLOUR = frozenset({"OTHER"})


class PenColour(IntEnum):
    """Colour of a mark; the value is its code in maps."""

    BLACK = 1
    BLUE = 2
    GREEN = 3
    RED = 4


def pen_marks(
    rgb: NDArray[np.uint8],
    white: tuple[float, float, float],
    *,
    um_per_cell: float,
    stain: str = "",
) -> NDArray[np.uint8]:
    """Pen marks of an (h, w, 3) overview.

    Args:
        rgb: the overview, about 8 µm per pixel.
        white: its empty glass.
        um_per_cell: µm per pixel.
        stain: for OTHER (special stains) only black pen is looked for.

    Returns:
        (h, w) u8 codes of ``PenColour``, 0 = none.
    """
    codes = np.zeros(rgb.shape[:2], np.uint8)
    for top in range(0, len(rgb), _BLOCK_ROWS):
        codes[top : top + _BLOCK_ROWS] = _ink(rgb[top : top + _BLOCK_ROWS], white)
    result = np.zeros_like(codes)
    colours = (PenColour.BLACK,) if stain in _ANY_COLOUR else tuple(PenColour)
    for colour in colours:
        if colour != PenColour.BLACK and (codes == colour).mean() > _STAIN_SHARE:
            continue
        mark = _large(codes == colour, um_per_cell)
        result[mark & (result == 0)] = colour
    return result


def _ink(rgb: NDArray[np.uint8], white: tuple[float, float, float]) -> NDArray[np.uint8]:
    scaled = (rgb.astype(np.float32) + 1) / (np.array(white, np.float32) + 1)
    red, green, blue = np.moveaxis(np.maximum(-np.log10(scaled), 1e-3), -1, 0)
    codes = np.zeros(rgb.shape[:2], np.uint8)
    strongest = np.maximum(np.maximum(red, green), blue)
    weakest = np.minimum(np.minimum(red, green), blue)
    codes[(weakest > 0.55) & (weakest > 0.7 * strongest)] = PenColour.BLACK
    codes[(red > 0.35) & (red > 1.35 * green) & (green > 1.25 * blue)] = PenColour.BLUE
    codes[(red > 0.25) & (red > 1.5 * green) & (green <= 1.25 * blue)] = PenColour.GREEN
    codes[(green > 0.45) & (red < 0.25 * green) & (blue > 0.62 * green)] = PenColour.RED
    return codes


def _large(mark: NDArray[np.bool_], um: float) -> NDArray[np.bool_]:
    """Marks of a pen's size, grown over their paler border."""
    reach = max(1, round(_GROW_UM / um))
    padded = np.pad(mark, reach).astype(np.uint8)
    side = 2 * reach + 1
    grown = ndimage.maximum_filter(padded, side)[reach:-reach, reach:-reach].astype(np.bool_)
    labels, count = ndimage.label(grown)
    if count == 0:
        return mark
    ink = np.bincount(labels[mark], minlength=count + 1)
    keep = ink >= max(4, round(_MIN_UM2 / um**2))
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept
