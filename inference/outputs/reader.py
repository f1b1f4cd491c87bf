"""Reads a result folder and refuses one that was altered or is incomplete."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import OutputError
from inference.outputs.cells import Cells, decode_cells
from inference.outputs.fields import FieldError, Fields
from inference.outputs.model import (
    CellsOverlay,
    LabelsOverlay,
    Overlay,
    OverlayFile,
    RegionsOverlay,
    ScalarOverlay,
    ToolOutput,
)
from inference.outputs.writer import OUTPUT_NAME, check_features
from inference.text import LocalText

_MAX_JSON_BYTES = 64 * 1024 * 1024


def read_output(folder: Path) -> ToolOutput:
    """Reads and checks a result: fields, ids, sizes, sha256 and content of every file.

    Raises:
        OutputError: something is missing, altered or contradicts its description.
    """
    try:
        output = ToolOutput.from_json(Fields.parse(_description(folder), OUTPUT_NAME))
        for overlay in output.overlays:
            _check_content(overlay, _read_file(folder, overlay.file), output)
    except OSError as error:
        raise _error("output_missing", OUTPUT_NAME) from error
    except (FieldError, ValueError, TypeError) as error:
        raise _error("output_invalid", str(error)) from error
    return output


def read_scalar(folder: Path, overlay: ScalarOverlay) -> NDArray[np.float64]:
    """The (height, width) values of a heatmap, NaN = no data."""
    level = _grid_bytes(folder, overlay).astype(np.float64)
    values = overlay.min + (level - 1) / 254 * (overlay.max - overlay.min)
    values[level == 0] = np.nan
    return values


def read_labels(folder: Path, overlay: LabelsOverlay) -> NDArray[np.uint8]:
    """The (height, width) class codes, 0 = none."""
    return _grid_bytes(folder, overlay)


def read_cells(folder: Path, overlay: CellsOverlay) -> Cells:
    """The cells in file order."""
    return decode_cells(
        _read_file(folder, overlay.file), codes=tuple(c.code for c in overlay.classes)
    )


def read_regions(folder: Path, overlay: RegionsOverlay) -> list[dict[str, Any]]:
    """The GeoJSON Features."""
    features: list[dict[str, Any]] = json.loads(_read_file(folder, overlay.file))["features"]
    return features


def _description(folder: Path) -> bytes:
    path = folder / OUTPUT_NAME
    if path.stat().st_size > _MAX_JSON_BYTES:
        raise FieldError(f"{OUTPUT_NAME} is too large")
    return path.read_bytes()


def _grid_bytes(folder: Path, overlay: ScalarOverlay | LabelsOverlay) -> NDArray[np.uint8]:
    data = _read_file(folder, overlay.file)
    grid = overlay.grid
    return np.frombuffer(data, dtype=np.uint8).reshape(grid.height, grid.width)


def _read_file(folder: Path, file: OverlayFile) -> bytes:
    path = folder / file.name
    if path.is_symlink() or not path.is_file():
        raise _error("output_missing", file.name)
    if path.stat().st_size != file.bytes:
        raise _error("output_altered", file.name)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise _error("output_altered", file.name)
    return data


def _check_content(overlay: Overlay, data: bytes, output: ToolOutput) -> None:
    if isinstance(overlay, ScalarOverlay | LabelsOverlay):
        if len(data) != overlay.grid.width * overlay.grid.height:
            raise FieldError(f"{overlay.id}: the file does not hold width x height values")
        if isinstance(overlay, LabelsOverlay):
            found = set(np.unique(np.frombuffer(data, dtype=np.uint8)).tolist())
            if found - {0, *(c.code for c in overlay.classes)}:
                raise FieldError(f"{overlay.id}: a code without a class")
    elif isinstance(overlay, CellsOverlay):
        _check_cells(overlay, data, output)
    else:
        features = Fields.parse(data, overlay.id).array("features")
        check_features(features, overlay.classes)
        if len(features) != overlay.n:
            raise FieldError(f"{overlay.id}: {len(features)} shapes instead of {overlay.n}")


def _check_cells(overlay: CellsOverlay, data: bytes, output: ToolOutput) -> None:
    cells = decode_cells(data, codes=tuple(c.code for c in overlay.classes))
    if len(cells.xy_px) != overlay.n:
        raise FieldError(f"{overlay.id}: {len(cells.xy_px)} cells instead of {overlay.n}")
    size = output.slide.size
    if overlay.n and (cells.xy_px > (size.width, size.height)).any():
        raise FieldError(f"{overlay.id}: a cell lies outside the slide")


def _error(code: str, what: str) -> OutputError:
    return OutputError(
        code,
        LocalText(
            fr=f"Le résultat est incomplet ou a été modifié ({what}).",
            en=f"The result is incomplete or was altered ({what}).",
        ),
    )
