"""Patches of a slide at a given resolution, read in blocks."""

from inference.patches.batches import PatchBatch, iter_batches
from inference.patches.grid import PatchGrid, plan_patches

__all__ = ["PatchBatch", "PatchGrid", "iter_batches", "plan_patches"]
