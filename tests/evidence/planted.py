"""nuclear_ihc against phantoms: every nucleus and its stain class are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.nuclei.matching import DetectionQuality, detection_quality
from inference.outputs import CellsOverlay, read_cells
from inference.phantoms import PhantomSpec, write_phantom
from inference.runner import JobSpec, run

# A match is a detection within 4 µm of a planted centre: about the radius of a tumour nucleus.
RADIUS_UM = 4.0


@dataclass(frozen=True)
class Planted:
    """What the tool found beside what was there."""

    index: float
    true_index: float
    quality: DetectionQuality

    @property
    def index_error(self) -> float:
        """Points of the labelling index of all readable nuclei."""
        return abs(self.index - self.true_index)


def nuclear_ihc_on(spec: PhantomSpec, folder: Path) -> Planted:
    """Runs the tool as the site does, from the slide's file to the result folder."""
    path = folder / "phantom.tif"
    truth = write_phantom(spec, path)
    result = folder / "result"
    output = run(JobSpec("nuclear_ihc", path, result, spec.stain))
    (cells,) = (o for o in output.overlays if isinstance(o, CellsOverlay))
    found = read_cells(result, cells).xy_px
    readable = truth.xy_px[truth.readable]
    index, true_index = output.score("labelling_index").value, truth.labelling_index_all
    assert index is not None
    assert true_index is not None
    quality = detection_quality(
        np.asarray(found, float), np.asarray(readable, float), RADIUS_UM / spec.mpp
    )
    return Planted(index, true_index, quality)
