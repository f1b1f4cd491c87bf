from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.inference.planted import PlantedField, plant


@pytest.fixture(name="plant")
def _plant() -> Callable[..., PlantedField]:
    return plant
