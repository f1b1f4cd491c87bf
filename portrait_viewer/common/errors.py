"""Errors that a person reads. Doors turn them into one shape: `{code, message, details}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise


class DomainError(Exception):
    """A refused action: a stable code and a translated sentence that says what to do."""

    status = 400

    def __init__(
        self, code: str, message: str | Promise, *, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.details = dict(details or {})


class PermissionRefused(DomainError):
    """The person sees the object but may not do this to it."""

    status = 403


class NotFound(DomainError):
    """The object does not exist, or does not exist for this person."""

    status = 404


class Conflict(DomainError):
    """The object is in a state that does not allow this, or someone was faster."""

    status = 409


class TooLarge(DomainError):
    """The body is larger than the site accepts."""

    status = 413


class Unavailable(DomainError):
    """The site cannot do this now (disk full, broker away)."""

    status = 503
