"""Registering, deploying, retiring; the tools of a slide."""

from __future__ import annotations

import pytest
from django.test import Client

from portrait_viewer.accounts.models import Role
from portrait_viewer.audit.models import AuditEvent
from portrait_viewer.common.errors import Conflict, DomainError, PermissionRefused
from portrait_viewer.tools.models import Deployment, DeploymentState, ToolVersion
from portrait_viewer.tools.services import deployment_retire, tool_deploy, tool_versions_sync
from tests.factories import (
    CaseFactory,
    DeploymentFactory,
    SiteFactory,
    SlideFactory,
    ToolVersionFactory,
    UserFactory,
    manifest,
    member,
)

pytestmark = pytest.mark.django_db


def test_installed_tools_are_registered_once() -> None:
    first = tool_versions_sync()
    assert {version.tool_id for version in first} >= {
        "slide_qc",
        "nuclear_ihc",
        "nuclei_segmentation",
    }
    assert tool_versions_sync() == first
    assert ToolVersion.objects.count() == len(first)


def test_a_new_version_takes_the_place_of_the_one_in_use() -> None:
    site = SiteFactory.create()
    admin = member(Role.ADMIN, site.organization, site)
    old, new = ToolVersionFactory.create(), ToolVersionFactory.create(version="1.1.0")
    tool_deploy(user=admin, tool_version=old, site=site)
    tool_deploy(user=admin, tool_version=new, site=site)
    active = Deployment.objects.filter(site=site, state=DeploymentState.ACTIVE)
    assert [deployment.tool_version for deployment in active] == [new]
    verbs = list(AuditEvent.objects.order_by("id").values_list("verb", flat=True))
    assert verbs == ["tool.deployed", "tool.retired", "tool.deployed"]
    with pytest.raises(Conflict):
        tool_deploy(user=admin, tool_version=new, site=site)


def test_only_those_who_administer_the_site_deploy_there() -> None:
    site = SiteFactory.create()
    version = ToolVersionFactory.create()
    elsewhere = SiteFactory.create(organization=site.organization)
    refused = [
        member(Role.PATHOLOGIST, site.organization, site),
        member(Role.LAB_MANAGER, site.organization, site),
        member(Role.ADMIN, site.organization, elsewhere),
        member(Role.ADMIN, SiteFactory.create().organization),
    ]
    for user in refused:
        with pytest.raises(PermissionRefused):
            tool_deploy(user=user, tool_version=version, site=site)
    platform = UserFactory.create(is_platform_admin=True)
    deployment = tool_deploy(user=platform, tool_version=version, site=site)
    with pytest.raises(PermissionRefused):
        deployment_retire(user=refused[0], deployment=deployment)
    assert deployment_retire(user=platform, deployment=deployment).state == DeploymentState.RETIRED
    with pytest.raises(Conflict):
        deployment_retire(user=platform, deployment=deployment)


def test_a_network_without_trained_weights_is_not_deployed() -> None:
    site = SiteFactory.create()
    untrained = ToolVersionFactory.create(
        tool_id="grader", manifest=manifest("grader", needs_weights=True)
    )
    with pytest.raises(DomainError) as refused:
        tool_deploy(user=None, tool_version=untrained, site=site)
    assert refused.value.code == "tool_untrained"
    assert not Deployment.objects.exists()


def test_a_slides_tools_say_whether_they_apply_in_the_readers_language() -> None:
    site = SiteFactory.create()
    reader = member(Role.PATHOLOGIST, site.organization, site)
    slide = SlideFactory.create(case=CaseFactory.create(site=site), stain="HER2")
    DeploymentFactory.create(site=site)
    DeploymentFactory.create(
        site=site, tool_version=ToolVersionFactory.create(tool_id="old"), state="retired"
    )
    client = Client()
    client.force_login(reader)
    (tool,) = client.get(f"/api/v1/slides/{slide.uuid}/tools/").json()
    assert tool["title"] == "Quality control"
    assert tool["accepted"] is False
    assert "HER2" in tool["refusal"]
    slide.stain = "HE"
    slide.save()
    reader.language = "fr"
    reader.save()
    (tool,) = client.get(f"/api/v1/slides/{slide.uuid}/tools/").json()
    assert (tool["title"], tool["accepted"], tool["refusal"]) == ("Contrôle qualité", True, None)
