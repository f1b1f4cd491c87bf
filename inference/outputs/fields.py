"""Typed reading of JSON written by others: every surprise names the field."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from inference.text import LocalText


class FieldError(ValueError):
    """A field is missing, of another type or out of its range."""


def canonical_json(data: object) -> bytes:
    """One byte sequence per value: sorted keys, no spaces, UTF-8, no NaN."""
    text = json.dumps(
        data, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return text.encode() + b"\n"


class Fields:
    """A JSON object whose fields are read with their type checked."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            raise FieldError(f"{where} is not an object")
        self._data: dict[str, Any] = data
        self._where = where

    @classmethod
    def parse(cls, text: str | bytes, where: str) -> Fields:
        """Parses strict JSON: NaN, Infinity and anything but an object are refused."""
        try:
            return cls(json.loads(text, parse_constant=_refuse_constant), where)
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise FieldError(f"{where} is not JSON: {error}") from error

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._data.get(name) is not None

    def raw(self, name: str) -> Any:  # noqa: ANN401
        if name not in self._data:
            raise FieldError(f"{self._where}.{name} is missing")
        return self._data[name]

    def text(self, name: str, *, pattern: str | None = None, among: Iterable[str] = ()) -> str:
        value = self.raw(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        if pattern is not None and re.fullmatch(pattern, value) is None:
            raise self._wrong(name, f"of the form {pattern}")
        allowed = tuple(among)
        if allowed and value not in allowed:
            raise self._wrong(name, f"one of {', '.join(allowed)}")
        return value

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if self.has(name) else None

    def number(self, name: str) -> float:
        value = self.raw(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "a number")
        if not math.isfinite(value):
            raise self._wrong(name, "finite")
        return float(value)

    def optional_number(self, name: str) -> float | None:
        return self.number(name) if self.has(name) else None

    def integer(self, name: str, *, low: int | None = None, high: int | None = None) -> int:
        value = self.raw(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, "an integer")
        if (low is not None and value < low) or (high is not None and value > high):
            raise self._wrong(name, f"between {low} and {high}")
        return value

    def optional_integer(self, name: str, *, low: int | None = None) -> int | None:
        return self.integer(name, low=low) if self.has(name) else None

    def boolean(self, name: str) -> bool:
        value = self.raw(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def local(self, name: str) -> LocalText:
        fields = self.child(name)
        return LocalText(fr=fields.text("fr"), en=fields.text("en"))

    def child(self, name: str) -> Fields:
        return Fields(self.raw(name), f"{self._where}.{name}")

    def items(self, name: str) -> list[Fields]:
        """A list of objects."""
        return [Fields(v, f"{self._where}.{name}[{i}]") for i, v in enumerate(self.array(name))]

    def array(self, name: str) -> list[Any]:
        value = self.raw(name)
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        return value

    def numbers(self, name: str, *, count: int | None = None) -> tuple[float, ...]:
        values = self.array(name)
        if count is not None and len(values) != count:
            raise self._wrong(name, f"a list of {count} numbers")
        return tuple(Fields({name: value}, self._where).number(name) for value in values)

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(Fields({name: value}, self._where).text(name) for value in self.array(name))

    def mapping(self, name: str) -> dict[str, Any]:
        value = self.raw(name)
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return value

    def _wrong(self, name: str, expected: str) -> FieldError:
        return FieldError(f"{self._where}.{name} should be {expected}")


def _refuse_constant(name: str) -> float:
    raise FieldError(f"{name} is not a JSON number")
