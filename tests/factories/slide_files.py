"""Small slide files made by code: an Aperio-style pyramid that OpenSlide reads as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray


def tissue(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth pink and violet patches on white: colours that a wrong marker would ruin."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 40 + 2, width // 40 + 2))
    grain = np.kron(coarse, np.ones((40, 40)))[:height, :width, None]
    pink, violet = np.array([226.0, 150.0, 190.0]), np.array([110.0, 70.0, 150.0])
    pixels = violet + (pink - violet) * grain
    pixels[: height // 5] = 245.0
    return np.asarray(pixels, np.uint8)


def write_svs(
    path: Path,
    *,
    width: int = 700,
    height: int = 500,
    tile: int = 128,
    reductions: tuple[int, ...] = (1, 4),
    mpp: float | None = 0.5,
    rgb: bool = False,
) -> Path:
    """A tiled JPEG pyramid; `rgb` keeps the colours unconverted, as Aperio scanners may."""
    pixels = tissue(width, height)
    said = (
        f"Aperio Image Library v12.0.0 \r\n{width}x{height} [0,0 {width}x{height}] ({tile}x{tile})"
    )
    said += " JPEG/RGB Q=90|AppMag = 20" + (f"|MPP = {mpp}" if mpp else "")
    with tifffile.TiffWriter(path) as file:
        for factor in reductions:
            level = pixels[: height // factor * factor, : width // factor * factor]
            level = level.reshape(height // factor, factor, width // factor, factor, 3)
            file.write(
                level.mean(axis=(1, 3)).round().astype(np.uint8),
                tile=(tile, tile),
                photometric="rgb",
                compression="jpeg",
                compressionargs={"level": 90, "outcolorspace": "rgb" if rgb else "ycbcr"},
                description=said,
                metadata=None,
                software=None,
            )
    return path
