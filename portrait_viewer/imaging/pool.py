"""Open slides and encoded tiles kept by this process, both bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from portrait_viewer.imaging.source import OpenImage

FileKey = tuple[str, int, int]


def file_key(path: Path) -> FileKey:
    """Names one content of a path: a file replaced under the same name is another key."""
    state = path.stat()
    return (str(path), state.st_mtime_ns, state.st_size)


class _Entry:
    """An open image and how many threads use it now."""

    def __init__(self, image: OpenImage) -> None:
        self.image = image
        self.users = 0
        self.evicted = False


class ImagePool:
    """The most recently used open images; one is closed when evicted and no thread uses it."""

    def __init__(self, maximum: int, opener: Callable[[Path], OpenImage]) -> None:
        self._maximum = maximum
        self._opener = opener
        self._entries: OrderedDict[FileKey, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @contextmanager
    def lease(self, path: Path, key: FileKey) -> Iterator[OpenImage]:
        """The open image of a file, opened if need be; not closed before the block ends."""
        entry = self._take(key) or self._open(path, key)
        try:
            yield entry.image
        finally:
            self._release(entry)

    def clear(self) -> None:
        """Forgets all; images in use are closed by their last user."""
        with self._lock:
            closing = [self._evict(key) for key in list(self._entries)]
        self._close(closing)

    def _take(self, key: FileKey) -> _Entry | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                entry.users += 1
                self._entries.move_to_end(key)
            return entry

    def _open(self, path: Path, key: FileKey) -> _Entry:
        # Outside the lock: opening takes milliseconds that other slides must not wait for.
        entry = _Entry(self._opener(path))
        closing: list[OpenImage | None] = []
        with self._lock:
            first = self._entries.setdefault(key, entry)
            if first is not entry:
                closing.append(entry.image)  # another thread was faster
            first.users += 1
            while len(self._entries) > self._maximum:
                closing.append(self._evict(next(iter(self._entries))))
        self._close(closing)
        return first

    def _evict(self, key: FileKey) -> OpenImage | None:
        entry = self._entries.pop(key)
        entry.evicted = True
        return None if entry.users else entry.image

    def _release(self, entry: _Entry) -> None:
        with self._lock:
            entry.users -= 1
            last = entry.evicted and entry.users == 0
        if last:
            entry.image.close()

    @staticmethod
    def _close(images: list[OpenImage | None]) -> None:
        for image in images:
            if image is not None:
                image.close()


class TileCache:
    """Tiles that cost a decode, least recently used out first, bounded in bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._tiles: OrderedDict[tuple[FileKey, int, int, int], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def bytes_held(self) -> int:
        return self._bytes

    def get(self, key: tuple[FileKey, int, int, int]) -> bytes | None:
        with self._lock:
            data = self._tiles.get(key)
            if data is not None:
                self._tiles.move_to_end(key)
            return data

    def put(self, key: tuple[FileKey, int, int, int], data: bytes) -> None:
        with self._lock:
            self._bytes += len(data) - len(self._tiles.pop(key, b""))
            self._tiles[key] = data
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._tiles.popitem(last=False)[1])

    def clear(self) -> None:
        with self._lock:
            self._tiles.clear()
            self._bytes = 0
