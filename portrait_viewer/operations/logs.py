"""The log file of one process: that of the last start is kept, errors are read back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# The level follows date and time in the site's own format, or opens the line of uvicorn.
_ERROR = re.compile(r"^(?:[\d: ,-]+)?(?:ERROR|CRITICAL)\b.*")
_MOST_LINES = 5
_MOST_BYTES = 256 * 1024
_LONGEST = 300


class Log:
    """Appended to by the process, read by its supervisor."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.replace(path.with_suffix(".log.1"))
        self._read = 0

    def open(self) -> IO[bytes]:
        return self.path.open("ab")

    def new_errors(self) -> Iterator[str]:
        """The first lines of errors written since the last call; the rest stays in the file."""
        found = [line for line in self._new_lines() if _ERROR.match(line)]
        yield from (line[:_LONGEST] for line in found[:_MOST_LINES])
        if len(found) > _MOST_LINES:
            yield f"and {len(found) - _MOST_LINES} more errors, see {self.path}"

    def last_line(self) -> str:
        """The last words of the process."""
        lines = [line for line in self._tail().splitlines() if line.strip()]
        return lines[-1].strip()[:_LONGEST] if lines else ""

    def _new_lines(self) -> list[str]:
        size = self._size()
        if size <= self._read:
            return []
        with self.path.open("rb") as file:
            file.seek(self._read)
            new = file.read(_MOST_BYTES)
        # A line that is being written is read when it is whole.
        whole = len(new) if len(new) == _MOST_BYTES else new.rfind(b"\n") + 1
        self._read += whole
        return new[:whole].decode(errors="replace").splitlines()

    def _tail(self) -> str:
        with self.path.open("rb") as file:
            file.seek(max(0, self._size() - 4096))
            return file.read().decode(errors="replace")

    def _size(self) -> int:
        return self.path.stat().st_size
