"""Random crops with changes of scale, orientation and stain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from inference.training.dataset import Sample

# Ruifrok & Johnston (2001): optical density of haematoxylin, eosin and DAB.
_HED = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
_SCALES = (0.7, 1.45)
_GAIN = 0.25
_SHIFT = 0.03


def random_batch(
    samples: Sequence[Sample], *, size: int, crop_px: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """A batch: (n, 3, crop, crop) images 0 to 1, (n, 2, crop, crop) targets."""
    pairs = [
        _random_crop(samples[int(rng.integers(len(samples)))], crop_px, rng) for _ in range(size)
    ]
    return torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs])


def _random_crop(sample: Sample, crop_px: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    height, width = sample.labels.shape
    scale = float(np.exp(rng.uniform(*np.log(_SCALES))))
    side = min(round(crop_px / scale), height, width)
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    box = np.s_[top : top + side, left : left + side]
    turns, flip = int(rng.integers(4)), bool(rng.integers(2))
    planes = np.concatenate(
        [np.moveaxis(jitter_stain(sample.rgb[box], rng), -1, 0), sample.target[:, *box]]
    )
    planes = np.rot90(planes, turns, axes=(1, 2))
    planes = planes[:, :, ::-1] if flip else planes
    tensor = torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32))[None]
    if side != crop_px:
        tensor = functional.interpolate(
            tensor, size=(crop_px, crop_px), mode="bilinear", antialias=side > crop_px
        )
    return tensor[:, :3], tensor[:, 3:]


def jitter_stain(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Changes the amount of each stain (Tellez, Med Image Anal 2019;58:101544); 0 to 1."""
    density = -np.log10((rgb.astype(np.float32) + 1) / 256)
    vectors = _HED / np.linalg.norm(_HED, axis=1, keepdims=True)
    gain = rng.uniform(1 - _GAIN, 1 + _GAIN, 3)
    shift = rng.uniform(-_SHIFT, _SHIFT, 3)
    change = (np.linalg.inv(vectors) * gain) @ vectors
    density = density @ change.astype(np.float32) + (shift @ vectors).astype(np.float32)
    light: NDArray[np.float32] = np.clip(10.0**-density, 0, 1).astype(np.float32)
    return light
