"""One execution of a tool: checks, runs, and publishes the result folder in one move."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from inference.errors import OutputError, PortraitError, SlideError, ToolError
from inference.geometry import Mpp
from inference.outputs import OutputWriter, ParameterValue, SlideRef, ToolOutput, read_output
from inference.runner.progress import Progress, ProgressReporter
from inference.text import LocalText
from inference.tools import (
    RunContext,
    Tool,
    ToolManifest,
    check_input,
    load_manifest,
    load_tool,
    resolve_parameters,
    tool_digest,
)
from inference.wsi import open_slide, slide_checksum


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What to run.

    Attributes:
        tool_id: of an installed tool.
        slide_path: the slide's file.
        output_dir: folder of the result; it must not exist, or be empty.
        stain: code of the slide's stain.
        mpp: µm per level-0 pixel given by a person, None takes the file's.
        parameters: those that differ from the defaults.
        tool_digest: the tool must have it; None accepts any.
        slide_sha256: the file must have it; None does not compute it.
        device: "cpu", "cuda" or "cuda:0".
        seed: of all that is random.
    """

    tool_id: str
    slide_path: Path
    output_dir: Path
    stain: str
    mpp: float | None = None
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    tool_digest: str | None = None
    slide_sha256: str | None = None
    device: str = "cpu"
    seed: int = 0


def run(
    spec: JobSpec,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> ToolOutput:
    """Runs a tool; ``spec.output_dir`` appears complete, or not at all.

    Args:
        spec: what to run.
        progress: called at each step.
        cancel: asked at each step whether to stop.

    Raises:
        PortraitError: with a code and a text for people; ``JobCancelled`` when stopped.
    """
    started = time.monotonic()
    reporter = ProgressReporter(progress, cancel)
    reporter("open", 0, 1)
    manifest = load_manifest(spec.tool_id)
    digest = _checked_digest(spec)
    parameters = resolve_parameters(manifest, spec.parameters)
    _refuse_existing(spec.output_dir)
    _check_slide(spec)
    given = Mpp(spec.mpp, spec.mpp) if spec.mpp is not None else None
    with open_slide(spec.slide_path, mpp=given) as slide:
        mpp = slide.properties.mpp
        check_input(manifest, stain=spec.stain, mpp=mpp.mean if mpp else None)
        tool = load_tool(spec.tool_id)
        reporter("open", 1, 1)
        with _published(spec.output_dir) as folder:
            writer = OutputWriter(folder)
            context = RunContext(
                slide, spec.stain, parameters, writer, reporter, spec.device, spec.seed
            )
            _run_tool(tool, context)
            reporter.check_cancelled()
            writer.add_timing("total", time.monotonic() - started)
            return _finish(context, spec, manifest, digest)


def _finish(context: RunContext, spec: JobSpec, manifest: ToolManifest, digest: str) -> ToolOutput:
    """Writes the description, then reads all back as its user will."""
    slide = context.slide.properties
    context.output.finish(
        tool_id=manifest.id,
        tool_version=manifest.version,
        tool_digest=digest,
        slide=SlideRef(slide.size, slide.mpp, spec.slide_sha256),
        parameters=context.parameters,
        device=spec.device,
    )
    return read_output(context.output.folder)


def _run_tool(tool: Tool, context: RunContext) -> None:
    """A mistake inside a tool is told as such, with its cause kept for the log."""
    try:
        tool.run(context)
    except PortraitError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise ToolError(
            "tool_failed",
            LocalText(
                fr=f"L'outil s'est arrêté sur une erreur interne ({what}).",
                en=f"The tool stopped on an internal error ({what}).",
            ),
        ) from error


def _checked_digest(spec: JobSpec) -> str:
    digest = tool_digest(spec.tool_id)
    if spec.tool_digest is not None and spec.tool_digest != digest:
        raise ToolError(
            "tool_digest_mismatch",
            LocalText(
                fr="L'outil installé n'est pas celui qui a été demandé : ses fichiers diffèrent.",
                en="The installed tool is not the one asked for: its files differ.",
            ),
        )
    return digest


def _check_slide(spec: JobSpec) -> None:
    if spec.slide_sha256 is None:
        return
    if slide_checksum(spec.slide_path) != spec.slide_sha256:
        raise SlideError(
            "slide_altered",
            LocalText(
                fr="Le fichier de la lame a changé depuis son enregistrement.",
                en="The slide file has changed since it was registered.",
            ),
        )


def _refuse_existing(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        raise OutputError(
            "output_exists",
            LocalText(
                fr="Le dossier de résultat existe déjà : un résultat n'est jamais remplacé.",
                en="The result folder exists already: a result is never replaced.",
            ),
        )


@contextmanager
def _published(target: Path) -> Iterator[Path]:
    """A folder beside ``target`` that takes its name when all went well, else vanishes."""
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f".{target.name}.partial-{uuid.uuid4().hex[:12]}"
    partial.mkdir()
    try:
        yield partial
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
