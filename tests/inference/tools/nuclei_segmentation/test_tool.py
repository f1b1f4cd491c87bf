"""From a slide file to counts and overlays, with the committed weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from inference.errors import InputRefused, JobCancelled, ToolError
from inference.geometry import Mpp
from inference.nuclei.matching import detection_quality
from inference.outputs import CellsOverlay, ScalarOverlay, read_cells
from inference.runner import JobSpec, Progress, run
from inference.tissue import TissueMask
from inference.tools import load_manifest, load_tool
from inference.tools.nuclei_segmentation.tool import density_map, scores

MPP = 0.5
SIDE = 480


@pytest.fixture(scope="module")
def field() -> tuple[np.ndarray, np.ndarray]:
    """A small H&E-like field: purple nuclei on pink; their centres."""
    rng = np.random.default_rng(11)
    places = (np.indices((14, 14)).reshape(2, -1).T * 33 + 24).astype(float)
    xy = places + rng.uniform(-5, 5, places.shape)
    radius = rng.uniform(7, 10, len(xy))
    y, x = np.indices((SIDE, SIDE)) + 0.5
    purple = np.zeros((SIDE, SIDE))
    for (cx, cy), r in zip(xy, radius, strict=True):
        purple = np.maximum(purple, np.clip(r - np.hypot(x - cx, y - cy) + 0.5, 0, 1))
    purple = ndimage.gaussian_filter(purple, 0.8)[..., None]
    texture = ndimage.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 2)[..., None] * 20
    rgb = (1 - purple) * (226, 178, 208) + purple * (98, 62, 142) + texture
    return np.clip(rgb + rng.normal(0, 2, rgb.shape), 0, 255).astype(np.uint8), xy


@pytest.fixture
def spec(
    write_slide: Callable[..., Path], field: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> JobSpec:
    slide = write_slide(field[0], mpp=MPP)
    return JobSpec("nuclei_segmentation", slide, tmp_path / "results" / "job", "HE")


def test_counts_what_is_planted(spec: JobSpec, field: tuple[np.ndarray, np.ndarray]) -> None:
    seen: list[Progress] = []
    output = run(spec, progress=seen.append)
    cells, density = output.overlays
    assert isinstance(cells, CellsOverlay)
    assert isinstance(density, ScalarOverlay)
    found = read_cells(spec.output_dir, cells)
    quality = detection_quality(found.xy_px, field[1], 6.0)
    assert quality.f1 >= 0.9
    values = {s.id: s for s in output.scores}
    n = values["nuclei"].n
    assert values["nuclei"].value == cells.n == n
    assert values["density"].unit == "/mm²"
    assert values["density"].value == pytest.approx(n / (SIDE * MPP / 1000) ** 2, rel=0.03)
    assert 20 < values["mean_area"].value < 120
    assert [c.id for c in cells.classes] == ["nucleus"]
    assert density.unit == "/mm²"
    detect = [p for p in seen if p.stage == "detect"]
    assert detect[-1].done == detect[-1].total > 0
    assert detect[-1].rate_per_s is not None


def test_same_slide_same_bytes(spec: JobSpec, tmp_path: Path) -> None:
    run(spec)
    again = JobSpec(spec.tool_id, spec.slide_path, tmp_path / "results" / "again", "HE")
    run(again)
    names = sorted(p.name for p in spec.output_dir.iterdir() if p.name != "output.json")
    assert names == ["cells.cel1", "density.u8"]
    for name in names:
        assert (spec.output_dir / name).read_bytes() == (again.output_dir / name).read_bytes()


def test_other_stains_and_resolutions_are_refused(spec: JobSpec) -> None:
    for changed, code in (({"stain": "KI67"}, "wrong_stain"), ({"mpp": 2.0}, "mpp_out_of_range")):
        wrong = JobSpec(
            spec.tool_id, spec.slide_path, spec.output_dir, **{"stain": "HE", **changed}
        )
        with pytest.raises(InputRefused) as refused:
            run(wrong)
        assert refused.value.code == code
    assert not spec.output_dir.exists()


def test_it_stops_when_asked(spec: JobSpec) -> None:
    stages: list[str] = []
    with pytest.raises(JobCancelled):
        run(spec, progress=lambda p: stages.append(p.stage), cancel=lambda: "detect" in stages)
    assert stages[-1] == "detect"
    assert not spec.output_dir.exists()


def test_altered_weights_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spec: JobSpec
) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"other")
    monkeypatch.setattr("inference.tools.nuclei_segmentation.tool.WEIGHTS", path)
    with pytest.raises(ToolError) as refused:
        run(spec)
    assert refused.value.code == "tool_altered"


def test_no_torch_before_run() -> None:
    load_tool("nuclei_segmentation")
    code = (
        "import sys; from inference.tools import load_tool; load_tool('nuclei_segmentation');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_manifest_says_what_is_written(spec: JobSpec) -> None:
    manifest, output = load_manifest("nuclei_segmentation"), run(spec)
    assert [s.id for s in manifest.scores] == [s.id for s in output.scores]
    assert [(o.id, o.kind) for o in manifest.overlays] == [(o.id, o.kind) for o in output.overlays]
    assert manifest.has_trained_weights
    assert manifest.evidence[0].value > 0.67


def test_without_nuclei_or_tissue_no_ratio_is_invented() -> None:
    count, density, area = scores(np.empty(0, np.float32), 0.0)
    assert (count.value, density.value, area.value) == (0.0, None, None)


def test_density_is_per_area_of_tissue() -> None:
    mask = np.zeros((20, 20), np.bool_)
    mask[:10, :5] = True  # half of bin (0, 0); bin (1, 1) has no tissue
    tissue = TissueMask(mask, np.zeros((20, 20), np.uint8), (0.0, 0.0), 10.0, dark_field=False)
    xy = np.array([[5, 5], [40, 90], [20, 30]], np.float32)
    found = density_map(xy, tissue, Mpp(1.0, 1.0), bin_px=100.0, shape=(2, 2))
    assert found[0, 0] == pytest.approx(3 / 0.005)
    assert np.isnan(found).tolist() == [[False, True], [True, True]]
