"""Speed of the phantom generator, whole command: rendering, JPEG, pyramid, truth.

    python benchmarks/bench_phantoms.py            (about half a minute)
    python benchmarks/bench_phantoms.py --smoke    (a few seconds, smaller slides)

Prints Mpx of level 0 per second for each preset; the goal holds for the slowest. On a busy
machine the figure per second of processor time tells more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from inference.phantoms import PRESETS, PhantomSpec, write_phantom  # noqa: E402

GOAL = 5.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="a few seconds: does it run")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    side = 2048 if given.smoke else 8192
    presets = ("ki67", "breast-he") if given.smoke else tuple(PRESETS)
    speeds = {}
    with tempfile.TemporaryDirectory() as folder:
        for preset in presets:
            spec = PhantomSpec(side, side, preset=preset, seed=1)
            start, cpu = time.perf_counter(), time.process_time()
            truth = write_phantom(spec, Path(folder) / "phantom.tif", threads=given.threads)
            speeds[preset] = side * side / 1e6 / (time.perf_counter() - start)
            per_cpu = side * side / 1e6 / (time.process_time() - cpu)
            print(
                f"{preset:<13} {speeds[preset]:6.1f} Mpx/s, {per_cpu:.1f} per second of "
                f"processor, {len(truth.cls)} nuclei",
                flush=True,
            )
    slowest = min(speeds.values())
    verdict = "pass" if slowest >= GOAL else "fail"
    print(f"BENCH phantom_mpx_per_s {slowest:.2f} {GOAL:g} {verdict}")
    return 0 if slowest >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
