"""The figures of docs/evidence/nuclei_segmentation.md on the labelled pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.networks import load_network
from inference.pipelines import InstanceParameters
from inference.tools import load_manifest, tool_folder
from inference.training.dataset import read_samples
from inference.training.evaluation import evaluate
from inference.training.loop import Recipe
from inference.training.validation import cross_validate

pytestmark = [pytest.mark.real_data, pytest.mark.evidence]


@pytest.fixture
def pictures(portrait_data: Path) -> Path:
    folder = portrait_data / "nuclei_dsb2018_he"
    if not folder.is_dir():
        pytest.skip("PORTRAIT_DATA has no nuclei_dsb2018_he")
    return folder


def test_committed_weights_fit_their_pictures(pictures: Path) -> None:
    """Seen in training: this checks the file and the pipeline, not the accuracy."""
    manifest = load_manifest("nuclei_segmentation")
    file = manifest.files[0]
    network = load_network(tool_folder(manifest.id) / file.path, sha256=file.sha256)
    parameters = InstanceParameters(
        separation=float(manifest.parameter("separation").default),
        smooth_px=float(manifest.parameter("smoothing").default),
    )
    quality = evaluate(network, read_samples(pictures), parameters)
    assert quality.centres.true == 4550
    assert quality.centres.f1 > 0.67


def test_cross_validated_f1_beats_the_baseline(pictures: Path) -> None:
    """About a quarter of an hour on one core."""
    centres = [fold.quality.centres for fold in cross_validate(read_samples(pictures), Recipe())]
    total = centres[0] + centres[1] + centres[2]
    assert total.true == 4550
    assert total.f1 > 0.67
    published = load_manifest("nuclei_segmentation").evidence[0].value
    # Another torch build rounds otherwise.
    assert total.f1 == pytest.approx(published, abs=0.03)
