"""Runs a command that ends with its parent: `python -m portrait_viewer.operations.tied TERM cmd…`.

A supervisor that is killed outright cannot stop its children; on Linux the kernel does it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """Becomes the command; the process keeps its number."""
    name, *command = argv
    parent = os.getppid()
    if sys.platform == "linux":
        number = int(getattr(signal, f"SIG{name}"))
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)  # it died in between
    os.execvp(command[0], command)  # noqa: S606 - the supervisor's own command


if __name__ == "__main__":
    main(sys.argv[1:])
