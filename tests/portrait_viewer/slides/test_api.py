"""Cases and slides as the API gives them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from portrait_viewer.slides.models import SlideState
from portrait_viewer.slides.serializers import SlideSerializer
from tests.factories import CaseGrantFactory, SlideFactory
from tests.portrait_viewer.slides.conftest import World, signed_in

SLIDE_KEYS = {
    "uuid",
    "case",
    "label",
    "stain",
    "stain_label",
    "state",
    "state_label",
    "width",
    "height",
    "mpp_x",
    "mpp_y",
    "mpp_source",
    "objective_power",
    "vendor",
    "scanner",
    "level_count",
    "size_bytes",
    "thumbnail_url",
    "page_url",
    "reject_reason",
    "jobs_summary",
}


def test_a_case_with_its_slides(world: World) -> None:
    SlideFactory.create(case=world.case, label="B")
    SlideFactory.create(case=world.case, label="A")
    SlideFactory.create(case=world.case, label="C", state=SlideState.ARCHIVED)
    body = signed_in(world.pathologist).get(f"/api/v1/cases/{world.case.uuid}/").json()
    assert set(body) == {"uuid", "accession", "organ", "status", "priority", "patient", "slides"}
    assert set(body["patient"]) == {"pseudonym", "birth_year", "sex"}
    assert [slide["label"] for slide in body["slides"]] == ["A", "B"]
    assert set(body["slides"][0]) == SLIDE_KEYS
    assert body["slides"][0]["case"] == str(world.case.uuid)
    assert body["slides"][0]["page_url"] == f"/slides/{body['slides'][0]['uuid']}/"


def test_a_case_costs_the_same_with_many_slides(
    world: World, django_assert_num_queries: Any
) -> None:
    client = signed_in(world.pathologist)
    for count in (1, 12):
        SlideFactory.create_batch(count, case=world.case)
        with django_assert_num_queries(4):  # session, user, case, slides
            assert client.get(f"/api/v1/cases/{world.case.uuid}/").status_code == 200


def test_one_slide(world: World, django_assert_num_queries: Any) -> None:
    slide = SlideFactory.create(case=world.case)
    client = signed_in(world.pathologist)
    with django_assert_num_queries(3):
        body = client.get(f"/api/v1/slides/{slide.uuid}/").json()
    assert set(body) == SLIDE_KEYS
    assert (body["stain_label"], body["state_label"], body["reject_reason"]) == (
        "H&E",
        "Ready",
        None,
    )


@pytest.mark.parametrize("path", ["cases/{case}/", "slides/{slide}/"])
def test_what_one_may_not_see_is_not_found(world: World, path: str) -> None:
    slide = SlideFactory.create(case=world.case)
    url = "/api/v1/" + path.format(case=world.case.uuid, slide=slide.uuid)
    refused = signed_in(world.stranger).get(url)
    assert refused.status_code == 404
    assert set(refused.json()) == {"code", "message", "details"}
    CaseGrantFactory.create(case=world.case, organization=world.other)
    assert signed_in(world.stranger).get(url).status_code == 200
    assert Client().get(url).status_code in {302, 401, 403}


def test_a_grant_reads_and_does_not_write(world: World) -> None:
    slide = SlideFactory.create(
        case=world.case, state=SlideState.NEEDS_INFO, mpp_x=None, mpp_y=None
    )
    CaseGrantFactory.create(case=world.case, organization=world.other)
    refused = signed_in(world.stranger).post(
        f"/api/v1/slides/{slide.uuid}/resolution/", {"mpp": 0.5}, content_type="application/json"
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "resolution_refused")
    slide.refresh_from_db()
    assert (slide.state, slide.mpp_x) == (SlideState.NEEDS_INFO, None)


def test_writing_needs_the_csrf_token(world: World) -> None:
    slide = SlideFactory.create(
        case=world.case, state=SlideState.NEEDS_INFO, mpp_x=None, mpp_y=None
    )
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.pathologist)
    refused = client.post(
        f"/api/v1/slides/{slide.uuid}/resolution/", {"mpp": 0.5}, content_type="application/json"
    )
    assert refused.status_code == 403


def test_the_reason_is_in_the_readers_language(world: World) -> None:
    slide = SlideFactory.create(
        case=world.case, state=SlideState.REJECTED, reject_reason={"fr": "Non.", "en": "No."}
    )
    url = f"/api/v1/slides/{slide.uuid}/"
    assert signed_in(world.pathologist).get(url).json()["reject_reason"] == "No."
    world.pathologist.language = "fr"
    world.pathologist.save()
    assert signed_in(world.pathologist).get(url).json()["reject_reason"] == "Non."


def test_jobs_come_from_above(world: World) -> None:
    slide = SlideFactory.create(case=world.case)
    badge = [{"tool": "slide_qc", "state": "running"}]
    given = SlideSerializer(slide, context={"jobs_summary": {slide.pk: badge}}).data
    assert given["jobs_summary"] == badge
    slide.jobs_summary = []
    assert (
        SlideSerializer(slide, context={"jobs_summary": {slide.pk: badge}}).data["jobs_summary"]
        == []
    )
