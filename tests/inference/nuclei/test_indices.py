from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.nuclei.indices import (
    IntensityCounts,
    IntensityThresholds,
    cells_per_mm2,
    h_score,
    labelling_index,
    wilson_interval,
)

counts = st.builds(
    IntensityCounts,
    negative=st.integers(0, 10_000),
    weak=st.integers(0, 10_000),
    moderate=st.integers(0, 10_000),
    strong=st.integers(0, 10_000),
)


def test_labelling_index_of_known_counts() -> None:
    assert labelling_index(0, 40) == 0.0
    assert labelling_index(50, 200) == 25.0
    assert labelling_index(40, 40) == 100.0


def test_no_nucleus_has_no_index() -> None:
    assert labelling_index(0, 0) is None
    assert wilson_interval(0, 0) is None
    assert h_score(IntensityCounts(0, 0, 0, 0)) is None


@pytest.mark.parametrize(("positive", "total"), [(-1, 10), (11, 10)])
def test_impossible_counts_are_refused(positive: int, total: int) -> None:
    with pytest.raises(ValueError, match="positive <= total"):
        labelling_index(positive, total)


def test_wilson_interval_of_published_examples() -> None:
    # Newcombe, Stat Med 1998;17:857-872, table I, method 3: 81/263, 15/148, 0/20, 1/29.
    expected = {
        (81, 263): (25.53, 36.62),
        (15, 148): (6.24, 16.05),
        (0, 20): (0.0, 16.11),
        (1, 29): (0.61, 17.18),
    }
    for (positive, total), limits in expected.items():
        assert wilson_interval(positive, total) == pytest.approx(limits, abs=0.006)


def test_confidence_level_outside_zero_one_is_refused() -> None:
    with pytest.raises(ValueError, match="confidence level"):
        wilson_interval(1, 2, level=1.0)


@given(data=st.data(), total=st.integers(1, 100_000))
def test_wilson_interval_holds_the_value_and_stays_in_range(
    data: st.DataObject, total: int
) -> None:
    positive = data.draw(st.integers(0, total))
    value = labelling_index(positive, total)
    interval = wilson_interval(positive, total)
    assert value is not None
    assert interval is not None
    low, high = interval
    assert 0.0 <= low <= value <= high <= 100.0


@given(share=st.integers(0, 10), total=st.integers(1, 500))
def test_more_nuclei_give_a_narrower_interval(share: int, total: int) -> None:
    few = wilson_interval(share * total, 10 * total)
    many = wilson_interval(share * total * 4, 10 * total * 4)
    assert few is not None
    assert many is not None
    assert many[1] - many[0] < few[1] - few[0]


@given(counts)
def test_h_score_lies_between_once_and_three_times_the_positives(n: IntensityCounts) -> None:
    value, index = h_score(n), labelling_index(n.positive, n.total)
    if value is None or index is None:
        assert n.total == 0
        return
    assert index * (1 - 1e-12) <= value <= 3 * index * (1 + 1e-12)
    assert 0 <= value <= 300


@given(counts)
def test_h_score_never_falls_when_a_nucleus_gets_stronger(n: IntensityCounts) -> None:
    if not n.negative:
        return
    stronger = IntensityCounts(n.negative - 1, n.weak + 1, n.moderate, n.strong)
    before, after = h_score(n), h_score(stronger)
    assert before is not None
    assert after is not None
    assert after > before


def test_h_score_of_known_counts() -> None:
    assert h_score(IntensityCounts(0, 0, 0, 8)) == 300.0
    assert h_score(IntensityCounts(40, 30, 20, 10)) == 100.0


def test_a_value_on_a_limit_is_in_the_upper_class() -> None:
    limits = IntensityThresholds(weak=0.25, moderate=0.5, strong=0.75)
    dab = np.array([-0.1, 0.24, 0.25, 0.49, 0.5, 0.75, 3.0], dtype=np.float32)
    classes = limits.classify(dab)
    assert classes.tolist() == [0, 0, 1, 1, 2, 3, 3]
    assert classes.dtype == np.uint8
    assert IntensityCounts.from_classes(classes) == IntensityCounts(2, 2, 1, 2)


@pytest.mark.parametrize("limits", [(0.0, 0.2, 0.3), (0.2, 0.2, 0.3), (0.1, 0.4, 0.3)])
def test_thresholds_must_rise(limits: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="must rise"):
        IntensityThresholds(*limits)


def test_density_needs_an_area() -> None:
    assert cells_per_mm2(30, 0.5) == 60.0
    assert cells_per_mm2(30, 0.0) is None
