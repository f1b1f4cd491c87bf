"""A library of drawn nuclei: outline, chromatin, nucleolus and membrane of each.

Nuclei are stamped, not drawn one by one: that is what makes whole slides affordable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.phantoms.noise import Plane


class CellKind(IntEnum):
    """Class of a nucleus; the value is its code in the truth."""

    TUMOUR = 1
    LYMPHOCYTE = 2
    STROMA = 3


SHAPES = 96
# Stroma nuclei lie along the fibres: one group of shapes per direction.
DIRECTIONS = 16


@dataclass(frozen=True, slots=True)
class Sprite:
    """One nucleus: ``cover`` in 0..1, ``chromatin`` of mean 1 inside it; odd square sides."""

    cover: Plane
    chromatin: Plane
    radius_px: float
    reach: int


@dataclass(frozen=True, slots=True)
class Library:
    """All shapes of all kinds, and the radius of each as an array for look-ups."""

    sprites: dict[CellKind, tuple[Sprite, ...]]
    radii_px: NDArray[np.float32]  # (4, SHAPES), row = CellKind

    @classmethod
    def drawn(cls, mpp: float, seed: int, *, contrast: float = 1.0) -> Library:
        """Draws the shapes; ``contrast`` scales the relief of their chromatin."""
        rng = np.random.default_rng([seed, 77])
        sprites = {
            kind: tuple(_shapes(_LOOKS[kind].softened(contrast), kind, mpp, rng))
            for kind in CellKind
        }
        radii = np.zeros((4, SHAPES), np.float32)
        for kind, shapes in sprites.items():
            radii[kind] = [s.radius_px for s in shapes]
        return cls(sprites, radii)


@dataclass(frozen=True, slots=True)
class _Look:
    radius_um: tuple[float, float]
    aspect: tuple[float, float]
    irregular: float
    clumps: float
    rim: float
    pale: float
    nucleolus: float
    relief: float = 1.0

    def softened(self, relief: float) -> _Look:
        return replace(self, relief=relief)


_LOOKS = {
    CellKind.TUMOUR: _Look((3.7, 5.4), (1.05, 1.4), 0.045, 0.20, 0.30, 0.24, 0.55),
    CellKind.LYMPHOCYTE: _Look((2.9, 3.4), (1.0, 1.12), 0.02, 0.24, 0.05, 0.0, 0.0),
    CellKind.STROMA: _Look((2.5, 3.2), (2.3, 3.6), 0.02, 0.12, 0.10, 0.0, 0.0),
}


def _shapes(look: _Look, kind: CellKind, mpp: float, rng: np.random.Generator) -> list[Sprite]:
    shapes = []
    for number in range(SHAPES):
        angle = rng.uniform(0, np.pi)
        if kind is CellKind.STROMA:
            angle = (number % DIRECTIONS + rng.uniform(-0.4, 0.4)) * np.pi / DIRECTIONS
        shapes.append(_sprite(look, angle, mpp, rng))
    return shapes


def _sprite(look: _Look, angle: float, mpp: float, rng: np.random.Generator) -> Sprite:
    radius = rng.uniform(*look.radius_um) / mpp
    aspect = np.sqrt(rng.uniform(*look.aspect))
    reach = int(np.ceil(radius * aspect * 1.2 + 2))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    along = (x * np.cos(angle) + y * np.sin(angle)) / aspect
    across = (y * np.cos(angle) - x * np.sin(angle)) * aspect
    turn, distance = np.arctan2(across, along), np.hypot(along, across)
    border = np.full(turn.shape, radius)
    for wave in (2, 3, 4, 5):
        height = rng.normal(0, look.irregular / (1 + 0.25 * wave))
        border *= 1 + height * np.cos(wave * turn + rng.uniform(0, 2 * np.pi))
    depth = border - distance
    cover = np.clip(depth / 1.3 + 0.5, 0, 1)
    cover = ndimage.gaussian_filter(cover, 0.45).astype(np.float32)
    chromatin = _chromatin(look, depth * mpp, (x * mpp, y * mpp), radius * mpp, rng)
    chromatin /= (chromatin * cover).sum() / cover.sum()
    return Sprite(cover, chromatin.astype(np.float32), float(radius), reach)


def _chromatin(
    look: _Look,
    depth_um: NDArray[np.float64],
    place_um: tuple[NDArray[np.float64], NDArray[np.float64]],
    radius_um: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    pixel_um = float(place_um[0][0, 1] - place_um[0][0, 0])
    grain = ndimage.gaussian_filter(rng.standard_normal(depth_um.shape), 0.55 / pixel_um)
    amount = 1 + look.clumps * grain / grain.std()
    amount += look.rim * np.exp(-(((depth_um - 0.5) / 0.6) ** 2))
    amount -= look.pale * np.clip(depth_um / radius_um, 0, 1)
    if rng.random() < look.nucleolus:
        for _ in range(int(rng.integers(1, 3))):
            cx, cy = rng.uniform(-0.4, 0.4, 2) * radius_um
            spot = (place_um[0] - cx) ** 2 + (place_um[1] - cy) ** 2
            amount += 0.75 * np.exp(-spot / rng.uniform(0.55, 0.8) ** 2)
    amount = 1 + look.relief * (amount - 1)
    return np.asarray(np.clip(amount, 0.35, 2.0), np.float64)
