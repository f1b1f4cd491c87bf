"""Slides that OpenSlide 4 reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openslide
from numpy.typing import NDArray
from PIL import Image

from inference.geometry import Mpp, Size
from inference.wsi import reasons
from inference.wsi.jpeg_tiles import JpegTiles
from inference.wsi.model import Level, SlideProperties, credible_mpp
from inference.wsi.pyramid import PyramidReader

# Vendors whose levels are TIFF pages of tiles without overlap.
_JPEG_TILED = frozenset({"aperio", "generic-tiff"})
_SCANNER = (
    "aperio.ScanScope ID",
    "hamamatsu.Product",
    "leica.device-model",
    "philips.DICOM_MANUFACTURERS_MODEL_NAME",
    "ventana.ScannerModel",
    "mirax.GENERAL.SLIDE_SCANNER",
    "dicom.ManufacturerModelName",
    "zeiss.Information.Instrument.Microscopes.Microscope.System",
    "tiff.Model",
)


class OpenSlideReader(PyramidReader):
    """An open slide read by OpenSlide; safe to read from several threads."""

    def __init__(self, path: Path, mpp: Mpp | None) -> None:
        try:
            self._slide = openslide.OpenSlide(path)
        except openslide.OpenSlideUnsupportedFormatError:
            raise
        except openslide.OpenSlideError as error:
            raise reasons.unsupported(str(error).replace(str(path), path.name)) from error
        properties = _properties(self._slide, mpp)
        super().__init__(properties)
        plain = properties.vendor in _JPEG_TILED
        self._tiles = JpegTiles.of(path, properties.levels) if plain else None

    def read_level(self, level: Level, x: int, y: int, size: Size) -> NDArray[np.uint8]:
        if self._tiles is not None:
            pixels = self._tiles.read(level.index, x, y, size)
            if pixels is not None:
                return pixels
        place = (round(x * level.downsample), round(y * level.downsample))
        try:
            image = self._slide.read_region(place, level.index, (size.width, size.height))
        except openslide.OpenSlideError as error:
            raise reasons.damaged(str(error)) from error
        return _on_white(image)

    def read_associated(self, name: str) -> NDArray[np.uint8]:
        if name not in self._properties.associated:
            raise reasons.no_associated(name)
        try:
            return _on_white(self._slide.associated_images[name])
        except openslide.OpenSlideError as error:
            raise reasons.damaged(str(error)) from error

    def close(self) -> None:
        self._slide.close()
        if self._tiles is not None:
            self._tiles.close()


def _on_white(image: Image.Image) -> NDArray[np.uint8]:
    """RGB over white: OpenSlide leaves transparent what was not scanned."""
    if image.mode != "RGBA":
        return np.asarray(image.convert("RGB"))
    if image.getchannel("A").getextrema() == (255, 255):
        return np.asarray(image.convert("RGB"))
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    white.alpha_composite(image)
    return np.asarray(white.convert("RGB"))


def _properties(slide: openslide.OpenSlide, mpp: Mpp | None) -> SlideProperties:
    said = slide.properties
    own = credible_mpp(
        _number(said, openslide.PROPERTY_NAME_MPP_X), _number(said, openslide.PROPERTY_NAME_MPP_Y)
    )
    levels = tuple(
        Level(index, Size(*size), float(downsample))
        for index, (size, downsample) in enumerate(
            zip(slide.level_dimensions, slide.level_downsamples, strict=True)
        )
    )
    width = _number(said, "openslide.level[0].tile-width")
    height = _number(said, "openslide.level[0].tile-height")
    return SlideProperties(
        vendor=said.get(openslide.PROPERTY_NAME_VENDOR, "unknown"),
        size=levels[0].size,
        levels=levels,
        mpp=mpp or own,
        objective_power=_number(said, openslide.PROPERTY_NAME_OBJECTIVE_POWER),
        tile_size=Size(int(width), int(height)) if width and height else None,
        scanner=next((said[name] for name in _SCANNER if said.get(name)), None),
        has_icc_profile="openslide.icc-size" in said,
        associated=tuple(sorted(slide.associated_images)),
    )


def _number(said: Mapping[str, str], name: str) -> float | None:
    try:
        return float(said[name])
    except (KeyError, ValueError):
        return None
