"""Language of the terminal."""

from __future__ import annotations

import os

from inference.text import LocalText


def language() -> str:
    """``fr`` or ``en``, from PORTRAIT_LANG, then the usual variables; English otherwise."""
    for name in ("PORTRAIT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "fr" if value.lower().startswith("fr") else "en"
    return "en"


def pick(text: LocalText) -> str:
    """The text in the language of the terminal."""
    return text.fr if language() == "fr" else text.en
