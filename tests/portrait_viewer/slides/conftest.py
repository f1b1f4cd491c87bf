"""Two laboratories, a case at one of them, and people of each role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from portrait_viewer.accounts.models import Organization, Role, Site, User
from portrait_viewer.cases.models import Block, Case
from portrait_viewer.imaging import tiles
from portrait_viewer.slides.models import Slide, SlideFile
from portrait_viewer.slides.views import ALLOWED
from tests.factories import (
    BlockFactory,
    CaseFactory,
    OrganizationFactory,
    SiteFactory,
    SlideFactory,
    SpecimenFactory,
    member,
)
from tests.factories.slide_files import write_svs


@dataclass
class World:
    organization: Organization
    site: Site
    case: Case
    block: Block
    pathologist: User
    stranger: User  # a pathologist of another organisation
    other: Organization


@pytest.fixture
def world(db: None) -> World:
    site = SiteFactory.create()
    case = CaseFactory.create(site=site)
    block = BlockFactory.create(specimen=SpecimenFactory.create(case=case))
    other = OrganizationFactory.create()
    return World(
        organization=site.organization,
        site=site,
        case=case,
        block=block,
        pathologist=member(Role.PATHOLOGIST, site.organization, site),
        stranger=member(Role.PATHOLOGIST, other),
        other=other,
    )


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    ALLOWED.clear()
    yield
    ALLOWED.clear()
    tiles.forget_all()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def stored_slide(case: Case, **changes: object) -> Slide:
    """A READY slide with a real file below SLIDES_ROOT."""
    slide: Slide = SlideFactory.create(case=case, width=700, height=500, **changes)
    folder = Path(settings.SLIDES_ROOT) / str(case.organization.uuid) / str(slide.uuid)
    folder.mkdir(parents=True)
    path = write_svs(folder / f"{slide.uuid}.svs")
    SlideFile.objects.create(
        slide=slide,
        path=str(path.relative_to(settings.SLIDES_ROOT)),
        size_bytes=path.stat().st_size,
    )
    return slide
