"""From the network's two maps to single nuclei."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

# Fainter specks inside a nucleus are chromatin, not background.
_HOLE_PX = 40


@dataclass(frozen=True, slots=True)
class InstanceParameters:
    """How nuclei are cut out of the maps.

    Attributes:
        foreground: least probability of a nucleus' pixels.
        separation: how much narrower (natural logarithm) a waist must be than both sides
            to part two nuclei; larger cuts less.
        smooth_px: sigma of the smoothing before.
        min_area_px: smaller objects are dropped.
    """

    foreground: float = 0.5
    separation: float = 0.15
    smooth_px: float = 2.0
    min_area_px: int = 20


@dataclass(frozen=True, slots=True)
class Instances:
    """Nuclei of one picture; row i belongs to label i + 1.

    Attributes:
        labels: (h, w) int32, 0 = none.
        xy: (n, 2) float32 centroids in pixels; the centre of the first pixel is 0.5.
        area_px: (n,) int64.
        probability: (n,) float32, mean foreground probability, not calibrated.
    """

    labels: NDArray[np.int32]
    xy: NDArray[np.float32]
    area_px: NDArray[np.int64]
    probability: NDArray[np.float32]


def find_instances(
    maps: NDArray[np.float32], parameters: InstanceParameters | None = None
) -> Instances:
    """Parts the foreground at its waists.

    Depth inside the foreground times the network's distance has one summit per nucleus. On
    the logarithm of it, one prominence parts touching nuclei of any size (the h-maxima
    transform: Soille, Morphological Image Analysis, 2003, 6.3.4); a watershed grows the
    summits over the foreground.

    Args:
        maps: (2, h, w) foreground and distance, 0 to 1.
        parameters: thresholds.
    """
    chosen = parameters or InstanceParameters()
    foreground = _whole(maps[0] >= chosen.foreground)
    depth = ndimage.distance_transform_edt(foreground) * maps[1]
    smooth = ndimage.gaussian_filter(depth, chosen.smooth_px)
    height = np.log(np.where(foreground, smooth, 0.0) + 0.5)
    base = reconstruction(height - chosen.separation, height)  # type: ignore[no-untyped-call]
    seeds, _ = ndimage.label(foreground & (height - base > chosen.separation / 2))
    grown = watershed(-height, seeds, mask=foreground)  # type: ignore[no-untyped-call]
    area = np.bincount(grown.ravel(), minlength=1)
    keep = area >= chosen.min_area_px
    keep[0] = False
    order = np.zeros(len(area), np.int32)
    order[keep] = np.arange(1, int(keep.sum()) + 1, dtype=np.int32)
    return _measured(order[grown], maps[0])


def _whole(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without single pixels and threads, and with small holes filled."""
    opened = ndimage.binary_opening(mask)
    parts, _ = ndimage.label(~opened)
    small = np.bincount(parts.ravel()) < _HOLE_PX
    whole: NDArray[np.bool_] = opened | (small[parts] & ~opened)
    return whole


def _measured(labels: NDArray[np.int32], probability: NDArray[np.float32]) -> Instances:
    flat, count = labels.ravel(), int(labels.max(initial=0)) + 1
    area = np.bincount(flat, minlength=count)
    y, x = np.indices(labels.shape)
    sums = [
        np.bincount(flat, weights=values.ravel(), minlength=count)[1:]
        for values in (x + 0.5, y + 0.5, probability)
    ]
    mean_x, mean_y, mean_p = (s / area[1:] for s in sums)
    xy = np.stack([mean_x, mean_y], axis=1).astype(np.float32)
    return Instances(labels, xy, area[1:].astype(np.int64), mean_p.astype(np.float32))
