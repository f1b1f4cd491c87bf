"""Quality control of a scan: streams the tissue once at about 1 µm per pixel."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.errors import InputRefused
from inference.geometry import Mpp, Region, Size
from inference.outputs import Finding, LabelClass, OutputWriter, ParameterValue
from inference.patches import iter_batches
from inference.text import LocalText
from inference.tissue import PenColour, TissueMask, tissue_mask
from inference.tools import RunContext, Tool, ToolManifest
from inference.tools.slide_qc.focus import (
    BLOCK_CELLS,
    CELL_PX,
    FocusMap,
    FocusSum,
    focus_tiles,
)
from inference.tools.slide_qc.verdict import Measures, Rules, all_scores, decimal

TISSUE, BLURRED, PEN, UNMEASURED = 1, 2, 2, 7
_MAX_FINDINGS = 20
_MIN_FINDING_BLOCKS = 4
_FOCUS_RANGE_UM = (0.3, 4.0)

CLASSES = (
    LabelClass(TISSUE, "tissue", LocalText(fr="Tissu net", en="Tissue in focus"), "#56b4e9"),
    LabelClass(BLURRED, "blurred", LocalText(fr="Tissu flou", en="Blurred tissue"), "#d55e00"),
    LabelClass(
        PEN + PenColour.BLACK, "pen_black", LocalText(fr="Feutre noir", en="Black pen"), "#000000"
    ),
    LabelClass(
        PEN + PenColour.BLUE, "pen_blue", LocalText(fr="Feutre bleu", en="Blue pen"), "#0072b2"
    ),
    LabelClass(
        PEN + PenColour.GREEN, "pen_green", LocalText(fr="Feutre vert", en="Green pen"), "#009e73"
    ),
    LabelClass(
        PEN + PenColour.RED, "pen_red", LocalText(fr="Feutre rouge", en="Red pen"), "#cc0033"
    ),
    LabelClass(
        UNMEASURED,
        "unmeasured",
        LocalText(fr="Tissu, netteté non mesurée", en="Tissue, focus not measured"),
        "#999999",
    ),
)


class SlideQc:
    """The tool ``slide_qc``; the manifest describes it."""

    def __init__(self, manifest: ToolManifest) -> None:
        self._manifest = manifest

    @property
    def manifest(self) -> ToolManifest:
        return self._manifest

    def run(self, context: RunContext) -> None:
        """Measures tissue, focus and pen, and writes scores and overlays."""
        rules = _rules(context.parameters)
        mpp = _resolution(context)
        with _timed(context.output, "tissue"):
            context.progress("tissue", 0, 1)
            tissue = tissue_mask(context.slide, stain=context.stain)
            context.progress("tissue", 1, 1)
        with _timed(context.output, "detect"):
            focus = _focus(context, tissue, mpp)
        with _timed(context.output, "score"):
            context.progress("score", 0, 1)
            measures = _measure(tissue, focus, rules, context.slide.properties.size, mpp)
            for score in all_scores(measures, rules):
                context.output.add_score(score)
            _say_limits(context)
            context.progress("score", 1, 1)
        context.progress("write", 0, 1)
        _write(context, tissue, focus, rules)
        context.output.set_precision("float32")
        context.progress("write", 1, 1)


def create_tool(manifest: ToolManifest) -> Tool:
    return SlideQc(manifest)


@contextmanager
def _timed(output: OutputWriter, stage: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    output.add_timing(stage, time.monotonic() - start)


def _rules(parameters: Mapping[str, ParameterValue]) -> Rules:
    rules = Rules(
        max_blur_um=float(parameters["max_blur_um"]),
        pass_percent=float(parameters["pass_percent"]),
        fail_percent=float(parameters["fail_percent"]),
    )
    if rules.fail_percent > rules.pass_percent:
        raise InputRefused(
            "thresholds_not_rising",
            LocalText(
                fr="Le seuil « non conforme » doit être inférieur au seuil « conforme ».",
                en='The "fail" threshold must be below the "pass" threshold.',
            ),
        )
    return rules


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


def _focus(context: RunContext, tissue: TissueMask, mpp: Mpp) -> FocusMap:
    """Streams the tiles that hold tissue; memory does not grow with the slide."""
    grid = focus_tiles(tissue)
    total, start = len(grid), time.monotonic()
    energies = FocusSum(tissue, um_per_px=mpp.um(tissue.scale_px / CELL_PX))
    context.progress("detect", 0, max(total, 1))
    batches = iter_batches(context.slide, grid, batch_size=1, block_px=grid.core_px)
    for done, batch in enumerate(batches, start=1):
        energies.add(batch)
        rate = done / max(time.monotonic() - start, 1e-6)
        context.progress("detect", done, total, rate_per_s=rate)
    return energies.result()


def _measure(tissue: TissueMask, focus: FocusMap, rules: Rules, size: Size, mpp: Mpp) -> Measures:
    judged = np.isfinite(focus.blur_um)
    blurred = judged & (focus.blur_um > rules.max_blur_um)
    cells = int(focus.tissue[judged].sum())
    sharp = cells - int(focus.tissue[blurred].sum())
    all_cells = int(focus.tissue.sum())
    cell_mm2 = mpp.area_mm2(tissue.scale_px**2)
    tissue_mm2 = tissue.area_mm2(mpp)
    return Measures(
        tissue_percent=min(100.0, 100 * tissue_mm2 / mpp.area_mm2(size.width * size.height)),
        tissue_mm2=tissue_mm2,
        in_focus_percent=100 * sharp / cells if cells else None,
        blocks=int(judged.sum()),
        blocks_blurred=int(blurred.sum()),
        unmeasured_percent=100 * (all_cells - cells) / all_cells if all_cells else 0.0,
        median_blur_um=float(np.median(focus.blur_um[judged])) if cells else None,
        pen_mm2={
            colour.name.lower(): float((tissue.pen == colour).sum()) * cell_mm2
            for colour in PenColour
        },
    )


def _say_limits(context: RunContext) -> None:
    context.output.add_message(
        LocalText(
            fr="Aide au contrôle du scan ; ne remplace pas l'œil. Recherche uniquement.",
            en="Help to check the scan; does not replace the eye. Research use only.",
        )
    )
    if context.stain == "OTHER":
        context.output.add_warning(
            LocalText(
                fr="Coloration spéciale : seul le feutre noir est recherché, car un trichrome ou "
                "un bleu alcian imite les autres couleurs.",
                en="Special stain: only black pen is looked for, because a trichrome or Alcian "
                "blue imitates the other colours.",
            )
        )


def _write(context: RunContext, tissue: TissueMask, focus: FocusMap, rules: Rules) -> None:
    output = context.output
    output.add_scalar(
        "focus",
        LocalText(fr="Flou équivalent", en="Equivalent blur"),
        focus.blur_um,
        origin_px=tissue.origin_px,
        scale_px=focus.scale_px,
        unit="µm",
        min=_FOCUS_RANGE_UM[0],
        max=_FOCUS_RANGE_UM[1],
        default_threshold=rules.max_blur_um,
        colormap="inferno",
    )
    output.add_labels(
        "tissue",
        LocalText(fr="Tissu, flou et feutre", en="Tissue, blur and pen"),
        label_codes(tissue, focus, rules),
        origin_px=tissue.origin_px,
        scale_px=tissue.scale_px,
        classes=CLASSES,
    )
    blurred = focus.blur_um > rules.max_blur_um
    for finding in _findings(focus, blurred, context.slide.properties.size):
        output.add_finding(finding)


def label_codes(tissue: TissueMask, focus: FocusMap, rules: Rules) -> NDArray[np.uint8]:
    """(height, width) u8 of the tissue grid: sharp, blurred or unmeasured tissue, pen."""
    height, width = tissue.mask.shape
    block = np.full(focus.blur_um.shape, UNMEASURED, np.uint8)
    block[focus.blur_um <= rules.max_blur_um] = TISSUE
    block[focus.blur_um > rules.max_blur_um] = BLURRED
    cells = block.repeat(BLOCK_CELLS, axis=0).repeat(BLOCK_CELLS, axis=1)[:height, :width]
    codes = np.where(tissue.mask, cells, np.uint8(0))
    marked = tissue.pen > 0
    codes[marked] = PEN + tissue.pen[marked]
    return codes


def _findings(focus: FocusMap, blurred: NDArray[np.bool_], size: Size) -> list[Finding]:
    """The largest blurred areas, so that the reader can jump to each."""
    labels, count = ndimage.label(blurred)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    order = sorted(range(1, count + 1), key=lambda i: (-int(sizes[i]), i))
    places = ndimage.find_objects(labels)
    findings = []
    for rank, index in enumerate(order[:_MAX_FINDINGS], start=1):
        if sizes[index] < _MIN_FINDING_BLOCKS:
            break
        rows, columns = places[index - 1]
        blur = float(np.median(focus.blur_um[labels == index]))
        findings.append(_finding(rank, rows, columns, blur, focus.scale_px, size))
    return findings


def _finding(  # noqa: PLR0917
    rank: int, rows: slice, columns: slice, blur: float, scale: float, size: Size
) -> Finding:
    left, top = round(columns.start * scale), round(rows.start * scale)
    right, bottom = round(columns.stop * scale), round(rows.stop * scale)
    region = Region(left, top, right - left, bottom - top).clipped_to(size)
    corners = [
        [region.x, region.y],
        [region.right, region.y],
        [region.right, region.bottom],
        [region.x, region.bottom],
        [region.x, region.y],
    ]
    return Finding(
        id=f"blurred_{rank:02d}",
        kind="blurred",
        label=LocalText(
            fr=f"Zone floue n° {rank} (flou médian {decimal(blur)} µm)",
            en=f"Blurred area {rank} (median blur {blur:.1f} µm)",
        ),
        geometry={"type": "Polygon", "coordinates": [corners]},
        region=region,
        score=round(blur, 3),
        properties={"median_blur_um": round(blur, 3)},
    )
