"""The manifest of a tool: what it is for, what it needs, what it gives, what is proven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from inference.outputs import OVERLAY_KINDS, ParameterValue
from inference.outputs.fields import FieldError, Fields
from inference.text import LocalText

T = TypeVar("T")

STAINS = ("HE", "HES", "KI67", "ER", "PR", "HER2", "PDL1", "CK", "IHC_OTHER", "FLUO", "OTHER")
FAMILIES = ("accelerate", "biomarker", "prognosis")
QUEUES = ("cpu", "gpu")
STATUSES = ("ruo",)
PARAMETER_TYPES = ("number", "integer", "choice", "boolean")
TOOL_ID = r"[a-z][a-z0-9_]{1,63}"
_VERSION = r"[0-9]+\.[0-9]+\.[0-9]+([-+.][0-9A-Za-z.-]+)?"
_NAME = r"[a-z][a-z0-9_]{0,63}"


@dataclass(frozen=True, slots=True)
class MppRange:
    """Resolutions of level 0 that the tool accepts, µm/px, both ends included."""

    min: float
    max: float


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a ``choice`` parameter."""

    value: str
    label: LocalText


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A setting of the tool. ``min`` and ``max`` are of numbers, ``choices`` of a choice."""

    name: str
    type: str
    label: LocalText
    default: ParameterValue
    min: float | None = None
    max: float | None = None
    choices: tuple[Choice, ...] = ()
    unit: str = ""

    def problem(self, value: object) -> LocalText | None:
        """What is wrong with a value, None where nothing is."""
        if self.type == "boolean":
            return None if isinstance(value, bool) else _needs("vrai ou faux", "true or false")
        if self.type == "choice":
            names = ", ".join(c.value for c in self.choices)
            known = value in {c.value for c in self.choices}
            return None if known else _needs(f"l'un de : {names}", f"one of: {names}")
        whole = self.type == "integer"
        number = isinstance(value, int) if whole else isinstance(value, int | float)
        if isinstance(value, bool) or not number:
            return _needs("un nombre entier", "a whole number") if whole else _A_NUMBER
        return self._out_of_range(float(value))  # type: ignore[arg-type]

    def _out_of_range(self, value: float) -> LocalText | None:
        low = float("-inf") if self.min is None else self.min
        high = float("inf") if self.max is None else self.max
        # Written so that NaN fails.
        if low <= value <= high:
            return None
        return _needs(f"entre {low:g} et {high:g}", f"between {low:g} and {high:g}")


def _needs(fr: str, en: str) -> LocalText:
    return LocalText(fr=f"doit être {fr}", en=f"must be {en}")


_A_NUMBER = _needs("un nombre", "a number")


@dataclass(frozen=True, slots=True)
class ScoreSpec:
    """A score the tool may give."""

    id: str
    label: LocalText
    unit: str


@dataclass(frozen=True, slots=True)
class OverlaySpec:
    """An overlay the tool may give."""

    id: str
    kind: str
    label: LocalText


@dataclass(frozen=True, slots=True)
class Definition:
    """How the scores are defined, and the published sources."""

    text: LocalText
    source: str


@dataclass(frozen=True, slots=True)
class Licences:
    """Under which terms the parts may be used."""

    code: str
    weights: str
    training_data: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A measured figure with the data behind it."""

    dataset: str
    n: int | None
    metric: str
    value: float
    interval: tuple[float, float] | None
    note: LocalText


@dataclass(frozen=True, slots=True)
class ToolFile:
    """A file of the package that is checked before use (weights)."""

    path: str
    sha256: str
    bytes: int
    role: str


@dataclass(frozen=True, slots=True)
class ToolManifest:
    """A validated ``manifest.json``."""

    id: str
    version: str
    title: LocalText
    summary: LocalText
    explanation: LocalText
    family: str
    stains: tuple[str, ...]
    organs: tuple[str, ...]
    mpp: MppRange
    queue: str
    status: str
    has_trained_weights: bool
    parameters: tuple[ParameterSpec, ...]
    scores: tuple[ScoreSpec, ...]
    overlays: tuple[OverlaySpec, ...]
    definition: Definition
    licences: Licences
    evidence: tuple[Evidence, ...]
    files: tuple[ToolFile, ...]
    short_title: LocalText | None = None  # for a badge; None takes the title
    needs_weights: bool = False

    @classmethod
    def parse(cls, text: str | bytes) -> ToolManifest:
        """Reads a manifest; ``FieldError`` names the first field that is wrong."""
        data = Fields.parse(text, "manifest")
        manifest = cls(
            id=data.text("id", pattern=TOOL_ID),
            version=data.text("version", pattern=_VERSION),
            title=data.local("title"),
            summary=data.local("summary"),
            explanation=data.local("explanation"),
            family=data.text("family", among=FAMILIES),
            stains=_among(data, "stains", STAINS),
            organs=data.texts("organs"),
            mpp=_mpp(data.child("mpp")),
            queue=data.text("queue", among=QUEUES),
            status=data.text("status", among=STATUSES),
            has_trained_weights=data.boolean("has_trained_weights"),
            parameters=_each(data, "parameters", _parameter),
            scores=_each(data, "scores", _score),
            overlays=_each(data, "overlays", _overlay),
            definition=_definition(data),
            licences=_licences(data.child("licences")),
            evidence=_each(data, "evidence", _evidence),
            files=_each(data, "files", _file),
            short_title=data.local("short_title") if data.has("short_title") else None,
            # A tool that has weights needs them; one that waits for its training says so.
            needs_weights=data.has("needs_weights") and data.boolean("needs_weights"),
        )
        manifest._check_unique()
        return manifest

    def parameter(self, name: str) -> ParameterSpec:
        """The parameter of this name; KeyError where there is none."""
        for spec in self.parameters:
            if spec.name == name:
                return spec
        raise KeyError(name)

    def _check_unique(self) -> None:
        for names in (
            [p.name for p in self.parameters],
            [s.id for s in self.scores],
            [o.id for o in self.overlays],
            [f.path for f in self.files],
        ):
            if len(set(names)) != len(names):
                raise FieldError(f"manifest: a name is given twice in {', '.join(names)}")


def _each(data: Fields, name: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
    return tuple(read(item) for item in data.items(name))


def _among(data: Fields, name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    values = data.texts(name)
    unknown = [v for v in values if v not in allowed]
    if unknown or not values:
        raise FieldError(f"manifest.{name}: {unknown or 'empty'}, known: {', '.join(allowed)}")
    return values


def _mpp(data: Fields) -> MppRange:
    found = MppRange(data.number("min"), data.number("max"))
    if not 0 < found.min <= found.max:
        raise FieldError("manifest.mpp: 0 < min <= max")
    return found


def _parameter(data: Fields) -> ParameterSpec:
    default: Any = data.raw("default")
    spec = ParameterSpec(
        name=data.text("name", pattern=_NAME),
        type=data.text("type", among=PARAMETER_TYPES),
        label=data.local("label"),
        default=default,
        min=data.optional_number("min"),
        max=data.optional_number("max"),
        choices=_choices(data),
        unit=data.optional_text("unit") or "",
    )
    problem = spec.problem(default)
    if problem is not None:
        raise FieldError(f"manifest: default of {spec.name} {problem.en}")
    return spec


def _choices(data: Fields) -> tuple[Choice, ...]:
    """Choices are texts, or objects with a label in both languages."""
    if not data.has("choices"):
        return ()
    found = []
    for item in data.array("choices"):
        if isinstance(item, str):
            found.append(Choice(item, LocalText(fr=item, en=item)))
        else:
            fields = Fields(item, "manifest.choices")
            found.append(Choice(fields.text("value"), fields.local("label")))
    return tuple(found)


def _score(data: Fields) -> ScoreSpec:
    return ScoreSpec(data.text("id", pattern=_NAME), data.local("label"), data.text("unit"))


def _overlay(data: Fields) -> OverlaySpec:
    return OverlaySpec(
        data.text("id", pattern=_NAME), data.text("kind", among=OVERLAY_KINDS), data.local("label")
    )


def _definition(data: Fields) -> Definition:
    return Definition(data.local("definition"), data.child("definition").text("source"))


def _licences(data: Fields) -> Licences:
    return Licences(data.text("code"), data.text("weights"), data.text("training_data"))


def _evidence(data: Fields) -> Evidence:
    interval = None
    if data.has("interval"):
        low, high = data.numbers("interval", count=2)
        interval = (low, high)
    note = LocalText(fr="", en="")
    if data.has("note"):
        plain = data.raw("note")
        note = LocalText(fr=plain, en=plain) if isinstance(plain, str) else data.local("note")
    return Evidence(
        dataset=data.text("dataset"),
        n=data.optional_integer("n", low=0),
        metric=data.text("metric"),
        value=data.number("value"),
        interval=interval,
        note=note,
    )


def _file(data: Fields) -> ToolFile:
    return ToolFile(
        path=data.text("path", pattern=r"[A-Za-z0-9_][A-Za-z0-9_.-]*"),
        sha256=data.text("sha256", pattern=r"[0-9a-f]{64}"),
        bytes=data.integer("bytes", low=0),
        role=data.text("role"),
    )
