"""Where the demo's slides come from: real files, a small download, else phantoms.

Each slide is looked for in this order: the folder `PORTRAIT_DATA`, what an earlier run downloaded,
the catalogue of openly licensed slides when the machine is online, and at last the phantom
generator, which always works.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from inference.phantoms import PhantomSpec, write_phantom
from portrait_viewer.demo.laboratory import PhantomPlan, SlidePlan

CATALOGUE = Path(__file__).with_name("catalogue.json")
TIMEOUT_S = 15.0
_CHUNK = 1 << 20

Say = Callable[[str], None]
Opener = Callable[[str], IO[bytes]]


class DownloadFailed(Exception):
    """A slide of the catalogue could not be had; the text says why."""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """An openly licensed slide and what its file must be."""

    file: str
    url: str
    sha256: str
    bytes: int
    licence: str
    origin: str
    about: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A slide file on this machine."""

    path: Path
    stain: str
    phantom: bool


def catalogue() -> dict[str, CatalogueEntry]:
    """The downloadable slides by file name."""
    rows = json.loads(CATALOGUE.read_text(encoding="utf-8"))["slides"]
    return {row["file"]: CatalogueEntry(**row) for row in rows}


def open_url(url: str) -> IO[bytes]:
    """Starts a download; the catalogue holds https addresses only."""
    if not url.startswith("https://"):
        raise DownloadFailed("only https addresses are downloaded")
    answer: IO[bytes] = urllib.request.urlopen(url, timeout=TIMEOUT_S)  # noqa: S310
    return answer


def download(entry: CatalogueEntry, folder: Path, opener: Opener = open_url) -> Path:
    """Fetches one slide; it gets its name only once its checksum is right.

    Raises:
        DownloadFailed: offline, too slow, too long, or not the file of the catalogue.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{entry.file}.part"
    seen, total = hashlib.sha256(), 0
    try:
        with opener(entry.url) as answer, part.open("wb") as out:
            while chunk := answer.read(_CHUNK):
                total += len(chunk)
                if total > entry.bytes:
                    raise DownloadFailed("the file is longer than the catalogue says")
                seen.update(chunk)
                out.write(chunk)
        if seen.hexdigest() != entry.sha256:
            raise DownloadFailed("the checksum is not the one of the catalogue")
        return part.replace(folder / entry.file)
    except OSError as error:
        raise DownloadFailed(f"no connection ({error})") from error
    finally:
        part.unlink(missing_ok=True)


class Sources:
    """Finds or makes the file of each planned slide, below `store` where it has to be made."""

    def __init__(
        self,
        *,
        data: Path,
        store: Path,
        say: Say,
        online: bool = True,
        opener: Opener = open_url,
    ) -> None:
        self._data = data / "slides"
        self._store = store
        self._say = say
        self._online = online
        self._opener = opener
        self._catalogue = catalogue()

    def find(self, plan: SlidePlan, name: str) -> SourceFile:
        """The slide's file; `name` is that of the phantom, made where no real file is at hand."""
        if plan.real is not None:
            real = self._real(plan.real)
            if real is not None:
                return SourceFile(real, plan.stain, phantom=False)
        return SourceFile(self._phantom(plan.phantom, name), plan.phantom_stain, phantom=True)

    def _real(self, file: str) -> Path | None:
        for folder in (self._data, self._store / "downloads"):
            if (folder / file).is_file():
                return folder / file
        entry = self._catalogue.get(file)
        if entry is None or not self._online:
            return None
        self._say(f"  downloading {file} ({entry.bytes / 1e6:.1f} MB, {entry.licence}) …")
        try:
            return download(entry, self._store / "downloads", self._opener)
        except DownloadFailed as error:
            self._online = False
            self._say(f"  not downloaded: {error}. A phantom slide takes its place.")
            return None

    def _phantom(self, plan: PhantomPlan, name: str) -> Path:
        folder = self._store / "phantoms"
        target = folder / f"{name}.tif"
        if target.is_file():
            return target
        self._say(f"  making phantom {name}: {plan.width} × {plan.height} px …")
        # Made aside, moved when whole, the slide last: an interrupted run leaves no half slide.
        making = folder / ".making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        write_phantom(phantom_spec(plan), making / target.name)
        made = sorted(making.iterdir(), key=lambda path: path.name == target.name)
        for path in made:
            path.replace(folder / path.name)
        making.rmdir()
        return target


def phantom_spec(plan: PhantomPlan) -> PhantomSpec:
    """The generator's own words for a planned phantom."""
    return PhantomSpec(
        width=plan.width,
        height=plan.height,
        preset=plan.preset,
        seed=plan.seed,
        labelling_index=plan.labelling_index,
        artefacts=plan.artefacts,
    )
