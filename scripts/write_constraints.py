#!/usr/bin/env python3
"""Writes constraints.txt from the virtual environment that runs it: `make constraints`.

`torch` loses its local version ("+cpu"): the file must hold on machines where pip finds another
build. Everything that is not an exact version of a package index (an editable install, a file) is
left out. What somebody installed by hand would be kept: start from a fresh environment
(`rm -rf .venv && make environment-dev`).
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "constraints.txt"
HEADER = """\
# Exact versions of everything Portrait installs, for pip -c. One set for every platform:
# torch has no "+cpu" here, so that pip may take the CPU build where an index offers it and the
# default build elsewhere. Renew with: make constraints
"""
PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ +]+)(?:\+\S+)?")
# The torch wheel that a machine takes decides about these; pinned, one build would refuse another.
OF_ONE_BUILD = re.compile(r"(?:nvidia-|cuda-|triton$)")


def constraints(frozen: str) -> list[str]:
    """The lines to keep of what `pip freeze` said, in order of name."""
    found = (PINNED.fullmatch(line.strip()) for line in frozen.splitlines())
    kept = {
        match["name"]: match["version"]
        for match in found
        if match and match["name"].lower() != "portrait" and not OF_ONE_BUILD.match(match["name"])
    }
    return [f"{name}=={kept[name]}" for name in sorted(kept, key=str.lower)]


def main() -> int:
    """Writes the file and says how many versions it holds."""
    command = [sys.executable, "-m", "pip", "freeze", "--exclude-editable"]
    frozen = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = constraints(frozen)
    TARGET.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{TARGET.name}: {len(lines)} versions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
