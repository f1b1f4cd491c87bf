"""From the network's two maps to single nuclei."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed


@dataclass(frozen=True, slots=True)
class InstanceParameters:
    """Thresholds, fixed before any cross-validation.

    Attributes:
        foreground: least probability of a nucleus' pixels.
        core: least distance (share of the nucleus' largest) of its seed.
        min_area_px: smaller objects are dropped.
    """

    foreground: float = 0.5
    core: float = 0.5
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
    """Seeds where the distance is high, grown by watershed over the foreground.

    The distance is a share of each nucleus' own largest one, so one threshold separates
    touching nuclei of any size.

    Args:
        maps: (2, h, w) foreground and distance, 0 to 1.
        parameters: thresholds.
    """
    chosen = parameters or InstanceParameters()
    foreground = maps[0] >= chosen.foreground
    seeds, _ = ndimage.label(foreground & (maps[1] >= chosen.core))
    grown = watershed(-maps[1], seeds, mask=foreground)  # type: ignore[no-untyped-call]
    area = np.bincount(grown.ravel(), minlength=1)
    keep = area >= chosen.min_area_px
    keep[0] = False
    order = np.zeros(len(area), np.int32)
    order[keep] = np.arange(1, int(keep.sum()) + 1, dtype=np.int32)
    return _measured(order[grown], maps[0])


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
