"""The documentation names what exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "deploy")
PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for name in FOLDERS for page in (ROOT / name).rglob("*.md"))]
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link]
    missing = [link for link in inside if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    made = set(re.findall(r"^([a-z-]+(?:%)?):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    # In code only: "make sure" is English.
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert {name for name in named if name not in made and not name.startswith("bench-")} == set()


def test_the_api_description_is_current(tmp_path: Path) -> None:
    fresh = tmp_path / "openapi.yaml"
    subprocess.run(
        [sys.executable, "manage.py", "spectacular", "--validate", "--file", str(fresh)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    assert fresh.read_text() == (ROOT / "docs" / "openapi.yaml").read_text(), "run: make openapi"
