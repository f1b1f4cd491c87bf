"""What the writer writes, the reader and an independent parser read."""

from __future__ import annotations

import datetime as dt
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.errors import OutputError
from inference.geometry import Mpp, Region, Size
from inference.outputs import (
    Category,
    CellClass,
    CellsOverlay,
    Finding,
    Interval,
    LabelClass,
    LabelsOverlay,
    OutputWriter,
    RegionsOverlay,
    ScalarOverlay,
    Score,
    SlideRef,
    ToolOutput,
    decode_cells,
    encode_cells,
    read_cells,
    read_labels,
    read_output,
    read_regions,
    read_scalar,
)
from inference.outputs.fields import FieldError
from inference.text import LocalText

NAME = LocalText(fr="Nom", en="Name")
CELLS = (
    CellClass(0, "negative", NAME, "#56b4e9"),
    CellClass(3, "strong", NAME, "#d55e00", "diamond"),
)
LABELS = (LabelClass(1, "tumour", NAME, "#d55e00"), LabelClass(4, "stroma", NAME, "#009e73"))
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 0]]]}
WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def finish(writer: OutputWriter) -> ToolOutput:
    return writer.finish(
        tool_id="some_tool",
        tool_version="1.0.0",
        tool_digest="ab" * 32,
        slide=SlideRef(Size(10_000, 9_000), Mpp(0.25, 0.26), "cd" * 32),
        parameters={"threshold": 0.5, "fast": True},
        device="cpu",
        created=WHEN,
    )


def filled(folder: Path) -> ToolOutput:
    writer = OutputWriter(folder)
    writer.add_score(
        Score(
            "index",
            NAME,
            12.5,
            "%",
            NAME,
            n=512,
            interval=Interval(9.9, 15.6, "Wilson"),
            category=Category("low", NAME),
            thresholds=(5.0, 30.0),
            details={"cells": 512, "ratio": 0.125, "how": "all"},
        )
    )
    writer.add_score(Score("empty", NAME, None, "", NAME))
    writer.add_finding(Finding("spot", "hotspot", NAME, SQUARE, Region(0, 0, 9, 9), 0.5, {"a": 1}))
    values = np.array([[0.0, 1.0, np.nan], [0.5, 2.0, -3.0]])
    writer.add_scalar(
        "heat",
        NAME,
        values,
        origin_px=(0, 0),
        scale_px=512,
        unit="%",
        min=0,
        max=1,
        default_threshold=0.5,
        colormap="magma",
    )
    codes = np.array([[0, 1], [4, 4]])
    writer.add_labels("zones", NAME, codes, origin_px=(8, 16), scale_px=32.5, classes=LABELS)
    writer.add_cells(
        "cells",
        NAME,
        xy_px=np.array([[1.0, 2.0], [9_000.5, 8_000.25], [4095.99, 0.0]]),
        class_code=np.array([0, 3, 3]),
        probability=np.array([0.0, 1.0, 0.5]),
        classes=CELLS,
        radius_um=4.0,
        seed=7,
    )
    shape = {"type": "Feature", "geometry": SQUARE, "properties": {"class": "tumour"}}
    writer.add_regions("areas", NAME, [shape], classes=LABELS)
    writer.add_message(NAME)
    writer.add_warning(NAME)
    writer.add_timing("detect", 1.25)
    writer.set_precision("float32")
    return finish(writer)


def test_reader_returns_what_was_written(tmp_path: Path) -> None:
    written = filled(tmp_path)
    assert read_output(tmp_path) == written
    assert written.created == "2026-01-02T03:04:05+00:00"
    assert written.score("index").interval == Interval(9.9, 15.6, "Wilson", 0.95)
    assert [o.kind for o in written.overlays] == ["scalar", "labels", "cells", "regions"]


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    filled(tmp_path / "a")
    filled(tmp_path / "b")
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert names == ["areas.geojson", "cells.cel1", "heat.u8", "output.json", "zones.u8"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_scalar_bytes_follow_the_formula(tmp_path: Path) -> None:
    overlay = filled(tmp_path).overlay("heat")
    assert isinstance(overlay, ScalarOverlay)
    raw = (tmp_path / "heat.u8").read_bytes()
    # min -> 1, max -> 255, beyond is clipped, NaN -> 0.
    assert list(raw) == [1, 255, 0, 128, 255, 1]
    np.testing.assert_allclose(
        read_scalar(tmp_path, overlay), [[0, 1, np.nan], [0.5, 1, 0]], rtol=0, atol=1e-12
    )


def test_labels_and_regions_come_back(tmp_path: Path) -> None:
    output = filled(tmp_path)
    labels, areas = output.overlay("zones"), output.overlay("areas")
    assert isinstance(labels, LabelsOverlay)
    assert isinstance(areas, RegionsOverlay)
    assert read_labels(tmp_path, labels).tolist() == [[0, 1], [4, 4]]
    assert labels.grid.origin_px == (8.0, 16.0)
    assert read_regions(tmp_path, areas)[0]["geometry"] == SQUARE


def test_cells_come_back_within_a_sixteenth(tmp_path: Path) -> None:
    overlay = filled(tmp_path).overlay("cells")
    assert isinstance(overlay, CellsOverlay)
    cells = read_cells(tmp_path, overlay)
    found = sorted(zip(cells.xy_px.tolist(), cells.class_code.tolist(), strict=True))
    assert found == [
        ([1.0, 2.0], 0),
        ([4095.9375, 0.0], 3),
        ([9000.5, 8000.25], 3),
    ]


def parse_cel1(data: bytes) -> tuple[dict, list[tuple[float, float, int, int]]]:
    """The format as its description says, with struct alone."""
    assert data[:4] == b"CEL1"
    (length,) = struct.unpack_from("<I", data, 4)
    assert (8 + length) % 4 == 0
    header = json.loads(data[8 : 8 + length].decode())
    n, body, rows = header["n"], 8 + length, []
    assert len(data) == body + 6 * n
    for chunk in header["chunks"]:
        for i in range(chunk["first"], chunk["first"] + chunk["count"]):
            x, y = struct.unpack_from("<HH", data, body + 4 * i)
            code, level = data[body + 4 * n + i], data[body + 5 * n + i]
            rows.append((chunk["cx"] * 4096 + x / 16, chunk["cy"] * 4096 + y / 16, code, level))
    return header, rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.floats(0, 50_000), st.floats(0, 50_000), st.sampled_from([0, 3]), st.floats(0, 1)
        ),
        max_size=60,
    ),
    st.integers(0, 2**31),
)
def test_independent_parser_agrees(rows: list[tuple[float, float, int, float]], seed: int) -> None:
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    data, order = encode_cells(
        table[:, :2], table[:, 2].astype(int), table[:, 3], codes=(0, 3), seed=seed
    )
    header, parsed = parse_cel1(data)
    assert (header["tile"], header["scale"], header["n"]) == (4096, 16, len(rows))
    assert sorted(order.tolist()) == list(range(len(rows)))
    for row, source in zip(parsed, order, strict=True):
        x, y, code, probability = rows[source]
        assert abs(row[0] - x) <= 1 / 16
        assert abs(row[1] - y) <= 1 / 16
        assert row[2] == code
        assert abs(row[3] - probability * 255) <= 0.5
    for chunk in header["chunks"]:
        codes = [r[2] for r in parsed[chunk["first"] : chunk["first"] + chunk["count"]]]
        assert chunk["counts"] == [codes.count(c) for c in range(4)]
    again = decode_cells(data, codes=(0, 3))
    assert again.xy_px.tolist() == [[r[0], r[1]] for r in parsed]


def test_order_inside_a_chunk_is_random_but_repeatable() -> None:
    n = 1000
    xy = np.stack([np.arange(n), np.zeros(n)], axis=1)
    args = (xy, np.zeros(n, int), np.ones(n))
    first, order = encode_cells(*args, codes=(0,), seed=1)
    assert first == encode_cells(*args, codes=(0,), seed=1)[0]
    assert first != encode_cells(*args, codes=(0,), seed=2)[0]
    # A prefix is an unbiased sample: its mean x is near the middle.
    assert abs(xy[order[:100], 0].mean() - n / 2) < 100


@pytest.mark.parametrize("name", ["heat.u8", "zones.u8", "cells.cel1", "areas.geojson"])
def test_altered_file_is_detected(tmp_path: Path, name: str) -> None:
    filled(tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    data[-1] ^= 1
    (tmp_path / name).write_bytes(bytes(data))
    with pytest.raises(OutputError) as caught:
        read_output(tmp_path)
    assert caught.value.code == "output_altered"
    (tmp_path / name).unlink()
    with pytest.raises(OutputError) as caught:
        read_output(tmp_path)
    assert caught.value.code == "output_missing"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["overlays"][0].update(width=4), "width x height"),
        (lambda d: d["overlays"][0].update(file="../heat.u8"), "form"),
        (lambda d: d["overlays"][1]["classes"].pop(), "without a class"),
        (lambda d: d["overlays"][2].update(n=4), "cells instead"),
        (lambda d: d["overlays"][2]["classes"].pop(), "not declared"),
        (lambda d: d["slide"].update(width=100), "outside the slide"),
        (lambda d: d["overlays"].append(d["overlays"][0]), "share an id"),
        (lambda d: d["scores"][0].update(value="12"), "a number"),
        (lambda d: d["scores"][0].pop("label"), "label is missing"),
        (lambda d: d.update(format="portrait-output/9"), "one of"),
        (lambda d: d["findings"][0].update(region=[1, 2, 3]), "4 numbers"),
    ],
)
def test_contradicting_description_is_refused(tmp_path: Path, change, words: str) -> None:
    filled(tmp_path)
    path = tmp_path / "output.json"
    described = json.loads(path.read_text())
    change(described)
    path.write_text(json.dumps(described))
    with pytest.raises(OutputError, match=words) as caught:
        read_output(tmp_path)
    assert caught.value.code == "output_invalid"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": NaN}', b"\xff"])
def test_broken_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "output.json").write_bytes(content)
    with pytest.raises(OutputError) as caught:
        read_output(tmp_path)
    assert caught.value.code == "output_invalid"


def test_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    filled(folder)
    moved = tmp_path / "heat.u8"
    (folder / "heat.u8").rename(moved)
    (folder / "heat.u8").symlink_to(moved)
    with pytest.raises(OutputError) as caught:
        read_output(folder)
    assert caught.value.code == "output_missing"


def test_missing_result_names_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        read_output(tmp_path / "nowhere")
    assert caught.value.code == "output_missing"
    assert str(tmp_path) not in caught.value.message.en


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_not_a_number_is_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(FieldError):
        Score("index", NAME, value, "%", NAME)
    with pytest.raises(FieldError):
        Score("index", NAME, 1.0, "%", NAME, details={"x": value})
    with pytest.raises(FieldError):
        Interval(value, 1.0, "Wilson")
    writer = OutputWriter(tmp_path)
    with pytest.raises(FieldError):
        writer.add_cells(
            "cells",
            NAME,
            xy_px=np.array([[value, 1.0]]),
            class_code=np.array([0]),
            probability=np.array([1.0]),
            classes=CELLS,
            radius_um=1.0,
        )


def test_writer_refuses_what_does_not_fit(tmp_path: Path) -> None:
    writer = OutputWriter(tmp_path)
    place = {"origin_px": (0.0, 0.0), "scale_px": 1.0}
    writer.add_labels("zones", NAME, np.zeros((1, 1)), classes=LABELS, **place)
    with pytest.raises(FieldError, match="twice"):
        writer.add_labels("zones", NAME, np.zeros((1, 1)), classes=LABELS, **place)
    with pytest.raises(FieldError, match="without a class"):
        writer.add_labels("other", NAME, np.full((1, 1), 9), classes=LABELS, **place)
    with pytest.raises(FieldError, match="4096"):
        writer.add_labels("other", NAME, np.zeros((1, 4097)), classes=LABELS, **place)
    with pytest.raises(FieldError, match="is not an id"):
        writer.add_labels("Other", NAME, np.zeros((1, 1)), classes=LABELS, **place)
    with pytest.raises(FieldError, match="infinite"):
        writer.add_scalar("heat", NAME, np.full((1, 1), np.inf), unit="", min=0, max=1, **place)
    with pytest.raises(FieldError, match="5001 shapes"):
        writer.add_regions("areas", NAME, [{}] * 5001)
    shape = {"type": "Feature", "geometry": SQUARE, "properties": {"class": "x"}}
    with pytest.raises(FieldError, match="not declared"):
        writer.add_regions("areas", NAME, [shape], classes=LABELS)
    with pytest.raises(FieldError, match="negative"):
        encode_cells(np.array([[-1.0, 0]]), np.array([0]), np.array([1]), codes=(0,), seed=0)
    with pytest.raises(FieldError, match=r"0\.\.1"):
        encode_cells(np.array([[1.0, 0]]), np.array([0]), np.array([1.5]), codes=(0,), seed=0)


@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"type": "Circle", "coordinates": [0, 0]},
        {"type": "Point", "coordinates": [0, float("nan")]},
        {"type": "Point", "coordinates": [0]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[0, 0], [1, 1]]},
    ],
)
def test_wrong_geometry_is_refused(geometry: dict) -> None:
    with pytest.raises(FieldError):
        Finding("spot", "hotspot", NAME, geometry, Region(0, 0, 1, 1))
