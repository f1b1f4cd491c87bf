"""Planted artefacts: where they lie, what they do to light, what they hide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.phantoms.spec import PhantomSpec

Plane = NDArray[np.float32]
Points = NDArray[np.float64]

# Optical density per channel at full ink; a permanent marker, blue or green.
_INKS = ((1.25, 0.72, 0.30), (1.10, 0.50, 0.75), (0.95, 0.92, 0.85))
# Below this depth inside a hiding artefact nuclei can still be read.
_HIDING = frozenset({"pen", "fold"})


@dataclass(frozen=True, slots=True)
class Artefact:
    """A line with a width; a blur or a bubble is a line of one point.

    ``line_px`` is (n, 2) in level-0 pixels, ``half_px`` half of the width.
    """

    kind: str
    line_px: Points
    half_px: float
    variant: int = 0

    @property
    def hides_nuclei(self) -> bool:
        return self.kind in _HIDING

    def near(self, box: tuple[float, float, float, float]) -> bool:
        """Whether it may meet the box left, top, right, bottom."""
        low, high = self.line_px.min(axis=0) - self.half_px, self.line_px.max(axis=0) + self.half_px
        return bool(low[0] < box[2] and high[0] > box[0] and low[1] < box[3] and high[1] > box[1])

    def depth(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.float64]:
        """Pixels inside the border; negative outside."""
        if len(self.line_px) == 1:
            depth: NDArray[np.float64] = self.half_px - np.hypot(
                x - self.line_px[0, 0], y - self.line_px[0, 1]
            )
            return depth
        nearest = np.full(np.broadcast(x, y).shape, np.inf)
        for a, b in zip(self.line_px, self.line_px[1:], strict=False):
            way = b - a
            t = ((x - a[0]) * way[0] + (y - a[1]) * way[1]) / float(way @ way)
            t = np.clip(t, 0, 1)
            apart = np.hypot(x - a[0] - t * way[0], y - a[1] - t * way[1])
            nearest = np.minimum(nearest, apart)
        return self.half_px - nearest

    def outline(self) -> list[list[float]]:
        """Closed ring of its border, level-0 pixels."""
        if len(self.line_px) == 1:
            angle = np.linspace(0, 2 * np.pi, 49)
            circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) * self.half_px
            ring = self.line_px + circle
        else:
            along = np.gradient(self.line_px, axis=0)
            along *= self.half_px / np.linalg.norm(along, axis=1, keepdims=True)
            side = np.stack([-along[:, 1], along[:, 0]], axis=1)
            turn = np.linspace(0, np.pi, 13)[1:-1, None]
            # The ends are round, as ``depth`` has them.
            last = self.line_px[-1] + np.cos(turn) * side[-1] + np.sin(turn) * along[-1]
            first = self.line_px[0] - np.cos(turn) * side[0] - np.sin(turn) * along[0]
            back = (self.line_px - side)[::-1]
            ring = np.concatenate([self.line_px + side, last, back, first])
            ring = np.concatenate([ring, ring[:1]])
        return [[round(float(x), 1), round(float(y), 1)] for x, y in ring]

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "type": "Polygon", "coordinates": [self.outline()]}


def plan_artefacts(spec: PhantomSpec) -> tuple[Artefact, ...]:
    """One artefact of each kind asked for, over the tissue in the middle of the slide."""
    made = []
    for number, kind in enumerate(spec.artefacts):
        rng = np.random.default_rng([spec.seed, 900 + number])
        made.append(_artefact(kind, spec, rng))
    return tuple(made)


def _artefact(kind: str, spec: PhantomSpec, rng: np.random.Generator) -> Artefact:
    side = float(min(spec.width, spec.height))
    centre = np.array([spec.width, spec.height]) * rng.uniform(0.33, 0.67, 2)
    if kind in {"blur", "bubble"}:
        share = 0.11 if kind == "blur" else 0.07
        return Artefact(kind, centre[None], side * share * rng.uniform(0.8, 1.2))
    steps = np.linspace(-0.5, 0.5, 24)
    length, half = (0.5 * side, 0.016 * side) if kind == "pen" else (0.42 * side, 0.006 * side)
    angle = rng.uniform(0, np.pi)
    bend = np.sin(steps * rng.uniform(3, 6) + rng.uniform(0, 6)) * 0.1 * length
    along = np.stack([np.cos(angle) * steps, np.sin(angle) * steps], axis=1) * length
    across = np.stack([-np.sin(angle) * bend, np.cos(angle) * bend], axis=1)
    return Artefact(kind, centre + along + across, half, int(rng.integers(len(_INKS))))


def apply_to_density(
    artefact: Artefact, density: list[Plane], x: Points, y: Points, grain: Plane
) -> None:
    """Pen, fold and bubble change the optical density, in place.

    Args:
        artefact: the artefact.
        density: three planes (red, green, blue) of the block.
        x: (1, w) level-0 x of the pixels.
        y: (h, 1) level-0 y of the pixels.
        grain: unevenness of the ink, about unit variance.
    """
    depth = artefact.depth(x, y).astype(np.float32)
    if artefact.kind == "pen":
        cover = np.clip(depth / 4 + 0.5, 0, 1) * (0.93 + 0.05 * grain)
        for plane, ink in zip(density, _INKS[artefact.variant], strict=True):
            np.multiply(plane, 1 - 0.6 * cover, out=plane)
            np.add(plane, np.float32(ink) * cover, out=plane)
    elif artefact.kind == "fold":
        cover = np.clip(depth / 3 + 0.5, 0, 1)
        ridge = cover * (1.0 + 0.5 * np.exp(-((depth / 3) ** 2)))
        for plane in density:
            np.multiply(plane, 1 + ridge, out=plane)
            np.add(plane, np.float32(0.10) * cover, out=plane)
    elif artefact.kind == "bubble":
        rim = np.exp(-((depth / 5) ** 2)) + 0.35 * np.exp(-(((depth - 14) / 5) ** 2))
        for plane in density:
            np.multiply(plane, np.where(depth > 0, np.float32(0.82), np.float32(1)), out=plane)
            np.add(plane, np.float32(0.45) * rim, out=plane)


def readable(artefacts: tuple[Artefact, ...], xy_px: Plane) -> NDArray[np.bool_]:
    """Which of (n, 2) nuclei lie under neither pen nor fold."""
    seen = np.ones(len(xy_px), np.bool_)
    for artefact in artefacts:
        if artefact.hides_nuclei and len(xy_px):
            seen &= artefact.depth(xy_px[:, 0], xy_px[:, 1]) < 0
    return seen
