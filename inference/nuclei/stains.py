"""Colour deconvolution: from RGB to the amount of each stain.

Beer-Lambert: the optical density -log10(I / I0) of a pixel is the sum of the stain
vectors times their concentrations (Ruifrok & Johnston, Anal Quant Cytol Histol
2001;23:291-299). I0 is the light without tissue, estimated for each slide: scanners
and cameras do not agree on white.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Ruifrok & Johnston 2001: optical density of each stain in red, green, blue.
HAEMATOXYLIN = (0.650, 0.704, 0.286)
DAB = (0.268, 0.570, 0.776)

# A slide whose "white" is darker than this is not bright field: no light to divide by.
_DARKEST_WHITE = 120.0


def estimate_background(rgb: NDArray[np.uint8], percentile: float = 99.0) -> NDArray[np.float32]:
    """Light without tissue, per channel: a high percentile, robust to dust and reflections.

    Args:
        rgb: (..., 3) pixels that hold some glass or stroma-free gaps.
        percentile: 99 leaves out single bright pixels made by sharpening.

    Returns:
        (3,) intensity 0..255 of the background.
    """
    flat = rgb.reshape(-1, 3)
    if not len(flat):
        return np.full(3, 255.0, dtype=np.float32)
    white = np.percentile(flat, percentile, axis=0).astype(np.float32)
    return np.maximum(white, np.float32(_DARKEST_WHITE))


@dataclass(frozen=True, slots=True)
class StainSeparation:
    """Splits RGB pixels into haematoxylin and DAB, as optical densities.

    The third vector is the normal of the plane of both stains (the residual). The
    logarithm and the matrix are folded into one table of 256 entries per channel.
    """

    background: tuple[float, float, float]
    first: tuple[float, float, float] = HAEMATOXYLIN
    second: tuple[float, float, float] = DAB
    _tables: NDArray[np.float32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        unmix = np.linalg.inv(_stain_matrix(self.first, self.second))
        densities = optical_density_table(self.background)
        # (channel, 256, stain): share of each channel in the concentration of each stain.
        tables = densities[:, :, None] * unmix[:, None, :]
        object.__setattr__(self, "_tables", tables[:, :, :2].astype(np.float32))

    @classmethod
    def for_pixels(cls, rgb: NDArray[np.uint8]) -> StainSeparation:
        """Separation whose background is estimated on these pixels."""
        red, green, blue = (float(v) for v in estimate_background(rgb))
        return cls((red, green, blue))

    def separate(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Haematoxylin and DAB of each pixel, (H, W) each; noise can make them negative."""
        red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
        return self._stain(0, red, green, blue), self._stain(1, red, green, blue)

    def _stain(
        self,
        stain: int,
        red: NDArray[np.uint8],
        green: NDArray[np.uint8],
        blue: NDArray[np.uint8],
    ) -> NDArray[np.float32]:
        tables = self._tables[:, :, stain]
        amount: NDArray[np.float32] = np.take(tables[0], red)
        amount += np.take(tables[1], green)
        amount += np.take(tables[2], blue)
        return amount


def optical_density_table(background: tuple[float, float, float]) -> NDArray[np.float64]:
    """(3, 256) optical density of each 8-bit value; brighter than the background is 0."""
    values = np.maximum(np.arange(256, dtype=np.float64), 1.0)
    white = np.asarray(background, dtype=np.float64)
    return np.maximum(-np.log10(values[None, :] / white[:, None]), 0.0)


def optical_density(
    rgb: NDArray[np.uint8], background: tuple[float, float, float]
) -> NDArray[np.float32]:
    """(..., 3) optical density of each pixel."""
    table = optical_density_table(background).astype(np.float32)
    return np.stack([table[c][rgb[..., c]] for c in range(3)], axis=-1)


def _stain_matrix(
    first: tuple[float, float, float], second: tuple[float, float, float]
) -> NDArray[np.float64]:
    one = np.asarray(first) / np.linalg.norm(first)
    two = np.asarray(second) / np.linalg.norm(second)
    normal = np.cross(one, two)
    return np.stack([one, two, normal / np.linalg.norm(normal)])


@dataclass(frozen=True, slots=True)
class StainShares:
    """What the stained pixels of a sample look like (shares of them, 0..1)."""

    stained: int
    pink: float
    brown: float
    blue: float

    @property
    def looks_like_he(self) -> bool:
        """Eosin dominates and there is no more brown than melanin or blood leave."""
        return self.stained >= MIN_STAINED and self.pink > MAX_PINK and self.pink > self.brown


# A pixel is stained from this mean optical density on.
STAINED_OD = 0.12
# Below this number of stained pixels nothing is said about the stain.
MIN_STAINED = 2000
# Share of eosin-like pixels above which a slide is not DAB + haematoxylin.
MAX_PINK = 0.20


def stain_shares(rgb: NDArray[np.uint8], background: tuple[float, float, float]) -> StainShares:
    """Classes the stained pixels by the direction of their optical density.

    Eosin takes green light and spares red and blue; haematoxylin takes red and
    green; DAB takes blue most, but green too: saffron (HES) takes nearly only blue and
    is none of the three. Args: rgb (..., 3).
    """
    density = optical_density(rgb.reshape(-1, 3), background)
    density = density[density.mean(axis=1) > STAINED_OD]
    if not len(density):
        return StainShares(0, 0.0, 0.0, 0.0)
    red, green, blue = density.T
    warm = blue > green
    brown = warm & (green > 0.45 * blue)
    pink = ~warm & (red < 0.62 * green) & (blue < 0.85 * green)
    return StainShares(
        stained=len(density),
        pink=float(pink.mean()),
        brown=float(brown.mean()),
        blue=float((~warm & ~pink).mean()),
    )
