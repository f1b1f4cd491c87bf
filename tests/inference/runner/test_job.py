"""The runner: whole result or none, checks before work, progress, cancel."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.errors import InputRefused, JobCancelled, OutputError, SlideError, ToolError
from inference.outputs import Score, read_output
from inference.runner import JobSpec, Progress, run
from inference.runner.progress import ProgressReporter
from inference.text import LocalText
from inference.tools import RunContext, ToolManifest, load_manifest, tool_digest
from inference.wsi import slide_checksum

NAME = LocalText(fr="Nom", en="Name")


class OneScore:
    """A tool that reports some progress and writes one score."""

    def __init__(self, fail: Exception | None = None) -> None:
        self.manifest: ToolManifest = load_manifest("slide_qc")
        self.fail = fail

    def run(self, context: RunContext) -> None:
        for done in range(5):
            context.progress("detect", done, 4, rate_per_s=2.0)
        context.output.add_score(Score("tissue_percent", NAME, float(context.seed), "%", NAME))
        if self.fail is not None:
            raise self.fail


@pytest.fixture
def spec(write_slide: Callable[..., Path], tmp_path: Path) -> JobSpec:
    slide = write_slide(np.full((128, 128, 3), 240, np.uint8))
    return JobSpec("slide_qc", slide, tmp_path / "results" / "job", "HE", seed=3)


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> OneScore:
    tool = OneScore()
    monkeypatch.setattr("inference.runner.job.load_tool", lambda _: tool)
    return tool


def left_over(spec: JobSpec) -> list[str]:
    parent = spec.output_dir.parent
    return sorted(p.name for p in parent.iterdir()) if parent.exists() else []


@pytest.mark.usefixtures("tool")
def test_result_is_complete_and_says_where_it_comes_from(spec: JobSpec) -> None:
    sha = slide_checksum(spec.slide_path)
    spec = replace(spec, slide_sha256=sha, tool_digest=tool_digest("slide_qc"))
    output = run(spec)
    assert left_over(spec) == ["job"]
    assert read_output(spec.output_dir) == output
    assert output.score("tissue_percent").value == 3.0
    assert (output.tool_id, output.tool_digest) == ("slide_qc", tool_digest("slide_qc"))
    assert (output.slide.sha256, output.slide.size.width) == (sha, 128)
    assert output.parameters["max_blur_um"] == 1.5
    assert output.timings_s["total"] > 0


@pytest.mark.usefixtures("tool")
def test_same_job_gives_the_same_bytes_but_for_time(spec: JobSpec, tmp_path: Path) -> None:
    described = []
    for name in ("a", "b"):
        run(replace(spec, output_dir=tmp_path / name))
        data = json.loads((tmp_path / name / "output.json").read_bytes())
        del data["created"], data["timings_s"]
        described.append(data)
    assert described[0] == described[1]


@pytest.mark.usefixtures("tool")
def test_progress_rises_to_the_end_of_the_stages(spec: JobSpec) -> None:
    seen: list[Progress] = []
    run(spec, progress=seen.append)
    fractions = [p.fraction for p in seen]
    assert fractions == sorted(fractions)
    assert seen[0] == Progress("open", 0, 1, 0.0)
    assert seen[-1] == Progress("detect", 4, 4, 0.8, 2.0)


def test_features_take_the_share_of_a_missing_detection() -> None:
    seen: list[Progress] = []
    report = ProgressReporter(seen.append, None)
    report("features", 1, 2)
    report("write", 0, 0)
    report("unknown", 1, 2)
    report("tissue", 1, 2)
    assert [round(p.fraction, 3) for p in seen] == [0.49, 0.95, 0.95, 0.95]


@pytest.mark.usefixtures("tool")
@pytest.mark.parametrize("after", [0, 3, 6, 7])
def test_cancel_leaves_nothing(spec: JobSpec, after: int) -> None:
    asked = 0

    def cancel() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(JobCancelled):
        run(spec, cancel=cancel)
    assert left_over(spec) == []


@pytest.mark.parametrize(
    ("fail", "kind", "code"),
    [
        (ZeroDivisionError("x"), ToolError, "tool_failed"),
        (InputRefused("too_few", NAME), InputRefused, "too_few"),
        (SlideError("slide_damaged", NAME), SlideError, "slide_damaged"),
    ],
)
def test_failing_tool_leaves_nothing(spec, tool, fail, kind, code) -> None:
    tool.fail = fail
    with pytest.raises(kind) as caught:
        run(spec)
    assert caught.value.code == code
    assert left_over(spec) == []


@pytest.mark.usefixtures("tool")
@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"stain": "XX"}, InputRefused, "wrong_stain"),
        ({"mpp": 3.0}, InputRefused, "mpp_out_of_range"),
        ({"parameters": {"max_blur_um": 99.0}}, InputRefused, "parameter_invalid"),
        ({"parameters": {"max_blur_um": float("nan")}}, InputRefused, "parameter_invalid"),
        ({"parameters": {"max_blur_um": True}}, InputRefused, "parameter_invalid"),
        ({"parameters": {"other": 1}}, InputRefused, "parameter_unknown"),
        ({"tool_digest": "0" * 64}, ToolError, "tool_digest_mismatch"),
        ({"slide_sha256": "0" * 64}, SlideError, "slide_altered"),
        ({"slide_path": Path("nowhere.svs")}, SlideError, "slide_missing"),
        ({"tool_id": "no_such_tool"}, ToolError, "tool_unknown"),
    ],
)
def test_refused_before_any_work(spec, change, kind, code) -> None:
    with pytest.raises(kind) as caught:
        run(replace(spec, **change))
    assert caught.value.code == code
    assert caught.value.message.fr != caught.value.message.en
    assert left_over(spec) == []


@pytest.mark.usefixtures("tool")
def test_missing_resolution_is_asked_for(write_slide, spec: JobSpec) -> None:
    path = write_slide(np.full((64, 64, 3), 240, np.uint8), name="none.svs", mpp=None)
    with pytest.raises(InputRefused) as caught:
        run(replace(spec, slide_path=path))
    assert caught.value.code == "mpp_missing"
    assert run(replace(spec, slide_path=path, mpp=0.4)).slide.mpp.mean == 0.4


@pytest.mark.usefixtures("tool")
def test_a_result_is_never_replaced(spec: JobSpec) -> None:
    spec.output_dir.mkdir(parents=True)
    run(spec)
    before = (spec.output_dir / "output.json").read_bytes()
    with pytest.raises(OutputError) as caught:
        run(spec)
    assert caught.value.code == "output_exists"
    assert (spec.output_dir / "output.json").read_bytes() == before
