"""A site backed up, restored elsewhere, compared; by the commands, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[3]
FILL = """
from pathlib import Path
from django.conf import settings
from django.utils import timezone
from portrait_viewer.accounts.models import Site
from portrait_viewer.analysis.models import Overlay
from portrait_viewer.audit.services import audit_seal
from portrait_viewer.slides.models import SlideFile
from tests.factories import CaseFactory, JobFactory, SlideFactory
import hashlib
slide = SlideFactory.create(case=CaseFactory.create(site=Site.objects.get()),
                            sha256=hashlib.sha256(b"slide").hexdigest())
(Path(settings.SLIDES_ROOT) / "a.tif").write_bytes(b"slide")
SlideFile.objects.create(slide=slide, path="a.tif", size_bytes=5)
folder = Path(settings.RESULTS_ROOT) / "job"
folder.mkdir()
(folder / "heat.bin").write_bytes(b"heat")
job = JobFactory.create(slide=slide, state="succeeded", finished_at=timezone.now(),
                        result_folder="job")
Overlay.objects.create(job=job, key="heat", kind="scalar", file_name="heat.bin", size_bytes=4,
                       sha256=hashlib.sha256(b"heat").hexdigest(), payload={})
audit_seal()
"""
COUNT = """
from portrait_viewer.accounts.models import User
from portrait_viewer.analysis.models import Job, Overlay
from portrait_viewer.audit.models import AuditEvent
from portrait_viewer.cases.models import Case
print("ROWS", User.objects.count(), Case.objects.get().accession, Job.objects.count(),
      Overlay.objects.count(), AuditEvent.objects.count())
"""


SERVER = os.environ.get("DATABASE_URL", "")
# On the other stack the same tests run on its database too.
STACKS = ["sqlite", "postgresql"] if SERVER.startswith("postgres") else ["sqlite"]


class Home:
    """A site in a folder of its own, with a database of its own."""

    def __init__(self, folder: Path, stack: str) -> None:
        folder.mkdir()
        self.stack = stack
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PORTRAIT_")}
        for name in ("DATABASE_URL", "REDIS_URL"):
            kept.pop(name, None)
        self.environ = kept | {
            "PORTRAIT_HOME": str(folder),
            "DJANGO_SETTINGS_MODULE": "portrait_viewer.config.settings.embedded",
        }
        if stack == "postgresql":
            name = f"backup_{uuid.uuid4().hex}"
            with psycopg.connect(SERVER, autocommit=True) as server:
                server.execute(f"CREATE DATABASE {name}")
            self.environ["DATABASE_URL"] = urlsplit(SERVER)._replace(path=f"/{name}").geturl()

    def manage(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environ,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def done(self, *words: str, given: str = "") -> str:
        run = self.manage(*words, given=given)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def rows(self) -> str:
        return next(x for x in self.done("shell", "-c", COUNT).splitlines() if x[:4] == "ROWS")


@pytest.fixture(scope="module", params=STACKS)
def filled(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Home:
    home = Home(tmp_path_factory.mktemp("site") / "home", request.param)
    home.done("migrate", "--verbosity", "0")
    home.done(
        *("init_site", "--organization", "Labo", "--kind", "laboratory", "--site", "A"),
        *("--username", "admin", "--password-stdin"),
        given="a-long-and-odd-pass-31\n",
    )
    home.done("shell", "-c", FILL)
    assert "whole" in home.done("verify", "--checksums")
    return home


def test_a_backup_restored_elsewhere_is_the_same_site(filled: Home, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    filled.done("backup", str(archive))
    assert archive.stat().st_mode & 0o077 == 0  # it holds the key

    elsewhere = Home(tmp_path / "elsewhere", filled.stack)
    said = elsewhere.done("restore", str(archive))
    assert "is not here: copy it back" in said  # the slide's own file
    assert elsewhere.rows() == filled.rows()
    key = "secret_key"
    assert (elsewhere.folder / key).read_bytes() == (filled.folder / key).read_bytes()
    assert elsewhere.manage("verify").returncode == 1
    (elsewhere.folder / "slides" / "a.tif").write_bytes(b"slide")
    assert "whole" in elsewhere.done("verify", "--checksums")

    again = elsewhere.manage("restore", str(archive))
    assert again.returncode != 0
    assert "in use" in again.stderr
    assert filled.manage("backup", str(archive)).returncode != 0  # never replaced


def test_slides_travel_on_demand(filled: Home, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    filled.done("backup", "--slides", str(archive))
    elsewhere = Home(tmp_path / "elsewhere", filled.stack)
    assert "copy it back" not in elsewhere.done("restore", str(archive))
    assert "whole" in elsewhere.done("verify", "--checksums")


def test_a_damaged_backup_restores_nothing(filled: Home, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    filled.done("backup", str(archive))
    with tarfile.open(archive) as tar:
        place = tar.getmember("results/job/heat.bin").offset_data
    data = bytearray(archive.read_bytes())
    data[place] ^= 1
    archive.write_bytes(bytes(data))
    elsewhere = Home(tmp_path / "elsewhere", filled.stack)
    refused = elsewhere.manage("restore", str(archive))
    assert refused.returncode != 0
    assert "nothing was restored" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not any((elsewhere.folder / "results").iterdir())
    assert elsewhere.manage("migrate", "--check").returncode != 0  # still without tables


def test_verify_names_what_was_altered(filled: Home, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    filled.done("backup", "--slides", str(archive))
    elsewhere = Home(tmp_path / "elsewhere", filled.stack)
    elsewhere.done("restore", str(archive))
    (elsewhere.folder / "results" / "job" / "heat.bin").write_bytes(b"heaT")
    (elsewhere.folder / "slides" / "a.tif").write_bytes(b"slidE")
    found = elsewhere.manage("verify", "--checksums")
    assert found.returncode == 1
    assert "layer heat was altered" in found.stdout
    assert "its file was altered" in found.stdout
