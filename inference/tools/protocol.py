"""What a tool is given and what it must do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from inference.outputs import OutputWriter, ParameterValue
from inference.tools.manifest import ToolManifest
from inference.wsi import SlideReader

STAGES = ("open", "tissue", "detect", "features", "score", "write")


class ProgressSink(Protocol):
    """Receives the progress of a stage; raises ``JobCancelled`` when asked to stop."""

    def __call__(
        self, stage: str, done: int, total: int, *, rate_per_s: float | None = None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class RunContext:
    """All that a tool may use. ``parameters`` are complete and checked."""

    slide: SlideReader
    stain: str
    parameters: Mapping[str, ParameterValue]
    output: OutputWriter
    progress: ProgressSink
    device: str = "cpu"
    seed: int = 0


class Tool(Protocol):
    """One analysis. ``run`` writes everything to ``context.output``."""

    @property
    def manifest(self) -> ToolManifest: ...

    def run(self, context: RunContext) -> None:
        """Analyses the slide.

        Raises:
            InputRefused: the slide is not one the tool can judge.
            JobCancelled: through ``context.progress``.
        """
        ...
