"""Tiles, thumbnails and labels: authorised first, then fast and cacheable."""

from __future__ import annotations

import io
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from portrait_viewer.accounts.models import Membership, Role
from portrait_viewer.imaging import tiles
from portrait_viewer.slides import views
from portrait_viewer.slides.models import Slide, SlideFile, SlideState
from portrait_viewer.slides.views import AllowedMemo, Readable
from tests.factories import CaseGrantFactory, SlideFactory, UserFactory, member
from tests.portrait_viewer.slides.conftest import World, signed_in, stored_slide


def tile_url(slide: Slide, place: str = "3/1_1", sha8: str | None = None) -> str:
    return f"/slides/{slide.uuid}/tiles/{sha8 or slide.sha256[:8]}/{place}"


def picture_urls(slide: Slide) -> list[str]:
    return [tile_url(slide), f"/slides/{slide.uuid}/thumbnail/{slide.sha256[:8]}/"]


def test_a_tile_as_the_browser_gets_it(world: World) -> None:
    slide = stored_slide(world.case)
    response = signed_in(world.pathologist).get(tile_url(slide))
    assert response.status_code == 200
    assert response["Content-Type"] == "image/jpeg"
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert Image.open(io.BytesIO(response.content)).size == (128, 128)
    edge = signed_in(world.pathologist).get(tile_url(slide, "3/5_3"))
    assert Image.open(io.BytesIO(edge.content)).size == (700 - 640, 500 - 384)


@pytest.mark.parametrize("place", ["9/0_0", "3/6_0", "3/0_4", "0/1_0", "3/99999999999999999999_0"])
def test_out_of_range_is_not_found(world: World, place: str) -> None:
    slide = stored_slide(world.case)
    assert signed_in(world.pathologist).get(tile_url(slide, place)).status_code == 404


def test_a_wrong_content_hash_is_not_found(world: World) -> None:
    slide = stored_slide(world.case)
    client = signed_in(world.pathologist)
    assert client.get(tile_url(slide)).status_code == 200
    assert client.get(tile_url(slide, sha8="00000000")).status_code == 404
    assert client.get(f"/slides/{slide.uuid}/thumbnail/00000000/").status_code == 404


def test_only_those_who_see_the_case_get_pictures(world: World) -> None:
    slide = stored_slide(world.case)
    seeing = [world.pathologist, member(Role.LAB_MANAGER, world.organization)]
    blind = [
        world.stranger,
        member(Role.RESEARCHER, world.organization),  # the patient did not agree to research
        UserFactory.create(is_platform_admin=True, is_staff=True, is_superuser=True),
        UserFactory.create(),
    ]
    for url in picture_urls(slide):
        assert [signed_in(user).get(url).status_code for user in seeing] == [200, 200]
        assert [signed_in(user).get(url).status_code for user in blind] == [404] * 4
        assert Client().get(url).status_code in {302, 401, 403}


def test_a_grant_opens_and_its_end_closes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slide = stored_slide(world.case)
    client = signed_in(world.stranger)
    grant = CaseGrantFactory.create(case=world.case, organization=world.other)
    assert [client.get(url).status_code for url in picture_urls(slide)] == [200, 200]
    grant.expires_at = timezone.now() - timedelta(seconds=1)
    grant.save()
    # What needs no speed asks each time; a tile may follow for 20 s, not longer.
    assert client.get(picture_urls(slide)[1]).status_code == 404
    assert client.get(f"/api/v1/slides/{slide.uuid}/").status_code == 404
    now = time.monotonic()
    monkeypatch.setattr(views.time, "monotonic", lambda: now + views.ALLOWED_S + 0.1)
    assert client.get(tile_url(slide)).status_code == 404


def test_an_expired_grant_never_opens(world: World) -> None:
    slide = stored_slide(world.case)
    CaseGrantFactory.create(
        case=world.case, organization=world.other, expires_at=timezone.now() - timedelta(days=1)
    )
    assert signed_in(world.stranger).get(tile_url(slide)).status_code == 404


def test_what_one_person_may_is_not_remembered_for_another(world: World) -> None:
    slide = stored_slide(world.case)
    assert signed_in(world.pathologist).get(tile_url(slide)).status_code == 200
    assert signed_in(world.stranger).get(tile_url(slide)).status_code == 404


def test_imaging_is_not_asked_before_the_right_is_checked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide = stored_slide(world.case)

    def touched(*_: Any) -> None:
        raise AssertionError("imaging was asked")

    for name in ("tile", "thumbnail", "label_image"):
        monkeypatch.setattr(tiles, name, touched)
    client = signed_in(world.stranger)
    for url in [*picture_urls(slide), f"/slides/{slide.uuid}/label/"]:
        assert client.get(url).status_code == 404


def test_a_second_tile_costs_session_and_user_only(
    world: World, django_assert_num_queries: Any
) -> None:
    slide = stored_slide(world.case)
    client = signed_in(world.pathologist)
    with django_assert_num_queries(4):  # session, user, slide, file
        client.get(tile_url(slide))
    with django_assert_num_queries(2):
        client.get(tile_url(slide, "3/2_1"))


@pytest.mark.parametrize("state", [SlideState.REGISTERING, SlideState.REJECTED])
def test_slides_that_were_not_found_readable_have_no_pictures(world: World, state: str) -> None:
    slide = stored_slide(world.case, state=state)
    client = signed_in(world.pathologist)
    urls = [*picture_urls(slide), f"/slides/{slide.uuid}/label/"]
    assert [client.get(url).status_code for url in urls] == [404, 404, 404]


def test_a_file_that_is_gone_is_not_found(world: World) -> None:
    slide = SlideFactory.create(case=world.case)
    client = signed_in(world.pathologist)
    assert [client.get(url).status_code for url in picture_urls(slide)] == [404, 404]
    SlideFile.objects.create(slide=slide, path="gone.svs", size_bytes=1)
    assert [client.get(url).status_code for url in picture_urls(slide)] == [404, 404]


@pytest.mark.real_data
def test_the_label_is_for_the_cases_own_site(world: World, real_slides: Path) -> None:
    slide = SlideFactory.create(case=world.case)
    path = real_slides / "CMU-1-Small-Region.svs"
    SlideFile.objects.create(slide=slide, path=str(path), size_bytes=path.stat().st_size)
    CaseGrantFactory.create(case=world.case, organization=world.other)
    url = f"/slides/{slide.uuid}/label/"
    response = signed_in(world.pathologist).get(url)
    assert Image.open(io.BytesIO(response.content)).size == (387, 463)
    assert response["Cache-Control"] == "private, no-store"
    assert signed_in(world.stranger).get(tile_url(slide, "4/0_0")).status_code == 200
    assert signed_in(world.stranger).get(url).status_code == 404


def test_who_left_the_site_is_forgotten_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide = stored_slide(world.case)
    client = signed_in(world.pathologist)
    assert client.get(tile_url(slide)).status_code == 200
    Membership.objects.all().delete()
    now = time.monotonic()
    monkeypatch.setattr(views.time, "monotonic", lambda: now + 20.5)
    assert client.get(tile_url(slide)).status_code == 404


def test_the_memo_is_bounded(world: World, tmp_path: Path) -> None:
    memo = AllowedMemo(3)
    slides = [SlideFactory.build() for _ in range(5)]
    for slide in slides:
        row = Readable(tmp_path, "0" * 8, time.monotonic() + 20)
        memo.put(world.pathologist, slide.uuid, row)
    assert len(memo) == 3
    assert memo.get(world.pathologist, slides[0].uuid) is None
    assert memo.get(world.pathologist, slides[4].uuid) is not None
    assert memo.get(world.stranger, slides[4].uuid) is None
