#!/usr/bin/env python3
"""Runs every test that can run on this machine and says what it skipped, and why: `make test`.

Four parts, in this order:
    js       the browser code (vitest)
    unit     everything under tests/ but tests/e2e, on the embedded stack (SQLite, no Redis)
    servers  the tests of the site again, on a private PostgreSQL and Redis, where installed
    e2e      the whole product in headless Chromium (tests/e2e)

    run_tests.py [--only PART ...] [--python-only] [--strict] [arguments of pytest ...]

With --strict a skipped test fails the run, and so does a part that cannot run. Two reasons are
accepted: a GPU that is not there, and real data where the folder PORTRAIT_DATA is absent.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from with_servers import missing_servers

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("js", "unit", "servers", "e2e")
NO_TESTS = 5  # pytest's exit code where nothing was selected


@dataclass
class Result:
    """What a part did."""

    part: str
    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    not_run: str = ""
    exit_code: int = 0

    def line(self) -> str:
        """The closing line of the part."""
        if self.not_run:
            return f"{self.part}: skipped: {self.not_run}"
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped.total()} skipped"
        return f"{self.part}: {counts}"


def main(argv: list[str]) -> int:
    """Runs the chosen parts; 0 where all of them are well."""
    given, pytest_arguments = _arguments(argv)
    chosen = [part for part in PARTS if part in (given.only or PARTS)]
    if given.python_only:
        chosen.remove("js")
    results = []
    with tempfile.TemporaryDirectory(prefix="portrait-tests-") as folder:
        for part in chosen:
            print(f"== {part}", flush=True)
            results.append(_run(part, pytest_arguments, Path(folder)))
    refused = _refused(results) if given.strict else []
    _report(results, refused)
    bad = any(result.exit_code or result.failed for result in results) or bool(refused)
    return 1 if bad else 0


def _arguments(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        description="Runs the tests; what it does not know goes to pytest."
    )
    parser.add_argument("--only", action="append", choices=PARTS, help="this part; may be repeated")
    parser.add_argument("--python-only", action="store_true", help="not the browser code")
    parser.add_argument("--strict", action="store_true", help="a skipped test is a failure")
    return parser.parse_known_args(argv)


def _run(part: str, pytest_arguments: list[str], folder: Path) -> Result:
    result = Result(part, not_run=_obstacle(part))
    if result.not_run:
        return result
    started = time.monotonic()
    report = folder / f"{part}.report"
    command = _vitest(report) if part == "js" else _pytest(part, report, pytest_arguments)
    result.exit_code = subprocess.run(command, cwd=ROOT, check=False).returncode
    result.seconds = time.monotonic() - started
    if result.exit_code == NO_TESTS and part != "js" and pytest_arguments:
        result.exit_code = 0  # -k found nothing in this part
    if report.exists():
        (_read_vitest if part == "js" else _read_pytest)(report, result)
    return result


def _obstacle(part: str) -> str:
    """Why the part cannot run here; empty where it can."""
    if part == "js" and not (ROOT / "node_modules" / ".bin" / "vitest").exists():
        return "not installed: the browser libraries (make environment-dev)"
    if part == "e2e" and not (ROOT / "tests" / "e2e").is_dir():
        return "there is no folder tests/e2e"
    if part == "e2e" and not shutil.which("chromium"):
        return "not installed: chromium (on Debian: apt-get install chromium)"
    if part == "servers":
        return _servers_obstacle()
    return ""


def _servers_obstacle() -> str:
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return "the part unit ran on DATABASE_URL and REDIS_URL already"
    return missing_servers()


def _vitest(report: Path) -> list[str]:
    runner = str(ROOT / "node_modules" / ".bin" / "vitest")
    return [runner, "run", "--reporter=default", "--reporter=json", f"--outputFile.json={report}"]


def _pytest(part: str, report: Path, extra: list[str]) -> list[str]:
    command = [
        sys.executable, "-m", "pytest",
        # Said here so that a site's own settings in the environment never meet the tests.
        "--ds=portrait_viewer.config.settings.test",
        "-m", "not evidence", "-q", f"--junitxml={report}",
    ]  # fmt: skip
    if part == "unit":
        return [*command, "tests", "--ignore=tests/e2e", *extra]
    if part == "servers":
        wrapper = [sys.executable, str(ROOT / "scripts" / "with_servers.py")]
        return [*wrapper, *command, "tests/portrait_viewer", *extra]
    return [*command, "tests/e2e", *extra]


def _read_pytest(report: Path, result: Result) -> None:
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - we wrote this file
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed += 1
        elif skipped is not None:
            result.skipped[_reason(skipped)] += 1
        else:
            result.passed += 1


def _reason(skipped: ET.Element) -> str:
    message = skipped.get("message", "")
    if message == "collection skipped":  # a whole module: the reason stands in the text
        message = (skipped.text or "").strip("()").rsplit("Skipped: ")[-1].strip("'\"")
    if skipped.get("type") == "pytest.xfail":
        message = f"expected to fail: {message}"
    return message or "no reason given"


def _read_vitest(report: Path, result: Result) -> None:
    found = json.loads(report.read_text(encoding="utf-8"))
    result.passed = found["numPassedTests"]
    # A file that cannot be loaded fails without a test of its own.
    result.failed = max(found["numFailedTests"], found["numFailedTestSuites"])
    pending = found["numPendingTests"] + found.get("numTodoTests", 0)
    if pending:
        result.skipped["marked skip or todo in the file"] = pending


def _refused(results: list[Result]) -> list[str]:
    """What --strict does not accept."""
    no_data = not _data_folder().is_dir()
    refused = []
    for result in results:
        if result.not_run:
            refused.append(f"{result.part}: {result.not_run}")
        for reason in result.skipped:
            accepted = "gpu" in reason.lower() or (no_data and "PORTRAIT_DATA" in reason)
            if not accepted:
                refused.append(f"{result.part}: {reason}")
        if not result.not_run and not result.passed and not result.failed:
            refused.append(f"{result.part}: no test ran")
    return refused


def _data_folder() -> Path:
    return Path(os.environ.get("PORTRAIT_DATA") or ROOT.parent / "shared" / "data")


def _report(results: list[Result], refused: list[str]) -> None:
    print("\n== what ran")
    for result in results:
        print(result.line())
    if any(result.skipped for result in results):
        print("\n== what was skipped, and why")
    for result in results:
        for reason, count in result.skipped.most_common():
            print(f"{count:>5}  {result.part}: {reason}")
    for line in refused:
        print(f"--strict does not accept: {line}")
    print("\n== seconds: " + ", ".join(f"{r.part} {r.seconds:.0f}" for r in results))
    total = Result("total", sum(r.passed for r in results), sum(r.failed for r in results))
    for result in results:
        total.skipped.update(result.skipped)
    print(total.line(), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
