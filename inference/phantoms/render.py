"""Blocks of pixels: amounts of each stain, summed as optical density, then light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference.phantoms.artefacts import Artefact, apply_to_density, plan_artefacts
from inference.phantoms.layout import Layout, plan_layout
from inference.phantoms.noise import Plane, periodic_texture, place_hash
from inference.phantoms.placement import PlacedNuclei, place_nuclei
from inference.phantoms.spec import PhantomSpec
from inference.phantoms.sprites import CellKind, Library

Box = tuple[int, int, int, int]

# Optical density in red, green, blue of one unit of stain. Haematoxylin and DAB: Ruifrok
# & Johnston 2001; eosin and saffron set by eye on HES slides.
_HAEMATOXYLIN = (0.650, 0.704, 0.286)
_EOSIN = (0.09, 0.94, 0.33)
_DAB = (0.268, 0.570, 0.776)
_SAFFRON = (0.06, 0.32, 0.95)
_WHITE = (244.0, 243.0, 245.0)

_FAT_UM = 68.0
_STAMP_PAD_UM = 24.0
_BLUR_PAD = 24
_BLUR_SIGMA_UM = 2.0
# Mean DAB inside a nucleus or along a membrane of class 0 to 3.
_DAB_LEVELS = (0.0, 0.26, 0.47, 0.85)
_DAB_SPREAD = (0.0, 0.08, 0.16, 0.35)
# Mean haematoxylin of a nucleus by chemistry: tumour, lymphocyte, stroma.
_NUCLEI_HE = (0.0, 0.66, 1.02, 0.78)
_NUCLEI_IHC = (0.0, 0.46, 0.66, 0.52)


class _Stains(NamedTuple):
    """Amounts per pixel: haematoxylin, eosin, DAB, saffron (None where not used)."""

    haematoxylin: Plane
    eosin: Plane | None
    dab: Plane | None
    saffron: Plane | None


class _Tissue(NamedTuple):
    """Shares 0..1 per pixel of what the ground is made of."""

    tissue: Plane
    epithelium: Plane
    necrosis: Plane
    lumen: Plane
    fat: Plane
    fibres: Plane
    soft: Plane
    grain: Plane


class _Cells(NamedTuple):
    """Distance to the nearest and second nearest tumour cell, in px, and who it is."""

    first: Plane
    second: Plane
    owner: Plane


@dataclass(frozen=True, slots=True)
class _Textures:
    fibres: Plane
    soft: Plane
    grain: Plane

    @classmethod
    def drawn(cls, mpp: float, seed: int) -> _Textures:
        unit = 0.5 / mpp
        coarse = periodic_texture(1024, (2.2 * unit, 26 * unit), seed, 61)
        fine = periodic_texture(1024, (0.9 * unit, 13 * unit), seed, 62)
        fibres = 0.75 * coarse + 0.6 * fine
        return cls(
            fibres,
            periodic_texture(1170, (3.0 * unit, 3.0 * unit), seed, 63),
            periodic_texture(887, (0.6, 0.6), seed, 64),
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is drawn once per slide; blocks are rendered from it in any order."""

    spec: PhantomSpec
    layout: Layout
    library: Library
    artefacts: tuple[Artefact, ...]
    textures: _Textures

    @classmethod
    def of(cls, spec: PhantomSpec) -> Scene:
        # Immunostains are run after heating the section: chromatin looks even.
        contrast = 0.45 if spec.recipe.chemistry in _IHC else 1.0
        return cls(
            spec,
            plan_layout(spec),
            Library.drawn(spec.mpp, spec.seed, contrast=contrast),
            plan_artefacts(spec),
            _Textures.drawn(spec.mpp, spec.seed),
        )


def render_block(scene: Scene, box: Box) -> tuple[NDArray[np.uint8], PlacedNuclei]:
    """Pixels (height, width, 3) of a box (left, top, width, height) and its own nuclei."""
    left, top, width, height = box
    edges = (left - _BLUR_PAD, top - _BLUR_PAD, left + width + _BLUR_PAD, top + height + _BLUR_PAD)
    blurs = [a for a in scene.artefacts if a.kind == "blur" and a.near(edges)]
    if not blurs:
        return _drawn(scene, box)
    pad = _BLUR_PAD
    wide = (left - pad, top - pad, width + 2 * pad, height + 2 * pad)
    pixels, nuclei = _drawn(scene, wide)
    for blur in blurs:
        pixels = _blurred(pixels, blur, wide, _BLUR_SIGMA_UM / scene.spec.mpp)
    return np.ascontiguousarray(pixels[pad:-pad, pad:-pad]), nuclei.within(box)


def _drawn(scene: Scene, box: Box) -> tuple[NDArray[np.uint8], PlacedNuclei]:
    ground = _ground(scene, box)
    if not ground.tissue.any():
        nothing = place_nuclei(scene.spec, scene.layout, scene.library, (box[0], box[1], 1, 1))
        stains = _Stains(np.zeros_like(ground.tissue), None, None, None)
        return _light(scene, box, stains, ground), nothing.within((0, 0, 0, 0))
    nuclei = place_nuclei(scene.spec, scene.layout, scene.library, box)
    pad = round(_STAMP_PAD_UM / scene.spec.mpp)
    near = nuclei.within((box[0] - pad, box[1] - pad, box[2] + 2 * pad, box[3] + 2 * pad))
    cells = _cells(near, box, scene.spec.mpp, needed=bool((ground.epithelium > 0).any()))
    chemistry = scene.spec.recipe.chemistry
    stains = _ihc(scene, ground, cells) if chemistry in _IHC else _he(scene, ground, cells)
    _stamp_nuclei(scene, near, box, stains)
    return _light(scene, box, stains, ground), nuclei.within(box)


_IHC = frozenset({"nuclear", "membrane"})


def _ground(scene: Scene, box: Box) -> _Tissue:
    layout, textures = scene.layout, scene.textures
    unit = 1 / scene.spec.mpp
    soft = _tiled(textures.soft, box)
    grain = _tiled(textures.grain, box)

    def share(field: Plane, rough_um: float, edge_um: float) -> Plane:
        height = layout.window(field, box)
        height += np.float32(rough_um) * soft
        height *= np.float32(1 / edge_um)
        height += np.float32(0.5)
        return np.clip(height, 0, 1, out=height)

    # A DAB section's pale border thins out; torn specks would look like nuclei.
    torn = (1.5, 10.0) if scene.spec.recipe.chemistry in _IHC else (2.5, 3.0)
    epithelium = share(layout.epithelium, 1.6, 2.0)
    lumen = share(layout.lumen, 1.0, 2.5) * epithelium
    fat = _fat_cells(scene, box, share(layout.fat, 1.5, 6.0))
    return _Tissue(
        share(layout.tissue, *torn),
        epithelium,
        share(layout.necrosis, 4.0, 10.0),
        lumen,
        fat,
        _fibres(layout, textures.fibres, box, unit),
        soft,
        grain,
    )


def _tiled(texture: Plane, box: Box) -> Plane:
    rows = np.arange(box[1], box[1] + box[3]) % texture.shape[0]
    columns = np.arange(box[0], box[0] + box[2]) % texture.shape[1]
    return np.asarray(texture[rows[:, None], columns[None, :]])


def _fibres(layout: Layout, texture: Plane, box: Box, unit: float) -> Plane:
    """Reads a striped texture at bent coordinates."""
    side = texture.shape[0]
    u = layout.window(layout.warp[0], box) * np.float32(unit)
    v = layout.window(layout.warp[1], box) * np.float32(unit)
    u += np.arange(box[0], box[0] + box[2], dtype=np.float32)[None, :]
    v += np.arange(box[1], box[1] + box[3], dtype=np.float32)[:, None]
    place = (v.astype(np.int32) & (side - 1)) * np.int32(side)
    place += u.astype(np.int32) & (side - 1)
    return np.asarray(np.take(texture, place))


def _fat_cells(scene: Scene, box: Box, share: Plane) -> Plane:
    """Vacuoles: round cells of fat with thin walls between, 1 inside a vacuole."""
    if not share.any():
        return share
    pitch = _FAT_UM / scene.spec.mpp
    columns = np.arange(int(box[0] // pitch) - 2, int((box[0] + box[2]) // pitch) + 3)
    rows = np.arange(int(box[1] // pitch) - 2, int((box[1] + box[3]) // pitch) + 3)
    column, row = (p.ravel() for p in np.meshgrid(columns, rows))
    seed = scene.spec.seed
    x = (column + 0.5 * (row % 2) + 0.3 * place_hash(column + 999, row + 999, seed, 81)) * pitch
    y = (row + 0.3 * place_hash(column + 999, row + 999, seed, 82)) * pitch
    centres = np.stack([np.floor(x), np.floor(y)], axis=1)
    cells = _nearest_two(centres, np.ones(len(centres)), box, round(1.1 * pitch))
    wall = (cells.second - cells.first) * np.float32(scene.spec.mpp / 2.2) - np.float32(0.6)
    return np.asarray(np.clip(wall, 0, 1) * share)


def _cells(nuclei: PlacedNuclei, box: Box, mpp: float, *, needed: bool) -> _Cells | None:
    if not needed:
        return None
    tumour = nuclei.kind == CellKind.TUMOUR
    owner = np.where(tumour, nuclei.stain, 0).astype(np.float64)
    return _nearest_two(nuclei.xy[tumour], owner[tumour], box, round(10 / mpp))


def _nearest_two(
    centres: NDArray[np.floating], owner: NDArray[np.float64], box: Box, reach: int
) -> _Cells:
    """Distances to the two nearest centres, by stamping cones; far pixels keep ``reach``.

    Centres around the box count too: neighbouring boxes agree at their seam.
    """
    shape = (box[3], box[2])
    first = np.full(shape, reach, np.float32)
    second = np.full(shape, reach, np.float32)
    whose = np.zeros(shape, np.float32)
    side = np.arange(-reach, reach + 1, dtype=np.float32)
    cone = np.hypot(side[:, None], side[None, :])
    xs = np.floor(centres[:, 0]).astype(int) - box[0]
    ys = np.floor(centres[:, 1]).astype(int) - box[1]
    for x, y, value in zip(xs.tolist(), ys.tolist(), owner.tolist(), strict=True):
        cut = _overlap(reach, x, y, box)
        if cut is None:
            continue
        place, part = cut
        near, old = cone[part], first[place]
        np.copyto(whose[place], value, where=near < old)
        np.minimum(second[place], np.maximum(old, near), out=second[place])
        np.minimum(old, near, out=old)
    return _Cells(first, second, whose)


def _he(scene: Scene, ground: _Tissue, cells: _Cells | None) -> _Stains:
    """Pink collagen and muscle, lilac epithelium, smudged pink necrosis."""
    g = ground
    saffron = scene.spec.recipe.chemistry == "hes"
    fibre = np.clip(0.225 + 0.06 * g.fibres + 0.025 * g.soft, 0.02, 0.6)
    # Slits between bundles: paraffin sections tear there.
    fibre *= np.clip((g.fibres + 1.6) * 1.8, 0.12, 1)
    matrix = (1 - g.epithelium) * (1 - g.fat) + 0.08 * g.fat * (1 - g.epithelium)
    stroma = fibre * matrix
    body = 0.20 + 0.03 * g.soft + 0.015 * g.grain
    if cells is not None:
        gap = (cells.second - cells.first) * np.float32(scene.spec.mpp)
        body *= 1 - 0.35 * np.exp(-((gap / 1.1) ** 2))
    body *= g.epithelium * (1 - g.lumen)
    dead = g.necrosis * g.epithelium
    eosin = (stroma * (0.42 if saffron else 1.0) + body) * (1 - dead)
    eosin += dead * np.clip(0.34 + 0.07 * g.soft + 0.05 * g.grain, 0, 1)
    eosin *= g.tissue
    blue = (0.025 * matrix + 0.50 * body) * (1 - dead)
    blue += dead * np.clip(0.05 + 0.05 * g.soft + 0.09 * np.maximum(g.grain - 1.6, 0), 0, 1)
    blue *= g.tissue
    yellow = stroma * np.float32(0.95) * g.tissue if saffron else None
    return _Stains(blue.astype(np.float32), eosin.astype(np.float32), None, yellow)


def _ihc(scene: Scene, ground: _Tissue, cells: _Cells | None) -> _Stains:
    """Pale blue-grey ground; DAB along the membranes of a membranous stain."""
    g = ground
    # Pale, yet blue enough to be seen as tissue: 0.04 of chroma and more on real slides.
    fibre = np.clip(0.150 + 0.022 * g.fibres, 0.02, 0.3)
    matrix = (1 - g.epithelium) * (1 - g.fat) + 0.1 * g.fat * (1 - g.epithelium)
    body = np.clip(0.135 + 0.013 * g.soft + 0.008 * g.grain, 0, 1) * g.epithelium
    body *= 1 - g.lumen
    dead = g.necrosis * g.epithelium
    blue = fibre * matrix + body
    blue += dead * np.clip(0.01 + 0.015 * g.soft, -0.05, 0.1)
    blue *= g.tissue
    dab = (0.008 * matrix + 0.014 * g.epithelium + 0.02 * dead) * g.tissue
    if cells is not None and scene.spec.recipe.chemistry == "membrane":
        dab = dab + _membranes(ground, cells, scene.spec.mpp)
    return _Stains(blue.astype(np.float32), None, dab.astype(np.float32), None)


def _membranes(ground: _Tissue, cells: _Cells, mpp: float) -> Plane:
    levels = np.array([0.0, 0.16, 0.42, 0.95], np.float32)
    # Free borders have no second cell near: the membrane lies at the cell's own radius.
    gap_um = np.minimum(cells.second - cells.first, 2 * np.abs(7.2 / mpp - cells.first)) * mpp
    line = np.exp(-((gap_um / 1.25) ** 2)) + 0.10 * np.exp(-((gap_um / 5.0) ** 2))
    strength = levels[cells.owner.astype(np.intp)] * np.clip(1 + 0.22 * ground.soft, 0.2, 1.6)
    live = ground.epithelium * (1 - ground.lumen) * (1 - ground.necrosis)
    membrane: Plane = strength * line * live * (cells.first * mpp < 8.2)
    return membrane


def _stamp_nuclei(scene: Scene, nuclei: PlacedNuclei, box: Box, stains: _Stains) -> None:
    """Lays every nucleus over the ground, in place; the grain of other stains fades below."""
    brown = scene.spec.recipe.chemistry == "nuclear"
    levels = _NUCLEI_IHC if scene.spec.recipe.chemistry in _IHC else _NUCLEI_HE
    shapes = scene.library.sprites
    x, y = np.floor(nuclei.xy).astype(int).T if len(nuclei) else ((), ())
    kinds, tones = nuclei.kind.tolist(), nuclei.tone.tolist()
    numbers, grades = nuclei.shape.tolist(), nuclei.stain.tolist()
    for k, (cx, cy) in enumerate(zip(x, y, strict=True)):
        sprite = shapes[CellKind(kinds[k])][numbers[k]]
        cut = _overlap(sprite.reach, cx - box[0], cy - box[1], box)
        if cut is None:
            continue
        place, part = cut
        cover = sprite.cover[part]
        tone = 0.82 + 0.36 * tones[k]
        blue = levels[kinds[k]] * tone
        if brown and grades[k]:
            blue *= 0.40
            dab = _DAB_LEVELS[grades[k]] + _DAB_SPREAD[grades[k]] * (tones[k] - 0.5)
            _cover(stains.dab, place, cover, sprite.chromatin[part] * np.float32(dab))
        _cover(stains.haematoxylin, place, cover, sprite.chromatin[part] * np.float32(blue))
        for plane in (stains.eosin, stains.saffron):
            if plane is not None:
                plane[place] *= 1 - np.float32(0.75) * cover


def _cover(plane: Plane | None, place: tuple[slice, slice], cover: Plane, amount: Plane) -> None:
    if plane is not None:
        below = plane[place]
        below += cover * (amount - np.float32(0.7) * below)


def _overlap(
    reach: int, x: int, y: int, box: Box
) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """Where a stamp centred at x, y of the block falls, and which part of it."""
    left, top = max(0, x - reach), max(0, y - reach)
    right, bottom = min(box[2], x + reach + 1), min(box[3], y + reach + 1)
    if left >= right or top >= bottom:
        return None
    dx, dy = left - (x - reach), top - (y - reach)
    part = (slice(dy, dy + bottom - top), slice(dx, dx + right - left))
    return (slice(top, bottom), slice(left, right)), part


def _light(scene: Scene, box: Box, stains: _Stains, ground: _Tissue) -> NDArray[np.uint8]:
    """Beer-Lambert: white x 10^-(sum of stain x vector), with shading and grain."""
    vectors = (_HAEMATOXYLIN, _EOSIN, _DAB, _SAFFRON)
    x = np.arange(box[0], box[0] + box[2], dtype=np.float64)[None, :] + 0.5
    y = np.arange(box[1], box[1] + box[3], dtype=np.float64)[:, None] + 0.5
    density = []
    for channel in range(3):
        total: Plane = np.float32(0.004) * ground.grain
        for amount, vector in zip(stains, vectors, strict=True):
            if amount is not None:
                total += amount * np.float32(vector[channel])
        density.append(total)
    edges = (float(box[0]), float(box[1]), float(box[0] + box[2]), float(box[1] + box[3]))
    for artefact in scene.artefacts:
        if artefact.kind != "blur" and artefact.near(_grown(edges, 24)):
            apply_to_density(artefact, density, x, y, ground.soft)
    off = ((x / scene.spec.width - 0.5) ** 2 + (y / scene.spec.height - 0.5) ** 2).astype(
        np.float32
    )
    pixels = np.empty((box[3], box[2], 3), np.uint8)
    for channel, plane in enumerate(density):
        light = plane + np.float32(0.010) * off
        light *= np.float32(-np.log(10))
        np.exp(light, out=light)
        light *= np.float32(_WHITE[channel])
        pixels[..., channel] = np.clip(light, 0, 255, out=light)
    return pixels


def _grown(
    edges: tuple[float, float, float, float], by: float
) -> tuple[float, float, float, float]:
    return edges[0] - by, edges[1] - by, edges[2] + by, edges[3] + by


def _blurred(
    pixels: NDArray[np.uint8], blur: Artefact, box: Box, sigma: float
) -> NDArray[np.uint8]:
    """Out of focus inside the artefact, with a soft transition."""
    x = np.arange(box[0], box[0] + box[2], dtype=np.float64)[None, :] + 0.5
    y = np.arange(box[1], box[1] + box[3], dtype=np.float64)[:, None] + 0.5
    share = np.clip(blur.depth(x, y) / (0.12 * blur.half_px), 0, 1).astype(np.float32)[..., None]
    soft = np.stack(
        [
            ndimage.gaussian_filter(pixels[..., c].astype(np.float32), sigma, truncate=3.0)
            for c in range(3)
        ],
        axis=-1,
    )
    mixed = pixels + share * (soft - pixels)
    result: NDArray[np.uint8] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
    return result
