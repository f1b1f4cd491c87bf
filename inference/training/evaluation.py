"""How well a network finds the nuclei of labelled pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from inference.networks import SmallUNet
from inference.nuclei.matching import DetectionQuality, detection_quality
from inference.pipelines.instances import InstanceParameters, find_instances
from inference.pipelines.prediction import predict_maps
from inference.training.dataset import Sample

# About a third of the diameter of a typical nucleus of the data set (18.6 px).
MATCH_RADIUS_PX = 6.0
# Smoothing in pixels, and prominence that parts two nuclei.
_GRID = ((1.0, 2.0), (0.1, 0.15, 0.2, 0.3))


@dataclass(frozen=True, slots=True)
class Quality:
    """Two ways to count the same nuclei.

    Attributes:
        centres: matched where centroids are within ``MATCH_RADIUS_PX``, one to one.
        shapes: matched where the intersection over union exceeds 0.5.
    """

    centres: DetectionQuality
    shapes: DetectionQuality

    @classmethod
    def none(cls) -> Quality:
        return cls(DetectionQuality(0, 0, 0), DetectionQuality(0, 0, 0))

    def __add__(self, other: Quality) -> Quality:
        return Quality(self.centres + other.centres, self.shapes + other.shapes)


def evaluate(
    network: SmallUNet,
    samples: Sequence[Sample],
    parameters: InstanceParameters | None = None,
) -> Quality:
    """Counts over all pictures together (not a mean of pictures)."""
    total = Quality.none()
    for sample in samples:
        found = find_instances(predict_maps(network, sample.rgb[None])[0], parameters)
        centres = detection_quality(found.xy, centroids(sample.labels), MATCH_RADIUS_PX)
        total += Quality(centres, overlap_quality(found.labels, sample.labels))
    return total


def choose_parameters(network: SmallUNet, samples: Sequence[Sample]) -> InstanceParameters:
    """The parameters of a small grid with the best F1 of centres, on pictures seen in training."""
    maps = [predict_maps(network, s.rgb[None])[0] for s in samples]
    truth = [centroids(s.labels) for s in samples]
    grid = [InstanceParameters(separation=h, smooth_px=s) for s, h in product(*_GRID)]

    def f1(parameters: InstanceParameters) -> float:
        total = DetectionQuality(0, 0, 0)
        for map_, true in zip(maps, truth, strict=True):
            total += detection_quality(find_instances(map_, parameters).xy, true, MATCH_RADIUS_PX)
        return total.f1

    return max(grid, key=f1)


def centroids(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """(n, 2) x, y of each label that has pixels; the centre of the first pixel is 0.5."""
    flat = labels.ravel()
    area = np.bincount(flat, minlength=1)
    y, x = np.indices(labels.shape)
    sums = [np.bincount(flat, weights=v.ravel() + 0.5, minlength=1) for v in (x, y)]
    present = np.flatnonzero(area[1:]) + 1
    return np.stack([s[present] / area[present] for s in sums], axis=1).astype(np.float32)


def overlap_quality(found: NDArray[np.int32], true: NDArray[np.int32]) -> DetectionQuality:
    """Pairs whose intersection over union exceeds 0.5: each nucleus has one at most."""
    columns = int(true.max(initial=0)) + 1
    joint = np.bincount(
        found.ravel().astype(np.int64) * columns + true.ravel(),
        minlength=(int(found.max(initial=0)) + 1) * columns,
    ).reshape(-1, columns)
    area_found, area_true = joint.sum(axis=1), joint.sum(axis=0)
    both = joint[1:, 1:]
    union = area_found[1:, None] + area_true[None, 1:] - both
    matched = int((2 * both > union).sum())
    return DetectionQuality(
        matched, int((area_found[1:] > 0).sum()), int((area_true[1:] > 0).sum())
    )
