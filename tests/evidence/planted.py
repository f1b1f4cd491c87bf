"""nuclear_ihc against phantoms: every nucleus and its stain class are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.nuclei.matching import DetectionQuality, match_points
from inference.outputs import CellsOverlay, read_cells
from inference.phantoms import CellKind, PhantomSpec, write_phantom
from inference.runner import JobSpec, run

# A match is a detection within 4 µm of a planted centre: about the radius of a tumour nucleus.
RADIUS_UM = 4.0


@dataclass(frozen=True)
class Planted:
    """What the tool found beside what was there.

    ``true_index`` is that of all readable nuclei, as the tool defines it; ``tumour_index``
    that of the tumour nuclei alone. Nuclei under pen and fold neither have to be found nor
    are wrong when found. ``brown_ghosts`` are positive detections where nothing was planted.
    """

    index: float
    true_index: float
    tumour_index: float
    quality: DetectionQuality
    recall_by_class: dict[str, float]
    right_class: float
    brown_ghosts: int

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
    found = read_cells(result, cells)
    index, true_index = output.score("labelling_index").value, truth.labelling_index_all
    assert index is not None
    assert true_index is not None
    assert truth.labelling_index is not None
    pairs = match_points(found.xy_px, truth.xy_px, RADIUS_UM / spec.mpp)
    readable = truth.readable[pairs[:, 1]]
    ghost = np.ones(len(found.xy_px), np.bool_)
    ghost[pairs[:, 0]] = False
    seen = np.zeros(len(truth.cls), np.bool_)
    seen[pairs[:, 1]] = True
    brown, planted_brown = found.class_code > 0, truth.stain_class > 0
    return Planted(
        index=index,
        true_index=true_index,
        tumour_index=truth.labelling_index,
        quality=DetectionQuality(
            int(readable.sum()), int(readable.sum() + ghost.sum()), int(truth.readable.sum())
        ),
        recall_by_class={
            kind.name.lower(): float(seen[truth.readable & (truth.cls == kind)].mean())
            for kind in CellKind
        },
        right_class=float((brown[pairs[:, 0]] == planted_brown[pairs[:, 1]])[readable].mean()),
        brown_ghosts=int(brown[ghost].sum()),
    )
