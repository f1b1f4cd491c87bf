"""Manifests, registry, digest: without the code of any tool."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from inference.errors import InputRefused, ToolError
from inference.outputs.fields import FieldError
from inference.tools import (
    ToolManifest,
    check_input,
    list_broken,
    list_manifests,
    load_manifest,
    load_tool,
    parse_parameter,
    resolve_parameters,
    tool_digest,
    tool_folder,
)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tool package of its own, registered under the id ``toy``."""
    folder = tmp_path / "toy_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('code was run')\n")
    (folder / "tool.py").write_text("def create_tool(manifest):\n    return manifest\n")
    (folder / "weights.bin").write_bytes(b"weights")
    described = json.loads((tool_folder("slide_qc") / "manifest.json").read_text())
    described |= {
        "id": "toy",
        "files": [
            {
                "path": "weights.bin",
                "sha256": hashlib.sha256(b"weights").hexdigest(),
                "bytes": 7,
                "role": "weights",
            }
        ],
    }
    (folder / "manifest.json").write_text(json.dumps(described))
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = EntryPoint("toy", "toy_package", "portrait.tools")
    monkeypatch.setattr(
        "inference.tools.registry.entry_points",
        lambda *, group, name="toy": [entry] if (group, name) == ("portrait.tools", "toy") else [],
    )
    return folder


def change_manifest(package: Path, **changes: object) -> None:
    path = package / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_listing_loads_neither_torch_nor_django_nor_tool_code() -> None:
    script = (
        "import sys\n"
        "import inference.runner, inference.patches, inference.tissue, inference.cli\n"
        "from inference.tools import list_manifests\n"
        "assert 'slide_qc' in [m.id for m in list_manifests()]\n"
        "bad = {'torch', 'django', 'celery', 'inference.tools.slide_qc.tool'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_slide_qc_is_registered_and_loads() -> None:
    manifest = load_manifest("slide_qc")
    assert manifest in list_manifests()
    assert "slide_qc" not in [b.id for b in list_broken()]
    assert load_tool("slide_qc").manifest == manifest
    assert manifest.parameter("max_blur_um").default == 1.5
    with pytest.raises(KeyError):
        manifest.parameter("nothing")


def test_manifest_is_read_without_running_the_package(package: Path) -> None:
    assert load_manifest("toy").id == "toy"
    assert [m.id for m in list_manifests()] == ["toy"]
    assert tool_folder("toy") == package


def test_digest_follows_every_file_but_caches(package: Path) -> None:
    first = tool_digest("toy")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "tool.pyc").write_bytes(b"x")
    (package / ".DS_Store").write_bytes(b"x")
    assert tool_digest("toy") == first
    (package / "weights.bin").write_bytes(b"weightz")
    second = tool_digest("toy")
    (package / "weights.bin").rename(package / "weights2.bin")
    assert len({first, second, tool_digest("toy")}) == 3


def test_digest_does_not_depend_on_the_place(package: Path, tmp_path: Path, monkeypatch) -> None:
    first = tool_digest("toy")
    shutil.copytree(package, tmp_path / "elsewhere" / "toy_package")
    shutil.rmtree(package)
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    assert tool_digest("toy") == first


def test_altered_or_missing_weights_are_refused(package: Path) -> None:
    (package / "__init__.py").write_text("")
    (package / "weights.bin").write_bytes(b"weightz")
    with pytest.raises(ToolError) as caught:
        load_tool("toy")
    assert caught.value.code == "tool_altered"
    (package / "weights.bin").unlink()
    with pytest.raises(ToolError) as caught:
        load_tool("toy")
    assert caught.value.code == "tool_incomplete"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "other"}, "manifest.id = other"),
        ({"stains": ["HE", "GIEMSA"]}, "GIEMSA"),
        ({"stains": []}, "empty"),
        ({"family": "magic"}, "family"),
        ({"version": "1"}, "version"),
        ({"mpp": {"min": 1, "max": 0.5}}, "min <= max"),
        ({"title": {"fr": "x"}}, "title.en is missing"),
        ({"has_trained_weights": "no"}, "true or false"),
        ({"scores": [{"id": "a", "label": {"fr": "", "en": ""}, "unit": ""}] * 2}, "twice"),
        ({"files": [{"path": "../x", "sha256": "0" * 64, "bytes": 1, "role": "w"}]}, "path"),
    ],
)
def test_wrong_manifest_is_listed_as_broken(package: Path, changes: dict, words: str) -> None:
    change_manifest(package, **changes)
    assert list_manifests() == ()
    (broken,) = list_broken()
    assert (broken.id, broken.error.code) == ("toy", "tool_invalid")
    assert words in broken.error.message.en


def test_missing_manifest_or_package_is_incomplete(package: Path) -> None:
    (package / "manifest.json").unlink()
    assert [b.error.code for b in list_broken()] == ["tool_incomplete"]
    with pytest.raises(ToolError) as caught:
        load_manifest("unknown")
    assert caught.value.code == "tool_unknown"


def manifest_with(*parameters: dict) -> ToolManifest:
    described = json.loads((tool_folder("slide_qc") / "manifest.json").read_text())
    return ToolManifest.parse(json.dumps(described | {"parameters": list(parameters)}))


LABEL = {"fr": "Nom", "en": "Name"}
PARAMETERS = (
    {"name": "number", "type": "number", "label": LABEL, "default": 1, "min": 0, "max": 2},
    {"name": "count", "type": "integer", "label": LABEL, "default": 5, "min": 1},
    {"name": "fast", "type": "boolean", "label": LABEL, "default": False},
    {
        "name": "mode",
        "type": "choice",
        "label": LABEL,
        "default": "a",
        "choices": ["a", {"value": "b", "label": LABEL}],
    },
)


def test_parameters_are_completed_and_typed() -> None:
    manifest = manifest_with(*PARAMETERS)
    resolved = resolve_parameters(manifest, {"count": 7, "mode": "b"})
    assert resolved == {"number": 1.0, "count": 7, "fast": False, "mode": "b"}
    assert [type(v) for v in resolved.values()] == [float, int, bool, str]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("number", "0,5", 0.5),
        ("number", "1e0", 1.0),
        ("count", "3", 3),
        ("fast", "TRUE", True),
        ("mode", "b", "b"),
    ],
)
def test_parameters_are_read_from_text(name: str, text: str, value: object) -> None:
    assert parse_parameter(manifest_with(*PARAMETERS).parameter(name), text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("number", "3"),
        ("number", "nan"),
        ("number", "x"),
        ("count", "1.5"),
        ("count", "0"),
        ("fast", "maybe"),
        ("mode", "c"),
    ],
)
def test_wrong_text_is_refused(name: str, text: str) -> None:
    with pytest.raises(InputRefused) as caught:
        parse_parameter(manifest_with(*PARAMETERS).parameter(name), text)
    assert caught.value.code == "parameter_invalid"


def test_default_must_be_valid() -> None:
    with pytest.raises(FieldError, match="default of number"):
        manifest_with(PARAMETERS[0] | {"default": 9})


def test_input_is_checked_in_order() -> None:
    manifest = manifest_with()
    check_input(manifest, stain="HE", mpp=0.1)
    check_input(manifest, stain="HE", mpp=1.05)
    for stain, mpp, code in (
        ("", None, "wrong_stain"),
        ("HE", None, "mpp_missing"),
        ("HE", 0.0999, "mpp_out_of_range"),
        ("HE", 1.06, "mpp_out_of_range"),
    ):
        with pytest.raises(InputRefused) as caught:
            check_input(manifest, stain=stain, mpp=mpp)
        assert caught.value.code == code
