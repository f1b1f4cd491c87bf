"""Reads patches in blocks: one read and one resampling serve many patches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.geometry import Region, Size
from inference.patches.grid import PatchGrid
from inference.wsi import SlideReader

_BLOCK_PX = 2048


@dataclass(frozen=True, slots=True)
class PatchBatch:
    """Patches ready for a network.

    Attributes:
        images: (n, side, side, 3) u8 RGB, margins included.
        index: (n,) int64, each patch's place in the grid.
        xy_px: (n, 2) int64, left upper corner of each core in level-0 pixels.
    """

    images: NDArray[np.uint8]
    index: NDArray[np.int64]
    xy_px: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, slots=True)
class _Block:
    """Neighbouring patches that are read at once."""

    index: NDArray[np.int64]
    column: int
    row: int
    columns: int
    rows: int


def iter_batches(
    slide: SlideReader,
    grid: PatchGrid,
    *,
    batch_size: int,
    workers: int = 2,
    block_px: int = _BLOCK_PX,
    on_read: Callable[[int], None] | None = None,
) -> Iterator[PatchBatch]:
    """Yields all patches of the grid in batches; only the last batch may be smaller.

    The order is the same for any number of workers, so results are too.

    Args:
        slide: the open slide.
        grid: from ``plan_patches``.
        batch_size: patches per batch.
        workers: threads that read ahead; memory is about ``(workers + 2)`` blocks.
        block_px: side of a block in patch pixels.
        on_read: called with the number of patches read so far; it may raise to stop.
    """
    if batch_size < 1 or workers < 1:
        raise ValueError("batch_size and workers are at least 1")
    pending: list[tuple[NDArray[np.uint8], NDArray[np.int64]]] = []
    waiting = done = 0
    xy = grid.xy_px
    for images, index in _read_ahead(slide, grid, _blocks(grid, block_px), workers):
        pending.append((images, index))
        waiting += len(index)
        done += len(index)
        if on_read is not None:
            on_read(done)
        if waiting < batch_size:
            continue
        joined, places = _join(pending)
        full = waiting - waiting % batch_size
        for start in range(0, full, batch_size):
            part = slice(start, start + batch_size)
            yield PatchBatch(joined[part], places[part], xy[places[part]])
        # A copy, or the few patches left would keep the whole block in memory.
        pending = [(joined[full:].copy(), places[full:])] if full < waiting else []
        waiting -= full
    if waiting:
        joined, places = _join(pending)
        yield PatchBatch(joined, places, xy[places])


def _join(
    parts: list[tuple[NDArray[np.uint8], NDArray[np.int64]]],
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _blocks(grid: PatchGrid, block_px: int) -> list[_Block]:
    """Groups the wanted cores by block, each shrunk to the cores it holds."""
    if not len(grid):
        return []
    side = max(1, block_px // grid.core_px)
    group = grid.cells // side
    order = np.lexsort((group[:, 0], group[:, 1]))
    ends = np.flatnonzero((np.diff(group[order], axis=0) != 0).any(axis=1)) + 1
    blocks = []
    for index in np.split(order, ends):
        low, high = grid.cells[index].min(axis=0), grid.cells[index].max(axis=0) + 1
        width, height = (int(v) for v in high - low)
        blocks.append(_Block(index.astype(np.int64), int(low[0]), int(low[1]), width, height))
    return blocks


def _read_ahead(
    slide: SlideReader, grid: PatchGrid, blocks: list[_Block], workers: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    queue: deque[tuple[Future[NDArray[np.uint8]], _Block]] = deque()
    todo = iter(blocks)
    with ThreadPoolExecutor(workers, thread_name_prefix="patches") as pool:
        try:
            while True:
                while len(queue) <= workers and (block := next(todo, None)) is not None:
                    queue.append((pool.submit(_read_block, slide, grid, block), block))
                if not queue:
                    return
                future, block = queue.popleft()
                yield future.result(), block.index
        finally:
            for future, _ in queue:
                future.cancel()


def _read_block(slide: SlideReader, grid: PatchGrid, block: _Block) -> NDArray[np.uint8]:
    """The block's patches, (n, side, side, 3)."""
    margin = round(grid.margin_px * grid.scale_px)
    region = Region(
        block.column * grid.step_px - margin,
        block.row * grid.step_px - margin,
        block.columns * grid.step_px + 2 * margin,
        block.rows * grid.step_px + 2 * margin,
    )
    core, side = grid.core_px, grid.side_px
    size = Size(block.columns * core + 2 * grid.margin_px, block.rows * core + 2 * grid.margin_px)
    pixels = slide.read_region(region, size)
    images = np.empty((len(block.index), side, side, 3), np.uint8)
    for image, (column, row) in zip(images, grid.cells[block.index], strict=True):
        x, y = (column - block.column) * core, (row - block.row) * core
        image[...] = pixels[y : y + side, x : x + side]
    return images
