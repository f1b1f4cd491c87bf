"""Nuclei of a whole slide by network, patch by patch, with bounded memory.

Patches overlap by a margin wider than the network's receptive field; a nucleus belongs to
the patch whose core holds its centroid, so none is counted twice and none is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.geometry import Mpp, Size
from inference.networks import SmallUNet
from inference.patches import PatchBatch, PatchGrid, iter_batches, plan_patches
from inference.pipelines.instances import InstanceParameters, find_instances
from inference.pipelines.prediction import predict_maps
from inference.tissue import TissueMask
from inference.wsi import SlideReader

WORKING_MPP = 0.5
# Multiples of the network's stride: all patches then halve the plane alike.
CORE_PX = 384
MARGIN_PX = 64
_BATCH = 4


@dataclass(frozen=True, slots=True)
class SegmentedNuclei:
    """Nuclei in the order of their patches.

    Attributes:
        xy: (n, 2) float32 centroids, level-0 pixels.
        area_um2: (n,) float32.
        probability: (n,) float32, mean foreground probability, not calibrated.
    """

    xy: NDArray[np.float32]
    area_um2: NDArray[np.float32]
    probability: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.xy)


def plan_segmentation(size: Size, mpp: Mpp, tissue: TissueMask | None) -> PatchGrid:
    """Patches of 512 px at about 0.5 µm/px whose cores touch tissue."""
    return plan_patches(
        size, mpp, patch_mpp=WORKING_MPP, core_px=CORE_PX, margin_px=MARGIN_PX, tissue=tissue
    )


def segment_nuclei(
    slide: SlideReader,
    grid: PatchGrid,
    network: SmallUNet,
    *,
    mpp: Mpp,
    tissue: TissueMask | None = None,
    parameters: InstanceParameters | None = None,
    on_patch: Callable[[int], None] | None = None,
) -> SegmentedNuclei:
    """Segments each patch and keeps the nuclei whose centroid its core owns.

    Args:
        slide: the open slide.
        grid: from ``plan_segmentation`` with the same ``mpp``.
        network: in evaluation mode.
        mpp: µm per level-0 pixel.
        tissue: nuclei off tissue are dropped; None keeps all.
        parameters: thresholds of the instances.
        on_patch: called with the number of patches done; it may raise to stop.
    """
    size = slide.properties.size
    um2 = mpp.x * mpp.y * grid.scale_px**2
    xy, area, chance = [], [], []
    done = 0
    for batch in iter_batches(slide, grid, batch_size=_BATCH):
        for found in _batch_nuclei(batch, grid, network, parameters):
            keep = (found.xy[:, 0] < size.width) & (found.xy[:, 1] < size.height)
            if tissue is not None:
                keep &= tissue.holds(found.xy)
            xy.append(found.xy[keep])
            area.append(found.area_um2[keep] * np.float32(um2))
            chance.append(found.probability[keep])
            done += 1
            if on_patch is not None:
                on_patch(done)
    empty = np.empty(0, np.float32)
    return SegmentedNuclei(
        np.concatenate([empty.reshape(0, 2), *xy]),
        np.concatenate([empty, *area]),
        np.concatenate([empty, *chance]),
    )


def _batch_nuclei(
    batch: PatchBatch,
    grid: PatchGrid,
    network: SmallUNet,
    parameters: InstanceParameters | None,
) -> list[SegmentedNuclei]:
    """Owned nuclei of each patch; areas still in patch pixels."""
    low, high = grid.margin_px, grid.margin_px + grid.core_px
    results = []
    for maps, corner in zip(predict_maps(network, batch.images), batch.xy_px, strict=True):
        found = find_instances(maps, parameters)
        # Half-open: a centroid on a seam has one owner.
        mine = ((found.xy >= low) & (found.xy < high)).all(axis=1)
        place = (found.xy[mine].astype(np.float64) - low) * grid.scale_px + corner
        results.append(
            SegmentedNuclei(
                place.astype(np.float32),
                found.area_px[mine].astype(np.float32),
                found.probability[mine],
            )
        )
    return results
