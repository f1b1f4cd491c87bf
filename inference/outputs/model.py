"""What a tool says about a slide: scores, findings, overlays, and their JSON form."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from inference.geometry import Mpp, Region, Size
from inference.outputs.fields import FieldError, Fields
from inference.text import LocalText

FORMAT = "portrait-output/1"
ID_PATTERN = r"[a-z][a-z0-9_]{0,63}"
FILE_PATTERN = r"[a-z][a-z0-9_]{0,63}\.(u8|cel1|geojson)"
COLOUR_PATTERN = r"#[0-9a-f]{6}"
MAX_GRID = 4096
MAX_REGIONS = 5000

Colormap = Literal["viridis", "cividis", "magma", "inferno"]
COLORMAPS: tuple[Colormap, ...] = ("viridis", "cividis", "magma", "inferno")
Shape = Literal["circle", "square", "triangle", "diamond"]
SHAPES: tuple[Shape, ...] = ("circle", "square", "triangle", "diamond")
ParameterValue = float | int | str | bool


def check_id(value: str) -> str:
    """Returns the id, refused where it is not lower-case letters, digits and ``_``."""
    if re.fullmatch(ID_PATTERN, value) is None:
        raise FieldError(f"{value!r} is not an id ({ID_PATTERN})")
    return value


def _finite(name: str, *values: float | None) -> None:
    if any(value is not None and not math.isfinite(value) for value in values):
        raise FieldError(f"{name} is not a finite number")


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval; ``method`` names how it was obtained (Wilson, bootstrap)."""

    low: float
    high: float
    method: str
    level: float = 0.95

    def __post_init__(self) -> None:
        _finite("interval", self.low, self.high, self.level)
        if self.low > self.high:
            raise FieldError("interval: low is above high")

    def to_json(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "level": self.level, "method": self.method}

    @classmethod
    def from_json(cls, data: Fields) -> Interval:
        return cls(
            low=data.number("low"),
            high=data.number("high"),
            method=data.text("method"),
            level=data.number("level"),
        )


@dataclass(frozen=True, slots=True)
class Category:
    """The class into which the thresholds put a score."""

    code: str
    label: LocalText

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "label": self.label.to_json()}

    @classmethod
    def from_json(cls, data: Fields) -> Category:
        return cls(code=data.text("code", pattern=ID_PATTERN), label=data.local("label"))


@dataclass(frozen=True, slots=True)
class Score:
    """A number with its unit, how many objects it rests on, and what it means.

    ``value`` is None where it cannot be given (too few cells); ``interpretation`` says why.
    """

    id: str
    label: LocalText
    value: float | None
    unit: str
    interpretation: LocalText
    n: int | None = None
    interval: Interval | None = None
    category: Category | None = None
    thresholds: tuple[float, ...] = ()
    details: Mapping[str, float | int | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id(self.id)
        _finite(f"score {self.id}", self.value, *self.thresholds)
        numbers = [v for v in self.details.values() if isinstance(v, int | float)]
        _finite(f"score {self.id} details", *numbers)
        if self.n is not None and self.n < 0:
            raise FieldError(f"score {self.id}: n is negative")

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "label": self.label.to_json(),
            "value": self.value,
            "unit": self.unit,
            "n": self.n,
            "interval": self.interval.to_json() if self.interval else None,
            "category": self.category.to_json() if self.category else None,
            "thresholds": list(self.thresholds),
            "interpretation": self.interpretation.to_json(),
            "details": dict(self.details),
        }

    @classmethod
    def from_json(cls, data: Fields) -> Score:
        return cls(
            id=data.text("id"),
            label=data.local("label"),
            value=data.optional_number("value"),
            unit=data.text("unit"),
            interpretation=data.local("interpretation"),
            n=data.optional_integer("n", low=0),
            interval=Interval.from_json(data.child("interval")) if data.has("interval") else None,
            category=Category.from_json(data.child("category")) if data.has("category") else None,
            thresholds=data.numbers("thresholds"),
            details=data.mapping("details"),
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """A place a tool points at. ``geometry`` is GeoJSON in level-0 pixels."""

    id: str
    kind: str
    label: LocalText
    geometry: Mapping[str, Any]
    region: Region
    score: float | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id(self.id)
        check_id(self.kind)
        _finite(f"finding {self.id}", self.score)
        check_geometry(self.geometry)

    def to_json(self) -> dict[str, Any]:
        r = self.region
        return {
            "id": self.id,
            "kind": self.kind,
            "label": self.label.to_json(),
            "score": self.score,
            "geometry": dict(self.geometry),
            "region": [r.x, r.y, r.width, r.height],
            "properties": dict(self.properties),
        }

    @classmethod
    def from_json(cls, data: Fields) -> Finding:
        x, y, width, height = (int(v) for v in data.numbers("region", count=4))
        return cls(
            id=data.text("id"),
            kind=data.text("kind"),
            label=data.local("label"),
            geometry=data.mapping("geometry"),
            region=Region(x, y, width, height),
            score=data.optional_number("score"),
            properties=data.mapping("properties"),
        )


_DEPTH = {"Point": 0, "LineString": 1, "MultiPoint": 1, "Polygon": 2, "MultiPolygon": 3}


def check_geometry(geometry: Mapping[str, Any]) -> None:
    """Refuses what is not a GeoJSON geometry (RFC 7946) with finite plane coordinates."""
    kind = geometry.get("type")
    if kind not in _DEPTH:
        raise FieldError(f"geometry of type {kind!r}")
    _check_positions(geometry.get("coordinates"), _DEPTH[kind])


def _check_positions(value: object, depth: int) -> None:
    if not isinstance(value, list | tuple):
        raise FieldError("geometry: coordinates are not a list")
    if depth:
        if not value:
            raise FieldError("geometry: empty list of coordinates")
        for part in value:
            _check_positions(part, depth - 1)
        return
    if len(value) != 2 or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in value
    ):
        raise FieldError("geometry: a position is two finite numbers")


@dataclass(frozen=True, slots=True)
class LabelClass:
    """A class of a labels or regions overlay; code 0 is reserved for "none"."""

    code: int
    id: str
    label: LocalText
    colour: str

    def __post_init__(self) -> None:
        check_id(self.id)
        if not 1 <= self.code <= 255:
            raise FieldError(f"class {self.id}: code {self.code} is not in 1..255")
        if re.fullmatch(COLOUR_PATTERN, self.colour) is None:
            raise FieldError(f"class {self.id}: colour {self.colour!r} is not #rrggbb")

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "id": self.id,
            "label": self.label.to_json(),
            "colour": self.colour,
        }

    @classmethod
    def from_json(cls, data: Fields) -> LabelClass:
        return cls(
            code=data.integer("code"),
            id=data.text("id"),
            label=data.local("label"),
            colour=data.text("colour"),
        )


@dataclass(frozen=True, slots=True)
class CellClass:
    """A class of a cells overlay: colour and shape, so that colour is never alone."""

    code: int
    id: str
    label: LocalText
    colour: str
    shape: Shape = "circle"

    def __post_init__(self) -> None:
        check_id(self.id)
        if not 0 <= self.code <= 255:
            raise FieldError(f"class {self.id}: code {self.code} is not in 0..255")
        if re.fullmatch(COLOUR_PATTERN, self.colour) is None:
            raise FieldError(f"class {self.id}: colour {self.colour!r} is not #rrggbb")
        if self.shape not in SHAPES:
            raise FieldError(f"class {self.id}: shape {self.shape!r}")

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "id": self.id,
            "label": self.label.to_json(),
            "colour": self.colour,
            "shape": self.shape,
        }

    @classmethod
    def from_json(cls, data: Fields) -> CellClass:
        shape = data.text("shape", among=SHAPES)
        return cls(
            code=data.integer("code"),
            id=data.text("id"),
            label=data.local("label"),
            colour=data.text("colour"),
            shape=next(s for s in SHAPES if s == shape),
        )


def check_classes(classes: tuple[LabelClass, ...] | tuple[CellClass, ...]) -> None:
    """Codes and ids are unique."""
    if len({c.code for c in classes}) != len(classes) or len({c.id for c in classes}) != len(
        classes
    ):
        raise FieldError("two classes share a code or an id")


@dataclass(frozen=True, slots=True)
class OverlayFile:
    """The file beside ``output.json`` that holds an overlay's data."""

    name: str
    sha256: str
    bytes: int

    def to_json(self) -> dict[str, Any]:
        return {"file": self.name, "sha256": self.sha256, "bytes": self.bytes}

    @classmethod
    def from_json(cls, data: Fields) -> OverlayFile:
        return cls(
            name=data.text("file", pattern=FILE_PATTERN),
            sha256=data.text("sha256", pattern=r"[0-9a-f]{64}"),
            bytes=data.integer("bytes", low=0),
        )


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of ``scale_px`` level-0 pixels; cell (0, 0) starts at ``origin_px``."""

    width: int
    height: int
    origin_px: tuple[float, float]
    scale_px: float

    def __post_init__(self) -> None:
        _finite("grid", *self.origin_px, self.scale_px)
        if not (1 <= self.width <= MAX_GRID and 1 <= self.height <= MAX_GRID):
            raise FieldError(f"grid of {self.width} x {self.height}: 1 to {MAX_GRID} a side")
        if self.scale_px <= 0:
            raise FieldError("grid: scale_px is not positive")

    def to_json(self) -> dict[str, Any]:
        return {
            "width": self.width,
            "height": self.height,
            "dtype": "u8",
            "origin_px": list(self.origin_px),
            "scale_px": self.scale_px,
        }

    @classmethod
    def from_json(cls, data: Fields) -> Grid:
        data.text("dtype", among=("u8",))
        x, y = data.numbers("origin_px", count=2)
        return cls(
            width=data.integer("width"),
            height=data.integer("height"),
            origin_px=(x, y),
            scale_px=data.number("scale_px"),
        )


@dataclass(frozen=True, slots=True)
class ScalarOverlay:
    """A heatmap. File byte 0 = no data; v in 1..255 is min + (v-1)/254 * (max-min)."""

    id: str
    label: LocalText
    file: OverlayFile
    grid: Grid
    unit: str
    min: float
    max: float
    default_threshold: float | None
    colormap: Colormap
    kind: Literal["scalar"] = "scalar"

    def __post_init__(self) -> None:
        check_id(self.id)
        _finite(f"overlay {self.id}", self.min, self.max, self.default_threshold)
        if self.min >= self.max:
            raise FieldError(f"overlay {self.id}: min is not below max")
        if self.colormap not in COLORMAPS:
            raise FieldError(f"overlay {self.id}: colormap {self.colormap!r}")

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "label": self.label.to_json(),
            **self.file.to_json(),
            **self.grid.to_json(),
            "unit": self.unit,
            "min": self.min,
            "max": self.max,
            "default_threshold": self.default_threshold,
            "colormap": self.colormap,
        }

    @classmethod
    def from_json(cls, data: Fields) -> ScalarOverlay:
        colormap = data.text("colormap", among=COLORMAPS)
        return cls(
            id=data.text("id"),
            label=data.local("label"),
            file=OverlayFile.from_json(data),
            grid=Grid.from_json(data),
            unit=data.text("unit"),
            min=data.number("min"),
            max=data.number("max"),
            default_threshold=data.optional_number("default_threshold"),
            colormap=next(c for c in COLORMAPS if c == colormap),
        )


@dataclass(frozen=True, slots=True)
class LabelsOverlay:
    """A class per grid cell; file byte 0 = none."""

    id: str
    label: LocalText
    file: OverlayFile
    grid: Grid
    classes: tuple[LabelClass, ...]
    kind: Literal["labels"] = "labels"

    def __post_init__(self) -> None:
        check_id(self.id)
        check_classes(self.classes)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "label": self.label.to_json(),
            **self.file.to_json(),
            **self.grid.to_json(),
            "classes": [c.to_json() for c in self.classes],
        }

    @classmethod
    def from_json(cls, data: Fields) -> LabelsOverlay:
        return cls(
            id=data.text("id"),
            label=data.local("label"),
            file=OverlayFile.from_json(data),
            grid=Grid.from_json(data),
            classes=tuple(LabelClass.from_json(c) for c in data.items("classes")),
        )


@dataclass(frozen=True, slots=True)
class CellsOverlay:
    """Points in a CEL1 file (see ``inference.outputs.cells``)."""

    id: str
    label: LocalText
    file: OverlayFile
    classes: tuple[CellClass, ...]
    n: int
    radius_um: float
    kind: Literal["cells"] = "cells"

    def __post_init__(self) -> None:
        check_id(self.id)
        check_classes(self.classes)
        _finite(f"overlay {self.id}", self.radius_um)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "label": self.label.to_json(),
            **self.file.to_json(),
            "classes": [c.to_json() for c in self.classes],
            "n": self.n,
            "radius_um": self.radius_um,
        }

    @classmethod
    def from_json(cls, data: Fields) -> CellsOverlay:
        return cls(
            id=data.text("id"),
            label=data.local("label"),
            file=OverlayFile.from_json(data),
            classes=tuple(CellClass.from_json(c) for c in data.items("classes")),
            n=data.integer("n", low=0),
            radius_um=data.number("radius_um"),
        )


@dataclass(frozen=True, slots=True)
class RegionsOverlay:
    """A GeoJSON FeatureCollection in level-0 pixels; ``properties.class`` is a class id."""

    id: str
    label: LocalText
    file: OverlayFile
    classes: tuple[LabelClass, ...]
    n: int
    kind: Literal["regions"] = "regions"

    def __post_init__(self) -> None:
        check_id(self.id)
        check_classes(self.classes)
        if not 0 <= self.n <= MAX_REGIONS:
            raise FieldError(f"overlay {self.id}: {self.n} shapes, {MAX_REGIONS} at most")

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "label": self.label.to_json(),
            **self.file.to_json(),
            "classes": [c.to_json() for c in self.classes],
            "n": self.n,
        }

    @classmethod
    def from_json(cls, data: Fields) -> RegionsOverlay:
        return cls(
            id=data.text("id"),
            label=data.local("label"),
            file=OverlayFile.from_json(data),
            classes=tuple(LabelClass.from_json(c) for c in data.items("classes")),
            n=data.integer("n", low=0),
        )


Overlay = ScalarOverlay | LabelsOverlay | CellsOverlay | RegionsOverlay
OVERLAY_KINDS = ("scalar", "labels", "cells", "regions")


def overlay_from_json(data: Fields) -> Overlay:
    """Reads any of the four kinds."""
    kind = data.text("kind", among=OVERLAY_KINDS)
    if kind == "scalar":
        return ScalarOverlay.from_json(data)
    if kind == "labels":
        return LabelsOverlay.from_json(data)
    if kind == "cells":
        return CellsOverlay.from_json(data)
    return RegionsOverlay.from_json(data)


@dataclass(frozen=True, slots=True)
class SlideRef:
    """The slide a result belongs to; ``sha256`` is None where it was not computed."""

    size: Size
    mpp: Mpp | None
    sha256: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "sha256": self.sha256,
            "width": self.size.width,
            "height": self.size.height,
            "mpp": [self.mpp.x, self.mpp.y] if self.mpp else None,
        }

    @classmethod
    def from_json(cls, data: Fields) -> SlideRef:
        mpp = None
        if data.has("mpp"):
            x, y = data.numbers("mpp", count=2)
            mpp = Mpp(x, y)
        size = Size(data.integer("width", low=1), data.integer("height", low=1))
        return cls(size=size, mpp=mpp, sha256=data.optional_text("sha256"))


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """All that one job produced. ``folder`` holds the overlays' files."""

    tool_id: str
    tool_version: str
    tool_digest: str
    slide: SlideRef
    parameters: Mapping[str, ParameterValue]
    device: str
    precision: str
    created: str
    scores: tuple[Score, ...] = ()
    findings: tuple[Finding, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    messages: tuple[LocalText, ...] = ()
    warnings: tuple[LocalText, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict)

    def score(self, score_id: str) -> Score:
        """The score of this id; KeyError where the tool gave none."""
        for score in self.scores:
            if score.id == score_id:
                return score
        raise KeyError(score_id)

    def overlay(self, overlay_id: str) -> Overlay:
        """The overlay of this id; KeyError where the tool gave none."""
        for overlay in self.overlays:
            if overlay.id == overlay_id:
                return overlay
        raise KeyError(overlay_id)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "tool_id": self.tool_id,
            "tool_version": self.tool_version,
            "tool_digest": self.tool_digest,
            "slide": self.slide.to_json(),
            "parameters": dict(self.parameters),
            "device": self.device,
            "precision": self.precision,
            "created": self.created,
            "scores": [s.to_json() for s in self.scores],
            "findings": [f.to_json() for f in self.findings],
            "overlays": [o.to_json() for o in self.overlays],
            "messages": [m.to_json() for m in self.messages],
            "warnings": [w.to_json() for w in self.warnings],
            "timings_s": dict(self.timings_s),
        }

    @classmethod
    def from_json(cls, data: Fields) -> ToolOutput:
        data.text("format", among=(FORMAT,))
        output = cls(
            tool_id=data.text("tool_id", pattern=ID_PATTERN),
            tool_version=data.text("tool_version"),
            tool_digest=data.text("tool_digest"),
            slide=SlideRef.from_json(data.child("slide")),
            parameters=data.mapping("parameters"),
            device=data.text("device"),
            precision=data.text("precision"),
            created=data.text("created"),
            scores=tuple(Score.from_json(s) for s in data.items("scores")),
            findings=tuple(Finding.from_json(f) for f in data.items("findings")),
            overlays=tuple(overlay_from_json(o) for o in data.items("overlays")),
            messages=_texts(data, "messages"),
            warnings=_texts(data, "warnings"),
            timings_s=data.mapping("timings_s"),
        )
        output.check_ids()
        return output

    def check_ids(self) -> None:
        """An id is unique among the scores, the findings, the overlays."""
        for name, items in (
            ("score", self.scores),
            ("finding", self.findings),
            ("overlay", self.overlays),
        ):
            ids = [item.id for item in items]
            if len(set(ids)) != len(ids):
                raise FieldError(f"two {name}s share an id")


def _texts(data: Fields, name: str) -> tuple[LocalText, ...]:
    return tuple(LocalText(fr=t.text("fr"), en=t.text("en")) for t in data.items(name))
