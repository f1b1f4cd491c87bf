"""Tissue and pen marks of a slide, on a coarse grid."""

from inference.tissue.mask import CELL_UM, TissueMask, classify, estimate_white, tissue_mask
from inference.tissue.pen import PenColour, pen_marks

__all__ = [
    "CELL_UM",
    "PenColour",
    "TissueMask",
    "classify",
    "estimate_white",
    "pen_marks",
    "tissue_mask",
]
