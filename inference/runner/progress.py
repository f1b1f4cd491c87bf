"""Turns the progress of stages into one fraction that never goes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inference.errors import JobCancelled

# Share of the whole at the start and at the end of each stage. Most of the time goes into
# "detect"; a tool without it spends that share in "features".
_SHARES = {
    "open": (0.0, 0.02),
    "tissue": (0.02, 0.08),
    "detect": (0.08, 0.80),
    "features": (0.80, 0.90),
    "score": (0.90, 0.95),
    "write": (0.95, 1.0),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job stands. ``fraction`` (0 to 1) is of the whole job, not of the stage."""

    stage: str
    done: int
    total: int
    fraction: float
    rate_per_s: float | None = None


class ProgressReporter:
    """The ``ProgressSink`` given to a tool: reports, and stops the tool when asked."""

    def __init__(
        self, report: Callable[[Progress], None] | None, cancel: Callable[[], bool] | None
    ) -> None:
        self._report = report
        self._cancel = cancel
        self._fraction = 0.0
        self._stages: set[str] = set()

    def __call__(
        self, stage: str, done: int, total: int, *, rate_per_s: float | None = None
    ) -> None:
        self.check_cancelled()
        self._stages.add(stage)
        start, end = self._share(stage)
        part = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
        self._fraction = max(self._fraction, start + part * (end - start))
        if self._report is not None:
            self._report(Progress(stage, done, total, self._fraction, rate_per_s))

    def check_cancelled(self) -> None:
        """Raises ``JobCancelled`` when the person asked to stop."""
        if self._cancel is not None and self._cancel():
            raise JobCancelled

    def _share(self, stage: str) -> tuple[float, float]:
        start, end = _SHARES.get(stage, (self._fraction, self._fraction))
        if stage == "features" and "detect" not in self._stages:
            start = _SHARES["detect"][0]
        return start, end
