from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from inference.nuclei.detection import DetectionParameters, Nuclei, detect_nuclei
from inference.nuclei.matching import detection_quality, match_points
from inference.nuclei.stains import StainSeparation

Plant = Callable[..., Any]


def detect(rgb: np.ndarray, mpp: float = 0.5) -> Nuclei:
    return detect_nuclei(rgb, mpp=mpp, separation=StainSeparation.for_pixels(rgb))


@pytest.mark.parametrize("radius_um", [(2.5, 3.2), (3.5, 5.0), (5.0, 6.0)])
def test_planted_nuclei_of_all_sizes_are_found(
    plant: Plant, radius_um: tuple[float, float]
) -> None:
    field = plant(radius_um=radius_um)
    quality = detection_quality(detect(field.rgb).xy, field.xy, 4 / 0.5)
    assert quality.true == len(field.xy)
    assert quality.f1 >= 0.98


def test_touching_nuclei_are_told_apart(plant: Plant) -> None:
    field = plant(pitch_um=9.0, radius_um=(4.0, 4.6))
    assert detection_quality(detect(field.rgb).xy, field.xy, 4 / 0.5).f1 >= 0.95


def test_brown_in_the_nucleus_is_measured(plant: Plant) -> None:
    field = plant()
    found = detect(field.rgb)
    pairs = match_points(found.xy, field.xy, 8)
    measured, planted = found.dab[pairs[:, 0]], field.dab[pairs[:, 1]]
    assert ((measured > 0.15) == (planted > 0)).mean() == 1.0
    # Blur and the rim take some: the mean in the outline is below the plateau.
    brown = planted > 0
    assert np.corrcoef(measured[brown], planted[brown])[0, 1] > 0.98


def test_radius_is_in_micrometres(plant: Plant) -> None:
    field = plant(radius_um=(4.5, 4.6), seed=2)
    assert np.median(detect(field.rgb).radius_um) == pytest.approx(4.5, abs=0.5)


def test_the_result_does_not_depend_on_the_resolution(plant: Plant) -> None:
    coarse, fine = plant(mpp=0.5, seed=3), plant(mpp=0.25, seed=3)
    at_coarse, at_fine = detect(coarse.rgb), detect(fine.rgb, mpp=0.25)
    agreement = detection_quality(at_coarse.xy * 0.5, at_fine.xy * 0.25, 1.5)
    assert agreement.f1 >= 0.99


def test_glass_holds_no_nucleus() -> None:
    rng = np.random.default_rng(0)
    glass = np.clip(rng.normal(238, 2, (400, 300, 3)), 0, 255).astype(np.uint8)
    found = detect(glass)
    assert len(found) == 0
    assert found.xy.shape == (0, 2)


def test_spindles_are_weaker_than_round_nuclei_of_the_same_stain() -> None:
    y, x = np.mgrid[:120, :240] + 0.5
    round_one = np.hypot(x - 60, y - 60) < 10
    spindle = np.hypot((x - 180) / 7, y - 60) < 3.5
    rgb = np.where((round_one | spindle)[..., None], [120, 110, 170], [240, 240, 238])
    found = detect_nuclei(
        rgb.astype(np.uint8),
        mpp=0.5,
        separation=StainSeparation((240.0, 240.0, 238.0)),
        parameters=DetectionParameters(min_score=0.0),
    )
    round_score = found.score[found.xy[:, 0] < 120].max()
    spindle_score = found.score[found.xy[:, 0] > 120].max()
    assert spindle_score < 0.7 * round_score


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (17, 2)])
def test_tiny_and_odd_regions_are_accepted(shape: tuple[int, int]) -> None:
    assert len(detect(np.full((*shape, 3), 240, np.uint8))) == 0


def test_the_same_pixels_give_the_same_bytes(plant: Plant) -> None:
    field = plant(side_um=120)
    one, two = detect(field.rgb), detect(field.rgb)
    assert one.xy.tobytes() == two.xy.tobytes()
    assert one.dab.tobytes() == two.dab.tobytes()


def test_nuclei_can_be_selected_moved_and_joined() -> None:
    four = np.arange(4, dtype=np.float32)
    nuclei = Nuclei(np.stack([four, four], axis=1), four, four, four, four)
    moved = nuclei.select(four > 1).moved(scale=(2, 2), offset=(10, 20))
    assert moved.xy.tolist() == [[14, 24], [16, 26]]
    assert len(Nuclei.joined([moved, nuclei])) == 6
    assert len(Nuclei.joined([])) == 0
