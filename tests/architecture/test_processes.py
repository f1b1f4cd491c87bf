"""What each process may load, shown in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PRELUDE = "import sys\n"
CHECK = "\nloaded = {name.split('.')[0] for name in sys.modules}\nprint(sorted(loaded & %r))\n"


def modules_loaded(code: str, watched: set[str]) -> str:
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "portrait_viewer.config.settings.test"}
    run = subprocess.run(
        [sys.executable, "-c", PRELUDE + code + CHECK % watched],
        capture_output=True,
        text=True,
        env=env,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip().splitlines()[-1]


def test_the_web_process_loads_no_torch() -> None:
    code = (
        "from portrait_viewer.config.asgi import application\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        "from inference.tools import list_manifests\n"
        "assert list_manifests()\n"
    )
    assert modules_loaded(code, {"torch"}) == "[]"


@pytest.mark.parametrize(
    "module",
    [
        "inference.errors",
        "inference.geometry",
        "inference.nuclei",
        "inference.outputs",
        "inference.patches",
        "inference.phantoms",
        "inference.runner",
        "inference.text",
        "inference.tissue",
        "inference.tools",
        "inference.wsi",
        "inference.cli",
    ],
)
def test_the_library_needs_neither_site_nor_torch(module: str) -> None:
    assert modules_loaded(f"import {module}", {"torch", "django", "celery", "channels"}) == "[]"
