"""One-to-one matching of detected and true points, for evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

FloatArray = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DetectionQuality:
    """Counts of one or more images; ratios are 0 when nothing was there."""

    matched: int
    detected: int
    true: int

    @property
    def precision(self) -> float:
        return self.matched / self.detected if self.detected else 0.0

    @property
    def recall(self) -> float:
        return self.matched / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        both = self.detected + self.true
        return 2 * self.matched / both if both else 0.0

    def __add__(self, other: DetectionQuality) -> DetectionQuality:
        return DetectionQuality(
            self.matched + other.matched, self.detected + other.detected, self.true + other.true
        )


def match_points(detected: FloatArray, true: FloatArray, radius: float) -> NDArray[np.intp]:
    """Pairs (index in ``detected``, index in ``true``), closest first, each used once.

    Args:
        detected: (n, 2) points.
        true: (m, 2) points in the same unit.
        radius: largest distance of a pair.

    Returns:
        (k, 2) indices.
    """
    if not len(detected) or not len(true):
        return np.empty((0, 2), dtype=np.intp)
    near = cKDTree(detected).sparse_distance_matrix(cKDTree(true), radius, output_type="coo_matrix")
    used_detected = np.zeros(len(detected), dtype=bool)
    used_true = np.zeros(len(true), dtype=bool)
    pairs: list[tuple[int, int]] = []
    # Ties are broken by index: the result does not depend on the tree's order.
    for k in np.lexsort((near.col, near.row, near.data)):
        i, j = int(near.row[k]), int(near.col[k])
        if not used_detected[i] and not used_true[j]:
            used_detected[i] = used_true[j] = True
            pairs.append((i, j))
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)


def detection_quality(detected: FloatArray, true: FloatArray, radius: float) -> DetectionQuality:
    """How many detections are true within ``radius``, one to one."""
    return DetectionQuality(len(match_points(detected, true, radius)), len(detected), len(true))
