"""Targets, folds, augmentation and the loop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from inference.errors import PortraitError
from inference.training.augmentation import jitter_stain, random_batch
from inference.training.dataset import Sample, folds, read_samples, target_maps
from inference.training.evaluation import centroids, evaluate, overlap_quality
from inference.training.loop import Recipe, train


def sample(seed: int) -> Sample:
    rng = np.random.default_rng(seed)
    labels = np.zeros((96, 112), np.int32)
    y, x = np.indices(labels.shape)
    for number, (cy, cx) in enumerate(itertools.product((20, 48, 76), (20, 48, 76, 100)), start=1):
        centre_y, centre_x = cy + rng.integers(-3, 4), cx + rng.integers(-3, 4)
        labels[np.hypot(y - centre_y, x - centre_x) < 8] = number
    rgb = np.where((labels > 0)[..., None], (90, 60, 140), (225, 180, 210))
    rgb = np.clip(rgb + rng.normal(0, 6, rgb.shape), 0, 255).astype(np.uint8)
    return Sample(f"s{seed}", rgb, labels, target_maps(labels))


def test_distance_is_one_in_the_middle_and_low_at_the_border() -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[5:14, 5:14] = 3
    target = target_maps(labels)
    assert target.dtype == np.float32
    assert target[1, 9, 9] == 1.0
    assert target[1, 5, 5] == pytest.approx(0.2)
    assert target[0].sum() == 81
    assert target[1, :5].sum() == 0


def test_every_picture_is_held_out_once() -> None:
    parts = folds(107, 3, seed=0)
    assert sorted(np.concatenate(parts).tolist()) == list(range(107))
    assert [len(p) for p in parts] == [36, 36, 35]
    assert all((a == b).all() for a, b in zip(parts, folds(107, 3, seed=0), strict=True))


def test_a_folder_without_pictures_is_refused(tmp_path) -> None:
    with pytest.raises(PortraitError) as refused:
        read_samples(tmp_path)
    assert refused.value.code == "data_missing"


def test_batches_are_seeded_and_keep_targets_in_range() -> None:
    samples = [sample(0), sample(1)]
    first, again = (
        random_batch(samples, size=6, crop_px=64, rng=np.random.default_rng(7)) for _ in range(2)
    )
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert first[0].shape == (6, 3, 64, 64)
    assert first[1].shape == (6, 2, 64, 64)
    assert 0 <= float(first[0].min()) <= float(first[0].max()) <= 1
    assert 0 <= float(first[1].min()) <= float(first[1].max()) <= 1 + 1e-6


def test_stain_changes_keep_white_nearly_white() -> None:
    white = np.full((4, 4, 3), 255, np.uint8)
    for seed in range(20):
        assert jitter_stain(white, np.random.default_rng(seed)).min() > 0.8


def test_training_lowers_the_loss_and_repeats_itself() -> None:
    samples, recipe = [sample(0), sample(1)], Recipe(steps=25, batch=2, crop_px=64, seed=5)
    runs: list[list[float]] = [[], []]
    networks = [train(samples, recipe, lambda _, loss, r=r: r.append(loss)) for r in runs]
    assert np.mean(runs[0][-5:]) < 0.8 * np.mean(runs[0][:3])
    assert runs[0] == runs[1]
    weights = [n.state_dict() for n in networks]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not networks[0].training
    assert evaluate(networks[0], samples).centres.true == 24


def test_overlap_counts_more_than_half() -> None:
    true = np.zeros((10, 30), np.int32)
    true[0:4, 0:4], true[0:4, 10:14], true[0:4, 20:24] = 1, 2, 5
    found = np.zeros_like(true)
    found[0:4, 0:3] = 1  # IoU 0.75
    found[0:4, 12:14] = 2  # IoU 0.5 exactly: not counted
    found[8:10, 8:10] = 3
    quality = overlap_quality(found, true)
    assert (quality.matched, quality.detected, quality.true) == (1, 3, 3)
    assert centroids(true).tolist() == [[2, 2], [12, 2], [22, 2]]
