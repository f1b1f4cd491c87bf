"""The slide page: who sees it, what it tells the browser, what it leaves in the audit."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from portrait_viewer.accounts.models import Role, User
from portrait_viewer.analysis.models import JobState
from portrait_viewer.audit.models import AuditEvent
from portrait_viewer.slides.models import Slide, SlideFile, SlideState
from tests.factories import CaseFactory, JobFactory, OrganizationFactory, SlideFactory, member
from tests.factories.slide_files import write_svs

pytestmark = pytest.mark.django_db


@pytest.fixture
def slide() -> Slide:
    """A READY slide with a real file of 700 × 500 px."""
    found: Slide = SlideFactory.create(case=CaseFactory.create(), width=700, height=500)
    path = write_svs(Path(settings.SLIDES_ROOT) / "scan.svs")
    SlideFile.objects.create(slide=found, path="scan.svs", size_bytes=path.stat().st_size)
    return found


def reader(slide: Slide, role: Role = Role.PATHOLOGIST) -> User:
    return member(role, slide.case.organization, slide.case.site)


def page(user: User, slide_uuid: uuid.UUID) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(f"/slides/{slide_uuid}/")


def config(response: HttpResponse) -> dict[str, Any]:
    html = response.content.decode()
    match = re.search(r'<script id="viewer-config" type="application/json">(.*?)</script>', html)
    assert match
    parsed: dict[str, Any] = json.loads(match[1])
    return parsed


def test_the_page_tells_the_browser_the_grid_and_the_doors(slide: Slide) -> None:
    user = reader(slide)
    found = config(page(user, slide.uuid))
    source = found["tile_source"]
    assert (source["width"], source["height"]) == (700, 500)
    assert source["levels"][-1] == {"width": 700, "height": 500}
    assert source["levels"] == sorted(source["levels"], key=lambda level: level["width"])
    assert (
        source["url"]
        == f"/slides/{slide.uuid}/tiles/{slide.sha256[:8]}/{{level}}/{{column}}_{{row}}"
    )
    assert found["api"] == {
        "slide": f"/api/v1/slides/{slide.uuid}/",
        "tools": f"/api/v1/slides/{slide.uuid}/tools/",
        "jobs": f"/api/v1/slides/{slide.uuid}/jobs/",
        "socket": f"/ws/slides/{slide.uuid}/",
    }
    assert found["case"]["accession"] == slide.case.accession
    assert found["user"] == {"display_name": user.display_name, "can_run": True}


def test_the_tray_has_the_case_slides_with_their_newest_jobs(slide: Slide) -> None:
    other = SlideFactory.create(case=slide.case, state=SlideState.REGISTERING)
    SlideFactory.create(case=slide.case, state=SlideState.ARCHIVED)
    SlideFactory.create()  # another case
    job = JobFactory.create(slide=slide, state=JobState.SUCCEEDED)
    JobFactory.create(slide=slide, tool_version=job.tool_version)
    tray = config(page(reader(slide), slide.uuid))["tray"]
    assert {row["uuid"]: row["jobs_summary"] for row in tray} == {
        str(slide.uuid): [{"tool": "slide_qc", "state": "queued"}],
        str(other.uuid): [],
    }


def test_other_organisations_and_unknown_slides_are_not_found(slide: Slide) -> None:
    stranger = member(Role.PATHOLOGIST, OrganizationFactory.create())
    assert page(stranger, slide.uuid).status_code == 404
    assert page(reader(slide), uuid.uuid4()).status_code == 404
    assert not AuditEvent.objects.filter(verb="case.read").exists()


def test_the_page_needs_a_sign_in(slide: Slide) -> None:
    response = Client().get(f"/slides/{slide.uuid}/")
    assert response.status_code == 302
    assert "/login/" in response["Location"]


def test_opening_a_slide_is_recorded_once(slide: Slide) -> None:
    user = reader(slide)
    page(user, slide.uuid)
    event = AuditEvent.objects.get(verb="case.read")
    assert (event.actor_uuid, event.case_uuid) == (user.uuid, slide.case.uuid)


def test_a_slide_without_picture_says_why() -> None:
    slide = SlideFactory.create(
        state=SlideState.REJECTED,
        sha256="",
        reject_code="x",
        reject_reason={"fr": "Fichier coupé.", "en": "Cut off."},
    )
    response = page(reader(slide), slide.uuid)
    assert config(response)["tile_source"] is None
    assert config(response)["user"]["can_run"] is False
    assert "Cut off." in response.content.decode()


def test_a_slide_whose_file_is_gone_still_opens_its_page(slide: Slide) -> None:
    (Path(settings.SLIDES_ROOT) / "scan.svs").unlink()
    response = page(reader(slide), slide.uuid)
    assert response.status_code == 200
    assert config(response)["tile_source"] is None


def test_no_inline_script_or_style(slide: Slide) -> None:
    html = page(reader(slide), slide.uuid).content.decode()
    assert " style=" not in html
    assert not re.search(r"\son\w+=", html)
    inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", html)
    assert all('type="application/json"' in tag or "nonce=" in tag for tag in inline)
