"""Nuclear immunohistochemistry: from a slide to counts, scores and overlays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.errors import InputRefused
from inference.geometry import Mpp, Region, Size
from inference.nuclei.detection import DetectionParameters, Nuclei
from inference.nuclei.hotspots import (
    HOTSPOT_SIDE_UM,
    CellGrid,
    HotSpot,
    find_hotspot,
)
from inference.nuclei.indices import IntensityCounts, IntensityThresholds
from inference.nuclei.streaming import (
    Calibration,
    calibrate,
    plan_tiles,
    stream_nuclei,
)
from inference.outputs import CellClass, Finding, OutputWriter, ParameterValue
from inference.text import LocalText
from inference.tissue import TissueMask, tissue_mask
from inference.tools import RunContext, Tool, ToolManifest
from inference.tools.nuclear_ihc.scoring import MIN_NUCLEI, Rules, all_scores

BIN_UM = 100.0
_RIM_UM = 16.0
# A field of a microscope at 20x or more is smaller, a piece of tissue on a slide is larger.
_FIELD_MM2 = 0.5
# Weak candidates are looked at too: many of them betray a pale counterstain.
_FAINT_SHARE = 0.6
_PALE_RATIO = 0.6

# Okabe & Ito: told apart by colour-blind people; shapes repeat what colours say.
CLASSES = (
    CellClass(0, "negative", LocalText(fr="Négatif", en="Negative"), "#56b4e9", "circle"),
    CellClass(1, "weak", LocalText(fr="1+", en="1+"), "#f0e442", "triangle"),
    CellClass(2, "moderate", LocalText(fr="2+", en="2+"), "#e69f00", "square"),
    CellClass(3, "strong", LocalText(fr="3+", en="3+"), "#d55e00", "diamond"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The job's parameters, checked."""

    thresholds: IntensityThresholds
    detection_score: float
    receptor_cutoff: float
    hotspot_cells: int

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, ParameterValue]) -> Settings:
        weak, moderate, strong = (
            float(parameters[name]) for name in ("dab_weak", "dab_moderate", "dab_strong")
        )
        if not weak < moderate < strong:
            raise InputRefused(
                "thresholds_not_rising",
                LocalText(
                    fr="Les seuils d'intensité doivent croître : 1+ < 2+ < 3+.",
                    en="The intensity thresholds must rise: 1+ < 2+ < 3+.",
                ),
            )
        return cls(
            IntensityThresholds(weak, moderate, strong),
            float(parameters["detection_score"]),
            float(parameters["receptor_cutoff"]),
            int(parameters["hotspot_cells"]),
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """Nuclei of the slide with their intensity class."""

    nuclei: Nuclei
    classes: NDArray[np.uint8]
    # Negative candidates just below the detection score.
    faint: int

    @property
    def positive(self) -> NDArray[np.bool_]:
        return self.classes > 0

    @property
    def counts(self) -> IntensityCounts:
        return IntensityCounts.from_classes(self.classes)


class NuclearIhc:
    """The tool ``nuclear_ihc``; the manifest describes it."""

    def __init__(self, manifest: ToolManifest) -> None:
        self._manifest = manifest

    @property
    def manifest(self) -> ToolManifest:
        return self._manifest

    def run(self, context: RunContext) -> None:
        """Measures the slide and writes scores, overlays and the hot-spot."""
        settings = Settings.from_parameters(context.parameters)
        mpp, size = _resolution(context), context.slide.properties.size
        with _timed(context.output, "tissue"):
            context.progress("tissue", 0, 1)
            tissue = _tissue(context, mpp)
            area_mm2 = tissue.area_mm2(mpp)
            context.progress("tissue", 1, 1)
        with _timed(context.output, "detect"):
            measured = _measure(context, settings, _with_rim(tissue, mpp), mpp)
        with _timed(context.output, "score"):
            context.progress("score", 0, 1)
            grid = _grid(measured, mpp, size)
            spot = find_hotspot(
                grid, min_cells=settings.hotspot_cells, max_side=round(HOTSPOT_SIDE_UM / BIN_UM)
            )
            rules = Rules(context.stain, settings.receptor_cutoff)
            scores = all_scores(
                measured.counts,
                area_mm2=area_mm2,
                rules=rules,
                hotspot=(spot.positive, spot.cells) if spot else None,
            )
            context.progress("score", 1, 1)
        for score in scores:
            context.output.add_score(score)
        _warn(context.output, measured)
        context.progress("write", 0, 1)
        _write_overlays(context, measured, grid, mpp)
        if spot is not None:
            context.output.add_finding(_finding(spot, grid, size))
        context.output.set_precision("float32")
        context.progress("write", 1, 1)


def create_tool(manifest: ToolManifest) -> Tool:
    return NuclearIhc(manifest)


@contextmanager
def _timed(output: OutputWriter, stage: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    output.add_timing(stage, time.monotonic() - start)


def _resolution(context: RunContext) -> Mpp:
    mpp = context.slide.properties.mpp
    if mpp is None:
        raise InputRefused(
            "mpp_missing",
            LocalText(
                fr="La résolution (µm par pixel) de la lame est inconnue : indiquez-la.",
                en="The resolution (µm per pixel) of the slide is unknown: please give it.",
            ),
        )
    return mpp


def _tissue(context: RunContext, mpp: Mpp) -> TissueMask:
    """Tissue without pen; a dark-field slide has no optical density to measure.

    A field cut out of a slide or taken by a camera shows no glass, against which a mask
    could be found: there all that is seen is tissue.
    """
    size = context.slide.properties.size
    tissue = tissue_mask(context.slide, stain=context.stain)
    if tissue.dark_field:
        raise InputRefused(
            "wrong_stain",
            LocalText(
                fr="Cette lame est claire sur fond sombre (fluorescence), non un "
                "immunomarquage DAB en lumière blanche.",
                en="This slide is bright on dark (fluorescence), not a bright-field DAB "
                "immunostain.",
            ),
        )
    if mpp.area_mm2(size.width * size.height) > _FIELD_MM2:
        return tissue
    context.output.add_message(
        LocalText(
            fr="Image d'un seul champ : toute sa surface est comptée comme du tissu.",
            en="Picture of a single field: all of its area is counted as tissue.",
        )
    )
    return replace(tissue, mask=tissue.pen == 0)


def _with_rim(tissue: TissueMask, mpp: Mpp) -> TissueMask:
    """The tissue and a rim: a coarse mask cuts through the outermost nuclei."""
    cells = max(1, round(mpp.px(_RIM_UM) / tissue.scale_px))
    wide = ndimage.binary_dilation(tissue.mask, iterations=cells)
    return replace(tissue, mask=wide & (tissue.pen == 0))


def _measure(context: RunContext, settings: Settings, tissue: TissueMask, mpp: Mpp) -> Measured:
    """Streams the slide; refuses it where it is haematoxylin and eosin."""
    tiles = plan_tiles(context.slide.properties.size, mpp, tissue)
    calibration = calibrate(context.slide, tiles) if tiles else Calibration.blank()
    if calibration.shares.looks_like_he:
        raise InputRefused("wrong_stain", _he_message(calibration))
    asked = settings.detection_score
    found = stream_nuclei(
        context.slide,
        tiles,
        mpp=mpp,
        separation=calibration.separation,
        tissue=tissue,
        parameters=DetectionParameters(min_score=asked * _FAINT_SHARE),
        on_tile=_tile_progress(context, len(tiles)),
    )
    clear = found.score >= asked
    faint = int((found.dab[~clear] < settings.thresholds.weak).sum())
    nuclei = found.select(clear)
    return Measured(nuclei, settings.thresholds.classify(nuclei.dab), faint)


def _tile_progress(context: RunContext, total: int) -> Callable[[int], None]:
    start = time.monotonic()
    context.progress("detect", 0, max(total, 1))

    def report(done: int) -> None:
        elapsed = max(time.monotonic() - start, 1e-6)
        context.progress("detect", done, total, rate_per_s=done / elapsed)

    return report


def _he_message(calibration: Calibration) -> LocalText:
    pink = round(100 * calibration.shares.pink)
    return LocalText(
        fr="Cette lame ressemble à un H&E ou HES, non à un immunomarquage DAB : "
        f"{pink} % des pixels colorés sont roses (éosine). Vérifiez la coloration déclarée.",
        en="This looks like H&E or HES, not like a DAB immunostain: "
        f"{pink} % of the stained pixels are pink (eosin). Check the declared stain.",
    )


def _grid(measured: Measured, mpp: Mpp, size: Size) -> CellGrid:
    # One scale for both axes: that is how an overlay is described.
    bin_px = mpp.px(BIN_UM)
    return CellGrid.of_points(
        measured.nuclei.xy,
        measured.positive,
        bin_px=(bin_px, bin_px),
        extent_px=(size.width, size.height),
    )


def _warn(output: OutputWriter, measured: Measured) -> None:
    n = len(measured.nuclei)
    output.add_message(
        LocalText(
            fr="Tous les noyaux du tissu sont comptés : la tumeur n'est pas délimitée. "
            "Recherche uniquement.",
            en="All nuclei of the tissue are counted: the tumour is not outlined. "
            "Research use only.",
        )
    )
    if n == 0:
        output.add_warning(
            LocalText(
                fr="Aucun noyau n'a été trouvé : pas d'index.",
                en="No nucleus was found: no index.",
            )
        )
    elif n < MIN_NUCLEI:
        output.add_warning(
            LocalText(
                fr=f"{n} noyaux seulement : au moins {MIN_NUCLEI} sont nécessaires.",
                en=f"Only {n} nuclei: at least {MIN_NUCLEI} are needed.",
            )
        )
    if n and measured.faint > _PALE_RATIO * n:
        output.add_warning(
            LocalText(
                fr="Contre-coloration pâle : des noyaux négatifs pâles ont pu être manqués, "
                "l'index peut être surestimé.",
                en="Pale counterstain: pale negative nuclei may have been missed, the index "
                "may be too high.",
            )
        )


def _write_overlays(context: RunContext, measured: Measured, grid: CellGrid, mpp: Mpp) -> None:
    nuclei, asked = measured.nuclei, float(context.parameters["detection_score"])
    scale = grid.bin_px[0]
    context.output.add_cells(
        "cells",
        LocalText(fr="Noyaux par intensité", en="Nuclei by intensity"),
        xy_px=nuclei.xy,
        class_code=measured.classes,
        # 0.5 at the least score that counts; a rank of sharpness, not a calibrated chance.
        probability=nuclei.score / (nuclei.score + np.float32(asked)),
        classes=CLASSES,
        radius_um=float(np.median(nuclei.radius_um)) if len(nuclei) else 4.0,
        seed=context.seed,
    )
    context.output.add_scalar(
        "positivity",
        LocalText(fr="Index de marquage local", en="Local labelling index"),
        grid.positivity(),
        origin_px=(0.0, 0.0),
        scale_px=scale,
        unit="%",
        min=0.0,
        max=100.0,
        colormap="viridis",
    )
    density = grid.density_per_mm2(mpp.area_mm2(scale * scale))
    top = float(np.nanmax(density)) if len(nuclei) else 0.0
    context.output.add_scalar(
        "density",
        LocalText(fr="Densité de noyaux", en="Density of nuclei"),
        density,
        origin_px=(0.0, 0.0),
        scale_px=scale,
        unit="/mm²",
        min=0.0,
        max=max(1000.0, float(np.ceil(top / 1000) * 1000)),
        colormap="cividis",
    )


def _finding(spot: HotSpot, grid: CellGrid, size: Size) -> Finding:
    bin_x, bin_y = grid.bin_px
    left, top = round(spot.column * bin_x), round(spot.row * bin_y)
    side_x, side_y = round(spot.side * bin_x), round(spot.side * bin_y)
    region = Region(left, top, side_x, side_y).clipped_to(size)
    index = 100.0 * spot.positive / spot.cells
    corners = [
        [region.x, region.y],
        [region.right, region.y],
        [region.right, region.bottom],
        [region.x, region.bottom],
        [region.x, region.y],
    ]
    percent = f"{index:.1f}"
    return Finding(
        id="hotspot",
        kind="hotspot",
        label=LocalText(
            fr=f"Point chaud : {percent.replace('.', ',')} % de {spot.cells} noyaux",
            en=f"Hot-spot: {percent} % of {spot.cells} nuclei",
        ),
        geometry={"type": "Polygon", "coordinates": [corners]},
        region=region,
        score=index,
        properties={
            "cells": spot.cells,
            "positive": spot.positive,
            "side_um": spot.side * BIN_UM,
        },
    )
