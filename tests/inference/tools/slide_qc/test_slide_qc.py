"""Scan quality: a planted blur is found, a sharp slide passes, pen and emptiness are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from inference.errors import InputRefused, JobCancelled
from inference.geometry import Size
from inference.outputs import (
    LabelsOverlay,
    ScalarOverlay,
    ToolOutput,
    read_labels,
    read_output,
    read_scalar,
)
from inference.runner import JobSpec, Progress, run
from inference.tools import load_manifest
from inference.tools.slide_qc.focus import blur_width, cell_energies
from inference.tools.slide_qc.verdict import Measures, Rules, all_scores, reasons
from inference.wsi import open_slide

RULES = Rules(max_blur_um=1.5, pass_percent=90.0, fail_percent=70.0)
SIDE = 1536


def section(seed: int = 0, side: int = SIDE) -> NDArray[np.uint8]:
    """A square of pink tissue full of purple nuclei on glass, 1 µm per pixel."""
    rng = np.random.default_rng(seed)
    density = np.zeros((side, side, 3))
    body = slice(side // 12, side - side // 12)
    texture = ndimage.gaussian_filter(rng.normal(0, 1, (side, side)), 1.0)
    density[body, body] = np.array([0.02, 0.26, 0.04]) * (1 + 0.6 * texture[body, body, None])
    nuclei = np.zeros((side, side))
    places = rng.integers(body.start + 6, body.stop - 6, (side * side // 250, 2))
    nuclei[places[:, 0], places[:, 1]] = 1
    y, x = np.mgrid[-4:5, -4:5]
    nuclei = ndimage.maximum_filter(nuclei, footprint=x**2 + y**2 <= 12)
    density += nuclei[..., None] * np.array([0.45, 0.5, 0.2]) * (1 + 0.5 * texture[..., None])
    return np.clip(244 * 10.0**-density, 0, 255).astype(np.uint8)


def blurred(rgb: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    planes = [ndimage.gaussian_filter(rgb[..., i].astype(float), sigma) for i in range(3)]
    return np.rint(np.stack(planes, axis=-1)).astype(np.uint8)


@pytest.fixture
def judge(write_slide: Callable[..., Path], tmp_path: Path) -> Callable[..., ToolOutput]:
    def run_on(rgb: NDArray[np.uint8], *, name: str = "a", **options: object) -> ToolOutput:
        path = write_slide(rgb, name=f"{name}.svs", mpp=1.0, downsamples=(1,))
        job = JobSpec("slide_qc", path, tmp_path / f"result_{name}", "HE")
        return run(replace(job, **options))

    return run_on


def verdict(output: ToolOutput) -> str:
    category = output.score("verdict").category
    assert category is not None
    return category.code


def test_sharp_section_passes(judge, tmp_path: Path) -> None:
    output = judge(section())
    assert verdict(output) == "pass"
    assert output.score("in_focus_percent").value == 100.0
    side_mm = SIDE * 10 / 12 / 1000
    assert abs(output.score("tissue_area_mm2").value - side_mm**2) < 0.03 * side_mm**2
    assert abs(output.score("tissue_percent").value - 100 * (10 / 12) ** 2) < 2
    assert read_output(tmp_path / "result_a") == output
    assert output.findings == ()
    declared = load_manifest("slide_qc")
    assert [s.id for s in output.scores] == [s.id for s in declared.scores]
    assert [(o.id, o.kind) for o in output.overlays] == [(o.id, o.kind) for o in declared.overlays]


def test_planted_blur_is_found_where_it_is(judge, tmp_path: Path) -> None:
    rgb = section()
    half = SIDE // 2
    rgb[:, half:] = blurred(rgb, 3.0)[:, half:]
    output = judge(rgb)
    assert verdict(output) == "fail"
    assert 40 < output.score("in_focus_percent").value < 60
    focus = output.overlay("focus")
    assert isinstance(focus, ScalarOverlay)
    values = read_scalar(tmp_path / "result_a", focus)
    assert focus.grid.scale_px == 128.0
    assert np.nanmax(values[:, :5]) < 1.5
    assert np.nanmin(values[:, 7:]) > 1.5
    assert abs(np.nanmedian(values[:, 7:]) - 3.0) < 0.5
    labels = output.overlay("tissue")
    assert isinstance(labels, LabelsOverlay)
    codes = read_labels(tmp_path / "result_a", labels)
    names = {c.code: c.id for c in labels.classes}
    assert names[int(codes[96, 40])] == "tissue"
    assert names[int(codes[96, 150])] == "blurred"
    assert codes[2, 2] == 0
    (finding,) = output.findings
    assert finding.kind == "blurred"
    assert abs(finding.region.x - half) <= 128
    assert finding.region.right <= SIDE


@pytest.mark.parametrize("gain", [0.35, 1.0])
@pytest.mark.parametrize("sigma", [2.0, 3.0, 4.0, 6.0])
def test_blur_width_does_not_depend_on_the_strength_of_the_stain(gain, sigma) -> None:
    pale = (244 - gain * (244 - section(side=1024).astype(float))).astype(np.uint8)
    tile = np.full((1040, 1040, 3), 244, np.uint8)
    tile[8:-8, 8:-8] = blurred(pale, sigma)
    energies = cell_energies(tile, dark_field=False)[:, 24:104, 24:104].mean(axis=(1, 2))
    width = float(blur_width(energies))
    assert 0.6 * sigma < width < 1.5 * sigma


def test_cells_of_a_tile_are_those_inside_the_margin() -> None:
    tile = np.full((80, 80, 3), 200, np.uint8)
    tile[8 + 20, 8 + 35] = 0
    energies = cell_energies(tile, dark_field=False)
    assert energies.shape == (4, 8, 8)
    rows, columns = np.nonzero(energies[0])
    assert (set(rows), set(columns)) == ({2}, {4})


def test_settings_change_the_verdict(judge) -> None:
    rgb = blurred(section(), 2.0)
    assert verdict(judge(rgb, name="strict")) == "fail"
    assert verdict(judge(rgb, name="lenient", parameters={"max_blur_um": 3.0})) == "pass"
    with pytest.raises(InputRefused) as caught:
        judge(rgb, name="odd", parameters={"fail_percent": 95.0})
    assert caught.value.code == "thresholds_not_rising"


def test_pen_asks_for_a_review(judge, tmp_path: Path) -> None:
    rgb = section()
    rgb[200:280, 200:1300] = (20, 150, 110)
    output = judge(rgb)
    assert verdict(output) == "review"
    area = output.score("verdict").details["pen_green_mm2"]
    assert 0.08 < area < 0.16
    labels = output.overlay("tissue")
    assert isinstance(labels, LabelsOverlay)
    codes = read_labels(tmp_path / "result_a", labels)
    green = next(c.code for c in labels.classes if c.id == "pen_green")
    assert codes[30, 90] == green
    assert "feutre" in output.score("verdict").interpretation.fr


def test_empty_slide_fails_with_a_reason(judge) -> None:
    output = judge(np.full((600, 700, 3), 243, np.uint8))
    assert verdict(output) == "fail"
    assert output.score("in_focus_percent").value is None
    assert output.score("in_focus_percent").n == 0
    assert "no tissue" in output.score("verdict").interpretation.en


def test_special_stain_says_what_is_not_looked_for(judge) -> None:
    output = judge(section(), stain="OTHER")
    assert len(output.warnings) == 1
    assert "trichrome" in output.warnings[0].fr


def test_progress_has_a_rate_and_cancel_stops(judge, write_slide, tmp_path: Path) -> None:
    path = write_slide(section(), name="b.svs", mpp=1.0, downsamples=(1,))
    seen: list[Progress] = []
    spec = JobSpec("slide_qc", path, tmp_path / "result", "HE")
    run(spec, progress=seen.append)
    assert [p.stage for p in seen if p.done == p.total] == [
        "open",
        "tissue",
        "detect",
        "score",
        "write",
    ]
    assert all(p.rate_per_s > 0 for p in seen if p.stage == "detect" and p.done)
    assert seen[-1].fraction == 1.0
    stop = replace(spec, output_dir=tmp_path / "other")
    with pytest.raises(JobCancelled):
        run(stop, cancel=lambda: any(p.stage == "detect" for p in seen))
    assert not (tmp_path / "other").exists()


def measures(**changes: object) -> Measures:
    base = Measures(
        tissue_percent=30.0,
        tissue_mm2=50.0,
        in_focus_percent=99.0,
        blocks=3000,
        blocks_blurred=30,
        unmeasured_percent=2.0,
        median_blur_um=0.8,
        pen_mm2={"red": 0.0},
    )
    return replace(base, **changes)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"in_focus_percent": 90.0}, []),
        ({"in_focus_percent": 89.9}, ["review"]),
        ({"in_focus_percent": 70.0}, ["review"]),
        ({"in_focus_percent": 69.9}, ["fail"]),
        ({"in_focus_percent": None}, ["review"]),
        ({"tissue_mm2": 0.04, "in_focus_percent": None}, ["fail"]),
        ({"tissue_mm2": 0.1}, ["review"]),
        ({"pen_mm2": {"red": 1.02}}, []),
        ({"pen_mm2": {"red": 1.03}}, ["review"]),
        ({"unmeasured_percent": 31.0}, ["review"]),
        ({"pen_mm2": {"red": 9.0}, "in_focus_percent": 10.0}, ["fail", "review"]),
    ],
)
def test_verdict_rules(changes: dict, codes: list[str]) -> None:
    found = reasons(measures(**changes), RULES)
    assert [r.category.code for r in found] == codes
    score = all_scores(measures(**changes), RULES)[-1]
    assert score.category.code == (codes[0] if codes else "pass")


def test_french_numbers_have_a_comma() -> None:
    text = all_scores(measures(in_focus_percent=88.25), RULES)[-1].interpretation
    assert text.fr == "À vérifier : 88,2 % du tissu net : voir les zones floues."
    assert text.en == "To review: 88.2 % of the tissue in focus: see the blurred areas."


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "stain", "mpp"),
    [
        ("CMU-1-Small-Region.svs", "HE", None),
        ("fluo-DAPI.ndpi", "FLUO", None),
        ("tma_core_HE.ome.tif", "HE", None),
        ("TCGA-CR-7395-01A-01-TS1.svs", "HE", 0.5),
    ],
)
def test_real_slides_pass(real_slides: Path, tmp_path: Path, name, stain, mpp) -> None:
    output = run(JobSpec("slide_qc", real_slides / name, tmp_path / "out", stain, mpp=mpp))
    assert verdict(output) == "pass"
    assert output.score("in_focus_percent").value == 100.0


@pytest.mark.real_data
@pytest.mark.parametrize("sigma_um", [2.0, 3.0, 4.0])
def test_real_slide_blurred_on_purpose_fails(
    real_slides: Path, write_slide: Callable[..., Path], tmp_path: Path, sigma_um: float
) -> None:
    with open_slide(real_slides / "CMU-1-Small-Region.svs") as slide:
        rgb = slide.read_thumbnail(10_000)
        assert (rgb.shape[1], rgb.shape[0]) == (slide.properties.size.width, 2967)
    path = write_slide(blurred(rgb, sigma_um / 0.499), mpp=0.499, downsamples=(1,))
    output = run(JobSpec("slide_qc", path, tmp_path / "out", "HE"))
    assert verdict(output) == "fail"
    median = output.score("in_focus_percent").details["median_blur_um"]
    assert 0.75 * sigma_um < median < 1.35 * sigma_um
    assert output.slide.size == Size(2220, 2967)
