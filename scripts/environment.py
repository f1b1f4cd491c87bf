#!/usr/bin/env python3
"""Makes the environment: virtual environment, Python packages, browser libraries.

Needs nothing but Python 3.11+ and Node 20+. A step whose inputs did not change since its last
success is skipped: each leaves a stamp that holds a digest of what it was made from.

    python3 scripts/environment.py run      what `make run` needs
    python3 scripts/environment.py dev      and what tests, lint and benchmarks need
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = Path(os.environ.get("VENV") or ROOT / ".venv")
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20
EXTRAS = {"run": "site,torch", "dev": "dev"}
NPM = {"run": ("--omit=dev",), "dev": ()}


class SetupError(RuntimeError):
    """The environment cannot be made; the text says what to do."""


def main(argv: list[str]) -> int:
    """Runs all steps for `run` or `dev`; prints one line per step."""
    if len(argv) != 1 or argv[0] not in EXTRAS:
        print("usage: environment.py run|dev", file=sys.stderr)
        return 2
    kind = argv[0]
    steps: list[tuple[str, Callable[[], bool]]] = [
        ("Python and Node", check_versions),
        ("virtual environment", make_venv),
        ("Python packages", lambda: install_python(kind)),
        ("browser libraries", lambda: install_node(kind)),
    ]
    for number, (title, step) in enumerate(steps, 1):
        label = f"[{number}/{len(steps)}] {title}"
        started = time.monotonic()
        try:
            changed = step()
        except SetupError as error:
            print(f"{label}: {error}", file=sys.stderr)
            return 1
        took = f"done in {time.monotonic() - started:.0f} s" if changed else "up to date"
        print(f"{label}: {took}", flush=True)
    return 0


def check_versions() -> bool:
    """Refuses a Python or Node that is too old, in words."""
    if sys.version_info < OLDEST_PYTHON:
        raise SetupError(
            f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed, this is "
            f"{platform.python_version()}. Name another one: make run PYTHON=python3.12"
        )
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise SetupError(f"{program} is not installed. Portrait needs Node {OLDEST_NODE}+.")
    version = _output("node", "--version").lstrip("v")
    if int(version.split(".")[0]) < OLDEST_NODE:
        raise SetupError(f"Node {OLDEST_NODE} or newer is needed, this is {version}.")
    return False


def make_venv() -> bool:
    """Makes the virtual environment, or again where its Python is gone."""
    probe = [str(_python()), "-c", "import pip"]
    if _python().exists() and subprocess.run(probe, check=False).returncode == 0:
        return False
    result = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=False)
    if result.returncode != 0:
        raise SetupError("venv failed. On Debian: apt-get install python3-venv")
    return True


def install_python(kind: str) -> bool:
    """Installs Portrait (editable) with the pinned versions of constraints.txt."""
    digest = _digest(
        [ROOT / "constraints.txt", _metadata()], str(ROOT), _output(str(_python()), "--version")
    )
    stamp = VENV / f".portrait-{kind}"
    if _fresh(VENV, kind, digest):
        return False
    print(f"      downloading and installing ({EXTRAS[kind]}): minutes the first time", flush=True)
    _run(
        [
            str(_python()),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--constraint",
            str(ROOT / "constraints.txt"),
            "--editable",
            f"{ROOT}[{EXTRAS[kind]}]",
        ],
        "pip could not install the packages: read its message above.",
    )
    stamp.write_text(digest)
    return True


def install_node(kind: str) -> bool:
    """Installs the browser libraries of package-lock.json; no package's own script runs."""
    folder = ROOT / "node_modules"
    digest = _digest([ROOT / "package.json", ROOT / "package-lock.json"])
    if _fresh(folder, kind, digest):
        return False
    npm = shutil.which("npm") or "npm"
    _run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *NPM[kind]],
        "npm could not install the libraries: read its message above.",
    )
    (folder / f".portrait-{kind}").write_text(digest)
    return True


def _fresh(folder: Path, kind: str, digest: str) -> bool:
    """True where this kind, or the larger one, was made from the same inputs."""
    kinds = ("run", "dev") if kind == "run" else ("dev",)
    stamps = [folder / f".portrait-{name}" for name in kinds]
    return any(stamp.exists() and stamp.read_text() == digest for stamp in stamps)


def _metadata() -> Path:
    return ROOT / "pyproject.toml"


def _python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _digest(files: list[Path], *words: str) -> str:
    found = hashlib.sha256(json.dumps(words).encode())
    for file in files:
        content = file.read_bytes()
        if file.name == "pyproject.toml":
            # Only what pip reads: a change to a linter's section installs nothing.
            content = content.split(b"[tool.ruff]")[0]
        found.update(hashlib.sha256(content).digest())
    return found.hexdigest()


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _run(command: list[str], failure: str) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SetupError(failure)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
