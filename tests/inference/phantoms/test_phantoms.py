"""A phantom is the slide that was asked for, and its truth is what was planted."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openslide
import pytest
from numpy.typing import NDArray

from inference.errors import InputRefused, SlideError
from inference.geometry import Region, Size
from inference.nuclei.stains import StainSeparation
from inference.phantoms import (
    ARTEFACT_KINDS,
    PRESETS,
    REGIONS,
    CellKind,
    PhantomSpec,
    PhantomTruth,
    read_truth,
    write_phantom,
)
from inference.phantoms.render import Scene, render_block
from inference.wsi import open_slide

SIDE = 2000
WHITE = (244.0, 243.0, 245.0)
Made = tuple[Path, PhantomTruth]


def spec_of(preset: str = "ki67", **options: object) -> PhantomSpec:
    values: dict[str, object] = {"width": SIDE, "height": SIDE, "seed": 3, "preset": preset}
    return PhantomSpec(**(values | options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[PhantomSpec], Made]:
    """Writes each slide once for all tests."""
    folder, made = tmp_path_factory.mktemp("phantoms"), {}

    def write(spec: PhantomSpec) -> Made:
        if spec not in made:
            path = folder / f"{len(made)}.tif"
            made[spec] = (path, write_phantom(spec, path, threads=2))
        return made[spec]

    return write


@pytest.fixture(scope="module")
def ki67(make: Callable[[PhantomSpec], Made]) -> Made:
    return make(spec_of(labelling_index=50))


def pixels_of(path: Path) -> NDArray[np.uint8]:
    with open_slide(path) as slide:
        return slide.read_region(Region(0, 0, SIDE, SIDE), Size(SIDE, SIDE))


def discs(
    plane: NDArray[np.floating], truth: PhantomTruth, which: NDArray[np.bool_]
) -> NDArray[np.floating]:
    """(n,) mean of a plane over the 5 x 5 pixels in the middle of each nucleus."""
    y, x = (np.floor(truth.xy_px[which, k]).astype(int) for k in (1, 0))
    y, x = np.clip(y, 2, SIDE - 3), np.clip(x, 2, SIDE - 3)
    steps = np.arange(-2, 3)
    return plane[(y[:, None] + steps)[:, :, None], (x[:, None] + steps)[:, None, :]].mean(
        axis=(1, 2)
    )


def digests(slide: Path) -> list[str]:
    files = (slide, slide.with_suffix(".truth.json"))
    return [hashlib.sha256(f.read_bytes()).hexdigest() for f in files]


def test_equal_specs_give_equal_bytes_whatever_the_threads(ki67: Made, tmp_path: Path) -> None:
    path, truth = ki67
    again = tmp_path / path.name
    other = write_phantom(truth.spec, again, threads=3)
    assert digests(again) == digests(path)
    for name in ("xy_px", "cls", "stain_class", "radius_px", "readable", "regions"):
        assert np.array_equal(getattr(other, name), getattr(truth, name))
    changed = write_phantom(spec_of(labelling_index=50, seed=4), tmp_path / "other.tif")
    assert digests(tmp_path / "other.tif") != digests(path)
    assert len(changed.xy_px) != len(truth.xy_px)


@pytest.mark.parametrize("preset", ["breast-he", "her2"])
def test_a_window_looks_the_same_in_any_block(preset: str) -> None:
    """What makes blocks join: no seam in cells, fat or membranes."""
    scene = Scene.of(spec_of(preset, artefacts=ARTEFACT_KINDS))
    whole, nuclei = render_block(scene, (0, 0, SIDE, SIDE))
    for box in ((700, 300, 512, 400), (0, 1024, 976, 976)):
        part, mine = render_block(scene, box)
        left, top, width, height = box
        assert np.array_equal(part, whole[top : top + height, left : left + width])
        assert {tuple(p) for p in mine.xy} == {tuple(p) for p in nuclei.within(box).xy}


@pytest.mark.parametrize(("mpp", "power"), [(0.5, "20"), (0.25, "40")])
def test_openslide_reads_it_as_aperio(
    make: Callable[[PhantomSpec], Made], mpp: float, power: str
) -> None:
    path, _ = make(spec_of("breast-he", mpp=mpp, width=2100, height=2000))
    with openslide.OpenSlide(path) as slide:
        assert slide.properties["openslide.vendor"] == "aperio"
        assert float(slide.properties["openslide.mpp-x"]) == mpp
        assert slide.properties["openslide.objective-power"] == power
        assert slide.dimensions == (2100, 2000)
        assert slide.level_dimensions == ((2100, 2000), (525, 500), (131, 125))
        assert slide.properties["openslide.level[0].tile-width"] == "256"
        base = np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("L"), float)
        small = np.asarray(slide.read_region((0, 0), 1, (525, 500)).convert("L"), float)
    reduced = base.reshape(500, 4, 525, 4).mean(axis=(1, 3))
    assert np.abs(reduced - small).mean() < 3.0  # JPEG only
    with open_slide(path) as slide:
        assert slide.properties.objective_power == float(power)
        assert slide.properties.mpp is not None
        assert slide.properties.mpp.mean == mpp


def test_truth_on_disk_is_the_truth_returned(ki67: Made) -> None:
    path, truth = ki67
    read = read_truth(path)
    assert read.spec == truth.spec
    assert read.artefacts == truth.artefacts
    assert read.region_px == truth.region_px
    for name in ("xy_px", "cls", "stain_class", "radius_px", "readable", "regions"):
        assert np.array_equal(getattr(read, name), getattr(truth, name))
        assert getattr(read, name).dtype == getattr(truth, name).dtype
    assert read.summary() == json.loads(path.with_suffix(".truth.json").read_text())
    with pytest.raises(SlideError) as caught:
        read_truth(path.with_name("other.tif"))
    assert caught.value.code == "phantom_truth_missing"


def test_counts_and_index_are_those_of_the_planted_nuclei(ki67: Made) -> None:
    _, truth = ki67
    said = truth.summary()
    n = len(truth.xy_px)
    assert n > 500
    assert len(np.unique(truth.xy_px, axis=0)) == n
    assert said["nuclei"] == n == sum(said["counts_by_class"].values())
    assert sum(said["counts_by_stain_class"].values()) == n
    tumour = truth.cls == CellKind.TUMOUR
    assert set(truth.cls.tolist()) == {1, 2, 3}
    assert not truth.stain_class[~tumour].any()
    assert set(truth.stain_class[tumour].tolist()) == {0, 1, 2, 3}
    positive = int((truth.stain_class > 0).sum())
    assert said["labelling_index"] == pytest.approx(100 * positive / tumour.sum())
    assert said["labelling_index"] == pytest.approx(50, abs=6)
    assert said["labelling_index_all"] == pytest.approx(100 * positive / n)
    assert truth.readable.all()


def test_every_nucleus_is_where_the_truth_says(ki67: Made) -> None:
    path, truth = ki67
    dark = 255 - pixels_of(path).mean(axis=2)
    everyone = np.ones(len(truth.xy_px), np.bool_)
    inside = discs(dark, truth, everyone)
    around = []
    for angle in np.linspace(0, 2 * np.pi, 8, endpoint=False):
        x, y = (
            np.clip(truth.xy_px[:, k] + 3.2 * truth.radius_px * turn(angle), 0, SIDE - 1)
            for k, turn in ((0, np.cos), (1, np.sin))
        )
        around.append(dark[y.astype(int), x.astype(int)])
    # Neighbours may touch: the palest of the surroundings is ground.
    assert (inside > np.min(around, axis=0) + 8).all()
    assert ((truth.xy_px >= 0) & (truth.xy_px < SIDE)).all()


def test_no_two_nuclei_lie_on_each_other(ki67: Made) -> None:
    _, truth = ki67
    gap = np.hypot(*(truth.xy_px[:, None] - truth.xy_px[None]).transpose(2, 0, 1))
    np.fill_diagonal(gap, np.inf)
    assert (gap >= 0.99 * (truth.radius_px[:, None] + truth.radius_px[None])).all()


def test_stain_classes_differ_in_dab(ki67: Made) -> None:
    path, truth = ki67
    _, dab = StainSeparation(WHITE).separate(pixels_of(path))
    low = [discs(dab, truth, truth.stain_class == grade) for grade in range(4)]
    assert min(len(values) for values in low) > 20
    for paler, darker in itertools.pairwise(low):
        assert np.percentile(paler, 95) < np.percentile(darker, 5)
    assert np.percentile(low[0], 99) < 0.15 < np.percentile(low[1], 1)


def test_membranes_are_brown_and_their_nuclei_are_not(
    make: Callable[[PhantomSpec], Made],
) -> None:
    path, truth = make(spec_of("her2"))
    _, dab = StainSeparation(WHITE).separate(pixels_of(path))
    strong = truth.stain_class == 3
    assert discs(dab, truth, strong).mean() < 0.15
    x, y = truth.xy_px[strong].T
    ring = [
        dab[
            np.clip(y + r * np.sin(a), 0, SIDE - 1).astype(int),
            np.clip(x + r * np.cos(a), 0, SIDE - 1).astype(int),
        ]
        for a in np.linspace(0, 2 * np.pi, 24, endpoint=False)
        for r in np.arange(8.0, 17.0)
    ]
    assert np.median(np.max(ring, axis=0)) > 0.6


def test_nuclei_lie_in_their_regions(make: Callable[[PhantomSpec], Made]) -> None:
    _, truth = make(spec_of("colon-he"))
    assert REGIONS == ("background", "stroma", "tumour", "necrosis", "lumen", "fat")
    assert truth.regions.shape == (125, 125)
    column, row = (truth.xy_px // truth.region_px).astype(int).T
    where = truth.regions[row, column]
    # The map's cells are 8 µm wide: at a border a nucleus can lie in the neighbour's.
    assert (where[truth.cls == CellKind.TUMOUR] == 2).mean() > 0.97
    assert (where[truth.cls == CellKind.STROMA] == 1).mean() > 0.97
    assert not np.isin(where, (0, 4)).any()
    said = truth.summary()["regions"]
    assert sum(said["area_mm2"].values()) == pytest.approx(1.0, abs=0.001)
    assert said["area_mm2"]["tumour"] > 0.05
    assert said["area_mm2"]["lumen"] > 0.005


def test_artefacts_change_the_picture_only_where_the_truth_says(
    make: Callable[[PhantomSpec], Made],
) -> None:
    clean, _ = make(spec_of("ki67"))
    path, truth = make(spec_of("ki67", artefacts=ARTEFACT_KINDS))
    assert [a["kind"] for a in truth.artefacts] == list(ARTEFACT_KINDS)
    changed = np.abs(pixels_of(clean).astype(int) - pixels_of(path)).max(axis=2) > 60
    y, x = np.nonzero(changed)
    assert len(x) > 5000
    boxes = [np.array(a["coordinates"][0]) for a in truth.artefacts]
    near = np.zeros(len(x), np.bool_)
    for ring in boxes:
        low, high = ring.min(axis=0) - 16, ring.max(axis=0) + 16
        near |= (x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1])
    assert near.all()
    # Pen and fold hide nuclei, which still are in the truth.
    assert 0 < (~truth.readable).sum() < 0.3 * len(truth.readable)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_each_preset_has_its_stain(preset: str) -> None:
    spec = spec_of(preset)
    assert spec.stain == PRESETS[preset].stain
    assert PhantomSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"width": 1999}, "2000-100000 px"),
        ({"height": 100_001}, "2000-100000 px"),
        ({"mpp": 0.3}, "0.5, 0.25"),
        ({"labelling_index": 101}, "0-100 %"),
        ({"artefacts": ("hair",)}, "blur, pen, fold, bubble"),
        ({"preset": "liver"}, "breast-he"),
        ({"stain": "HE"}, "KI67"),
        ({"seed": -1}, ">= 0"),
    ],
)
def test_a_spec_that_cannot_be_is_refused_in_words(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputRefused) as caught:
        spec_of(**options)  # type: ignore[arg-type]
    assert caught.value.code == "phantom_spec"
    assert said in caught.value.message.en
    assert caught.value.message.fr.startswith("Lame fantôme : ")


def test_pr_is_made_like_er() -> None:
    assert PhantomSpec(SIDE, SIDE, stain="PR").preset == "er"


def test_a_stopped_phantom_leaves_nothing_behind(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantom(spec_of(), tmp_path / "x.tif", stop, threads=1)
    assert seen == [(1, 4), (2, 4)]
    assert list(tmp_path.iterdir()) == []
