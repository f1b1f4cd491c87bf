"""Backup and restore: database, results, key and the list of slide files, in one archive.

Slide files are large and never change: the archive names each with size and sha256, so that a
restore can say which are missing, and holds them only on demand.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from portrait_viewer.accounts.models import Organization
from portrait_viewer.slides.models import SlideFile

FORMAT = "portrait-backup/1"
MANIFEST = "manifest.json"
DATABASE = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
KEY = "secret_key"
_CHUNK = 1 << 20


class BackupError(Exception):
    """A backup cannot be made or used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore brought back, and which slide files it did not find."""

    files: int
    missing_slides: tuple[str, ...]


def backup_write(target: Path, *, slides: bool = False) -> int:
    """Writes the archive (readable by its owner only); returns how many files it holds.

    Raises:
        BackupError: the target exists, or a program of the database is missing.
    """
    if target.exists():
        raise BackupError(f"{target} exists already: a backup is never replaced.")
    part = target.with_name(target.name + ".part")
    # Beside the target: a container's own temporary folder is small.
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.absolute().parent) as scratch:
        dump = Path(scratch) / DATABASE[connection.vendor]
        _dump(dump)
        members = dict(_members(dump, slides=slides))
        manifest = {
            "format": FORMAT,
            "created": timezone.now().isoformat(),
            "database": connection.vendor,
            "migrations": sorted(map(list, MigrationRecorder(connection).applied_migrations())),
            "slides": list(_slide_list()),
            "files": {name: _describe(path) for name, path in sorted(members.items())},
        }
        file = Path(scratch) / MANIFEST
        file.write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
        try:
            with _private(part) as out, tarfile.open(fileobj=out, mode="w") as archive:
                archive.add(file, MANIFEST)
                for name, path in sorted(members.items()):
                    archive.add(path, name)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return len(members)


def backup_restore(source: Path) -> Restored:
    """Brings an archive back into an empty site; checks all of it before anything is written.

    Raises:
        BackupError: the site is not empty, or the archive is damaged or of another database.
    """
    _check_empty()
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.PORTRAIT_HOME) as scratch:
        folder = Path(scratch)
        manifest = _unpacked(source, folder)
        _check_members(manifest, folder)
        shutil.copytree(folder / "results", settings.RESULTS_ROOT, dirs_exist_ok=True)
        if (folder / "slides").is_dir():
            shutil.copytree(folder / "slides", settings.SLIDES_ROOT, dirs_exist_ok=True)
        _load(folder / DATABASE[connection.vendor])
        if (folder / KEY).is_file():
            key = Path(settings.PORTRAIT_HOME) / KEY
            key.touch(mode=0o600)
            key.write_bytes((folder / KEY).read_bytes())
    missing = tuple(str(slide["uuid"]) for slide in manifest["slides"] if not _is_there(slide))
    return Restored(len(manifest["files"]), missing)


def _members(dump: Path, *, slides: bool) -> Iterator[tuple[str, Path]]:
    yield dump.name, dump
    key = Path(settings.PORTRAIT_HOME) / KEY
    if key.is_file():
        yield KEY, key
    roots = {"results": Path(settings.RESULTS_ROOT)}
    if slides:
        roots["slides"] = Path(settings.SLIDES_ROOT)
    for name, root in roots.items():
        for path in root.rglob("*"):
            # What an analysis is writing this moment belongs to no result yet.
            if path.is_file() and ".partial-" not in str(path.relative_to(root)):
                yield f"{name}/{path.relative_to(root).as_posix()}", path


def _slide_list() -> Iterator[dict[str, Any]]:
    for file in SlideFile.objects.select_related("slide").order_by("pk"):
        yield {
            "uuid": str(file.slide.uuid),
            "path": file.path,
            "bytes": file.size_bytes,
            "sha256": file.slide.sha256 if file.order == 0 else "",
        }


def _describe(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def sha256_of(path: Path) -> str:
    """Of a file, without reading it whole into memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _private(path: Path) -> Any:  # noqa: ANN401 - a binary file object
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


def _unpacked(source: Path, folder: Path) -> dict[str, Any]:
    """The archive's manifest; its files lie below the folder, never outside it."""
    (folder / "results").mkdir()
    try:
        with tarfile.open(source, "r:") as archive:
            archive.extractall(folder, filter="data")
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, tarfile.TarError, ValueError) as error:
        raise BackupError(f"{source} is not a whole backup of Portrait: {error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BackupError(f"{source} is not a backup that this version can read.")
    if found["database"] != connection.vendor:
        raise BackupError(
            f"This backup is of {found['database']}; this site runs on {connection.vendor}. "
            "Set DATABASE_URL to a database of the same kind."
        )
    return found


def _check_members(manifest: dict[str, Any], folder: Path) -> None:
    for name, said in manifest["files"].items():
        path = folder / name
        if not path.is_file() or _describe(path) != said:
            raise BackupError(f"The backup is damaged ({name}): nothing was restored.")


def _is_there(slide: dict[str, Any]) -> bool:
    path = Path(settings.SLIDES_ROOT) / slide["path"]
    return path.is_file() and bool(path.stat().st_size == slide["bytes"])


def _check_empty() -> None:
    tables = connection.introspection.table_names()
    used = Organization._meta.db_table in tables and Organization.objects.exists()  # noqa: SLF001
    if used or any(Path(settings.RESULTS_ROOT).iterdir()):
        raise BackupError(
            "This site is in use: a backup is restored into an empty one only. "
            "Choose another PORTRAIT_HOME and DATABASE_URL."
        )


# --- The two databases ------------------------------------------------------------------


def _dump(target: Path) -> None:
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(target)) as copy:
            connection.connection.backup(copy)
        return
    _postgres("pg_dump", "--format=custom", "--no-owner", f"--file={target}")


def _load(dump: Path) -> None:
    if connection.vendor == "sqlite":
        connections.close_all()
        with (
            closing(sqlite3.connect(dump)) as copy,
            closing(sqlite3.connect(settings.DATABASES["default"]["NAME"])) as live,
        ):
            copy.backup(live)
        return
    _postgres("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", dump)


def _postgres(program: str, *words: str | Path) -> None:
    """Runs a client program; the password travels in the environment, where `ps` shows nothing."""
    found = shutil.which(program)
    if found is None:
        raise BackupError(f"{program} is not installed (on Debian: postgresql-client).")
    given = connection.settings_dict
    address = {
        "PGDATABASE": given["NAME"],
        "PGUSER": given["USER"],
        "PGPASSWORD": given["PASSWORD"],
        "PGHOST": given["HOST"],
        "PGPORT": str(given["PORT"] or ""),
    }
    wanted = {name: str(value) for name, value in address.items() if value}
    name = ["--dbname", str(given["NAME"])] if program == "pg_restore" else []
    done = subprocess.run(  # noqa: S603 - our own words
        [found, *name, *map(str, words)],
        env=os.environ | wanted,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-500:]}")
