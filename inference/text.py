"""A text in the two languages of the product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalText:
    """The same sentence in French and in English."""

    fr: str
    en: str

    def to_json(self) -> dict[str, str]:
        return {"fr": self.fr, "en": self.en}

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> LocalText:
        return cls(fr=data["fr"], en=data["en"])
