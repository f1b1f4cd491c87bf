"""Patches of a slide give what one prediction over the whole picture gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from torch import Tensor, nn

from inference.geometry import Mpp
from inference.networks.unet import RECEPTIVE_RADIUS_PX, STRIDE_PX, SmallUNet
from inference.patches import plan_patches
from inference.pipelines import (
    MARGIN_PX,
    find_instances,
    plan_segmentation,
    predict_maps,
    segment_nuclei,
)

MPP = Mpp(0.5, 0.5)


class Darkness(SmallUNet):
    """Says nucleus where the picture is dark: a network whose answer is known."""

    def forward(self, images: Tensor) -> Tensor:
        blurred = nn.functional.avg_pool2d(images.mean(1, keepdim=True), 5, 1, 2)
        logits: Tensor = (0.5 - blurred) * 40
        return logits.expand(-1, 2, -1, -1)


def spots(side: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    dark = np.zeros((side, side))
    places = (np.indices((side // 24, side // 24)).reshape(2, -1) * 24 + 12).T
    y, x = (places + rng.integers(-4, 5, places.shape)).T
    dark[y, x] = 1.0
    dark = ndimage.binary_dilation(dark, iterations=6)
    return np.repeat(np.where(dark, 60, 230).astype(np.uint8)[..., None], 3, axis=2)


@pytest.fixture
def network() -> SmallUNet:
    network = Darkness()
    network.eval()
    return network


def rows(xy: np.ndarray) -> np.ndarray:
    return xy[np.lexsort((xy[:, 0].round(2), xy[:, 1].round(2)))]


def test_the_margin_covers_what_the_network_sees() -> None:
    assert MARGIN_PX >= RECEPTIVE_RADIUS_PX + 12
    assert MARGIN_PX % STRIDE_PX == 0


def test_each_nucleus_once_as_in_one_prediction(array_slide, network: SmallUNet) -> None:
    pixels = spots(384, seed=2)
    slide = array_slide(pixels)
    whole = find_instances(predict_maps(network, pixels[None])[0])
    grid = plan_patches(
        slide.properties.size, MPP, patch_mpp=0.5, core_px=64, margin_px=32, tissue=None
    )
    found = segment_nuclei(slide, grid, network, mpp=MPP)
    # Away from the picture's border, where padding differs.
    inner = [((xy > 24) & (xy < 360)).all(axis=1) for xy in (found.xy, whole.xy)]
    assert inner[0].sum() > 150
    np.testing.assert_allclose(rows(found.xy[inner[0]]), rows(whole.xy[inner[1]]), atol=1e-3)
    assert len(found) == len(whole.xy)
    assert float(found.area_um2.sum()) == pytest.approx(0.25 * whole.area_px.sum(), rel=0.02)


def test_real_network_agrees_with_one_prediction(array_slide) -> None:
    import torch  # noqa: PLC0415

    torch.manual_seed(0)
    network = SmallUNet()
    network.eval()
    pixels = spots(512, seed=3)
    slide = array_slide(pixels)
    whole = predict_maps(network, pixels[None])[0]
    part = predict_maps(network, pixels[None, 128 - MARGIN_PX : 384, 128 - MARGIN_PX : 384])[0]
    inside = np.s_[:, MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
    expected = whole[:, 128 : 384 - MARGIN_PX, 128 : 384 - MARGIN_PX]
    np.testing.assert_allclose(part[inside], expected, atol=1e-5)
    assert slide.read_px == 0


@pytest.mark.parametrize("mpp", [0.25, 0.5])
def test_places_and_areas_are_of_level_0_at_any_resolution(
    array_slide, network: SmallUNet, mpp: float
) -> None:
    factor = round(0.5 / mpp)
    pixels = spots(192, seed=4).repeat(factor, axis=0).repeat(factor, axis=1)
    slide = array_slide(pixels, mpp=mpp)
    given = Mpp(mpp, mpp)
    found = segment_nuclei(
        slide, plan_segmentation(slide.properties.size, given, None), network, mpp=given
    )
    plain = segment_nuclei(
        array_slide(spots(192, seed=4)),
        plan_segmentation(array_slide(spots(192, seed=4)).properties.size, MPP, None),
        network,
        mpp=MPP,
    )
    np.testing.assert_allclose(found.xy, plain.xy * factor, atol=1e-2)
    np.testing.assert_allclose(found.area_um2, plain.area_um2, rtol=1e-5)


def test_it_can_be_stopped_between_patches(array_slide, network: SmallUNet) -> None:
    class StopError(Exception): ...

    def stop(done: int) -> None:
        if done == 2:
            raise StopError

    slide = array_slide(spots(384, seed=5))
    grid = plan_patches(slide.properties.size, MPP, patch_mpp=0.5, core_px=64, margin_px=32)
    with pytest.raises(StopError):
        segment_nuclei(slide, grid, network, mpp=MPP, on_patch=stop)
