"""``portrait run TOOL SLIDE --stain CODE --out DIR``: the same computing as a job."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from inference.cli.language import language, pick
from inference.errors import InputRefused
from inference.outputs import OUTPUT_NAME, ParameterValue, Score, ToolOutput
from inference.runner import JobSpec, Progress, run
from inference.text import LocalText
from inference.tools import STAINS, ToolManifest, load_manifest, parse_parameter
from inference.wsi import slide_checksum


def main(argv: list[str]) -> int:
    """Runs a tool on a slide and prints its scores."""
    arguments = _parser().parse_args(argv)
    manifest = load_manifest(arguments.tool)
    spec = JobSpec(
        tool_id=manifest.id,
        slide_path=arguments.slide,
        output_dir=arguments.out,
        stain=arguments.stain,
        mpp=arguments.mpp,
        parameters=_parameters(manifest, arguments.set),
        slide_sha256=None if arguments.no_checksum else slide_checksum(arguments.slide),
        device=arguments.device,
        seed=arguments.seed,
    )
    shown = _ProgressLine() if sys.stderr.isatty() and not arguments.json else None
    try:
        output = run(spec, progress=shown)
    except KeyboardInterrupt:
        return 130
    finally:
        if shown is not None:
            shown.clear()
    if arguments.json:
        print((arguments.out / OUTPUT_NAME).read_text(), end="")
    else:
        _print_result(manifest, output, arguments.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="portrait run")
    parser.add_argument("tool", help="slide_qc, nuclear_ihc, ... (portrait tools)")
    parser.add_argument("slide", type=Path)
    parser.add_argument("--stain", required=True, choices=STAINS)
    parser.add_argument("--mpp", type=float, help="µm/px; wins over the file's")
    parser.add_argument("--out", type=Path, required=True, help="folder of the result (new)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:0")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-checksum", action="store_true", help="do not hash the slide file")
    parser.add_argument("--json", action="store_true", help="print output.json")
    return parser


def _parameters(manifest: ToolManifest, settings: Iterable[str]) -> dict[str, ParameterValue]:
    known = {spec.name: spec for spec in manifest.parameters}
    values: dict[str, ParameterValue] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in known:
            names = ", ".join(known)
            raise InputRefused(
                "parameter_unknown",
                LocalText(
                    fr=f"--set {setting} : attendu NOM=VALEUR, NOM parmi {names}.",
                    en=f"--set {setting}: expected NAME=VALUE, NAME one of {names}.",
                ),
            )
        values[name] = parse_parameter(known[name], text)
    return values


def _print_result(manifest: ToolManifest, output: ToolOutput, folder: Path) -> None:
    print(f"{pick(manifest.title)} {output.tool_version}  {output.tool_digest[:12]}")
    colon = " :" if language() == "fr" else ":"
    for score in output.scores:
        print(f"  {pick(score.label)}{colon} {_value(score)}")
        print(f"      {pick(score.interpretation)}")
    for overlay in output.overlays:
        print(f"  [{overlay.kind}] {pick(overlay.label)}{colon} {overlay.file.name}")
    if output.findings:
        print(f"  {len(output.findings)} x {output.findings[0].kind}")
    for warning in output.warnings:
        print(f"  ! {pick(warning)}")
    for message in output.messages:
        print(f"  {pick(message)}")
    print(f"  {output.timings_s['total']:.1f} s -> {folder}")


def _value(score: Score) -> str:
    parts = []
    if score.value is not None:
        number = f"{score.value:g}".replace(".", "," if language() == "fr" else ".")
        parts.append(f"{number} {score.unit}".strip())
    if score.category is not None:
        parts.append(pick(score.category.label))
    if score.n is not None:
        parts.append(f"n = {score.n}")
    return ", ".join(parts) or "-"


class _ProgressLine:
    """One line on the terminal, rewritten at each whole percent."""

    def __init__(self) -> None:
        self._shown = -1

    def __call__(self, progress: Progress) -> None:
        percent = int(progress.fraction * 100)
        if percent == self._shown:
            return
        self._shown = percent
        rate = f"  {progress.rate_per_s:.1f}/s" if progress.rate_per_s else ""
        line = f"{percent:3d} %  {progress.stage} {progress.done}/{progress.total}{rate}"
        print(f"\r{line:<60}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        print(f"\r{'':<60}\r", end="", file=sys.stderr, flush=True)
