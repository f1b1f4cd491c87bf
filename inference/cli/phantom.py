"""``portrait phantom OUT.tif``: makes a slide of known truth."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from inference.cli.language import pick
from inference.phantoms import ARTEFACT_KINDS, PRESETS, PhantomSpec, write_phantom
from inference.text import LocalText


def main(argv: list[str]) -> int:
    """Writes the slide and its truth; says what was planted."""
    arguments = _parser().parse_args(argv)
    artefacts = tuple(a for a in arguments.artefacts.split(",") if a)
    spec = PhantomSpec(
        width=arguments.width,
        height=arguments.height,
        stain=arguments.stain,
        seed=arguments.seed,
        mpp=arguments.mpp,
        preset=arguments.preset,
        labelling_index=arguments.li,
        artefacts=artefacts,
    )
    truth = write_phantom(spec, arguments.out, None if arguments.quiet else _show)
    index = truth.labelling_index
    share = f"{index:.2f} %" if index is not None and spec.target_index else "-"
    text = LocalText(
        fr=f"{arguments.out} : {len(truth.cls)} noyaux, index de marquage (tumeur) {share}",
        en=f"{arguments.out}: {len(truth.cls)} nuclei, labelling index (tumour) {share}",
    )
    print(pick(text))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="portrait phantom")
    parser.add_argument("out", type=Path, metavar="OUT.tif")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="")
    parser.add_argument("--stain", default="", help="stain code, where no preset is given")
    parser.add_argument("--width", type=int, default=8000, help="px")
    parser.add_argument("--height", type=int, default=8000, help="px")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mpp", type=float, default=0.5, help="0.5 (20x) or 0.25 (40x)")
    parser.add_argument("--li", type=float, help="wanted labelling index, %% of tumour nuclei")
    parser.add_argument(
        "--artefacts", default="", help=f"separated by commas: {','.join(ARTEFACT_KINDS)}"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    return parser


def _show(done: int, total: int) -> None:
    if sys.stderr.isatty() or done == total:
        end = "\n" if done == total else ""
        print(f"\r{100 * done // total} %", end=end, file=sys.stderr, flush=True)
