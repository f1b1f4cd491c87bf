"""Maps to single nuclei."""

from __future__ import annotations

import numpy as np
import pytest

from inference.pipelines import InstanceParameters, find_instances
from inference.training.dataset import target_maps


def disks(*places: tuple[float, float, float], side: int = 96) -> np.ndarray:
    y, x = np.indices((side, side)) + 0.5
    labels = np.zeros((side, side), np.int32)
    for number, (cx, cy, radius) in enumerate(places, start=1):
        labels[np.hypot(x - cx, y - cy) < radius] = number
    return labels


def test_touching_nuclei_of_different_size_are_told_apart() -> None:
    labels = disks((30, 40, 16), (54, 40, 8), (80, 80, 5))
    found = find_instances(target_maps(labels))
    assert len(found.xy) == 3
    truth = np.array([[30, 40], [54, 40], [80, 80]])
    distance = np.hypot(*(found.xy[:, None] - truth[None]).transpose(2, 0, 1))
    assert (distance.min(axis=0) < 0.8).all()
    # The opening takes the one-pixel tips off: at most four a nucleus.
    assert 0 <= int((labels > 0).sum()) - int(found.area_px.sum()) <= 12
    assert found.probability.tolist() == pytest.approx([1.0, 1.0, 1.0])


def test_labels_and_rows_agree() -> None:
    found = find_instances(target_maps(disks((20, 20, 9), (70, 60, 7))))
    assert np.bincount(found.labels.ravel())[1:].tolist() == found.area_px.tolist()


def test_small_objects_are_dropped() -> None:
    maps = target_maps(disks((20, 20, 9), (70, 60, 3)))
    assert len(find_instances(maps, InstanceParameters(min_area_px=20)).xy) == 2
    assert len(find_instances(maps, InstanceParameters(min_area_px=40)).xy) == 1


def test_empty_maps_hold_no_nucleus() -> None:
    found = find_instances(np.zeros((2, 40, 40), np.float32))
    assert found.xy.shape == (0, 2)
    assert found.area_px.shape == found.probability.shape == (0,)
