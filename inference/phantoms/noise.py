"""Random numbers that depend on the seed and the place only, and smooth random fields."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Plane = NDArray[np.float32]

# Standard deviation of a two-dimensional cubic B-spline field of unit normal numbers.
_SPLINE_SD = 0.479


def place_hash(x: NDArray[np.int64], y: NDArray[np.int64], seed: int, channel: int) -> Plane:
    """Uniform numbers in [0, 1) of grid places (SplitMix64's finaliser; Steele et al. 2014)."""
    start = (seed * 0xD1342543DE82EF95 + channel * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    h = x.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    h = h ^ (y.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F) + np.uint64(start))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        h = (h ^ (h >> np.uint64(shift))) * np.uint64(factor)
    h ^= h >> np.uint64(31)
    return (h >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)


def spline_weights(positions: NDArray[np.float64], knots: int) -> Plane:
    """(n, knots) weights of the uniform cubic B-spline at positions in knots."""
    distance = np.abs(positions[:, None] - np.arange(knots)[None, :])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far).astype(np.float32)


def smooth_field(shape: tuple[int, int], pitch: float, seed: int, channel: int) -> Plane:
    """Normal field of about unit variance whose features are ``pitch`` cells wide."""
    rows, columns = (int(np.ceil(side / pitch)) + 4 for side in shape)
    knots = np.random.default_rng([seed, channel]).standard_normal((rows, columns), np.float32)
    down = spline_weights(np.arange(shape[0]) / pitch + 1.5, rows)
    across = spline_weights(np.arange(shape[1]) / pitch + 1.5, columns)
    return np.asarray(down @ knots @ across.T / np.float32(_SPLINE_SD), np.float32)


def periodic_texture(side: int, sigma: tuple[float, float], seed: int, channel: int) -> Plane:
    """(side, side) periodic normal texture smoothed by Gaussians along y and x."""
    rng = np.random.default_rng([seed, channel])
    wave = fft.rfft2(rng.standard_normal((side, side), np.float32))
    fy, fx = fft.fftfreq(side)[:, None], fft.rfftfreq(side)[None, :]
    wave *= np.exp(-2 * np.pi**2 * ((fy * sigma[0]) ** 2 + (fx * sigma[1]) ** 2))
    wave[0, 0] = 0
    texture = fft.irfft2(wave, s=(side, side)).astype(np.float32)
    unit: Plane = texture / texture.std()
    return unit
