"""``portrait phantom OUT.tif``: makes a slide of known truth."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from inference.cli.language import pick
from inference.phantoms import ARTEFACT_KINDS, PRESETS, PhantomSpec, PhantomTruth, write_phantom
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
    print(pick(_counted(arguments.out, truth)))
    return 0


def _counted(slide: Path, truth: PhantomTruth) -> LocalText:
    """What was planted; the index of all nuclei is the one that ``nuclear_ihc`` measures."""
    n, tumour, everyone = len(truth.cls), truth.labelling_index, truth.labelling_index_all
    fr, en = f"{slide} : {n} noyaux", f"{slide}: {n} nuclei"
    if truth.spec.target_index and tumour is not None and everyone is not None:
        fr += (
            f" ; index de marquage {tumour:.2f} % de la tumeur, "
            f"{everyone:.2f} % de tous les noyaux lisibles"
        )
        en += (
            f"; labelling index {tumour:.2f} % of the tumour, "
            f"{everyone:.2f} % of all readable nuclei"
        )
    return LocalText(fr=fr, en=en)


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
