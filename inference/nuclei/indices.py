"""The formulas of nuclear immunohistochemistry, pure and without state.

Sources: Ki-67 labelling index, International Ki67 in Breast Cancer Working Group
(Nielsen et al., J Natl Cancer Inst 2021;113:808-819): any nuclear brown counts,
whatever its intensity. H-score: McCarty et al., Arch Pathol Lab Med
1985;109:716-721. ER/PR cuts: ASCO/CAP guideline update (Allison et al., J Clin
Oncol 2020;38:1346-1366).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

NEGATIVE, WEAK, MODERATE, STRONG = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class IntensityCounts:
    """Number of nuclei per intensity class."""

    negative: int
    weak: int
    moderate: int
    strong: int

    @property
    def positive(self) -> int:
        return self.weak + self.moderate + self.strong

    @property
    def total(self) -> int:
        return self.negative + self.positive

    @classmethod
    def from_classes(cls, classes: NDArray[np.uint8]) -> IntensityCounts:
        """Counts of class codes 0..3 (shape (n,))."""
        n = np.bincount(classes, minlength=4)
        return cls(int(n[NEGATIVE]), int(n[WEAK]), int(n[MODERATE]), int(n[STRONG]))


@dataclass(frozen=True, slots=True)
class IntensityThresholds:
    """Lower limits of 1+, 2+ and 3+, as mean DAB optical density in the nucleus."""

    weak: float
    moderate: float
    strong: float

    def __post_init__(self) -> None:
        if not 0 < self.weak < self.moderate < self.strong:
            message = "thresholds must rise: 0 < 1+ < 2+ < 3+"
            raise ValueError(message)

    def classify(self, dab_od: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Class code 0..3 of each nucleus (a value on a limit is in the upper class)."""
        limits = np.array([self.weak, self.moderate, self.strong], dtype=np.float32)
        return np.searchsorted(limits, dab_od, side="right").astype(np.uint8)


def labelling_index(positive: int, total: int) -> float | None:
    """Percentage of positive nuclei, 0..100; None when there is no nucleus."""
    _check_counts(positive, total)
    return 100.0 * positive / total if total else None


def wilson_interval(positive: int, total: int, level: float = 0.95) -> tuple[float, float] | None:
    """Wilson score interval of a percentage, in %; None when there is no nucleus.

    Wilson, J Am Stat Assoc 1927;22:209-212. It describes counting chance only, as
    if nuclei were independent: detection errors and the choice of the area come on top.
    """
    _check_counts(positive, total)
    if not 0 < level < 1:
        message = "the confidence level lies between 0 and 1"
        raise ValueError(message)
    if not total:
        return None
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    share = positive / total
    centre = share + z2 / (2 * total)
    half = math.sqrt(z2 * (share * (1 - share) + z2 / (4 * total)) / total)
    scale = 100 / (1 + z2 / total)
    # The exact bounds at 0 and n are 0 and 100; rounding must not move them past the value.
    low = 0.0 if positive == 0 else max(0.0, (centre - half) * scale)
    high = 100.0 if positive == total else min(100.0, (centre + half) * scale)
    return low, high


def h_score(counts: IntensityCounts) -> float | None:
    """1 x %(1+) + 2 x %(2+) + 3 x %(3+), 0..300; None when there is no nucleus."""
    if not counts.total:
        return None
    weighted = counts.weak + 2 * counts.moderate + 3 * counts.strong
    return 100.0 * weighted / counts.total


def cells_per_mm2(cells: int, area_mm2: float) -> float | None:
    """Density of nuclei over an area; None when the area is empty."""
    return cells / area_mm2 if area_mm2 > 0 else None


def _check_counts(positive: int, total: int) -> None:
    if not 0 <= positive <= total:
        message = "0 <= positive <= total is required"
        raise ValueError(message)
