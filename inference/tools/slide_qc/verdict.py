"""From measures to scores, a verdict and its reasons.

The thresholds are working values of Portrait, set so that the reader is warned early; no
guideline fixes them. A laboratory can change the two focus thresholds per job.
"""

from __future__ import annotations

from dataclasses import dataclass

from inference.outputs import Category, Score
from inference.text import LocalText

NO_TISSUE_MM2 = 0.05
LITTLE_TISSUE_MM2 = 0.2
PEN_REVIEW_PERCENT = 2.0
UNMEASURED_REVIEW_PERCENT = 30.0

PASS = Category("pass", LocalText(fr="Conforme", en="Pass"))
REVIEW = Category("review", LocalText(fr="À vérifier", en="To review"))
FAIL = Category("fail", LocalText(fr="Non conforme", en="Fail"))


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of a job."""

    max_blur_um: float
    pass_percent: float
    fail_percent: float

    def focus_category(self, percent: float) -> Category:
        if percent >= self.pass_percent:
            return PASS
        return REVIEW if percent >= self.fail_percent else FAIL


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured on the slide. ``in_focus_percent`` is None without any block."""

    tissue_percent: float
    tissue_mm2: float
    in_focus_percent: float | None
    blocks: int
    blocks_blurred: int
    unmeasured_percent: float
    median_blur_um: float | None
    pen_mm2: dict[str, float]

    @property
    def pen_percent(self) -> float:
        """Pen as a share of tissue and pen together."""
        pen = sum(self.pen_mm2.values())
        return 100 * pen / (pen + self.tissue_mm2) if pen else 0.0


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a verdict that is not "pass"."""

    category: Category
    text: LocalText


def reasons(measures: Measures, rules: Rules) -> tuple[Reason, ...]:
    """All reasons, the gravest first; empty means "pass"."""
    if measures.tissue_mm2 < NO_TISSUE_MM2:
        text = LocalText(
            fr="aucun tissu trouvé : lame vide, tissu trop pâle ou scan manqué",
            en="no tissue found: empty slide, tissue too pale or scan missed",
        )
        return (Reason(FAIL, text),)
    found = [*_tissue_reasons(measures), *_focus_reasons(measures, rules), *_pen_reasons(measures)]
    return tuple(sorted(found, key=lambda reason: reason.category is not FAIL))


def _tissue_reasons(measures: Measures) -> list[Reason]:
    if measures.tissue_mm2 >= LITTLE_TISSUE_MM2:
        return []
    area = measures.tissue_mm2
    text = LocalText(
        fr=f"très peu de tissu ({decimal(area, 2)} mm²)", en=f"very little tissue ({area:.2f} mm²)"
    )
    return [Reason(REVIEW, text)]


def _focus_reasons(measures: Measures, rules: Rules) -> list[Reason]:
    percent = measures.in_focus_percent
    if percent is None:
        text = LocalText(
            fr="netteté non mesurable (tissu sans relief)",
            en="focus cannot be measured (tissue without texture)",
        )
        return [Reason(REVIEW, text)]
    found = []
    category = rules.focus_category(percent)
    if category is not PASS:
        advice = (
            LocalText(fr=" : à scanner de nouveau", en=": rescan")
            if category is FAIL
            else LocalText(fr=" : voir les zones floues", en=": see the blurred areas")
        )
        text = LocalText(
            fr=f"{decimal(percent)} % du tissu net{advice.fr}",
            en=f"{percent:.1f} % of the tissue in focus{advice.en}",
        )
        found.append(Reason(category, text))
    if measures.unmeasured_percent > UNMEASURED_REVIEW_PERCENT:
        rate = measures.unmeasured_percent
        text = LocalText(
            fr=f"netteté non mesurable sur {decimal(rate)} % du tissu",
            en=f"focus not measurable on {rate:.1f} % of the tissue",
        )
        found.append(Reason(REVIEW, text))
    return found


def _pen_reasons(measures: Measures) -> list[Reason]:
    if measures.pen_percent <= PEN_REVIEW_PERCENT:
        return []
    area = sum(measures.pen_mm2.values())
    text = LocalText(
        fr=f"traces de feutre ({decimal(area)} mm²), exclues du tissu",
        en=f"pen marks ({area:.1f} mm²), left out of the tissue",
    )
    return [Reason(REVIEW, text)]


def all_scores(measures: Measures, rules: Rules) -> tuple[Score, ...]:
    """The four scores of the manifest, in its order."""
    return (
        Score(
            id="tissue_percent",
            label=LocalText(fr="Tissu", en="Tissue"),
            value=round(measures.tissue_percent, 2),
            unit="%",
            interpretation=LocalText(
                fr="Part de la surface scannée occupée par du tissu.",
                en="Share of the scanned area that is tissue.",
            ),
        ),
        Score(
            id="tissue_area_mm2",
            label=LocalText(fr="Surface de tissu", en="Tissue area"),
            value=round(measures.tissue_mm2, 3),
            unit="mm²",
            thresholds=(NO_TISSUE_MM2, LITTLE_TISSUE_MM2),
            interpretation=LocalText(
                fr="Surface de tissu, traces de feutre exclues, petits trous comblés.",
                en="Area of tissue, pen marks left out, small holes filled.",
            ),
        ),
        _focus_score(measures, rules),
        _verdict(measures, rules),
    )


def _focus_score(measures: Measures, rules: Rules) -> Score:
    percent = measures.in_focus_percent
    limit = rules.max_blur_um
    if percent is None:
        text = LocalText(
            fr="Aucun bloc de tissu assez texturé pour juger la netteté.",
            en="No block of tissue has enough texture to judge focus.",
        )
    else:
        text = LocalText(
            fr=f"Part du tissu dont le flou équivalent ne dépasse pas {decimal(limit)} µm, sur "
            f"{measures.blocks} blocs de 128 µm, dont {measures.blocks_blurred} flous.",
            en=f"Share of the tissue whose equivalent blur is at most {limit:.1f} µm, over "
            f"{measures.blocks} blocks of 128 µm, {measures.blocks_blurred} of them blurred.",
        )
    details: dict[str, float | int | str] = {
        "blocks_blurred": measures.blocks_blurred,
        "unmeasured_percent": round(measures.unmeasured_percent, 2),
    }
    if measures.median_blur_um is not None:
        details["median_blur_um"] = round(measures.median_blur_um, 2)
    return Score(
        id="in_focus_percent",
        label=LocalText(fr="Tissu net", en="Tissue in focus"),
        value=None if percent is None else round(percent, 2),
        unit="%",
        n=measures.blocks,
        category=None if percent is None else rules.focus_category(percent),
        thresholds=(rules.fail_percent, rules.pass_percent),
        interpretation=text,
        details=details,
    )


def _verdict(measures: Measures, rules: Rules) -> Score:
    found = reasons(measures, rules)
    category = found[0].category if found else PASS
    if found:
        text = LocalText(
            fr=f"{category.label.fr} : {' ; '.join(r.text.fr for r in found)}.",
            en=f"{category.label.en}: {'; '.join(r.text.en for r in found)}.",
        )
    else:
        text = LocalText(
            fr="Conforme : tissu présent et net, pas de trace de feutre gênante.",
            en="Pass: tissue present and in focus, no disturbing pen mark.",
        )
    details: dict[str, float | int | str] = {
        f"pen_{colour}_mm2": round(area, 3) for colour, area in measures.pen_mm2.items()
    }
    return Score(
        id="verdict",
        label=LocalText(fr="Qualité du scan", en="Scan quality"),
        value=None,
        unit="",
        category=category,
        interpretation=text,
        details=details,
    )


def decimal(value: float, digits: int = 1) -> str:
    """A number with the French decimal comma."""
    return f"{value:.{digits}f}".replace(".", ",")
