"""Memory grows with the width of a phantom, not with its area."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from inference.phantoms import PhantomSpec
from inference.phantoms import write as writing
from inference.phantoms.placement import PlacedNuclei

WRITE = """
import resource, sys
from pathlib import Path
from inference.phantoms import PhantomSpec, write_phantom
spec = PhantomSpec(int(sys.argv[1]), int(sys.argv[2]), preset="ki67", seed=1)
write_phantom(spec, Path(sys.argv[3]), threads=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mib(width: int, height: int, folder: Path) -> int:
    """Peak memory of a process of its own that writes one slide."""
    command = [sys.executable, "-c", WRITE, str(width), str(height), str(folder / "slide.tif")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1800)
    return int(said.stdout)


def test_rows_of_tiles_are_written_as_they_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the last row of blocks is begun, the tiles of the rows before are on disk."""
    sizes: dict[int, int] = {}
    make = writing._make_block

    def watched(scene: object, row: int, column: int) -> writing._Block:
        part = next(tmp_path.glob("*.part"), None)
        sizes.setdefault(row, part.stat().st_size if part else 0)
        return make(scene, row, column)  # type: ignore[arg-type]

    monkeypatch.setattr(writing, "_make_block", watched)
    writing.write_phantom(PhantomSpec(2000, 9000, preset="ki67"), tmp_path / "tall.tif", threads=1)
    # Five blocks of two columns are rendered ahead of the writer: the file lags by three rows.
    assert sizes[6] > sizes[4] > 0
    assert sizes[6] > 0.3 * (tmp_path / "tall.tif").stat().st_size


def test_a_block_holds_encoded_tiles_only() -> None:
    """1,024 x 1,024 px are 3 MiB as pixels; what waits for the writer is JPEG and 1/256."""
    scene = writing.Scene.of(PhantomSpec(2000, 2000, preset="breast-he"))
    block = writing._make_block(scene, 0, 0)
    kept = sum(len(t) for row in block.tiles for t in row) + len(block.level1)
    assert kept + block.level2.nbytes < 1024 * 1024
    assert isinstance(block.nuclei, PlacedNuclei)


@pytest.mark.evidence
def test_a_large_slide_stays_under_its_bound(tmp_path: Path) -> None:
    """20,000 x 20,000 px are 1.2 GB of pixels."""
    assert peak_mib(20_000, 20_000, tmp_path) < 600
