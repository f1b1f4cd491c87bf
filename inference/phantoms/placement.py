"""Where the nuclei lie: candidates on a jittered hash grid, thinned until none overlap.

A candidate depends on the seed and its grid place only and loses only against near ones,
so that any window of the slide holds the same nuclei as any other window over it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.phantoms.layout import Layout
from inference.phantoms.noise import Plane, place_hash
from inference.phantoms.spec import PhantomSpec
from inference.phantoms.sprites import DIRECTIONS, SHAPES, CellKind, Library

_PITCH_UM = 7.0
# Grid places around a window that can touch what lies in it: the reach of thinning, twice
# per round, and that of the widest stamp.
_PAD = 12
_REACH = 3
_ROUNDS = 2
_TIGHT = {CellKind.TUMOUR: 1.06, CellKind.LYMPHOCYTE: 1.0, CellKind.STROMA: 1.15}


@dataclass(frozen=True, slots=True)
class PlacedNuclei:
    """Nuclei of a window; every array has n rows.

    ``xy`` in level-0 pixels (centre of a pixel = integer + 0.5), ``shape`` a number in the
    library, ``tone`` uniform in 0..1.
    """

    xy: Plane
    kind: NDArray[np.uint8]
    shape: NDArray[np.uint8]
    stain: NDArray[np.uint8]
    radius_px: Plane
    tone: Plane

    def __len__(self) -> int:
        return len(self.xy)

    def within(self, box: tuple[int, int, int, int]) -> PlacedNuclei:
        """Those whose centre lies in the box (left, top, width, height)."""
        left, top, width, height = box
        x, y = self.xy[:, 0], self.xy[:, 1]
        mine = (x >= left) & (x < left + width) & (y >= top) & (y < top + height)
        return PlacedNuclei(
            self.xy[mine],
            self.kind[mine],
            self.shape[mine],
            self.stain[mine],
            self.radius_px[mine],
            self.tone[mine],
        )

    @classmethod
    def joined(cls, parts: list[PlacedNuclei]) -> PlacedNuclei:
        return cls(
            np.concatenate([p.xy for p in parts]),
            np.concatenate([p.kind for p in parts]),
            np.concatenate([p.shape for p in parts]),
            np.concatenate([p.stain for p in parts]),
            np.concatenate([p.radius_px for p in parts]),
            np.concatenate([p.tone for p in parts]),
        )


@dataclass(frozen=True, slots=True)
class _Grid:
    """Candidates of one round on a window of the hash grid, (rows, columns) each."""

    x: Plane
    y: Plane
    kind: NDArray[np.uint8]
    shape: NDArray[np.uint8]
    space: Plane
    rank: Plane


def place_nuclei(
    spec: PhantomSpec, layout: Layout, library: Library, box: tuple[int, int, int, int]
) -> PlacedNuclei:
    """The nuclei of a box (left, top, width, height) and of a rim around it."""
    pitch = _PITCH_UM / spec.mpp
    left, top, width, height = box
    columns = np.arange(int(left // pitch) - _PAD, int((left + width) // pitch) + _PAD + 1)
    rows = np.arange(int(top // pitch) - _PAD, int((top + height) // pitch) + _PAD + 1)
    places = np.broadcast_arrays(columns[None, :] + 4096, rows[:, None] + 4096)
    column, row = (p.astype(np.int64) for p in places)
    kept: list[_Grid] = []
    for number in range(_ROUNDS):
        grid = _candidates(spec, layout, library, (column, row), 100 * (number + 1))
        alive = grid.kind > 0
        for earlier in kept:
            alive &= ~_touches(grid, earlier, earlier.kind > 0, ranked=False)
        alive &= ~_touches(grid, grid, alive, ranked=True)
        kind = np.where(alive, grid.kind, 0).astype(np.uint8)
        kept.append(_Grid(grid.x, grid.y, kind, grid.shape, grid.space, grid.rank))
    return _gathered(spec, layout, library, kept)


def _candidates(
    spec: PhantomSpec,
    layout: Layout,
    library: Library,
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
    channel: int,
) -> _Grid:
    column, row = places

    def draw(number: int) -> Plane:
        return place_hash(column, row, spec.seed, channel + number)

    pitch = _PITCH_UM / spec.mpp
    # Whole pixels: a stamp's centre is the centre of a pixel.
    x = np.floor((column - 4096 + draw(0)) * pitch).astype(np.float32) + np.float32(0.5)
    y = np.floor((row - 4096 + draw(1)) * pitch).astype(np.float32) + np.float32(0.5)
    kind = _kinds(spec, layout, x, y, draw(2))
    shape = (draw(3) * SHAPES).astype(np.uint8)
    along = kind == CellKind.STROMA
    group = _direction(layout, x, y)
    shape[along] = (shape[along] // DIRECTIONS) * DIRECTIONS + group[along]
    inside = (x >= 0) & (y >= 0) & (x < spec.width) & (y < spec.height)
    kind[~inside] = 0
    tight = np.zeros(4, np.float32)
    for key, value in _TIGHT.items():
        tight[key] = value
    space = library.radii_px[kind, shape] * tight[kind]
    return _Grid(x, y, kind, shape, space, draw(4))


def _kinds(
    spec: PhantomSpec, layout: Layout, x: Plane, y: Plane, chance: Plane
) -> NDArray[np.uint8]:
    """Class of each candidate, 0 where there is none."""
    recipe = spec.recipe
    epithelium = layout.at(layout.epithelium, x, y)
    kind = np.where(chance < recipe.stroma_cells, CellKind.STROMA, 0)
    crowd = np.where(layout.at(layout.lymphoid, x, y) > 0, 0.85, recipe.lymphocytes)
    if recipe.architecture == "lymphnode":
        crowd = np.where(layout.at(layout.lymphoid, x, y) > 0, recipe.lymphocytes, 0.08)
    if recipe.chemistry in {"nuclear", "membrane"}:
        crowd = np.minimum(crowd, 2 * recipe.lymphocytes)
    kind = np.where(chance > 1 - crowd, CellKind.LYMPHOCYTE, kind)
    tumour = np.where(chance < recipe.infiltrating, CellKind.LYMPHOCYTE, CellKind.TUMOUR)
    tumour = np.where(chance > 0.02 + 0.95 * layout.at(layout.basal, x, y), 0, tumour)
    kind = np.where(epithelium > 3, tumour, np.where(epithelium > -3, 0, kind))
    bare = (layout.at(layout.necrosis, x, y) > -2) | (layout.at(layout.fat, x, y) > -4)
    bare |= (layout.at(layout.lumen, x, y) > -4) & (epithelium > 0)
    bare |= layout.at(layout.tissue, x, y) < 7
    kind[bare] = 0
    return kind.astype(np.uint8)


def _direction(layout: Layout, x: Plane, y: Plane) -> NDArray[np.uint8]:
    """Direction of the fibres: along them the second warped coordinate is constant."""
    step = np.float32(layout.cell_px)
    v = layout.warp[1]
    slope_x = (layout.at(v, x + step, y) - layout.at(v, x - step, y)) / (2 * layout.cell_um)
    slope_y = (layout.at(v, x, y + step) - layout.at(v, x, y - step)) / (2 * layout.cell_um)
    angle = np.arctan2(-slope_x, 1 + slope_y) % np.pi
    group: NDArray[np.uint8] = (np.round(angle * DIRECTIONS / np.pi) % DIRECTIONS).astype(np.uint8)
    return group


def _touches(
    grid: _Grid, other: _Grid, present: NDArray[np.bool_], *, ranked: bool
) -> NDArray[np.bool_]:
    """Which candidates overlap one of ``other`` (of higher rank, if ``ranked``)."""
    hit = np.zeros(grid.x.shape, np.bool_)
    rows, columns = grid.x.shape
    for dy in range(-_REACH, _REACH + 1):
        for dx in range(-_REACH, _REACH + 1):
            if ranked and dx == dy == 0:
                continue
            mine = (_cut(dy, rows), _cut(dx, columns))
            near = (_cut(-dy, rows), _cut(-dx, columns))
            ax, ay = grid.x[mine] - other.x[near], grid.y[mine] - other.y[near]
            space = grid.space[mine] + other.space[near]
            close = (ax * ax + ay * ay < space * space) & present[near]
            if ranked:
                close &= other.rank[near] > grid.rank[mine]
            hit[mine] |= close
    return hit


def _cut(shift: int, length: int) -> slice:
    return slice(max(0, -shift), min(length, length - shift))


def _gathered(
    spec: PhantomSpec, layout: Layout, library: Library, grids: list[_Grid]
) -> PlacedNuclei:
    parts = []
    for number, grid in enumerate(grids):
        there = np.nonzero(grid.kind)
        x, y, kind, shape = grid.x[there], grid.y[there], grid.kind[there], grid.shape[there]
        px, py = x.astype(np.int64), y.astype(np.int64)
        stain = _stain_classes(
            spec, layout, (x, y), kind, place_hash(px, py, spec.seed, 7 + number)
        )
        parts.append(
            PlacedNuclei(
                np.stack([x, y], axis=1),
                kind,
                shape,
                stain,
                library.radii_px[kind, shape],
                place_hash(px, py, spec.seed, 17 + number),
            )
        )
    return PlacedNuclei.joined(parts)


def _stain_classes(
    spec: PhantomSpec,
    layout: Layout,
    place: tuple[Plane, Plane],
    kind: NDArray[np.uint8],
    chance: Plane,
) -> NDArray[np.uint8]:
    """0 negative, 1 to 3 by intensity; hot and cold areas differ, as in a tumour."""
    if spec.recipe.chemistry not in {"nuclear", "membrane"}:
        return np.zeros(len(kind), np.uint8)
    wanted = spec.target_index / 100
    heat = np.clip(layout.at(layout.heat, *place), -1.5, 1.5)
    # Logit-like: keeps the mean near the target and the chance inside 0..1.
    if spec.recipe.chemistry == "membrane":
        # Amplified clones: neighbours are alike.
        chance = np.clip(0.5 - 0.33 * heat + 0.45 * (chance - 0.5), 0, 1).astype(np.float32)
    share = np.clip(wanted + 0.9 * wanted * (1 - wanted) * 0.55 * heat, 0, 1)
    positive = (chance < share) & (kind == CellKind.TUMOUR)
    weak, moderate, _ = spec.recipe.grades
    grade = np.where(chance < share * (1 - weak), 2, 1)
    grade = np.where(chance < share * (1 - weak - moderate), 3, grade)
    return np.where(positive, grade, 0).astype(np.uint8)
