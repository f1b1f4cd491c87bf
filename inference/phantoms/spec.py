"""What a phantom shall be: size, resolution, preset, labelling index, artefacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from inference.errors import InputRefused
from inference.geometry import Mpp, Size
from inference.text import LocalText

Architecture = Literal["breast", "colon", "lymphnode"]
Chemistry = Literal["he", "hes", "nuclear", "membrane"]

ARTEFACT_KINDS = ("blur", "pen", "fold", "bubble")
MIN_SIDE, MAX_SIDE = 2_000, 100_000
OBJECTIVES = {0.5: 20.0, 0.25: 40.0}


@dataclass(frozen=True, slots=True)
class Preset:
    """Tissue and stain of a phantom.

    ``stain`` is the product's stain code; ``stroma_cells`` and ``lymphocytes`` are the
    chances that a free place between the nests holds such a nucleus; ``grades`` are the
    shares of 1+, 2+ and 3+ among the positive nuclei.
    """

    stain: str
    architecture: Architecture
    chemistry: Chemistry
    stroma_cells: float = 0.20
    lymphocytes: float = 0.05
    infiltrating: float = 0.03
    labelling_index: float = 0.0
    grades: tuple[float, float, float] = (0.3, 0.35, 0.35)


PRESETS: Mapping[str, Preset] = {
    "breast-he": Preset("HE", "breast", "he"),
    "breast-hes": Preset("HES", "breast", "hes"),
    "colon-he": Preset("HE", "colon", "he", lymphocytes=0.16),
    "lymphnode-he": Preset("HE", "lymphnode", "he", stroma_cells=0.1, lymphocytes=0.9),
    "ki67": Preset("KI67", "breast", "nuclear", 0.035, 0.012, 0.0, 20.0),
    "er": Preset("ER", "breast", "nuclear", 0.035, 0.012, 0.0, 75.0, (0.25, 0.40, 0.35)),
    "her2": Preset("HER2", "breast", "membrane", 0.06, 0.02, 0.0, 70.0, (0.25, 0.35, 0.40)),
}

# The preset of a stain that comes without one; PR looks like ER.
_OF_STAIN = {
    "HE": "breast-he",
    "HES": "breast-hes",
    "KI67": "ki67",
    "ER": "er",
    "PR": "er",
    "HER2": "her2",
}


@dataclass(frozen=True, slots=True)
class PhantomSpec:
    """A phantom slide; equal specifications give equal slides.

    Attributes:
        width: level-0 pixels, 2,000 to 100,000.
        height: level-0 pixels, 2,000 to 100,000.
        stain: the product's stain code; empty takes the preset's.
        seed: of everything that is random.
        mpp: µm per pixel, 0.5 (20x) or 0.25 (40x).
        preset: a key of ``PRESETS``; empty takes the first one of the stain.
        labelling_index: wanted % of positive tumour nuclei; None takes the preset's.
            The truth holds the index that the planted nuclei really have.
        artefacts: of ``ARTEFACT_KINDS``, one of each name given.
    """

    width: int
    height: int
    stain: str = ""
    seed: int = 0
    mpp: float = 0.5
    preset: str = ""
    labelling_index: float | None = None
    artefacts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._complete()
        if not all(MIN_SIDE <= side <= MAX_SIDE for side in (self.width, self.height)):
            raise _refused("width, height", f"{MIN_SIDE}-{MAX_SIDE} px")
        if self.mpp not in OBJECTIVES:
            raise _refused("mpp", "0.5, 0.25")
        if self.labelling_index is not None and not 0 <= self.labelling_index <= 100:
            raise _refused("labelling_index", "0-100 %")
        if not set(self.artefacts) <= set(ARTEFACT_KINDS):
            raise _refused("artefacts", ", ".join(ARTEFACT_KINDS))
        if self.seed < 0:
            raise _refused("seed", ">= 0")

    def _complete(self) -> None:
        """Fills in the preset from the stain or the stain from the preset."""
        preset = self.preset or _OF_STAIN.get(self.stain or "HE", "")
        if preset not in PRESETS:
            raise _refused("preset", ", ".join(PRESETS))
        stain = self.stain or PRESETS[preset].stain
        if _OF_STAIN.get(stain) not in {preset, _OF_STAIN[PRESETS[preset].stain]}:
            raise _refused("stain", PRESETS[preset].stain)
        object.__setattr__(self, "preset", preset)
        object.__setattr__(self, "stain", stain)

    @property
    def recipe(self) -> Preset:
        return PRESETS[self.preset]

    @property
    def objective(self) -> float:
        return OBJECTIVES[self.mpp]

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)

    @property
    def resolution(self) -> Mpp:
        return Mpp(self.mpp, self.mpp)

    @property
    def target_index(self) -> float:
        """Wanted % of positive tumour nuclei."""
        chosen = self.labelling_index
        return self.recipe.labelling_index if chosen is None else chosen

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "artefacts": list(self.artefacts)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PhantomSpec:
        return cls(**{**data, "artefacts": tuple(data["artefacts"])})


def _refused(name: str, allowed: str) -> InputRefused:
    return InputRefused(
        "phantom_spec",
        LocalText(
            fr=f"Lame fantôme : {name} doit être dans : {allowed}.",
            en=f"Phantom slide: {name} must be in: {allowed}.",
        ),
    )
