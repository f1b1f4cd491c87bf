"""From counts to scores with category and text, for each stain.

Cuts: Ki-67, Nielsen et al. 2021 (IKWG): only <= 5 % and >= 30 % are reliable. ER/PR,
Allison et al. 2020 (ASCO/CAP): positive from 1 %, 1-10 % "low positive".
"""

from __future__ import annotations

from dataclasses import dataclass

from inference.nuclei.indices import (
    IntensityCounts,
    cells_per_mm2,
    h_score,
    labelling_index,
    wilson_interval,
)
from inference.outputs import Category, Interval, Score
from inference.text import LocalText

# Hot-spot scoring asks for 500-1000 nuclei (Nielsen et al. 2021).
MIN_NUCLEI = 500
KI67_LOW, KI67_HIGH = 5.0, 30.0
RECEPTOR_LOW_UP_TO = 10.0
RECEPTORS = frozenset({"ER", "PR"})

_NO_NUCLEUS = LocalText(
    fr="Aucun noyau n'a été trouvé dans le tissu : pas de valeur.",
    en="No nucleus was found in the tissue: no value.",
)
_INSUFFICIENT = Category(
    "insufficient",
    LocalText(
        fr=f"Insuffisant (moins de {MIN_NUCLEI} noyaux)",
        en=f"Insufficient (fewer than {MIN_NUCLEI} nuclei)",
    ),
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What depends on the stain and on the site's settings."""

    stain: str
    receptor_cutoff: float = 1.0

    @property
    def thresholds(self) -> tuple[float, ...]:
        if self.stain == "KI67":
            return KI67_LOW, KI67_HIGH
        if self.stain in RECEPTORS:
            return tuple(sorted({self.receptor_cutoff, RECEPTOR_LOW_UP_TO}))
        return ()

    def category(self, index: float | None, n: int) -> Category | None:
        """Class of an index; "insufficient" wins over any class."""
        if index is None or n < MIN_NUCLEI:
            return _INSUFFICIENT
        if self.stain == "KI67":
            return _ki67_category(index)
        if self.stain in RECEPTORS:
            return self._receptor_category(index)
        return None

    def _receptor_category(self, index: float) -> Category:
        cutoff = _plain(self.receptor_cutoff)
        if index < self.receptor_cutoff:
            text = LocalText(fr=f"Négatif (< {cutoff} %)", en=f"Negative (< {cutoff} %)")
            return Category("negative", text)
        if index <= RECEPTOR_LOW_UP_TO:
            text = LocalText(
                fr=f"Faiblement positif ({cutoff}-10 %)", en=f"Low positive ({cutoff}-10 %)"
            )
            return Category("low_positive", text)
        text = LocalText(fr="Positif (> 10 %)", en="Positive (> 10 %)")
        return Category("positive", text)


def _ki67_category(index: float) -> Category:
    if index <= KI67_LOW:
        return Category("low", LocalText(fr="Bas (≤ 5 %)", en="Low (≤ 5 %)"))
    if index >= KI67_HIGH:
        return Category("high", LocalText(fr="Élevé (≥ 30 %)", en="High (≥ 30 %)"))
    text = LocalText(
        fr="Intermédiaire (5-30 % : peu reproductible)",
        en="Intermediate (5-30 %: poorly reproducible)",
    )
    return Category("intermediate", text)


def all_scores(
    counts: IntensityCounts,
    *,
    area_mm2: float,
    rules: Rules,
    hotspot: tuple[int, int] | None,
) -> tuple[Score, ...]:
    """Scores in the order of the manifest.

    Args:
        counts: nuclei per intensity class over the tissue.
        area_mm2: of the tissue.
        rules: stain and cuts.
        hotspot: positive and all nuclei of the hot-spot, or None.
    """
    scores = [_index_score(counts, rules), _hotspot_score(hotspot, rules)]
    if rules.stain in RECEPTORS:
        scores.append(_h_score(counts))
    scores += [
        _count_score("positive_nuclei", counts.positive, counts.total),
        _count_score("negative_nuclei", counts.negative, counts.total),
        _density_score(counts.total, area_mm2),
    ]
    return tuple(scores)


def _index_score(counts: IntensityCounts, rules: Rules) -> Score:
    value = labelling_index(counts.positive, counts.total)
    category = rules.category(value, counts.total)
    return Score(
        id="labelling_index",
        label=LocalText(fr="Index de marquage", en="Labelling index"),
        value=value,
        unit="%",
        n=counts.total,
        interval=_interval(counts.positive, counts.total),
        category=category,
        thresholds=rules.thresholds,
        interpretation=_index_text(value, counts, category),
        details={
            "negative": counts.negative,
            "weak_1": counts.weak,
            "moderate_2": counts.moderate,
            "strong_3": counts.strong,
        },
    )


def _hotspot_score(hotspot: tuple[int, int] | None, rules: Rules) -> Score:
    positive, total = hotspot or (0, 0)
    value = labelling_index(positive, total)
    if value is None:
        text = LocalText(
            fr="Aucune fenêtre ne contient assez de noyaux pour un point chaud.",
            en="No window holds enough nuclei for a hot-spot.",
        )
    else:
        text = LocalText(
            fr=f"Fenêtre la plus positive : {_fr(value)} % de {total} noyaux. C'est un "
            "maximum, non une moyenne de la lame.",
            en=f"Most positive window: {value:.1f} % of {total} nuclei. It is a maximum, "
            "not a mean of the slide.",
        )
    return Score(
        id="hotspot_index",
        label=LocalText(fr="Index du point chaud", en="Hot-spot index"),
        value=value,
        unit="%",
        n=total,
        interval=_interval(positive, total),
        category=rules.category(value, total),
        thresholds=rules.thresholds,
        interpretation=text,
        details={"positive": positive},
    )


def _h_score(counts: IntensityCounts) -> Score:
    value = h_score(counts)
    text = _NO_NUCLEUS
    if value is not None:
        text = LocalText(
            fr=f"H-score {value:.0f} sur 300 (1 × %1+ + 2 × %2+ + 3 × %3+).",
            en=f"H-score {value:.0f} of 300 (1 × %1+ + 2 × %2+ + 3 × %3+).",
        )
    return Score(
        id="h_score",
        label=LocalText(fr="H-score", en="H-score"),
        value=value,
        unit="",
        n=counts.total,
        interval=None,
        category=_INSUFFICIENT if counts.total < MIN_NUCLEI else None,
        thresholds=(),
        interpretation=text,
        details={},
    )


def _count_score(score_id: str, value: int, total: int) -> Score:
    positive = score_id == "positive_nuclei"
    label = (
        LocalText(fr="Noyaux positifs", en="Positive nuclei")
        if positive
        else LocalText(fr="Noyaux négatifs", en="Negative nuclei")
    )
    return Score(
        id=score_id,
        label=label,
        value=float(value),
        unit="",
        n=total,
        interval=None,
        category=None,
        thresholds=(),
        interpretation=LocalText(
            fr=f"{value} noyaux sur {total}.", en=f"{value} nuclei of {total}."
        ),
        details={},
    )


def _density_score(total: int, area_mm2: float) -> Score:
    value = cells_per_mm2(total, area_mm2)
    return Score(
        id="cells_per_mm2",
        label=LocalText(fr="Densité de noyaux", en="Density of nuclei"),
        value=value,
        unit="/mm²",
        n=total,
        interval=None,
        category=None,
        thresholds=(),
        interpretation=LocalText(
            fr=f"{total} noyaux sur {_fr(area_mm2, 2)} mm² de tissu.",
            en=f"{total} nuclei on {area_mm2:.2f} mm² of tissue.",
        ),
        details={"tissue_mm2": area_mm2},
    )


def _interval(positive: int, total: int) -> Interval | None:
    limits = wilson_interval(positive, total)
    return None if limits is None else Interval(*limits, level=0.95, method="wilson")


def _index_text(
    value: float | None, counts: IntensityCounts, category: Category | None
) -> LocalText:
    limits = wilson_interval(counts.positive, counts.total)
    if value is None or limits is None:
        return _NO_NUCLEUS
    low, high = limits
    fr = (
        f"{_fr(value)} % de {counts.total} noyaux sont positifs (intervalle à 95 % : "
        f"{_fr(low)}-{_fr(high)} %)"
    )
    en = (
        f"{value:.1f} % of {counts.total} nuclei are positive (95 % interval: "
        f"{low:.1f}-{high:.1f} %)"
    )
    if category is not None:
        fr, en = f"{fr} : {category.label.fr}", f"{en}: {category.label.en}"
    return LocalText(
        fr=f"{fr}. Tous les noyaux du tissu comptent, la tumeur n'est pas délimitée.",
        en=f"{en}. All nuclei of the tissue count, the tumour is not outlined.",
    )


def _fr(value: float, digits: int = 1) -> str:
    """A number with the French decimal comma."""
    return f"{value:.{digits}f}".replace(".", ",")


def _plain(value: float) -> str:
    return f"{value:g}"
