"""A site with a real slide file and this release's tools in use."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from inference.phantoms import PhantomSpec, write_phantom
from portrait_viewer.accounts.models import Role, Site, User
from portrait_viewer.slides.models import Slide, SlideFile
from portrait_viewer.tools.models import ToolVersion
from portrait_viewer.tools.services import tool_deploy, tool_versions_sync
from tests.factories import CaseFactory, OrganizationFactory, SiteFactory, SlideFactory, member


@dataclass(frozen=True)
class World:
    site: Site
    reader: User
    researcher: User
    slide: Slide
    tools: dict[str, ToolVersion]


@pytest.fixture(scope="session")
def ki67_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ki67") / "ki67.tif"
    write_phantom(PhantomSpec(2000, 2000, preset="ki67", seed=3), path)
    return path


def make_world(file: Path) -> World:
    organization = OrganizationFactory.create()
    site = SiteFactory.create(organization=organization)
    slide = SlideFactory.create(
        case=CaseFactory.create(site=site),
        stain="KI67",
        width=2000,
        height=2000,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    stored = Path(settings.SLIDES_ROOT) / "ki67.tif"
    shutil.copy(file, stored)
    SlideFile.objects.create(slide=slide, path="ki67.tif", size_bytes=stored.stat().st_size)
    tools = {version.tool_id: version for version in tool_versions_sync()}
    for version in tools.values():
        tool_deploy(user=None, tool_version=version, site=site)
    return World(
        site,
        member(Role.PATHOLOGIST, organization, site),
        member(Role.RESEARCHER, organization, site),
        slide,
        tools,
    )


@pytest.fixture
def world(db: None, ki67_file: Path) -> World:
    return make_world(ki67_file)
