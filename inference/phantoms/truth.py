"""What was planted: every nucleus, the regions, the artefacts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import SlideError
from inference.phantoms.layout import REGIONS
from inference.phantoms.spec import PhantomSpec
from inference.phantoms.sprites import CellKind
from inference.text import LocalText

STAIN_CLASSES = ("negative", "1+", "2+", "3+")


@dataclass(frozen=True, slots=True)
class PhantomTruth:
    """The planted truth of a slide.

    Attributes:
        spec: what was asked for.
        xy_px: (n, 2) centres in level-0 pixels; the centre of a pixel is integer + 0.5.
        cls: (n,) ``CellKind`` codes: 1 tumour, 2 lymphocyte, 3 stroma.
        stain_class: (n,) 0 negative, 1 to 3 by intensity.
        radius_px: (n,) radius of the circle of equal area.
        readable: (n,) False under pen and fold.
        regions: (rows, columns) codes, index in ``REGIONS``.
        region_px: level-0 pixels per cell of ``regions``.
        artefacts: kind and GeoJSON polygon (level-0 pixels) of each.
    """

    spec: PhantomSpec
    xy_px: NDArray[np.float32]
    cls: NDArray[np.uint8]
    stain_class: NDArray[np.uint8]
    radius_px: NDArray[np.float32]
    readable: NDArray[np.bool_]
    regions: NDArray[np.uint8]
    region_px: float
    artefacts: tuple[dict[str, Any], ...]

    @property
    def labelling_index(self) -> float | None:
        """% of positive among tumour nuclei; None without tumour."""
        return _percent(self.stain_class[self.cls == CellKind.TUMOUR])

    @property
    def labelling_index_all(self) -> float | None:
        """% of positive among readable nuclei of any class.

        What a tool should find that does not outline the tumour.
        """
        return _percent(self.stain_class[self.readable])

    def summary(self) -> dict[str, Any]:
        """What ``.truth.json`` holds."""
        area = self.region_px * self.spec.mpp / 1000
        return {
            "format": "portrait-phantom-truth/1",
            "seed": self.spec.seed,
            "stain": self.spec.stain,
            "spec": self.spec.to_json(),
            "nuclei": len(self.cls),
            "readable": int(self.readable.sum()),
            "counts_by_class": {k.name.lower(): int((self.cls == k).sum()) for k in CellKind},
            "counts_by_stain_class": {
                name: int((self.stain_class == code).sum())
                for code, name in enumerate(STAIN_CLASSES)
            },
            "labelling_index": self.labelling_index,
            "labelling_index_all": self.labelling_index_all,
            "regions": {
                "classes": list(REGIONS),
                "scale_px": self.region_px,
                "area_mm2": {
                    name: round(float((self.regions == code).sum()) * area**2, 4)
                    for code, name in enumerate(REGIONS)
                },
            },
            "artefacts": list(self.artefacts),
        }


def truth_paths(slide: Path) -> tuple[Path, Path]:
    """Summary and arrays beside ``<name>.tif``."""
    return slide.with_suffix(".truth.json"), slide.with_suffix(".truth.npz")


def save_truth(truth: PhantomTruth, slide: Path) -> None:
    summary, arrays = truth_paths(slide)
    text = json.dumps(truth.summary(), ensure_ascii=False, indent=1, sort_keys=True)
    summary.write_text(text + "\n", encoding="utf-8")
    np.savez_compressed(
        arrays,
        xy_px=truth.xy_px,
        cls=truth.cls,
        stain_class=truth.stain_class,
        radius_px=truth.radius_px,
        readable=truth.readable,
        regions=truth.regions,
    )


def read_truth(slide: Path) -> PhantomTruth:
    """The truth of a phantom.

    Args:
        slide: the ``.tif`` file; its truth lies beside it.

    Raises:
        SlideError: ``phantom_truth_missing`` when there is none.
    """
    summary_path, arrays_path = truth_paths(slide)
    if not summary_path.is_file() or not arrays_path.is_file():
        raise SlideError(
            "phantom_truth_missing",
            LocalText(
                fr=f"La vérité de la lame fantôme {slide.name} est absente.",
                en=f"The truth of the phantom slide {slide.name} is missing.",
            ),
        )
    summary = json.loads(summary_path.read_text(encoding="utf-8"))
    with np.load(arrays_path, allow_pickle=False) as arrays:
        return PhantomTruth(
            spec=PhantomSpec.from_json(summary["spec"]),
            region_px=float(summary["regions"]["scale_px"]),
            artefacts=tuple(summary["artefacts"]),
            **{name: arrays[name] for name in arrays.files},
        )


def _percent(classes: NDArray[np.uint8]) -> float | None:
    return 100.0 * float((classes > 0).mean()) if len(classes) else None
