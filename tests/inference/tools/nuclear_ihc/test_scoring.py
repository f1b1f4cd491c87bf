from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.nuclei.indices import IntensityCounts
from inference.outputs import Score
from inference.tools.nuclear_ihc.scoring import Rules, all_scores


def scores(
    counts: IntensityCounts,
    *,
    stain: str = "KI67",
    hotspot: tuple[int, int] | None = None,
    cutoff: float = 1.0,
) -> dict[str, Score]:
    made = all_scores(counts, area_mm2=2.0, rules=Rules(stain, cutoff), hotspot=hotspot)
    return {s.id: s for s in made}


def test_ki67_of_known_counts() -> None:
    made = scores(IntensityCounts(negative=1600, weak=200, moderate=150, strong=50))
    index = made["labelling_index"]
    assert (index.value, index.unit, index.n) == (20.0, "%", 2000)
    assert index.interval is not None
    assert (index.interval.low, index.interval.high) == pytest.approx((18.30, 21.81), abs=0.01)
    assert (index.interval.method, index.interval.level) == ("wilson", 0.95)
    assert index.category is not None
    assert index.category.code == "intermediate"
    assert index.thresholds == (5.0, 30.0)
    assert index.details == {"negative": 1600, "weak_1": 200, "moderate_2": 150, "strong_3": 50}
    assert made["positive_nuclei"].value == 400.0
    assert made["negative_nuclei"].value == 1600.0
    assert made["cells_per_mm2"].value == 1000.0
    assert "h_score" not in made
    assert index.interpretation.fr.startswith("20,0 % de 2000 noyaux sont positifs")
    assert index.interpretation.en.startswith("20.0 % of 2000 nuclei are positive")


@pytest.mark.parametrize(
    ("positive", "code"),
    [(0, "low"), (50, "low"), (51, "intermediate"), (299, "intermediate"), (300, "high")],
)
def test_ki67_classes(positive: int, code: str) -> None:
    made = scores(IntensityCounts(1000 - positive, positive, 0, 0))
    category = made["labelling_index"].category
    assert category is not None
    assert category.code == code


@pytest.mark.parametrize(
    ("positive", "code"),
    [(9, "negative"), (10, "low_positive"), (100, "low_positive"), (101, "positive")],
)
@pytest.mark.parametrize("stain", ["ER", "PR"])
def test_receptor_classes(stain: str, positive: int, code: str) -> None:
    made = scores(IntensityCounts(1000 - positive, positive, 0, 0), stain=stain)
    category = made["labelling_index"].category
    assert category is not None
    assert category.code == code


def test_the_receptor_cut_is_the_sites_choice() -> None:
    counts = IntensityCounts(950, 50, 0, 0)
    made = scores(counts, stain="ER", cutoff=10.0)["labelling_index"]
    assert made.category is not None
    assert made.category.code == "negative"
    assert made.category.label.en == "Negative (< 10 %)"
    assert made.thresholds == (10.0,)


def test_receptors_have_an_h_score() -> None:
    made = scores(IntensityCounts(400, 300, 200, 100), stain="PR")["h_score"]
    assert made.value == 100.0
    assert made.interpretation.en.startswith("H-score 100 of 300")


def test_other_markers_have_no_class() -> None:
    assert (
        scores(IntensityCounts(900, 100, 0, 0), stain="IHC_OTHER")["labelling_index"].category
        is None
    )


def test_fewer_than_500_nuclei_are_insufficient_but_printed() -> None:
    made = scores(IntensityCounts(449, 50, 0, 0), stain="ER")
    for score_id in ("labelling_index", "h_score"):
        category = made[score_id].category
        assert category is not None
        assert category.code == "insufficient"
    assert made["labelling_index"].value == pytest.approx(10.02, abs=0.01)


def test_no_nucleus_has_no_value_and_says_so() -> None:
    made = scores(IntensityCounts(0, 0, 0, 0), stain="ER")
    for score_id in ("labelling_index", "h_score", "hotspot_index"):
        assert made[score_id].value is None
        assert made[score_id].interval is None
    assert made["labelling_index"].interpretation.en.startswith("No nucleus was found")
    assert made["cells_per_mm2"].value == 0.0


def test_hotspot_has_its_own_counts() -> None:
    made = scores(IntensityCounts(1600, 400, 0, 0), hotspot=(250, 500))["hotspot_index"]
    assert (made.value, made.n) == (50.0, 500)
    assert made.category is not None
    assert made.category.code == "high"
    assert made.interpretation.fr.startswith("Fenêtre la plus positive : 50,0 % de 500 noyaux.")


@given(
    counts=st.builds(
        IntensityCounts,
        negative=st.integers(0, 5000),
        weak=st.integers(0, 5000),
        moderate=st.integers(0, 5000),
        strong=st.integers(0, 5000),
    ),
    stain=st.sampled_from(["KI67", "ER", "PR", "IHC_OTHER"]),
)
def test_every_score_can_be_stored(counts: IntensityCounts, stain: str) -> None:
    made = scores(counts, stain=stain)
    index = made["labelling_index"]
    assert (index.value is None) == (counts.total == 0)
    if index.value is not None:
        assert 0 <= index.value <= 100
    for score in made.values():
        assert score.to_json()["id"] == score.id
        assert score.interpretation.fr
        assert score.interpretation.en
