"""TIFF and OME-TIFF that OpenSlide refuses (no pyramid, strips, sub-resolutions in SubIFDs)."""

from __future__ import annotations

import logging
import threading
import xml.etree.ElementTree as ET
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from inference.errors import SlideError
from inference.geometry import Mpp, Size
from inference.wsi import reasons
from inference.wsi.model import Level, SlideProperties, credible_mpp
from inference.wsi.pyramid import PyramidReader

_CACHE_BYTES = 64 * 1024 * 1024
_UM = {"µm": 1.0, "um": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6}
_TIFF_UNIT_UM = {2: 25_400.0, 3: 10_000.0}  # inch, centimetre

# tifffile logs what it repairs; the reasons given to people are ours.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


class TiffReader(PyramidReader):
    """An open 8-bit colour (or grey) TIFF; safe to read from several threads."""

    def __init__(self, path: Path, mpp: Mpp | None) -> None:
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[int, int], NDArray[np.uint8]] = OrderedDict()
        self._cached = 0
        try:
            self._file = tifffile.TiffFile(path)
        except Exception as error:
            # A damaged file makes tifffile raise nearly any exception.
            raise reasons.unsupported(str(error)) from error
        try:
            self._pages, properties = _describe(self._file, mpp)
        except SlideError:
            self._file.close()
            raise
        except Exception as error:
            self._file.close()
            raise reasons.unsupported(f"TIFF : {error}") from error
        super().__init__(properties)

    def read_level(self, level: Level, x: int, y: int, size: Size) -> NDArray[np.uint8]:
        result = np.full((size.height, size.width, 3), 255, np.uint8)
        page = self._pages[level.index]
        frame = page.keyframe
        tile_h, tile_w = _segment_shape(frame)
        across = -(-frame.imagewidth // tile_w)
        left, right = max(0, x), min(frame.imagewidth, x + size.width)
        top, bottom = max(0, y), min(frame.imagelength, y + size.height)
        if left >= right or top >= bottom:
            return result
        for row in range(top // tile_h, -(-bottom // tile_h)):
            for column in range(left // tile_w, -(-right // tile_w)):
                tile = self._segment(level.index, row * across + column)
                x0, y0 = column * tile_w, row * tile_h
                x1 = min(x0 + tile.shape[1], right)
                y1 = min(y0 + tile.shape[0], bottom)
                sx, sy = max(x0, left), max(y0, top)
                result[sy - y : y1 - y, sx - x : x1 - x] = tile[
                    sy - y0 : y1 - y0, sx - x0 : x1 - x0
                ]
        return result

    def read_associated(self, name: str) -> NDArray[np.uint8]:
        if name not in self._properties.associated:
            raise reasons.no_associated(name)
        with self._lock:
            try:
                series = next(s for s in self._file.series if s.name.lower() == name)
                return _as_rgb(series.asarray())
            except Exception as error:
                raise reasons.damaged(str(error)) from error

    def close(self) -> None:
        self._cache.clear()
        self._file.close()

    def _segment(self, level: int, index: int) -> NDArray[np.uint8]:
        """A decoded tile or strip as (h, w, 3), from the cache where possible."""
        key = (level, index)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        tile = self._decode(self._pages[level], index)
        with self._lock:
            if key not in self._cache:
                self._cache[key] = tile
                self._cached += tile.nbytes
            while self._cached > _CACHE_BYTES and len(self._cache) > 1:
                self._cached -= self._cache.popitem(last=False)[1].nbytes
        return tile

    def _decode(self, page: Any, index: int) -> NDArray[np.uint8]:  # noqa: ANN401
        frame = page.keyframe
        try:
            length = page.databytecounts[index]
            if length == 0:
                # A sparse file leaves out tiles without content.
                return np.full((*_segment_shape(frame), 3), 255, np.uint8)
            with self._lock:
                self._file.filehandle.seek(page.dataoffsets[index])
                data = self._file.filehandle.read(length)
            decoded = frame.decode(data, index, jpegtables=page.jpegtables)[0]
            return _as_rgb(decoded[0])
        except Exception as error:
            raise reasons.damaged(f"tile {index}: {error}") from error


def needs_tifffile(path: Path) -> bool:
    """Whether OpenSlide, which sees the first page only, would miss what the file holds."""
    try:
        with tifffile.TiffFile(path) as file:
            return bool(file.is_ome or file.is_qpi)
    except Exception:  # noqa: BLE001  tifffile raises nearly anything on a damaged file
        return False


def _segment_shape(frame: Any) -> tuple[int, int]:  # noqa: ANN401
    """Height and width of a tile, or of a strip."""
    if frame.is_tiled:
        return int(frame.tilelength), int(frame.tilewidth)
    return min(int(frame.rowsperstrip), int(frame.imagelength)), int(frame.imagewidth)


def _as_rgb(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """(h, w), (h, w, 1), (h, w, 3) or (h, w, 4) as RGB over white."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] <= 2:
        return np.repeat(pixels[..., :1], 3, axis=2)
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:].astype(np.uint16)
        over = (pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
        return over.astype(np.uint8)
    return np.ascontiguousarray(pixels)


def _describe(file: tifffile.TiffFile, mpp: Mpp | None) -> tuple[list[Any], SlideProperties]:
    series: Any = file.series[0]
    _refuse_channels(series)
    pages = [level.pages[0] for level in series.levels]
    _refuse_layout(pages[0].keyframe)
    first = pages[0].keyframe
    width, height = int(first.imagewidth), int(first.imagelength)
    if width < 1 or height < 1:
        raise reasons.unsupported("TIFF : 0 px")
    levels = []
    for index, page in enumerate(pages):
        size = Size(int(page.keyframe.imagewidth), int(page.keyframe.imagelength))
        levels.append(Level(index, size, (width / size.width + height / size.height) / 2))
    ome = file.ome_metadata if file.is_ome else None
    own = _ome_mpp(ome) if ome else _tag_mpp(first)
    tile_h, tile_w = _segment_shape(first)
    names = (s.name.lower() for s in file.series[1:] if s.dtype == np.uint8)
    return pages, SlideProperties(
        vendor="ome-tiff" if ome else "tiff",
        size=Size(width, height),
        levels=tuple(levels),
        mpp=mpp or own,
        objective_power=_ome_power(ome) if ome else None,
        tile_size=Size(tile_w, tile_h) if first.is_tiled else None,
        scanner=first.tags["Model"].value if "Model" in first.tags else None,
        has_icc_profile="InterColorProfile" in first.tags,
        associated=tuple(sorted({n for n in names if n in {"label", "macro", "thumbnail"}})),
    )


def _refuse_channels(series: Any) -> None:  # noqa: ANN401
    axes, shape = series.axes, series.shape
    if series.dtype != np.uint8:
        raise reasons.bit_depth(str(series.dtype))
    if axes not in {"YX", "YXS"} or (axes == "YXS" and shape[2] > 4):
        count = 1
        for axis, length in zip(axes, shape, strict=True):
            count *= length if axis not in "YX" else 1
        raise reasons.multichannel(count)


def _refuse_layout(frame: Any) -> None:  # noqa: ANN401
    """Photometric forms whose samples are not grey or RGB after decoding."""
    if frame.photometric.name not in {"MINISBLACK", "RGB", "YCBCR"} or frame.planarconfig != 1:
        raise reasons.unsupported(f"TIFF {frame.photometric.name}")
    if frame.photometric.name == "YCBCR" and frame.compression.name not in {"JPEG", "OJPEG"}:
        raise reasons.unsupported(f"TIFF YCbCr {frame.compression.name}")


def _ome_pixels(ome: str) -> Any:  # noqa: ANN401
    # expat resolves no external entity; expansion bombs are refused by its own limits.
    root = ET.fromstring(ome)  # noqa: S314
    return root, root.find("{*}Image/{*}Pixels")


def _ome_mpp(ome: str) -> Mpp | None:
    try:
        _, pixels = _ome_pixels(ome)
        x, y = (
            float(pixels.get(f"PhysicalSize{axis}"))
            * _UM[pixels.get(f"PhysicalSize{axis}Unit", "µm")]
            for axis in "XY"
        )
    except (ET.ParseError, AttributeError, TypeError, ValueError, KeyError):
        return None
    return credible_mpp(x, y)


def _ome_power(ome: str) -> float | None:
    try:
        root, _ = _ome_pixels(ome)
        objective = root.find("{*}Instrument/{*}Objective")
        return float(objective.get("NominalMagnification"))
    except (ET.ParseError, AttributeError, TypeError, ValueError):
        return None


def _tag_mpp(frame: Any) -> Mpp | None:  # noqa: ANN401
    """Pixel size from the resolution tags, where their unit is a length."""
    try:
        unit = _TIFF_UNIT_UM[int(frame.tags["ResolutionUnit"].value)]
        x, y = (
            unit * value[1] / value[0]
            for value in (frame.tags["XResolution"].value, frame.tags["YResolution"].value)
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return credible_mpp(x, y)
