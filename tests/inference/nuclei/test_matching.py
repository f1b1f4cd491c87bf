from __future__ import annotations

import numpy as np

from inference.nuclei.matching import DetectionQuality, detection_quality, match_points


def points(*xy: tuple[float, float]) -> np.ndarray:
    return np.array(xy, dtype=np.float64).reshape(-1, 2)


def test_each_point_is_used_once_closest_first() -> None:
    detected = points((0, 0), (1.5, 0))
    true = points((1, 0))
    assert match_points(detected, true, 4).tolist() == [[1, 0]]


def test_pairs_beyond_the_radius_are_not_made() -> None:
    assert match_points(points((0, 0)), points((3, 4)), 5).tolist() == [[0, 0]]
    assert match_points(points((0, 0)), points((3, 4)), 4.99).tolist() == []


def test_a_perfect_hit_counts() -> None:
    assert match_points(points((2, 2)), points((2, 2)), 1).tolist() == [[0, 0]]


def test_nothing_matches_nothing() -> None:
    quality = detection_quality(points(), points((1, 1)), 4)
    assert quality == DetectionQuality(matched=0, detected=0, true=1)
    assert (quality.precision, quality.recall, quality.f1) == (0.0, 0.0, 0.0)
    assert DetectionQuality(0, 0, 0).f1 == 0.0


def test_quality_of_known_points() -> None:
    quality = detection_quality(points((0, 0), (10, 0), (50, 0)), points((1, 0), (11, 0)), 4)
    assert quality == DetectionQuality(matched=2, detected=3, true=2)
    assert quality.precision == 2 / 3
    assert quality.recall == 1.0
    assert quality.f1 == 0.8
    assert quality + quality == DetectionQuality(4, 6, 4)
