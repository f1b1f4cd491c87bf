"""The tool from the file of a slide to the folder of a result."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from inference.errors import InputRefused, JobCancelled
from inference.nuclei.detection import Nuclei
from inference.nuclei.matching import detection_quality
from inference.outputs import (
    CellsOverlay,
    ScalarOverlay,
    Score,
    ToolOutput,
    read_cells,
    read_scalar,
)
from inference.runner import JobSpec, Progress, run
from inference.tools import load_manifest
from inference.tools.nuclear_ihc import tool as tool_module
from tests.inference.planted import WHITE, plant

GLASS_UM = 60.0
MATCH_UM = 4.0


@dataclass(frozen=True)
class PlantedSlide:
    path: Path
    mpp: float
    xy_px: NDArray[np.float64]
    truth: float  # labelling index, %


def write_slide(path: Path, rgb: NDArray[np.uint8]) -> Path:
    tifffile.imwrite(
        path,
        rgb,
        tile=(256, 256),
        photometric="rgb",
        compression="jpeg",
        compressionargs={"level": 85},
    )
    return path


def planted_slide(folder: Path, *, share: float, mpp: float = 0.5, seed: int = 0) -> PlantedSlide:
    """A piece of tissue of 0.7 mm with glass around."""
    field = plant(side_um=700.0, mpp=mpp, seed=seed, brown_share=share)
    glass = round(GLASS_UM / mpp)
    margin = ((glass, glass), (glass, glass))
    channels = [np.pad(field.rgb[..., c], margin, constant_values=int(WHITE[c])) for c in range(3)]
    path = write_slide(folder / f"planted_{mpp}_{share}.tif", np.stack(channels, axis=-1))
    return PlantedSlide(path, mpp, field.xy + glass, 100.0 * float((field.dab > 0).mean()))


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> dict[float, PlantedSlide]:
    folder = tmp_path_factory.mktemp("slides")
    return {share: planted_slide(folder, share=share) for share in (0.05, 0.2, 0.5)}


def job(slide: PlantedSlide, out: Path, **options: Any) -> JobSpec:
    return JobSpec("nuclear_ihc", slide.path, out, **{"stain": "KI67", "mpp": slide.mpp, **options})


def score(output: ToolOutput, score_id: str) -> Score:
    return next(s for s in output.scores if s.id == score_id)


def cells_of(output: ToolOutput) -> CellsOverlay:
    return next(o for o in output.overlays if isinstance(o, CellsOverlay))


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_planted_index_and_nuclei_are_found(
    slides: dict[float, PlantedSlide], share: float, tmp_path: Path
) -> None:
    slide = slides[share]
    output = run(job(slide, tmp_path / "out"))
    index = score(output, "labelling_index")
    assert index.value == pytest.approx(slide.truth, abs=2.0)
    assert index.interval is not None
    assert index.interval.low < index.value < index.interval.high
    found = read_cells(tmp_path / "out", cells_of(output))
    assert len(found.xy_px) == index.n
    quality = detection_quality(found.xy_px, slide.xy_px, MATCH_UM / slide.mpp)
    assert quality.f1 >= 0.98
    assert 100 * (found.class_code > 0).mean() == pytest.approx(index.value)
    assert (found.probability >= 0.5 - 1 / 255).all()
    assert output.warnings == ()


def test_the_result_holds_what_the_manifest_says(
    slides: dict[float, PlantedSlide], tmp_path: Path
) -> None:
    manifest = load_manifest("nuclear_ihc")
    output = run(job(slides[0.2], tmp_path / "out", stain="ER"))
    assert [s.id for s in output.scores] == [s.id for s in manifest.scores]
    assert [s.unit for s in output.scores] == [s.unit for s in manifest.scores]
    assert [(o.id, o.kind) for o in output.overlays] == [(o.id, o.kind) for o in manifest.overlays]
    assert not manifest.has_trained_weights
    positive = score(output, "labelling_index").value
    h_score = score(output, "h_score").value
    assert positive is not None
    assert h_score is not None
    assert positive <= h_score <= 3 * positive


def test_local_index_and_density_are_on_a_grid_of_100_um(
    slides: dict[float, PlantedSlide], tmp_path: Path
) -> None:
    output = run(job(slides[0.5], tmp_path / "out"))
    positivity, density = (o for o in output.overlays if isinstance(o, ScalarOverlay))
    assert (positivity.grid.scale_px, positivity.min, positivity.max) == (200.0, 0.0, 100.0)
    assert (positivity.grid.width, positivity.grid.height) == (9, 9)
    local = read_scalar(tmp_path / "out", positivity)
    assert np.nanmean(local) == pytest.approx(slides[0.5].truth, abs=3)
    # One nucleus in 13 x 13 µm.
    inner = read_scalar(tmp_path / "out", density)[1:-2, 1:-2]
    assert inner.mean() == pytest.approx(5917, rel=0.05)


def test_the_hotspot_is_a_place_with_its_own_index(
    slides: dict[float, PlantedSlide], tmp_path: Path
) -> None:
    output = run(job(slides[0.2], tmp_path / "out"))
    (finding,) = output.findings
    spot = score(output, "hotspot_index")
    assert finding.kind == "hotspot"
    assert finding.score == spot.value
    assert finding.properties["cells"] == spot.n
    assert spot.n is not None
    assert spot.n >= 500
    found = read_cells(tmp_path / "out", cells_of(output))
    region = finding.region
    inside = (
        (found.xy_px >= (region.x, region.y)) & (found.xy_px < (region.right, region.bottom))
    ).all(axis=1)
    assert inside.sum() == pytest.approx(spot.n, abs=2)


def test_the_same_job_gives_the_same_bytes(
    slides: dict[float, PlantedSlide], tmp_path: Path
) -> None:
    one, two = (run(job(slides[0.2], tmp_path / name)) for name in ("one", "two"))
    assert [o.file.sha256 for o in one.overlays] == [o.file.sha256 for o in two.overlays]
    first, second = (
        {
            k: v
            for k, v in json.loads((tmp_path / name / "output.json").read_text()).items()
            if k not in {"created", "timings_s"}
        }
        for name in ("one", "two")
    )
    assert first == second


def test_a_finer_scan_of_the_same_tissue_gives_the_same_result(
    slides: dict[float, PlantedSlide], tmp_path: Path
) -> None:
    fine = planted_slide(tmp_path, share=0.2, mpp=0.25)
    coarse_output, fine_output = (
        run(job(slides[0.2], tmp_path / "c")),
        run(job(fine, tmp_path / "f")),
    )
    for score_id, tolerance in (("labelling_index", 1.0), ("cells_per_mm2", 250.0)):
        assert score(fine_output, score_id).value == pytest.approx(
            score(coarse_output, score_id).value, abs=tolerance
        )


def test_he_is_refused_by_the_declared_stain(
    slides: dict[float, PlantedSlide], tmp_path: Path
) -> None:
    with pytest.raises(InputRefused) as caught:
        run(job(slides[0.2], tmp_path / "out", stain="HE"))
    assert caught.value.code == "wrong_stain"
    assert not (tmp_path / "out").exists()


def test_he_pixels_are_refused_whatever_was_declared(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:1600, :1600]
    rgb = np.full((1600, 1600, 3), 240.0)
    rgb[100:1500, 100:1500] = (226, 150, 190)
    rgb[((x % 30 - 15) ** 2 + (y % 30 - 15) ** 2 < 40) & (rgb[..., 1] < 200)] = (110, 70, 150)
    rgb += rng.normal(0, 2, rgb.shape)
    path = write_slide(tmp_path / "he.tif", np.clip(rgb, 0, 255).astype(np.uint8))
    with pytest.raises(InputRefused) as caught:
        run(JobSpec("nuclear_ihc", path, tmp_path / "out", "KI67", mpp=0.5))
    assert caught.value.code == "wrong_stain"
    assert "This looks like H&E" in caught.value.message.en
    assert "ressemble à un H&E" in caught.value.message.fr
    assert not (tmp_path / "out").exists()


def test_an_empty_slide_has_no_value_and_says_why(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "glass.tif", np.full((1600, 1600, 3), 240, np.uint8))
    output = run(JobSpec("nuclear_ihc", path, tmp_path / "out", "ER", mpp=0.5))
    for score_id in ("labelling_index", "h_score", "hotspot_index", "cells_per_mm2"):
        assert score(output, score_id).value is None
    assert [w.en for w in output.warnings] == ["No nucleus was found: no index."]
    assert cells_of(output).n == 0
    assert output.findings == ()


def test_few_nuclei_are_insufficient_but_printed(tmp_path: Path) -> None:
    field = plant(side_um=160.0, brown_share=0.5)
    path = write_slide(tmp_path / "field.tif", field.rgb)
    output = run(JobSpec("nuclear_ihc", path, tmp_path / "out", "KI67", mpp=0.5))
    index = score(output, "labelling_index")
    assert index.value is not None
    assert index.category is not None
    assert index.category.code == "insufficient"
    assert score(output, "hotspot_index").value is None
    assert output.warnings[0].en == f"Only {index.n} nuclei: at least 500 are needed."


def test_a_single_field_is_all_tissue(tmp_path: Path) -> None:
    field = plant(side_um=160.0, pitch_um=30.0)
    path = write_slide(tmp_path / "field.tif", field.rgb)
    output = run(JobSpec("nuclear_ihc", path, tmp_path / "out", "KI67", mpp=0.5))
    found = read_cells(tmp_path / "out", cells_of(output))
    assert detection_quality(found.xy_px, field.xy, 8).f1 == 1.0
    assert "single field" in output.messages[0].en
    assert score(output, "cells_per_mm2").details["tissue_mm2"] == pytest.approx(0.0256)


def test_thresholds_are_parameters_and_must_rise(
    slides: dict[float, PlantedSlide], tmp_path: Path
) -> None:
    strict = run(job(slides[0.5], tmp_path / "strict", parameters={"dab_weak": 0.3}))
    loose = run(job(slides[0.5], tmp_path / "loose"))
    assert score(strict, "labelling_index").value < score(loose, "labelling_index").value  # type: ignore[operator]
    with pytest.raises(InputRefused) as caught:
        run(job(slides[0.5], tmp_path / "wrong", parameters={"dab_weak": 0.9}))
    assert caught.value.code == "thresholds_not_rising"


def test_progress_reaches_every_stage_and_a_job_can_be_cancelled(
    slides: dict[float, PlantedSlide], tmp_path: Path
) -> None:
    seen: list[Progress] = []
    run(job(slides[0.2], tmp_path / "out"), progress=seen.append)
    assert {p.stage for p in seen} >= {"open", "tissue", "detect", "score", "write"}
    assert [p.fraction for p in seen] == sorted(p.fraction for p in seen)

    asked: list[int] = []

    def cancel() -> bool:
        asked.append(1)
        return len(asked) > 5

    with pytest.raises(JobCancelled):
        run(job(slides[0.2], tmp_path / "stopped"), cancel=cancel)
    assert not (tmp_path / "stopped").exists()


def test_many_weak_candidates_warn_of_a_pale_counterstain(tmp_path: Path) -> None:
    four = np.full(600, 0.2, np.float32)
    nuclei = Nuclei(np.zeros((600, 2), np.float32), four, four, four, four)
    classes = np.zeros(600, np.uint8)
    for faint, expected in ((100, 0), (500, 1)):
        writer = tool_module.OutputWriter(tmp_path / str(faint))
        tool_module._warn(writer, tool_module.Measured(nuclei, classes, faint))
        assert len(writer._warnings) == expected
