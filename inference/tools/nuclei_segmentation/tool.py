"""Nuclei of H&E slides: counts, density, size and overlays. torch is imported by ``run``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inference.errors import InputRefused
from inference.geometry import Mpp
from inference.outputs import CellClass, OutputWriter, Score
from inference.text import LocalText
from inference.tissue import TissueMask, tissue_mask
from inference.tools import RunContext, Tool, ToolManifest

if TYPE_CHECKING:
    from inference.pipelines import SegmentedNuclei

BIN_UM = 100.0
# A field of a microscope at 20x or more is smaller, a piece of tissue on a slide is larger.
_FIELD_MM2 = 0.5
WEIGHTS = Path(__file__).with_name("weights.safetensors")

CLASSES = (CellClass(0, "nucleus", LocalText(fr="Noyau", en="Nucleus"), "#56b4e9", "circle"),)


class NucleiSegmentation:
    """The tool ``nuclei_segmentation``; the manifest describes it."""

    def __init__(self, manifest: ToolManifest) -> None:
        self._manifest = manifest

    @property
    def manifest(self) -> ToolManifest:
        return self._manifest

    def run(self, context: RunContext) -> None:
        """Segments the nuclei on tissue and writes scores and overlays."""
        mpp = _resolution(context)
        with _timed(context.output, "tissue"):
            context.progress("tissue", 0, 1)
            tissue = _tissue(context, mpp)
            context.progress("tissue", 1, 1)
        with _timed(context.output, "detect"):
            nuclei = self._segment(context, tissue, mpp)
        context.progress("score", 0, 1)
        for score in scores(nuclei.area_um2, tissue.area_mm2(mpp)):
            context.output.add_score(score)
        _say(context.output, len(nuclei))
        context.progress("score", 1, 1)
        context.progress("write", 0, 1)
        _write_overlays(context, nuclei, tissue, mpp)
        context.output.set_precision("float32")
        context.progress("write", 1, 1)

    def _segment(self, context: RunContext, tissue: TissueMask, mpp: Mpp) -> SegmentedNuclei:
        # Here, so that reading manifests and tools needs no torch.
        from inference.networks import load_network  # noqa: PLC0415
        from inference.pipelines import (  # noqa: PLC0415
            InstanceParameters,
            plan_segmentation,
            segment_nuclei,
        )

        file = next(f for f in self._manifest.files if f.path == "weights.safetensors")
        network = load_network(WEIGHTS, sha256=file.sha256, device=context.device)
        grid = plan_segmentation(context.slide.properties.size, mpp, tissue)
        parameters = InstanceParameters(
            foreground=float(context.parameters["threshold"]),
            separation=float(context.parameters["separation"]),
            smooth_px=float(context.parameters["smoothing"]),
        )
        return segment_nuclei(
            context.slide,
            grid,
            network,
            mpp=mpp,
            tissue=tissue,
            parameters=parameters,
            on_patch=_patch_progress(context, len(grid)),
        )


def create_tool(manifest: ToolManifest) -> Tool:
    return NucleiSegmentation(manifest)


def scores(area_um2: NDArray[np.float32], tissue_mm2: float) -> tuple[Score, ...]:
    """Number, density and mean area; a ratio without a denominator has no value."""
    n = len(area_um2)
    density = round(n / tissue_mm2, 1) if tissue_mm2 > 0 else None
    mean = round(float(area_um2.mean(dtype=np.float64)), 2) if n else None
    area = round(tissue_mm2, 4)
    return (
        Score(
            id="nuclei",
            label=LocalText(fr="Noyaux dans le tissu", en="Nuclei in tissue"),
            value=float(n),
            unit="",
            n=n,
            interpretation=LocalText(
                fr="Noyaux trouvés dans le tissu, toutes cellules confondues.",
                en="Nuclei found in the tissue, of all kinds of cells.",
            ),
            details={"tissue_mm2": area},
        ),
        Score(
            id="density",
            label=LocalText(fr="Densité de noyaux", en="Density of nuclei"),
            value=density,
            unit="/mm²",
            n=n,
            interpretation=LocalText(
                fr=f"{n} noyaux sur {f'{area:g}'.replace('.', ',')} mm² de tissu.",
                en=f"{n} nuclei on {area:g} mm² of tissue.",
            ),
            details={"tissue_mm2": area},
        ),
        Score(
            id="mean_area",
            label=LocalText(fr="Aire nucléaire moyenne", en="Mean nuclear area"),
            value=mean,
            unit="µm²",
            n=n,
            interpretation=LocalText(
                fr="Moyenne des aires de coupe des noyaux trouvés.",
                en="Mean cut area of the nuclei found.",
            ),
        ),
    )


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
    """Tissue without pen; of a single field, which shows no glass, all but pen."""
    size = context.slide.properties.size
    tissue = tissue_mask(context.slide, stain=context.stain)
    if tissue.dark_field:
        raise InputRefused(
            "wrong_stain",
            LocalText(
                fr="Cette lame est claire sur fond sombre (fluorescence), non un H&E ou HES.",
                en="This slide is bright on dark (fluorescence), not H&E or HES.",
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


def _patch_progress(context: RunContext, total: int) -> Callable[[int], None]:
    start = time.monotonic()
    context.progress("detect", 0, max(total, 1))

    def report(done: int) -> None:
        elapsed = max(time.monotonic() - start, 1e-6)
        context.progress("detect", done, total, rate_per_s=done / elapsed)

    return report


def _say(output: OutputWriter, n: int) -> None:
    output.add_message(
        LocalText(
            fr="Petit réseau de démonstration, entraîné sur 107 images : recherche uniquement.",
            en="Small demonstration network, trained on 107 pictures: research use only.",
        )
    )
    if n == 0:
        output.add_warning(LocalText(fr="Aucun noyau n'a été trouvé.", en="No nucleus was found."))


def density_map(
    xy: NDArray[np.float32], tissue: TissueMask, mpp: Mpp, *, bin_px: float, shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Nuclei per mm² of tissue in each bin; NaN where less than a tenth is tissue."""
    rows, columns = shape
    place = np.floor(xy.astype(np.float64) / bin_px).astype(np.int64)
    count = np.bincount(place[:, 1] * columns + place[:, 0], minlength=rows * columns)
    cell_y, cell_x = np.nonzero(tissue.mask)
    origin = np.asarray(tissue.origin_px)
    centre = (np.stack([cell_x, cell_y], axis=1) + 0.5) * tissue.scale_px + origin
    spot = np.minimum((centre // bin_px).astype(np.int64), (columns - 1, rows - 1))
    cells = np.bincount(spot[:, 1] * columns + spot[:, 0], minlength=rows * columns)
    area = cells * mpp.area_mm2(tissue.scale_px**2)
    enough = area >= 0.1 * mpp.area_mm2(bin_px**2)
    density = np.where(enough, count / np.where(enough, area, 1.0), np.nan)
    return density.reshape(shape)


def _write_overlays(
    context: RunContext, nuclei: SegmentedNuclei, tissue: TissueMask, mpp: Mpp
) -> None:
    radius = float(np.sqrt(np.median(nuclei.area_um2) / np.pi)) if len(nuclei) else 4.0
    context.output.add_cells(
        "cells",
        LocalText(fr="Noyaux", en="Nuclei"),
        xy_px=nuclei.xy,
        class_code=np.zeros(len(nuclei), np.uint8),
        probability=nuclei.probability,
        classes=CLASSES,
        radius_um=radius,
        seed=context.seed,
    )
    size, bin_px = context.slide.properties.size, mpp.px(BIN_UM)
    shape = (int(np.ceil(size.height / bin_px)), int(np.ceil(size.width / bin_px)))
    density = density_map(nuclei.xy, tissue, mpp, bin_px=bin_px, shape=shape)
    top = float(np.nanmax(density, initial=0.0))
    context.output.add_scalar(
        "density",
        LocalText(fr="Densité de noyaux", en="Density of nuclei"),
        density,
        origin_px=(0.0, 0.0),
        scale_px=bin_px,
        unit="/mm²",
        min=0.0,
        max=max(1000.0, float(np.ceil(top / 1000) * 1000)),
        colormap="cividis",
    )
