"""Texts that come from tools, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import get_language


def local(data: Mapping[str, str] | None) -> str:
    """The French or English text of `{"fr": …, "en": …}`; empty for nothing."""
    if not data:
        return ""
    language = (get_language() or "fr")[:2]
    return data.get(language) or data["fr"]
