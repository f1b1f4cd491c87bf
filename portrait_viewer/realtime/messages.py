"""The messages that browsers receive: frozen, typed by a `type` literal.

The browser's side is in `static/js/lib/socket.js` and `static/js/viewer/analyses.js`.
Times are ISO 8601 UTC; identifiers are uuids as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChanged:
    """A job entered another state: refetch the slide's jobs."""

    type: Literal["job.changed"] = "job.changed"
    slide: str
    job: str
    tool: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a running job is. Display only; throttled."""

    type: Literal["job.progress"] = "job.progress"
    slide: str
    job: str
    tool: str
    stage: str
    fraction: float
    rate_per_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlideChanged:
    """A slide was registered, rejected or completed: refetch it."""

    type: Literal["slide.changed"] = "slide.changed"
    slide: str
    case: str
    state: str


Message = JobChanged | JobProgress | SlideChanged


def slide_topic(slide_uuid: object) -> str:
    """Topic of everything that happens to one slide."""
    return f"slide.{slide_uuid}"


def case_topic(case_uuid: object) -> str:
    """Topic of a case: its slides and the states of their jobs."""
    return f"case.{case_uuid}"
