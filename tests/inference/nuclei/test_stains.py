from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.nuclei.stains import (
    DAB,
    HAEMATOXYLIN,
    StainSeparation,
    estimate_background,
    stain_shares,
)

WHITE = (240.0, 238.0, 230.0)
EOSIN = (0.072, 0.990, 0.105)  # Ruifrok & Johnston 2001


def painted(*stains: tuple[tuple[float, float, float], float], size: int = 64) -> NDArray[np.uint8]:
    """Pixels that hold these amounts of these stains, by Beer-Lambert."""
    density = np.zeros(3)
    for vector, amount in stains:
        density += amount * np.asarray(vector) / np.linalg.norm(vector)
    pixel = np.asarray(WHITE) * 10.0**-density
    return np.broadcast_to(np.round(pixel).astype(np.uint8), (size, size, 3)).copy()


@pytest.mark.parametrize(
    ("blue", "brown"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.6), (0.3, 0.4), (0.1, 0.9)]
)
def test_separation_gives_back_what_was_painted(blue: float, brown: float) -> None:
    pixels = painted((HAEMATOXYLIN, blue), (DAB, brown))
    haematoxylin, dab = StainSeparation(WHITE).separate(pixels)
    assert haematoxylin == pytest.approx(np.full((64, 64), blue), abs=0.015)
    assert dab == pytest.approx(np.full((64, 64), brown), abs=0.015)
    assert haematoxylin.dtype == np.float32


def test_brighter_than_white_is_no_stain() -> None:
    haematoxylin, dab = StainSeparation(WHITE).separate(np.full((2, 2, 3), 255, np.uint8))
    assert not haematoxylin.any()
    assert not dab.any()


def test_black_pixels_stay_finite() -> None:
    haematoxylin, dab = StainSeparation(WHITE).separate(np.zeros((2, 2, 3), np.uint8))
    assert np.isfinite(haematoxylin).all()
    assert np.isfinite(dab).all()


def test_background_is_the_light_of_the_gaps() -> None:
    pixels = np.concatenate([painted((HAEMATOXYLIN, 0.4)), painted()])
    assert estimate_background(pixels).tolist() == list(WHITE)


def test_background_is_never_dark() -> None:
    dark = np.full((8, 8, 3), 10, np.uint8)
    assert estimate_background(dark).tolist() == [120.0, 120.0, 120.0]
    assert estimate_background(dark[:0]).tolist() == [255.0, 255.0, 255.0]


def test_haematoxylin_and_eosin_is_recognised() -> None:
    pixels = np.concatenate([painted((EOSIN, 0.5)), painted((HAEMATOXYLIN, 0.5))])
    shares = stain_shares(pixels, WHITE)
    assert (shares.stained, shares.pink, shares.brown, shares.blue) == (8192, 0.5, 0.0, 0.5)
    assert shares.looks_like_he


def test_haematoxylin_and_dab_is_not_he() -> None:
    pixels = np.concatenate([painted((DAB, 0.5)), painted((HAEMATOXYLIN, 0.5))])
    shares = stain_shares(pixels, WHITE)
    assert (shares.pink, shares.brown, shares.blue) == (0.0, 0.5, 0.5)
    assert not shares.looks_like_he


def test_haematoxylin_alone_is_not_he() -> None:
    assert not stain_shares(painted((HAEMATOXYLIN, 0.5)), WHITE).looks_like_he


def test_too_few_stained_pixels_say_nothing() -> None:
    assert not stain_shares(painted((EOSIN, 0.5), size=8), WHITE).looks_like_he
    assert stain_shares(painted(), WHITE).stained == 0
