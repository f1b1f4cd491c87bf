"""Builds the folder of one result: binary files at once, ``output.json`` at the end."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.outputs.cells import encode_cells
from inference.outputs.fields import FieldError, canonical_json
from inference.outputs.model import (
    MAX_REGIONS,
    CellClass,
    CellsOverlay,
    Colormap,
    Finding,
    Grid,
    LabelClass,
    LabelsOverlay,
    Overlay,
    OverlayFile,
    ParameterValue,
    RegionsOverlay,
    ScalarOverlay,
    Score,
    SlideRef,
    ToolOutput,
    check_geometry,
    check_id,
)
from inference.text import LocalText

OUTPUT_NAME = "output.json"


class OutputWriter:
    """Collects what a tool says and writes it to ``folder``.

    A wrong value (NaN score, undeclared class, grid too large) raises ``FieldError``, a
    ``ValueError``: it is a mistake of the tool, not of its user.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._scores: list[Score] = []
        self._findings: list[Finding] = []
        self._overlays: list[Overlay] = []
        self._messages: list[LocalText] = []
        self._warnings: list[LocalText] = []
        self._timings: dict[str, float] = {}
        self._precision = "float64"

    def add_score(self, score: Score) -> None:
        self._refuse_twice(score.id, (s.id for s in self._scores))
        self._scores.append(score)

    def add_finding(self, finding: Finding) -> None:
        self._refuse_twice(finding.id, (f.id for f in self._findings))
        self._findings.append(finding)

    def add_message(self, message: LocalText) -> None:
        """A sentence for the reader of the result that is no reason for doubt."""
        self._messages.append(message)

    def add_warning(self, warning: LocalText) -> None:
        """A reason to doubt the result, shown with it."""
        self._warnings.append(warning)

    def add_timing(self, stage: str, seconds: float) -> None:
        """Adds up the seconds spent in a stage."""
        self._timings[stage] = round(self._timings.get(stage, 0.0) + seconds, 4)

    def set_precision(self, precision: str) -> None:
        """Number type of the computation that gave the result, e.g. ``float32``."""
        self._precision = precision

    def add_scalar(
        self,
        overlay_id: str,
        label: LocalText,
        values: NDArray[Any],
        *,
        origin_px: tuple[float, float],
        scale_px: float,
        unit: str,
        min: float,  # noqa: A002
        max: float,  # noqa: A002
        default_threshold: float | None = None,
        colormap: Colormap = "viridis",
    ) -> ScalarOverlay:
        """Adds a heatmap.

        Args:
            overlay_id: unique in the result.
            label: its name.
            values: (height, width) float, NaN = no data; clipped to min..max.
            origin_px: level-0 pixel where cell (0, 0) starts.
            scale_px: level-0 pixels per cell.
            unit: of the values, "" where they have none.
            min: value shown by the lowest colour.
            max: value shown by the highest colour.
            default_threshold: where the display starts to hide, None shows all.
            colormap: viridis, cividis, magma or inferno.
        """
        self._refuse_twice(overlay_id, (o.id for o in self._overlays))
        grid = _grid(values, origin_px, scale_px)
        data = np.asarray(values, dtype=np.float64)
        if np.isinf(data).any() or min >= max:
            raise FieldError(f"overlay {overlay_id}: infinite value or min not below max")
        level = np.rint((np.clip(data, min, max) - min) / (max - min) * 254) + 1
        file = self._write(
            f"{overlay_id}.u8", np.nan_to_num(level, nan=0.0).astype(np.uint8).tobytes()
        )
        overlay = ScalarOverlay(
            overlay_id, label, file, grid, unit, float(min), float(max), default_threshold, colormap
        )
        self._overlays.append(overlay)
        return overlay

    def add_labels(
        self,
        overlay_id: str,
        label: LocalText,
        values: NDArray[Any],
        *,
        origin_px: tuple[float, float],
        scale_px: float,
        classes: Iterable[LabelClass],
    ) -> LabelsOverlay:
        """Adds a map of classes: ``values`` (height, width) of class codes, 0 = none."""
        self._refuse_twice(overlay_id, (o.id for o in self._overlays))
        declared = tuple(classes)
        data = np.asarray(values)
        if not np.isin(data, [0, *(c.code for c in declared)]).all():
            raise FieldError(f"overlay {overlay_id}: a code without a class")
        grid = _grid(data, origin_px, scale_px)
        file = self._write(f"{overlay_id}.u8", data.astype(np.uint8).tobytes())
        overlay = LabelsOverlay(overlay_id, label, file, grid, declared)
        self._overlays.append(overlay)
        return overlay

    def add_cells(
        self,
        overlay_id: str,
        label: LocalText,
        *,
        xy_px: NDArray[Any],
        class_code: NDArray[Any],
        probability: NDArray[Any],
        classes: Iterable[CellClass],
        radius_um: float,
        seed: int = 0,
    ) -> NDArray[np.int64]:
        """Adds cells; returns the order, where ``order[i]`` is the input index of cell i.

        Args:
            overlay_id: unique in the result.
            label: its name.
            xy_px: (n, 2) centres in level-0 pixels, not negative.
            class_code: (n,) codes of ``classes``.
            probability: (n,) 0 to 1.
            classes: colour and shape of each code.
            radius_um: typical radius of a cell.
            seed: of the random order inside a chunk.
        """
        self._refuse_twice(overlay_id, (o.id for o in self._overlays))
        declared = tuple(classes)
        codes = tuple(c.code for c in declared)
        data, order = encode_cells(xy_px, class_code, probability, codes=codes, seed=seed)
        file = self._write(f"{overlay_id}.cel1", data)
        overlay = CellsOverlay(overlay_id, label, file, declared, len(order), float(radius_um))
        self._overlays.append(overlay)
        return order

    def add_regions(
        self,
        overlay_id: str,
        label: LocalText,
        features: Iterable[Mapping[str, Any]],
        *,
        classes: Iterable[LabelClass] = (),
    ) -> RegionsOverlay:
        """Adds shapes: GeoJSON Features in level-0 px, ``properties.class`` = a class id."""
        self._refuse_twice(overlay_id, (o.id for o in self._overlays))
        declared = tuple(classes)
        shapes = [dict(f) for f in features]
        check_features(shapes, declared)
        data = canonical_json({"type": "FeatureCollection", "features": shapes})
        file = self._write(f"{overlay_id}.geojson", data)
        overlay = RegionsOverlay(overlay_id, label, file, declared, len(shapes))
        self._overlays.append(overlay)
        return overlay

    def finish(
        self,
        *,
        tool_id: str,
        tool_version: str,
        tool_digest: str,
        slide: SlideRef,
        parameters: Mapping[str, ParameterValue],
        device: str,
        created: dt.datetime | None = None,
    ) -> ToolOutput:
        """Writes ``output.json`` and returns its content; the runner calls it, not the tool."""
        when = created or dt.datetime.now(dt.UTC)
        output = ToolOutput(
            tool_id=tool_id,
            tool_version=tool_version,
            tool_digest=tool_digest,
            slide=slide,
            parameters=dict(parameters),
            device=device,
            precision=self._precision,
            created=when.astimezone(dt.UTC).isoformat(timespec="seconds"),
            scores=tuple(self._scores),
            findings=tuple(self._findings),
            overlays=tuple(self._overlays),
            messages=tuple(self._messages),
            warnings=tuple(self._warnings),
            timings_s=dict(self._timings),
        )
        (self.folder / OUTPUT_NAME).write_bytes(canonical_json(output.to_json()))
        return output

    def _write(self, name: str, data: bytes) -> OverlayFile:
        (self.folder / name).write_bytes(data)
        return OverlayFile(name, hashlib.sha256(data).hexdigest(), len(data))

    @staticmethod
    def _refuse_twice(new: str, existing: Iterable[str]) -> None:
        if check_id(new) in set(existing):
            raise FieldError(f"the id {new} is given twice")


def _grid(values: NDArray[Any], origin_px: tuple[float, float], scale_px: float) -> Grid:
    if np.ndim(values) != 2:
        raise FieldError("a grid has two dimensions")
    height, width = np.shape(values)
    origin = (float(origin_px[0]), float(origin_px[1]))
    return Grid(int(width), int(height), origin, float(scale_px))


def check_features(features: list[dict[str, Any]], classes: tuple[LabelClass, ...]) -> None:
    """GeoJSON Features with a sound geometry and, where classes exist, a declared class."""
    if len(features) > MAX_REGIONS:
        raise FieldError(f"{len(features)} shapes, {MAX_REGIONS} at most")
    ids = {c.id for c in classes}
    for feature in features:
        if feature.get("type") != "Feature" or not isinstance(feature.get("geometry"), dict):
            raise FieldError("a region is a GeoJSON Feature with a geometry")
        check_geometry(feature["geometry"])
        properties = feature.get("properties") or {}
        if ids and properties.get("class") not in ids:
            raise FieldError("a region's class is not declared")
