"""Compiles translations: text catalogues (.po) are kept in the repository, binaries are not."""

from __future__ import annotations

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_catalogues(folder: Path) -> int:
    """Writes each .mo that is missing or older than its .po; returns how many.

    Args:
        folder: a locale folder (`<language>/LC_MESSAGES/*.po` below it).
    """
    compiled = 0
    for source in sorted(folder.rglob("*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        with source.open("rb") as text:
            catalogue = read_po(text, locale=source.parts[-3], domain=source.stem)
        part = target.with_suffix(f".{os.getpid()}.part")  # two processes may start at once
        with part.open("wb") as binary:
            write_mo(binary, catalogue)
        part.replace(target)
        compiled += 1
    return compiled
