"""The error family of the library.

Every error that a person may read carries a stable ``code`` and a text in
French and English; ``retryable`` tells a worker whether trying again can help.
"""

from __future__ import annotations

from inference.text import LocalText


class PortraitError(Exception):
    """Base of all errors raised on purpose by the library."""

    retryable: bool = False

    def __init__(self, code: str, message: LocalText) -> None:
        super().__init__(message.en)
        self.code = code
        self.message = message


class SlideError(PortraitError):
    """The slide file cannot be used (unreadable, damaged, unsupported)."""


class InputRefused(PortraitError):
    """The tool's manifest or a check refuses this slide (stain, mpp, too few cells)."""


class OutputError(PortraitError):
    """A result file is missing, damaged or inconsistent with its description."""


class ToolError(PortraitError):
    """A tool package is unknown, incomplete or altered."""


class JobCancelled(PortraitError):
    """The person who started the job asked to stop it."""

    def __init__(self) -> None:
        super().__init__(
            "job_cancelled", LocalText(fr="Analyse annulée.", en="Analysis cancelled.")
        )
