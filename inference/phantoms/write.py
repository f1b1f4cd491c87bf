"""Writes a phantom: a tiled pyramid that OpenSlide reads as Aperio, and its truth.

The slide is rendered in rows of blocks. One block of level 0 is one tile of level 1, so
only the tiles of one row and the small levels are held: memory grows with the width, not
with the area of level 0.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import simplejpeg
import tifffile
from numpy.typing import NDArray

from inference.phantoms.artefacts import readable
from inference.phantoms.placement import PlacedNuclei
from inference.phantoms.render import Scene, render_block
from inference.phantoms.spec import PhantomSpec
from inference.phantoms.truth import PhantomTruth, save_truth

TILE = 256
STEP = 4
_BLOCK = TILE * STEP
_QUALITY = 85
_SMALLEST = 512

Progress = Callable[[int, int], None]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Block:
    tiles: tuple[tuple[bytes, ...], ...]
    level1: bytes
    level2: Pixels
    nuclei: PlacedNuclei


@dataclass(slots=True)
class _Collected:
    """What rendering leaves behind for the upper levels and the truth."""

    level2: Pixels
    level1: list[bytes] = field(default_factory=list)
    nuclei: list[PlacedNuclei] = field(default_factory=list)


def write_phantom(
    spec: PhantomSpec, path: Path, progress: Progress | None = None, *, threads: int | None = None
) -> PhantomTruth:
    """Writes ``path`` (.tif), ``<name>.truth.json`` and ``<name>.truth.npz``.

    Args:
        spec: what to make; equal specifications give equal files.
        path: the slide; replaced only when it is complete.
        progress: called with blocks done and all blocks; it may raise to stop.
        threads: of rendering; None takes the machine's processors, at most 8.

    Returns:
        The planted truth.
    """
    scene = Scene.of(spec)
    rows, columns = -(-spec.height // _BLOCK), -(-spec.width // _BLOCK)
    side = _BLOCK // STEP**2
    made = _Collected(np.full((rows * side, columns * side, 3), 244, np.uint8))
    workers = threads or min(8, os.cpu_count() or 1)
    handle, name = tempfile.mkstemp(suffix=".part", prefix=path.stem, dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        with (
            ThreadPoolExecutor(workers) as pool,
            tifffile.TiffWriter(part, bigtiff=True) as file,
        ):
            blocks = _rendered(scene, pool, (rows, columns), workers)
            _write_level(file, spec, 1, _base_tiles(blocks, (rows, columns), made, progress))
            _write_upper_levels(file, spec, made)
        part.chmod(0o644)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    truth = _truth(scene, PlacedNuclei.joined(made.nuclei))
    save_truth(truth, path)
    return truth


def _rendered(
    scene: Scene, pool: ThreadPoolExecutor, shape: tuple[int, int], workers: int
) -> Iterator[_Block]:
    """Blocks in reading order, a few ahead of the writer."""
    waiting: deque[Future[_Block]] = deque()
    try:
        for number in range(shape[0] * shape[1]):
            row, column = divmod(number, shape[1])
            waiting.append(pool.submit(_make_block, scene, row, column))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _make_block(scene: Scene, row: int, column: int) -> _Block:
    box = (column * _BLOCK, row * _BLOCK, _BLOCK, _BLOCK)
    pixels, nuclei = render_block(scene, box)
    tiles = tuple(
        tuple(_jpeg(pixels[y : y + TILE, x : x + TILE]) for x in range(0, _BLOCK, TILE))
        for y in range(0, _BLOCK, TILE)
    )
    level1 = _reduced(pixels)
    return _Block(tiles, _jpeg(level1), _reduced(level1), nuclei)


def _jpeg(pixels: Pixels) -> bytes:
    whole = np.ascontiguousarray(pixels)
    encoded: bytes = simplejpeg.encode_jpeg(
        whole, quality=_QUALITY, colorspace="RGB", colorsubsampling="420"
    )
    return encoded


def _reduced(pixels: Pixels) -> Pixels:
    """Mean of 4 x 4 pixels."""
    total = np.zeros((pixels.shape[0] // STEP, pixels.shape[1] // STEP, 3), np.uint16)
    for y in range(STEP):
        for x in range(STEP):
            total += pixels[y::STEP, x::STEP]
    return ((total + STEP * STEP // 2) // (STEP * STEP)).astype(np.uint8)


def _base_tiles(
    blocks: Iterator[_Block], shape: tuple[int, int], made: _Collected, progress: Progress | None
) -> Iterator[tuple[int, int, bytes]]:
    """Tiles of level 0 in reading order with their row and column."""
    side = _BLOCK // STEP**2
    for row in range(shape[0]):
        line = []
        for column in range(shape[1]):
            block = next(blocks)
            line.append(block.tiles)
            made.level1.append(block.level1)
            made.nuclei.append(block.nuclei)
            place = (slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side))
            made.level2[place] = block.level2
            if progress is not None:
                progress(row * shape[1] + column + 1, shape[0] * shape[1])
        for inner in range(STEP):
            for column, tiles in enumerate(line):
                for k, tile in enumerate(tiles[inner]):
                    yield row * STEP + inner, column * STEP + k, tile


def _write_upper_levels(file: tifffile.TiffWriter, spec: PhantomSpec, made: _Collected) -> None:
    columns = -(-spec.width // _BLOCK)
    tiles = ((k // columns, k % columns, tile) for k, tile in enumerate(made.level1))
    _write_level(file, spec, STEP, tiles)
    factor, pixels = STEP**2, made.level2
    while True:
        _write_level(file, spec, factor, _tiles_of(pixels))
        if max(spec.width, spec.height) // factor <= _SMALLEST * STEP:
            return
        high, wide = (-(-n // STEP) * STEP for n in pixels.shape[:2])
        more = ((0, high - pixels.shape[0]), (0, wide - pixels.shape[1]), (0, 0))
        pixels = _reduced(np.pad(pixels, more, mode="edge"))
        factor *= STEP


def _tiles_of(pixels: Pixels) -> Iterator[tuple[int, int, bytes]]:
    high, wide = (-(-n // TILE) * TILE for n in pixels.shape[:2])
    more = ((0, high - pixels.shape[0]), (0, wide - pixels.shape[1]), (0, 0))
    padded = np.pad(pixels, more, mode="edge")
    for row in range(high // TILE):
        for column in range(wide // TILE):
            y, x = row * TILE, column * TILE
            yield row, column, _jpeg(padded[y : y + TILE, x : x + TILE])


def _write_level(
    file: tifffile.TiffWriter,
    spec: PhantomSpec,
    factor: int,
    tiles: Iterator[tuple[int, int, bytes]],
) -> None:
    """Writes the tiles that lie on the level; those of the blocks' overhang are dropped."""
    height, width = max(1, spec.height // factor), max(1, spec.width // factor)
    rows, columns = -(-height // TILE), -(-width // TILE)
    per_cm = 1e4 / (spec.mpp * factor)
    file.write(
        (tile for row, column, tile in tiles if row < rows and column < columns),
        shape=(height, width, 3),
        dtype=np.uint8,
        tile=(TILE, TILE),
        compression="jpeg",
        photometric="ycbcr",
        subsampling=(2, 2),
        description=_description(spec, factor),
        metadata=None,
        software=False,
        resolution=(per_cm, per_cm),
        resolutionunit="CENTIMETER",
    )


def _description(spec: PhantomSpec, factor: int) -> str:
    """In Aperio's form: OpenSlide takes vendor, resolution and objective from it."""
    full = f"{spec.width}x{spec.height}"
    scaled = f" -> {spec.width // factor}x{spec.height // factor}" if factor > 1 else ""
    return (
        f"Aperio Portrait Phantom v1 \r\n{full} [0,0 {full}] ({TILE}x{TILE}){scaled} "
        f"JPEG/RGB Q={_QUALITY}|AppMag = {spec.objective:g}|MPP = {spec.mpp:.4f}"
        f"|ScanScope ID = PHANTOM|Filename = {spec.preset}-{spec.seed}"
    )


def _truth(scene: Scene, nuclei: PlacedNuclei) -> PhantomTruth:
    inside = nuclei.within((0, 0, scene.spec.width, scene.spec.height))
    return PhantomTruth(
        spec=scene.spec,
        xy_px=inside.xy,
        cls=inside.kind,
        stain_class=inside.stain,
        radius_px=inside.radius_px,
        readable=readable(scene.artefacts, inside.xy),
        regions=scene.layout.regions(),
        region_px=scene.layout.cell_px,
        artefacts=tuple(a.to_json() for a in scene.artefacts),
    )
