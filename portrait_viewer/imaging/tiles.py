"""The door: tiles, thumbnails and labels of a slide file, from any thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inference.wsi import reasons
from portrait_viewer.imaging import encoding
from portrait_viewer.imaging.grid import TileGrid
from portrait_viewer.imaging.pool import FileKey, ImagePool, TileCache, file_key
from portrait_viewer.imaging.source import OpenImage

# Each open slide holds up to 32 MB (OpenSlide) or 64 MB (tifffile) of decoded pixels.
MAX_OPEN = 12
MAX_CACHED_BYTES = 64 * 1024 * 1024

_POOL = ImagePool(MAX_OPEN, OpenImage)
_CACHE = TileCache(MAX_CACHED_BYTES)


@dataclass(frozen=True, slots=True)
class EncodedTile:
    """A tile as the browser takes it."""

    data: bytes
    mime: str = "image/jpeg"


def tile_grid(path: Path) -> TileGrid:
    """The levels and tile size of a slide.

    Raises:
        SlideError: the file cannot be read.
    """
    with _POOL.lease(path, _key(path)) as image:
        return image.grid


def tile(path: Path, level: int, column: int, row: int) -> EncodedTile:
    """One tile; level 0 is the coarsest. JPEG tiles of the file come out as they are.

    Raises:
        TileOutOfRange: there is no such tile.
        SlideError: the file cannot be read.
    """
    key = _key(path)
    place = (key, level, column, row)
    kept = _CACHE.get(place)
    if kept is not None:
        return EncodedTile(kept)
    with _POOL.lease(path, key) as image:
        made = image.tile(level, column, row)
    if made.decoded:
        _CACHE.put(place, made.data)
    return EncodedTile(made.data)


def thumbnail(path: Path, max_px: int) -> bytes:
    """The whole slide as JPEG, its longer side `max_px` at most.

    Raises:
        SlideError: the file cannot be read.
    """
    with _POOL.lease(path, _key(path)) as image:
        return encoding.encode(image.reader.read_thumbnail(max_px))


def label_image(path: Path) -> bytes | None:
    """The photograph of the slide's label as JPEG; None where the file has none.

    Raises:
        SlideError: the file cannot be read.
    """
    with _POOL.lease(path, _key(path)) as image:
        if "label" not in image.reader.properties.associated:
            return None
        return encoding.encode(image.reader.read_associated("label"))


def forget_all() -> None:
    """Closes what is open and drops what is kept (tests, benchmarks)."""
    _POOL.clear()
    _CACHE.clear()


def _key(path: Path) -> FileKey:
    try:
        return file_key(path)
    except OSError as error:
        raise reasons.missing() from error
