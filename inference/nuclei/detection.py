"""Nuclei on a region: blobs of stain at several sizes, then the outline of each.

1. Nuclear stain = haematoxylin + a share of DAB, through a square root: dark brown
   nuclei no longer hide their pale neighbours, and pale vesicular nuclei count.
2. Differences of Gaussians at three sizes on a plane of half the resolution; the local
   maxima of each size are candidates (Lindeberg, Int J Comput Vis 1998;30:79-116).
3. From each candidate, rays in all directions: the steepest fall of stain is the edge
   (a star-convex outline). Mean edge and smallest chord make the score: debris and
   spindle-shaped stromal or endothelial nuclei have a short chord and score low.
4. Of two candidates inside one outline with no valley of stain between them one stays:
   they are one nucleus, seen twice at one size or at two. A pale nucleus that touches a
   dark one has no valley either, but lies outside its outline.

Every length is in µm, so the result does not depend on the resolution of the file.
No loop runs over nuclei.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from inference.nuclei.stains import StainSeparation

Plane = NDArray[np.float32]

WORKING_MPP = 0.5

_RAYS = 16
_RAY_UM = 8.0
# Distance over which the fall of stain along a ray is measured.
_EDGE_UM = 1.5
# Keeps the slope of the square root finite where there is no stain.
_ROOT_OFFSET = 0.02
# A nucleus wider than this many nominal widths gains no more score.
_WIDEST = 1.5
# Candidates measured at once: bounds the memory of the rays.
_CHUNK = 4096
# Points at which the stain between two candidates is read.
_VALLEY_STEPS = 9


@dataclass(frozen=True, slots=True)
class DetectionParameters:
    """Sizes in µm; scores in square roots of optical density."""

    smoothing_um: float = 0.5
    # One Gaussian more than sizes: each size is the difference to the next one.
    blob_sigmas_um: tuple[float, ...] = (1.75, 2.75, 4.3, 6.8)
    min_blob: float = 0.012
    nominal_width_um: float = 7.0
    dab_weight: float = 0.8
    min_score: float = 0.075
    same_nucleus_um: float = 2.5
    same_outline: float = 1.2
    valley_depth: float = 0.04


@dataclass(frozen=True, slots=True)
class Nuclei:
    """Nuclei of one region or one slide; every array has n rows.

    ``xy`` is the centre in pixels of the frame of reference (the region's working
    pixels from ``detect_nuclei``, level-0 pixels after streaming), ``dab`` and
    ``haematoxylin`` the mean optical densities inside the outline, ``radius_um`` the
    mean radius, ``score`` the strength of the detection.
    """

    xy: Plane
    dab: Plane
    haematoxylin: Plane
    radius_um: Plane
    score: Plane

    def __len__(self) -> int:
        return len(self.xy)

    def select(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Nuclei:
        return Nuclei(
            self.xy[which],
            self.dab[which],
            self.haematoxylin[which],
            self.radius_um[which],
            self.score[which],
        )

    def moved(self, *, scale: tuple[float, float], offset: tuple[float, float]) -> Nuclei:
        """The same nuclei in another frame: xy * scale + offset."""
        xy = self.xy.astype(np.float64) * np.asarray(scale) + np.asarray(offset)
        return Nuclei(
            xy.astype(np.float32), self.dab, self.haematoxylin, self.radius_um, self.score
        )

    @classmethod
    def empty(cls) -> Nuclei:
        none = np.empty(0, dtype=np.float32)
        return cls(np.empty((0, 2), dtype=np.float32), none, none, none, none)

    @classmethod
    def joined(cls, parts: list[Nuclei]) -> Nuclei:
        if not parts:
            return cls.empty()
        return cls(
            np.concatenate([p.xy for p in parts]),
            np.concatenate([p.dab for p in parts]),
            np.concatenate([p.haematoxylin for p in parts]),
            np.concatenate([p.radius_um for p in parts]),
            np.concatenate([p.score for p in parts]),
        )


def detect_nuclei(
    rgb: NDArray[np.uint8],
    *,
    mpp: float,
    separation: StainSeparation,
    parameters: DetectionParameters | None = None,
) -> Nuclei:
    """Finds the nuclei of a region.

    Args:
        rgb: (H, W, 3) at about 0.5 µm/px (finer works, slower).
        mpp: µm per pixel of ``rgb``.
        separation: stain vectors and white of the slide.
        parameters: sizes and thresholds; the defaults are the tool's.

    Returns:
        Nuclei with ``xy`` in pixels of ``rgb``; a pixel's centre has integer + 0.5.
    """
    chosen = parameters or DetectionParameters()
    haematoxylin, dab = separation.separate(rgb)
    amount = np.maximum(haematoxylin, 0.0)
    amount += chosen.dab_weight * np.maximum(dab, 0.0)
    smooth = ndimage.gaussian_filter(amount, chosen.smoothing_um / mpp, truncate=3.0)
    smooth = np.sqrt(smooth + np.float32(_ROOT_OFFSET))
    planes = _Planes(smooth, haematoxylin, dab, mpp)
    centres, strength = _blobs(smooth, mpp, chosen)
    parts = [
        _measure(centres[i : i + _CHUNK], planes, chosen) for i in range(0, len(centres), _CHUNK)
    ]
    found = Nuclei.joined(parts)
    good = found.score >= chosen.min_score
    found, strength = found.select(good), strength[good]
    return found.select(_without_doubles(found, strength * found.score, planes, chosen))


@dataclass(frozen=True, slots=True)
class _Planes:
    """The planes of one region, (H, W) each, and their µm per pixel."""

    smooth: Plane
    haematoxylin: Plane
    dab: Plane
    mpp: float


def _blobs(smooth: Plane, mpp: float, parameters: DetectionParameters) -> tuple[Plane, Plane]:
    """Local maxima of the differences of Gaussians of all sizes.

    Returns:
        (n, 2) x, y in pixels of ``smooth`` and (n,) height of the maximum.
    """
    half = _halved(smooth)
    pixel = 2 * mpp
    sigmas = parameters.blob_sigmas_um
    blurred = [ndimage.gaussian_filter(half, s / pixel, truncate=3.0) for s in sigmas]
    centres: list[Plane] = []
    heights: list[Plane] = []
    for sigma, inner, outer in zip(sigmas, blurred, blurred[1:], strict=False):
        response = inner - outer
        reach = 2 * max(1, round(sigma / pixel)) + 1
        peak = ndimage.maximum_filter(response, size=reach, mode="nearest") == response
        y, x = np.nonzero(peak & (response > parameters.min_blob))
        dx, dy = _refinement(response, y, x, axis=1), _refinement(response, y, x, axis=0)
        centres.append((np.stack([x + 0.5 + dx, y + 0.5 + dy], axis=1) * 2).astype(np.float32))
        heights.append(response[y, x])
    return np.concatenate(centres), np.concatenate(heights)


def _halved(plane: Plane) -> Plane:
    """Mean of 2 x 2 pixels; an odd last row or column is repeated."""
    rows, columns = plane.shape
    even = np.pad(plane, ((0, rows % 2), (0, columns % 2)), mode="edge")
    quarter: Plane = even[0::2, 0::2] + even[1::2, 0::2]
    quarter += even[0::2, 1::2]
    quarter += even[1::2, 1::2]
    quarter *= np.float32(0.25)
    return quarter


def _refinement(
    response: Plane, y: NDArray[np.intp], x: NDArray[np.intp], *, axis: int
) -> NDArray[np.float32]:
    """Sub-pixel shift of each maximum along one axis: vertex of the parabola."""
    last_y, last_x = response.shape[0] - 1, response.shape[1] - 1
    step_y, step_x = (1, 0) if axis == 0 else (0, 1)
    here = response[y, x]
    after = response[np.minimum(y + step_y, last_y), np.minimum(x + step_x, last_x)]
    before = response[np.maximum(y - step_y, 0), np.maximum(x - step_x, 0)]
    bend = 2 * here - after - before
    shift = np.divide(after - before, 2 * bend, out=np.zeros_like(here), where=bend > 1e-9)
    clipped: NDArray[np.float32] = np.clip(shift, -0.5, 0.5)
    return clipped


def _measure(centres: Plane, planes: _Planes, parameters: DetectionParameters) -> Nuclei:
    """Outline, mean stains and score of each candidate."""
    if not len(centres):
        return Nuclei.empty()
    mpp = planes.mpp
    steps = int(np.ceil(_RAY_UM / mpp)) + 1
    distance = np.arange(steps, dtype=np.float32)
    places = _ray_pixels(centres, distance, planes.smooth.shape)
    profile = planes.smooth.ravel()[places]
    reach = max(1, round(_EDGE_UM / mpp))
    fall = profile[:, :, 1:-reach] - profile[:, :, 1 + reach :]
    edge = fall.argmax(axis=2)
    strength = np.take_along_axis(fall, edge[:, :, None], axis=2)[:, :, 0]
    radius = edge + np.float32(1 + reach / 2)

    # A ring of radius r stands for a disc's pixels in proportion to r.
    weight = np.where(distance < radius[:, :, None], distance, np.float32(0))
    total = weight.sum(axis=(1, 2))
    half = _RAYS // 2
    chord_um = (radius[:, :half] + radius[:, half:]).min(axis=1) * mpp
    fullness = np.minimum(chord_um / parameters.nominal_width_um, _WIDEST)
    return Nuclei(
        xy=centres,
        dab=(planes.dab.ravel()[places] * weight).sum(axis=(1, 2)) / total,
        haematoxylin=(planes.haematoxylin.ravel()[places] * weight).sum(axis=(1, 2)) / total,
        radius_um=(radius.mean(axis=1) * mpp).astype(np.float32),
        score=(strength.mean(axis=1) * fullness).astype(np.float32),
    )


def _ray_pixels(centres: Plane, distance: Plane, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """(n, rays, steps) flat indices of the pixels along the rays of each centre."""
    angles = np.arange(_RAYS, dtype=np.float32) * np.float32(2 * np.pi / _RAYS)
    x = centres[:, 0, None, None] + np.cos(angles)[:, None] * distance
    y = centres[:, 1, None, None] + np.sin(angles)[:, None] * distance
    column = np.clip(x.astype(np.int32), 0, shape[1] - 1)
    row = np.clip(y.astype(np.int32), 0, shape[0] - 1)
    flat: NDArray[np.int32] = row * np.int32(shape[1]) + column
    return flat


def _without_doubles(
    nuclei: Nuclei, rank: Plane, planes: _Planes, parameters: DetectionParameters
) -> NDArray[np.bool_]:
    """Which candidates stay: the best ranked of those inside one outline."""
    xy = nuclei.xy
    keep = np.ones(len(xy), dtype=bool)
    if len(xy) < 2:
        return keep
    widest = parameters.same_outline * _RAY_UM / planes.mpp
    pairs = cKDTree(xy).query_pairs(widest, output_type="ndarray")
    first, second = pairs[:, 0], pairs[:, 1]
    way = xy[second] - xy[first]
    apart_um = np.hypot(way[:, 0], way[:, 1]) * planes.mpp
    outline_um = np.maximum(nuclei.radius_um[first], nuclei.radius_um[second])
    one = apart_um < parameters.same_outline * outline_um
    first, second, way, apart_um = first[one], second[one], way[one], apart_um[one]
    valley = _valley(planes.smooth, xy[first], way)
    one = (apart_um < parameters.same_nucleus_um) | (valley < parameters.valley_depth)
    first, second = first[one], second[one]
    # Equal ranks: the one further down or right goes, whatever the order of the pairs.
    order = np.lexsort((xy[:, 0], xy[:, 1], -rank))
    place = np.empty(len(xy), dtype=np.intp)
    place[order] = np.arange(len(xy))
    keep[np.where(place[first] > place[second], first, second)] = False
    return keep


def _valley(smooth: Plane, start: Plane, way: Plane) -> Plane:
    """(n,) depth of the lowest stain on each straight way, below its lower end."""
    along = np.linspace(0, 1, _VALLEY_STEPS, dtype=np.float32)[:, None]
    places = (start[:, None] + along * way[:, None]).astype(np.int32)
    column = np.clip(places[..., 0], 0, smooth.shape[1] - 1)
    row = np.clip(places[..., 1], 0, smooth.shape[0] - 1)
    stain = smooth[row, column]
    depth: Plane = np.minimum(stain[:, 0], stain[:, -1]) - stain[:, 1:-1].min(axis=1)
    return depth
