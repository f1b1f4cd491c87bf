"""Finds the installed tools by entry point, without importing their code."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from inference.errors import ToolError
from inference.outputs.fields import FieldError
from inference.text import LocalText
from inference.tools.manifest import ToolManifest
from inference.tools.protocol import Tool

GROUP = "portrait.tools"
MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class BrokenTool:
    """A tool that is registered but cannot be used, and why."""

    id: str
    error: ToolError


def list_manifests() -> tuple[ToolManifest, ...]:
    """Manifests of the usable tools, by id; see ``list_broken`` for the others."""
    return tuple(found for found in _scan() if isinstance(found, ToolManifest))


def list_broken() -> tuple[BrokenTool, ...]:
    """Tools that are registered but whose manifest is missing or wrong."""
    return tuple(found for found in _scan() if isinstance(found, BrokenTool))


def load_manifest(tool_id: str) -> ToolManifest:
    """The manifest of a tool, read without importing its code.

    Raises:
        ToolError: ``tool_unknown``, ``tool_incomplete`` or ``tool_invalid``.
    """
    return _read_manifest(_entry(tool_id))


def tool_folder(tool_id: str) -> Path:
    """Where the tool's files lie."""
    return _folder(_entry(tool_id))


def tool_digest(tool_id: str) -> str:
    """The sha256 over the names and contents of all files of the tool's folder."""
    folder = _folder(_entry(tool_id))
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or _ignored(relative):
            continue
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{content}  {relative.as_posix()}\n".encode())
    return digest.hexdigest()


def load_tool(tool_id: str) -> Tool:
    """Checks the files named in the manifest, then imports ``<package>.tool``.

    That module gives the tool by ``create_tool(manifest: ToolManifest) -> Tool``.

    Raises:
        ToolError: unknown, incomplete, altered, or its code cannot be imported.
    """
    entry = _entry(tool_id)
    manifest = _read_manifest(entry)
    _check_files(_folder(entry), manifest)
    try:
        module = importlib.import_module(f"{entry.value}.tool")
        return cast("Tool", module.create_tool(manifest))
    except (ImportError, AttributeError) as error:
        raise _error("tool_incomplete", tool_id, str(error)) from error


def _scan() -> list[ToolManifest | BrokenTool]:
    found: list[ToolManifest | BrokenTool] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        try:
            found.append(_read_manifest(entry))
        except ToolError as error:
            found.append(BrokenTool(entry.name, error))
    return found


def _entry(tool_id: str) -> EntryPoint:
    matches = list(entry_points(group=GROUP, name=tool_id))
    if not matches:
        raise _error("tool_unknown", tool_id, "portrait.tools")
    return matches[0]


def _folder(entry: EntryPoint) -> Path:
    """The package's folder, found without running the package's own code."""
    try:
        spec = importlib.util.find_spec(entry.value)
    except ImportError as error:
        raise _error("tool_incomplete", entry.name, str(error)) from error
    if spec is None or not spec.submodule_search_locations:
        raise _error("tool_incomplete", entry.name, entry.value)
    return Path(next(iter(spec.submodule_search_locations)))


def _read_manifest(entry: EntryPoint) -> ToolManifest:
    try:
        manifest = ToolManifest.parse((_folder(entry) / MANIFEST_NAME).read_bytes())
    except OSError as error:
        raise _error("tool_incomplete", entry.name, MANIFEST_NAME) from error
    except FieldError as error:
        raise _error("tool_invalid", entry.name, str(error)) from error
    if manifest.id != entry.name:
        raise _error("tool_invalid", entry.name, f"manifest.id = {manifest.id}")
    return manifest


def _check_files(folder: Path, manifest: ToolManifest) -> None:
    for file in manifest.files:
        try:
            data = (folder / file.path).read_bytes()
        except OSError as error:
            raise _error("tool_incomplete", manifest.id, file.path) from error
        if len(data) != file.bytes or hashlib.sha256(data).hexdigest() != file.sha256:
            raise _error("tool_altered", manifest.id, file.path)


def _ignored(relative: Path) -> bool:
    """What Python or a desktop leaves in a folder is not the tool."""
    return relative.suffix in {".pyc", ".pyo"} or any(
        part.startswith(".") or part == "__pycache__" for part in relative.parts
    )


def _error(code: str, tool_id: str, detail: str) -> ToolError:
    texts = {
        "tool_unknown": ("outil inconnu", "unknown tool"),
        "tool_incomplete": ("outil incomplet", "incomplete tool"),
        "tool_invalid": ("manifeste non valide", "invalid manifest"),
        "tool_altered": ("fichier modifié", "altered file"),
    }
    fr, en = texts[code]
    return ToolError(
        code, LocalText(fr=f"{tool_id} : {fr} ({detail}).", en=f"{tool_id}: {en} ({detail}).")
    )
