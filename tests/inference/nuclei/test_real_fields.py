"""The detector on real Ki-67 fields; figures and method in docs/evidence/nuclear_ihc.md."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.nuclei.detection import detect_nuclei
from inference.nuclei.matching import DetectionQuality, match_points
from inference.nuclei.stains import StainSeparation, stain_shares

ROOT = Path(__file__).resolve().parents[3]
FIELDS = Path(os.environ.get("PORTRAIT_DATA", ROOT.parent / "shared" / "data")) / "ki67_shidc_test"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FIELDS.is_dir(), reason="PORTRAIT_DATA has no ki67_shidc_test"),
]


def test_real_fields_beat_the_baseline() -> None:
    quality, right, matched = DetectionQuality(0, 0, 0), 0, 0
    for path in sorted((FIELDS / "points").glob("*.json")):
        points = json.loads(path.read_text())
        xy = np.array([[p["x"], p["y"]] for p in points], dtype=np.float64) / 2
        label = np.array([p["label_id"] for p in points])
        with Image.open(FIELDS / "images" / f"{path.stem}.jpg") as image:
            rgb = np.asarray(image.convert("RGB").reduce(2))
        separation = StainSeparation.for_pixels(rgb)
        assert not stain_shares(rgb, separation.background).looks_like_he
        found = detect_nuclei(rgb, mpp=0.5, separation=separation)
        pairs = match_points(found.xy, xy, 10)
        quality += DetectionQuality(len(pairs), len(found), len(xy))
        tumour = label[pairs[:, 1]] != 3
        brown = found.dab[pairs[:, 0]] >= 0.15
        right += int((brown == (label[pairs[:, 1]] == 1))[tumour].sum())
        matched += int(tumour.sum())
    # The baseline of the data's README: F1 0.54, class accuracy 0.88.
    assert quality.true == 3188
    assert quality.f1 >= 0.66
    assert right / matched >= 0.97
