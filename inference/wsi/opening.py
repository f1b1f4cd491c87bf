"""Opens a slide with the backend that reads it, and says plainly why none does."""

from __future__ import annotations

import hashlib
from pathlib import Path

import openslide

from inference.errors import SlideError
from inference.geometry import Mpp, Region, Size
from inference.wsi import reasons
from inference.wsi.model import SlideReader
from inference.wsi.openslide_backend import OpenSlideReader
from inference.wsi.pyramid import PyramidReader
from inference.wsi.tiff_backend import TiffReader, needs_tifffile

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_CZI_MAGIC = b"ZISRAWFILE"
_PROBE_PX = 64
_CHUNK = 4 * 1024 * 1024


def open_slide(path: Path, *, mpp: Mpp | None = None) -> SlideReader:
    """Opens a slide for reading.

    Args:
        path: of the file (of any file of the slide for DICOM, of the .mrxs for MIRAX).
        mpp: resolution given by a person; wins over the file's.

    Raises:
        SlideError: missing, of a format that is not read, damaged.
    """
    path = Path(path)
    start = _first_bytes(path)
    reader = _backend(path, start, mpp)
    try:
        _probe(reader)
    except BaseException:
        reader.close()
        raise
    return reader


def _backend(path: Path, start: bytes, mpp: Mpp | None) -> PyramidReader:
    """OpenSlide where it knows the vendor; tifffile for the other TIFFs."""
    try:
        reader = OpenSlideReader(path, mpp)
    except openslide.OpenSlideUnsupportedFormatError as error:
        if start.startswith(_CZI_MAGIC):
            raise reasons.czi() from error
        if not start.startswith(_TIFF_MAGIC):
            raise reasons.unsupported() from error
        return TiffReader(path, mpp)
    except SlideError as error:
        if start.startswith(_CZI_MAGIC):
            raise reasons.czi() from error
        raise
    if reader.properties.vendor == "generic-tiff" and needs_tifffile(path):
        reader.close()
        return TiffReader(path, mpp)
    return reader


def slide_checksum(path: Path) -> str:
    """The sha256 (hex) of the file's content."""
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise reasons.missing() from error
    return digest.hexdigest()


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise reasons.missing() from error


def _probe(reader: PyramidReader) -> None:
    """Decodes one tile: a codec that is not there, or a cut file, shows now and not in a job."""
    whole = reader.properties.size
    width, height = min(_PROBE_PX, whole.width), min(_PROBE_PX, whole.height)
    x, y = (whole.width - width) // 2, (whole.height - height) // 2
    reader.read_region(Region(x, y, width, height), Size(width, height))
