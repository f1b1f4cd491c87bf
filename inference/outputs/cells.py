"""CEL1: up to millions of cells in one file that a browser reads without parsing.

``CEL1``, u32le length of the header, JSON header padded with spaces to a multiple of 4,
then planar columns in chunk order: u16le x and y interleaved in 1/16 level-0 px inside
the chunk, u8 class code, u8 probability. Cells are in random order inside a chunk, so a
prefix of a chunk is an unbiased sample.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.outputs.fields import FieldError, Fields, canonical_json

MAGIC = b"CEL1"
CHUNK_PX = 4096
SCALE = 16


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells in file order: index in the file = the object's id.

    Attributes:
        xy_px: (n, 2) float64, level-0 pixels.
        class_code: (n,) u8.
        probability: (n,) float64, 0 to 1.
    """

    xy_px: NDArray[np.float64]
    class_code: NDArray[np.uint8]
    probability: NDArray[np.float64]


def encode_cells(
    xy_px: NDArray[Any],
    class_code: NDArray[Any],
    probability: NDArray[Any],
    *,
    codes: tuple[int, ...],
    seed: int,
) -> tuple[bytes, NDArray[np.int64]]:
    """Encodes cells as CEL1.

    Args:
        xy_px: (n, 2) centres, level-0 pixels, not negative.
        class_code: (n,) one of ``codes``.
        probability: (n,) 0 to 1.
        codes: the classes' codes.
        seed: of the order inside a chunk.

    Returns:
        The file's bytes, and the (n,) order: ``order[i]`` is the input index of cell i.
    """
    xy = np.asarray(xy_px, dtype=np.float64).reshape(-1, 2)
    code = np.asarray(class_code)
    prob = np.asarray(probability, dtype=np.float64)
    _check_columns(xy, code, prob, codes)
    chunk = np.floor(xy / CHUNK_PX).astype(np.int64)
    shuffled = np.random.default_rng(seed).permutation(len(xy))
    # A stable sort by chunk keeps the random order inside each chunk.
    order: NDArray[np.int64] = shuffled[np.lexsort((chunk[shuffled, 0], chunk[shuffled, 1]))]
    chunk, code = chunk[order], code[order].astype(np.uint8)
    inside = np.rint((xy[order] - chunk * CHUNK_PX) * SCALE)
    place = np.minimum(inside, CHUNK_PX * SCALE - 1).astype("<u2")
    header = canonical_json(
        {"n": len(xy), "tile": CHUNK_PX, "scale": SCALE, "chunks": _chunk_table(chunk, code, codes)}
    ).rstrip(b"\n")
    header += b" " * (-len(header) % 4)
    level = np.rint(prob[order] * 255).astype(np.uint8)
    body = place.tobytes() + code.tobytes() + level.tobytes()
    return MAGIC + struct.pack("<I", len(header)) + header + body, order


def _check_columns(
    xy: NDArray[np.float64], code: NDArray[Any], prob: NDArray[np.float64], codes: tuple[int, ...]
) -> None:
    if code.shape != (len(xy),) or prob.shape != (len(xy),):
        raise FieldError("cells: columns of different lengths")
    if not np.isfinite(xy).all() or not np.isfinite(prob).all():
        raise FieldError("cells: a coordinate or a probability is not finite")
    if len(xy) and xy.min() < 0:
        raise FieldError("cells: a coordinate is negative")
    if len(xy) and (prob.min() < 0 or prob.max() > 1):
        raise FieldError("cells: a probability is not in 0..1")
    if not np.isin(code, codes).all():
        raise FieldError("cells: a class code is not declared")


def _chunk_table(
    chunk: NDArray[np.int64], code: NDArray[np.uint8], codes: tuple[int, ...]
) -> list[dict[str, Any]]:
    if not len(chunk):
        return []
    starts = np.flatnonzero(np.r_[True, (np.diff(chunk, axis=0) != 0).any(axis=1)])
    ends = np.r_[starts[1:], len(chunk)]
    size = max(codes) + 1
    return [
        {
            "cx": int(chunk[first, 0]),
            "cy": int(chunk[first, 1]),
            "first": int(first),
            "count": int(end - first),
            "counts": np.bincount(code[first:end], minlength=size).tolist(),
        }
        for first, end in zip(starts, ends, strict=True)
    ]


def decode_cells(data: bytes, *, codes: tuple[int, ...]) -> Cells:
    """Reads and checks a CEL1 file; FieldError where it contradicts itself."""
    if data[:4] != MAGIC or len(data) < 8:
        raise FieldError("not a CEL1 file")
    (length,) = struct.unpack("<I", data[4:8])
    if length % 4 or 8 + length > len(data):
        raise FieldError("CEL1: header length")
    header = Fields.parse(data[8 : 8 + length], "CEL1")
    header.integer("tile", low=CHUNK_PX, high=CHUNK_PX)
    header.integer("scale", low=SCALE, high=SCALE)
    n = header.integer("n", low=0)
    body = 8 + length
    if len(data) != body + 6 * n:
        raise FieldError("CEL1: body length")
    xy = np.frombuffer(data, dtype="<u2", count=2 * n, offset=body).reshape(n, 2) / SCALE
    code = np.frombuffer(data, dtype=np.uint8, count=n, offset=body + 4 * n)
    prob = np.frombuffer(data, dtype=np.uint8, count=n, offset=body + 5 * n) / 255
    if not np.isin(code, codes).all():
        raise FieldError("CEL1: a class code is not declared")
    _add_origins(xy, code, header, max(codes, default=0) + 1)
    return Cells(xy, code, prob)


def _add_origins(
    xy: NDArray[np.float64], code: NDArray[np.uint8], header: Fields, size: int
) -> None:
    """Moves each chunk's cells to its place; the chunks must tile the body in order."""
    expected = 0
    for chunk in header.items("chunks"):
        first, count = chunk.integer("first"), chunk.integer("count", low=1)
        counts = np.bincount(code[first : first + count], minlength=size).tolist()
        if first != expected or chunk.array("counts") != counts:
            raise FieldError("CEL1: the chunk table does not fit the body")
        expected = first + count
        xy[first:expected] += (
            chunk.integer("cx", low=0) * CHUNK_PX,
            chunk.integer("cy", low=0) * CHUNK_PX,
        )
    if expected != len(xy):
        raise FieldError("CEL1: the chunk table does not cover the body")
