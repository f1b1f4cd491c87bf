"""The command line, as a person uses it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from inference import cli
from inference.cli import main
from inference.outputs import read_output
from inference.phantoms import read_truth

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTRAIT_LANG", "en")


@pytest.fixture
def slide(write_slide: Write) -> Path:
    rng = np.random.default_rng(0)
    pixels = np.full((512, 512, 3), 243, np.uint8)
    pixels[100:400, 100:400] = np.array([180, 90, 160]) + rng.integers(-40, 40, (300, 300, 1))
    return write_slide(pixels, mpp=1.0)


def test_run_writes_the_result_and_prints_it(slide: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    options = ["--stain", "HE", "--out", str(out), "--set", "max_blur_um=2,5", "--seed", "4"]
    assert main(["run", "slide_qc", str(slide), *options]) == 0
    output = read_output(out)
    assert output.parameters["max_blur_um"] == 2.5
    assert output.slide.sha256 is not None
    printed = capsys.readouterr().out
    assert "Scan quality: Review" not in printed
    assert "Tissue area: 0.0" in printed
    assert "[labels] Tissue, blur and pen: tissue.u8" in printed


def test_run_speaks_french(slide: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PORTRAIT_LANG", "fr_FR.UTF-8")
    assert main(["run", "slide_qc", str(slide), "--stain", "HE", "--out", str(tmp_path / "o")]) == 0
    assert "Surface de tissu : 0,0" in capsys.readouterr().out


def test_json_is_the_result_file(slide: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    options = ["--stain", "HE", "--out", str(out), "--json", "--no-checksum"]
    assert main(["run", "slide_qc", str(slide), *options]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((out / "output.json").read_text())
    assert read_output(out).slide.sha256 is None


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--stain", "HE", "--set", "nothing=1"], "parameter_unknown"),
        (["--stain", "HE", "--set", "max_blur_um"], "parameter_unknown"),
        (["--stain", "HE", "--set", "max_blur_um=x"], "parameter_invalid"),
        (["--stain", "HE", "--mpp", "9"], "mpp_out_of_range"),
    ],
)
def test_refusals_are_one_line_and_exit_1(slide, tmp_path, capsys, options, code) -> None:
    out = tmp_path / "out"
    assert main(["run", "slide_qc", str(slide), "--out", str(out), *options]) == 1
    said = capsys.readouterr().err
    assert said.endswith(f"[{code}]\n")
    assert said.count("\n") == 1
    assert not out.exists()


def test_unknown_stain_is_wrong_usage(slide: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", "slide_qc", str(slide), "--stain", "X", "--out", str(tmp_path / "o")])
    assert caught.value.code == 2


def test_inspect_tells_what_the_file_says(slide: Path, tmp_path: Path, capsys) -> None:
    assert main(["inspect", str(slide), "--json", "--checksum"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["size"] == [512, 512]
    assert said["mpp"] == [1.0, 1.0]
    assert len(said["sha256"]) == 64
    assert main(["inspect", str(slide)]) == 0
    assert "aperio" in capsys.readouterr().out
    (tmp_path / "x.svs").write_text("no")
    assert main(["inspect", str(tmp_path / "x.svs")]) == 1
    assert "[slide_unsupported]" in capsys.readouterr().err


def test_inspect_says_when_the_resolution_is_missing(write_slide: Write, capsys) -> None:
    path = write_slide(np.zeros((64, 64, 3), np.uint8), mpp=None)
    assert main(["inspect", str(path)]) == 0
    assert "--mpp" in capsys.readouterr().out


def test_tools_lists_what_is_installed(capsys) -> None:
    main(["tools"])
    assert "slide_qc 1.0.0  Scan quality control" in capsys.readouterr().out
    main(["tools", "--json"])
    listed = {tool["id"]: tool for tool in json.loads(capsys.readouterr().out)}
    assert len(listed["slide_qc"]["digest"]) == 64


def test_usage_and_unknown_command(capsys) -> None:
    assert main([]) == 2
    assert main(["--help"]) == 0
    assert "phantom" in capsys.readouterr().out
    assert main(["nothing"]) == 2
    assert "unknown command: nothing" in capsys.readouterr().err


def test_plugin_commands_are_found(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    entry = EntryPoint("hello", f"{__name__}:unused", "portrait.commands")
    monkeypatch.setattr(EntryPoint, "load", lambda _: len)
    monkeypatch.setattr(
        cli, "entry_points", lambda *, group, name="hello": [entry] if name == "hello" else []
    )
    assert main(["hello", "a", "b", "c"]) == 3
    assert main(["--help"]) == 0
    assert "  hello" in capsys.readouterr().out


def test_missing_module_is_told_plainly(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "inference.training.cli", None)
    monkeypatch.setitem(sys.modules, "inference.training", None)
    assert main(["train", "nuclei"]) == 1
    assert "[command_unavailable]" in capsys.readouterr().err


def test_phantom_writes_the_slide_and_its_truth(tmp_path: Path, capsys) -> None:
    out = tmp_path / "made.tif"
    options = ["--preset", "ki67", "--width", "2000", "--height", "2000", "--li", "30"]
    assert main(["phantom", str(out), *options, "--artefacts", "pen,blur", "--quiet"]) == 0
    assert {p.name for p in tmp_path.iterdir()} == {
        "made.tif",
        "made.truth.json",
        "made.truth.npz",
    }
    truth = read_truth(out)
    assert [a["kind"] for a in truth.artefacts] == ["pen", "blur"]
    said = capsys.readouterr()
    assert said.err == ""
    assert f"{len(truth.cls)} nuclei" in said.out
    assert f"{truth.labelling_index:.2f} % of the tumour" in said.out
    assert f"{truth.labelling_index_all:.2f} % of all readable nuclei" in said.out


def test_phantom_of_h_and_e_has_no_index(tmp_path: Path, capsys) -> None:
    out = tmp_path / "he.tif"
    assert main(["phantom", str(out), "--stain", "HE", "--width", "2000", "--height", "2000"]) == 0
    said = capsys.readouterr()
    assert said.err.endswith("100 %\n")
    assert said.out == f"{out}: {len(read_truth(out).cls)} nuclei\n"


def test_an_impossible_phantom_is_refused_in_words(tmp_path: Path, capsys) -> None:
    assert main(["phantom", str(tmp_path / "x.tif"), "--width", "500"]) == 1
    assert "2000-100000 px" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
