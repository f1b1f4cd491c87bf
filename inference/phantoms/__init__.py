"""Phantom slides: convincing whole slides whose every nucleus is known."""

from inference.phantoms.layout import REGIONS
from inference.phantoms.spec import ARTEFACT_KINDS, PRESETS, PhantomSpec
from inference.phantoms.sprites import CellKind
from inference.phantoms.truth import PhantomTruth, read_truth
from inference.phantoms.write import write_phantom

__all__ = [
    "ARTEFACT_KINDS",
    "PRESETS",
    "REGIONS",
    "CellKind",
    "PhantomSpec",
    "PhantomTruth",
    "read_truth",
    "write_phantom",
]
