"""The plan of the tissue: smooth fields on a coarse grid over the whole slide.

Every field is a height whose zero line is a border (positive inside); blocks interpolate
it, so that neighbours agree at their seams.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.phantoms.noise import Plane, place_hash, smooth_field, spline_weights
from inference.phantoms.spec import PhantomSpec

_CELL_UM = 8.0
_MAX_CELLS = 4096
_GLAND_UM = 125.0

REGIONS = ("background", "stroma", "tumour", "necrosis", "lumen", "fat")


@dataclass(frozen=True, slots=True)
class Layout:
    """Coarse fields, (rows, columns) each; cell (0, 0) starts at the slide's corner.

    ``tissue``, ``epithelium``, ``lumen``, ``necrosis``, ``fat`` and ``lymphoid`` are
    about µm inside their border; ``basal`` in 0..1 is where an epithelium keeps its
    nuclei; ``heat`` is the local tendency to stain; ``warp`` bends the fibres (µm).
    """

    cell_px: float
    cell_um: float
    tissue: Plane
    epithelium: Plane
    lumen: Plane
    necrosis: Plane
    fat: Plane
    lymphoid: Plane
    basal: Plane
    heat: Plane
    warp: tuple[Plane, Plane]

    def regions(self) -> NDArray[np.uint8]:
        """(rows, columns) codes: index in ``REGIONS``."""
        codes = np.where(self.tissue > 0, 1, 0).astype(np.uint8)
        inside = codes > 0
        for code, field in ((5, self.fat), (2, self.epithelium)):
            codes[inside & (field > 0)] = code
        codes[inside & (self.lumen > 0) & (self.epithelium > 0)] = 4
        codes[inside & (self.necrosis > 0)] = 3
        return codes

    def window(self, field: Plane, box: tuple[int, int, int, int]) -> Plane:
        """A field on the pixels of a box (left, top, width, height)."""
        left, top, width, height = box
        rows, first_row = self._positions(top, height, field.shape[0])
        columns, first_column = self._positions(left, width, field.shape[1])
        bottom, right = int(rows[-1]) + 3, int(columns[-1]) + 3
        part = field[first_row : first_row + bottom, first_column : first_column + right]
        down = spline_weights(rows, part.shape[0])
        across = spline_weights(columns, part.shape[1])
        # The border of the slide cuts the spline's support: keep the sum of weights 1.
        down /= down.sum(axis=1, keepdims=True)
        across /= across.sum(axis=1, keepdims=True)
        return np.asarray(down @ part @ across.T, np.float32)

    def _positions(self, start: int, length: int, cells: int) -> tuple[NDArray[np.float64], int]:
        at = (np.arange(start, start + length) + 0.5) / self.cell_px - 0.5
        at = np.clip(at, 0, cells - 1)
        first = max(0, int(at[0]) - 2)
        return at - first, first

    def at(self, field: Plane, x: NDArray[np.floating], y: NDArray[np.floating]) -> Plane:
        """A field at level-0 points."""
        places = np.stack([y / self.cell_px - 0.5, x / self.cell_px - 0.5])
        values: Plane = ndimage.map_coordinates(field, places, order=1, mode="nearest")
        return values


@dataclass(frozen=True, slots=True)
class _Canvas:
    """Makes fields of one slide; features in µm."""

    shape: tuple[int, int]
    cell_um: float
    seed: int

    def noise(self, feature_um: float, channel: int) -> Plane:
        return smooth_field(self.shape, max(1.0, feature_um / self.cell_um), self.seed, channel)

    @property
    def size_um(self) -> tuple[float, float]:
        return self.shape[0] * self.cell_um, self.shape[1] * self.cell_um

    def bent(self, field: Plane, by_um: float, feature_um: float, channel: int) -> Plane:
        """The field read at shifted places: takes the grain of the spline's grid away."""
        row, column = np.indices(self.shape, dtype=np.float32)
        by = by_um / self.cell_um
        row += by * self.noise(feature_um, channel)
        column += by * self.noise(feature_um, channel + 1)
        read: Plane = ndimage.map_coordinates(field, [row, column], order=1, mode="nearest")
        return read

    def axes(self) -> tuple[Plane, Plane]:
        """(rows, 1) y and (1, columns) x in µm."""
        y, x = (np.arange(n, dtype=np.float32) * self.cell_um for n in self.shape)
        return y[:, None], x[None, :]


def plan_layout(spec: PhantomSpec) -> Layout:
    """Draws the plan of a slide."""
    longest = max(spec.width, spec.height)
    cell_px = max(_CELL_UM / spec.mpp, longest / _MAX_CELLS)
    shape = (int(np.ceil(spec.height / cell_px)), int(np.ceil(spec.width / cell_px)))
    canvas = _Canvas(shape, cell_px * spec.mpp, spec.seed)
    tissue = _tissue(canvas)
    empty = np.full(shape, -50.0, np.float32)
    fields = {
        "lumen": empty,
        "fat": empty,
        "basal": np.ones(shape, np.float32),
        "lymphoid": 60 * (canvas.noise(230, 31) - 1.25),
    }
    fields |= _ARCHITECTURES[spec.recipe.architecture](canvas, tissue)
    fields["necrosis"] = _necrosis(canvas, fields["epithelium"])
    return Layout(
        cell_px=cell_px,
        cell_um=canvas.cell_um,
        tissue=tissue,
        heat=_heat(canvas, fields["epithelium"]),
        warp=(45 * canvas.noise(260, 41), 60 * canvas.noise(240, 42) + 16 * canvas.noise(70, 43)),
        **fields,
    )


def _heat(canvas: _Canvas, epithelium: Plane) -> Plane:
    """Of mean 0 over the nests, so that the slide's index comes near the wanted one."""
    heat = canvas.noise(max(300.0, min(canvas.size_um) / 6), 51)
    nests = epithelium > 0
    return heat - heat[nests].mean() if nests.any() else heat


def _tissue(canvas: _Canvas) -> Plane:
    """One or two pieces with a wavy, finely torn border."""
    rng = np.random.default_rng([canvas.seed, 1])
    high, wide = canvas.size_um
    two = rng.random() < 0.5 and max(high, wide) > 1500
    long_x = wide >= high
    y, x = canvas.axes()
    level = np.full(canvas.shape, -1e6, np.float32)
    for k in range(2 if two else 1):
        shift = (0.26 if k else -0.23) if two else 0.0
        half = 0.205 if two else 0.41
        middle = np.array([0.5, 0.5]) + rng.uniform(-0.02, 0.02, 2)
        middle[1 if long_x else 0] += shift
        radii = np.array([0.40, 0.40]) * rng.uniform(0.92, 1.0, 2)
        radii[1 if long_x else 0] = half * rng.uniform(0.92, 1.0)
        dy, dx = (y / high - middle[0]) / radii[0], (x / wide - middle[1]) / radii[1]
        rounded = (np.abs(dx) ** 2.6 + np.abs(dy) ** 2.6) ** (1 / 2.6)
        level = np.maximum(level, (1 - rounded) * min(radii[0] * high, radii[1] * wide))
    reach = min(high, wide)
    level += 0.035 * reach * canvas.noise(reach / 4, 2) + 0.013 * reach * canvas.noise(
        reach / 11, 3
    )
    level += 6 * canvas.noise(90, 4) + 3 * canvas.noise(30, 5)
    return level.astype(np.float32)


def _breast(canvas: _Canvas, tissue: Plane) -> dict[str, Plane]:
    """Nests and cords of a carcinoma in collagen; fat with septa around."""
    reach = min(canvas.size_um)
    mass = canvas.noise(max(500.0, reach / 3), 11) + 0.9 * np.minimum(tissue / (0.2 * reach), 1)
    nests = canvas.noise(150, 12) + 0.75 * canvas.noise(62, 13) + 0.25 * canvas.noise(28, 19)
    inside = np.clip((mass + 0.75) * 2, 0, 1)
    epithelium = 38 * (nests - 1.7 + 1.65 * inside)
    epithelium = canvas.bent(epithelium, 26, 95, 24)
    fat = 120 * (0.7 * canvas.noise(420, 14) + 0.2 * canvas.noise(90, 20) - mass - 0.7)
    fat = np.minimum(canvas.bent(fat, 40, 160, 26), 25 - epithelium)
    lumen = 40 * (nests - 2.9)
    return {"epithelium": np.minimum(epithelium, tissue - 12), "fat": fat, "lumen": lumen}


def _colon(canvas: _Canvas, tissue: Plane) -> dict[str, Plane]:
    """Glands with lumina on a jittered grid in cellular stroma; smooth muscle elsewhere."""
    y, x = canvas.axes()
    wx = x + 26 * canvas.noise(120, 11) + 8 * canvas.noise(45, 16)
    wy = y + 26 * canvas.noise(120, 12) + 8 * canvas.noise(45, 17)
    column, row = (
        np.floor(wx / _GLAND_UM).astype(np.int64),
        np.floor(wy / _GLAND_UM).astype(np.int64),
    )
    nearest = np.full(canvas.shape, 1e3, np.float32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            gx, gy = column + dx + 1000, row + dy + 1000
            cx = (column + dx + 0.28 + 0.44 * place_hash(gx, gy, canvas.seed, 13)) * _GLAND_UM
            cy = (row + dy + 0.28 + 0.44 * place_hash(gx, gy, canvas.seed, 14)) * _GLAND_UM
            wide = 0.8 + 0.45 * place_hash(gx, gy, canvas.seed, 15)
            nearest = np.minimum(nearest, np.hypot(wx - cx, wy - cy) / wide)
    mucosa = canvas.noise(max(500.0, min(canvas.size_um) / 4), 18) + 0.9
    epithelium = np.minimum(np.minimum(52 - nearest, 60 * mucosa), tissue - 10)
    basal = np.clip((nearest - 29) / 5, 0, 1)
    return {
        "epithelium": epithelium.astype(np.float32),
        "lumen": (17 - nearest).astype(np.float32),
        "basal": basal.astype(np.float32),
    }


def _lymphnode(canvas: _Canvas, tissue: Plane) -> dict[str, Plane]:
    """Sheets of lymphocytes with sinuses and a metastasis."""
    reach = min(canvas.size_um)
    mass = canvas.noise(max(400.0, reach / 3.5), 11)
    nests = canvas.noise(120, 12) + 0.5 * canvas.noise(50, 13)
    epithelium = 35 * (nests - 2.2 + 1.9 * np.clip((mass - 0.35) * 2.5, 0, 1))
    sinus = np.abs(canvas.noise(210, 15) + 0.3 * canvas.noise(60, 16))
    lymphoid = 60 * (sinus - 0.13)
    return {
        "epithelium": np.minimum(epithelium, tissue - 25).astype(np.float32),
        "lymphoid": np.minimum(lymphoid, tissue - 14).astype(np.float32),
    }


def _necrosis(canvas: _Canvas, epithelium: Plane) -> Plane:
    centre = 90 * (canvas.noise(330, 21) + 0.25 * canvas.noise(60, 22) - 1.55)
    return np.minimum(centre, epithelium - 10).astype(np.float32)


_ARCHITECTURES = {"breast": _breast, "colon": _colon, "lymphnode": _lymphnode}
