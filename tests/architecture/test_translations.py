"""Every text of the product stands in French, and the catalogues hold every text of the code."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parents[2] / "portrait_viewer" / "locale"
CATALOGUES = [LOCALE / "fr" / "LC_MESSAGES" / f"{name}.po" for name in ("django", "djangojs")]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.name)
def test_every_message_is_translated(path: Path) -> None:
    with path.open("rb") as file:
        catalogue = read_po(file, locale="fr")
    missing = [
        message.id
        for message in catalogue
        if message.id and (message.fuzzy or not _full(message.string))
    ]
    assert missing == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.name)
def test_placeholders_survive_translation(path: Path) -> None:
    with path.open("rb") as file:
        catalogue = read_po(file, locale="fr")
    for message in catalogue:
        if message.id:
            assert list(message.check()) == [], message.id


def _full(string: object) -> bool:
    parts = string if isinstance(string, tuple | list) else (string,)
    return all(isinstance(part, str) and part.strip() for part in parts)
