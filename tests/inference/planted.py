"""Fields with planted nuclei, painted by Beer-Lambert."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.nuclei.stains import DAB, HAEMATOXYLIN

WHITE = (240.0, 240.0, 236.0)


@dataclass(frozen=True)
class PlantedField:
    rgb: NDArray[np.uint8]
    xy: NDArray[np.float64]  # pixels of rgb
    dab: NDArray[np.float64]


def plant(
    *,
    side_um: float = 250.0,
    mpp: float = 0.5,
    seed: int = 0,
    brown_share: float = 0.3,
    pitch_um: float = 13.0,
    radius_um: tuple[float, float] = (3.5, 5.0),
) -> PlantedField:
    """Nuclei on a jittered grid; the same seed gives the same tissue at every mpp."""
    rng = np.random.default_rng(seed)
    places = np.arange(pitch_um, side_um - pitch_um, pitch_um)
    xy_um = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
    xy_um = xy_um + rng.uniform(-1.2, 1.2, xy_um.shape)
    radius = rng.uniform(*radius_um, len(xy_um))
    dab = np.where(rng.random(len(xy_um)) < brown_share, rng.uniform(0.3, 0.9, len(xy_um)), 0.0)
    blue = rng.uniform(0.25, 0.55, len(xy_um))
    side = round(side_um / mpp)
    y, x = (np.mgrid[:side, :side] + 0.5) * mpp
    amounts = np.zeros((side, side, 2))
    for (cx, cy), r, b, d in zip(xy_um, radius, blue, dab, strict=True):
        low_x, low_y = (max(0, int((c - r - 2) / mpp)) for c in (cx, cy))
        high_x, high_y = (int((c + r + 2) / mpp) + 1 for c in (cx, cy))
        box = np.s_[low_y:high_y, low_x:high_x]
        cover = np.clip((r - np.hypot(x[box] - cx, y[box] - cy)) / mpp + 0.5, 0, 1)
        amounts[box] = np.maximum(amounts[box], cover[..., None] * np.array([b, d]))
    amounts = ndimage.gaussian_filter(amounts, (0.4 / mpp, 0.4 / mpp, 0))
    vectors = np.stack([np.asarray(v) / np.linalg.norm(v) for v in (HAEMATOXYLIN, DAB)])
    light = np.asarray(WHITE) * 10.0 ** -(amounts @ vectors)
    rgb = np.clip(np.round(light + rng.normal(0, 1.5, light.shape)), 0, 255).astype(np.uint8)
    return PlantedField(rgb, xy_um / mpp, dab)
