"""Entry point of the guarded child: reads one slide file, says what it is, makes a thumbnail.

`python -m portrait_viewer.imaging.inspect_slide` with a JSON request on stdin (see `guarded`).
No Django here, no settings, no secrets: what parses a stranger's file has nothing to give away.
The limits are set before any library that parses is imported.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

THUMBNAIL_PX = 512
EXIT_OUT_OF_MEMORY = 77
EXIT_NOT_WRITTEN = 78
_MAX_WRITTEN = 64 * 1024 * 1024
_MAX_FILES = 256
_CLONE_NEWNET = 0x40000000
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38


def main() -> int:
    """Reads the request, confines itself, writes one JSON object to stdout."""
    request = json.loads(sys.stdin.read())
    _confine(memory_bytes=request["memory_bytes"], cpu_s=request["cpu_s"])
    _end_with(request["parent"])
    try:
        answer = _inspect(Path(request["path"]), Path(request["thumbnail"]))
    except MemoryError:
        return EXIT_OUT_OF_MEMORY
    except OSError:
        return EXIT_NOT_WRITTEN  # the thumbnail: the disk's fault, not the file's
    json.dump(answer, sys.stdout)
    return 0


def _confine(*, memory_bytes: int, cpu_s: int) -> None:
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, _MAX_WRITTEN),
        (resource.RLIMIT_NOFILE, _MAX_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (_lower(limit, value), _lower(limit, value)))
    # The soft limit kills with SIGXCPU, which tells "too slow" from "too much memory".
    cpu = resource.RLIMIT_CPU
    resource.setrlimit(cpu, (_lower(cpu, cpu_s), _lower(cpu, cpu_s + 5)))
    # Where the kernel (or a container's rules) forbids it, the other limits stand.
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _end_with(parent: int) -> None:
    """A worker that is killed cannot end its child; the kernel does it.

    After `unshare`, which clears it. Where the kernel cannot, the limits end the child.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)  # it died before


def _lower(limit: int, value: int) -> int:
    """The wanted limit, or the host's own where that is lower."""
    _, hard = resource.getrlimit(limit)
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def _inspect(path: Path, thumbnail: Path) -> dict[str, Any]:
    # Imported here: under the limits, after the namespaces.
    from inference.errors import SlideError  # noqa: PLC0415
    from inference.wsi import open_slide, slide_checksum  # noqa: PLC0415
    from portrait_viewer.imaging import encoding  # noqa: PLC0415

    try:
        with open_slide(path) as reader:
            properties = reader.properties
            thumbnail.write_bytes(encoding.encode(reader.read_thumbnail(THUMBNAIL_PX)))
    except SlideError as error:
        return {"refused": {"code": error.code, "reason": error.message.to_json()}}
    return {
        "slide": {
            "vendor": properties.vendor,
            "scanner": properties.scanner or "",
            "width": properties.size.width,
            "height": properties.size.height,
            "level_count": len(properties.levels),
            "mpp_x": properties.mpp.x if properties.mpp else None,
            "mpp_y": properties.mpp.y if properties.mpp else None,
            "objective_power": properties.objective_power,
            "associated": list(properties.associated),
            "sha256": slide_checksum(path),
            "size_bytes": path.stat().st_size,
        }
    }


if __name__ == "__main__":
    sys.exit(main())
