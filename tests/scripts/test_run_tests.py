"""What `make test` says of a run, and what --strict refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import run_tests
from run_tests import Result

REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"/>
<testcase name="c"><failure message="no">text</failure></testcase>
<testcase name="d"><error message="no">text</error></testcase>
<testcase name="e"><skipped type="pytest.skip" message="no CUDA device here (gpu)"/></testcase>
<testcase name="f"><skipped type="pytest.skip" message="PORTRAIT_DATA is absent: no slides"/>
</testcase>
<testcase name="g"><skipped type="pytest.xfail" message="known"/></testcase>
<testcase name="h"><skipped message="collection skipped">('/t.py', 3, 'Skipped: no nginx')</skipped>
</testcase>
</testsuite></testsuites>"""


@pytest.fixture
def result(tmp_path: Path) -> Result:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    found = Result("unit")
    run_tests._read_pytest(report, found)
    return found


def test_counts_and_reasons(result: Result) -> None:
    assert result.line() == "unit: 2 passed, 2 failed, 4 skipped"
    assert set(result.skipped) == {
        "no CUDA device here (gpu)",
        "PORTRAIT_DATA is absent: no slides",
        "expected to fail: known",
        "no nginx",
    }


@pytest.mark.parametrize("has_data", [True, False])
def test_strict_accepts_a_missing_gpu_and_missing_data(
    result: Result, has_data: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTRAIT_DATA", str(tmp_path if has_data else tmp_path / "none"))
    refused = ["unit: expected to fail: known", "unit: no nginx"]
    if has_data:
        refused.insert(0, "unit: PORTRAIT_DATA is absent: no slides")
    assert sorted(run_tests._refused([result])) == refused


def test_strict_refuses_a_part_that_ran_nothing() -> None:
    silent = Result("js")
    missing = Result("servers", not_run="not installed: postgresql")
    assert run_tests._refused([silent, missing]) == [
        "js: no test ran",
        "servers: not installed: postgresql",
    ]
    assert missing.line() == "servers: skipped: not installed: postgresql"
