"""Tiny slides made by code, shared by the tests of the library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from inference.geometry import Mpp, Region, Size
from inference.wsi.model import Level, SlideProperties
from inference.wsi.pyramid import PyramidReader

Write = Callable[..., Path]


class ArraySlide(PyramidReader):
    """A slide held in memory; counts the pixels that are read."""

    def __init__(self, pixels: NDArray[np.uint8], *, mpp: float | None = 0.5) -> None:
        size = Size(pixels.shape[1], pixels.shape[0])
        super().__init__(
            SlideProperties("array", size, (Level(0, size, 1.0),), Mpp(mpp, mpp) if mpp else None)
        )
        self._pixels = pixels
        self.read_px = 0

    def read_level(self, level: Level, x: int, y: int, size: Size) -> NDArray[np.uint8]:
        self.read_px += size.width * size.height
        result = np.full((size.height, size.width, 3), 255, np.uint8)
        inside = Region(x, y, size.width, size.height).clipped_to(level.size)
        if inside.width and inside.height:
            result[inside.y - y : inside.bottom - y, inside.x - x : inside.right - x] = (
                self._pixels[inside.y : inside.bottom, inside.x : inside.right]
            )
        return result

    def read_associated(self, name: str) -> NDArray[np.uint8]:
        raise NotImplementedError

    def close(self) -> None: ...


@pytest.fixture
def array_slide() -> type[ArraySlide]:
    return ArraySlide


@pytest.fixture
def write_slide(tmp_path: Path) -> Write:
    """Writes a tiled pyramid that OpenSlide reads as Aperio, without loss."""

    def write(
        pixels: NDArray[np.uint8],
        *,
        name: str = "slide.svs",
        mpp: float | None = 0.5,
        downsamples: tuple[int, ...] = (1, 2, 4),
    ) -> Path:
        path = tmp_path / name
        height, width = pixels.shape[:2]
        said = f"Aperio Image Library v1\n{width}x{height} (64x64) |AppMag = 20"
        if mpp is not None:
            said += f"|MPP = {mpp}"
        with tifffile.TiffWriter(path) as tiff:
            for factor in downsamples:
                level = pixels[: height // factor * factor, : width // factor * factor]
                level = level.reshape(height // factor, factor, width // factor, factor, 3)
                tiff.write(
                    np.rint(level.mean(axis=(1, 3))).astype(np.uint8),
                    tile=(64, 64),
                    compression="adobe_deflate",
                    photometric="rgb",
                    subfiletype=0 if factor == 1 else 1,
                    description=said,
                    metadata=None,
                )
        return path

    return write
