"""Who sees a case, and what reading one costs."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portrait_viewer.accounts.models import Role, User
from portrait_viewer.audit.models import AuditEvent
from portrait_viewer.cases.models import Case
from portrait_viewer.cases.selectors import block_get, case_get, case_overview
from portrait_viewer.cases.services import case_read_record
from portrait_viewer.common.errors import NotFound
from tests.factories import (
    BlockFactory,
    CaseFactory,
    CaseGrantFactory,
    MembershipFactory,
    OrganizationFactory,
    SiteFactory,
    SlideFactory,
    SpecimenFactory,
    UserFactory,
    member,
)

pytestmark = pytest.mark.django_db


def sees(user: User, case: Case) -> bool:
    try:
        found = case_get(user, case.uuid)
    except NotFound:
        return False
    return found == case


@pytest.mark.parametrize("role", [Role.PATHOLOGIST, Role.LAB_MANAGER, Role.ADMIN])
def test_clinical_roles_see_the_cases_of_their_sites(role: Role) -> None:
    site, other = SiteFactory.create(), SiteFactory.create()
    sister = SiteFactory.create(organization=site.organization)
    case = CaseFactory.create(site=site)
    assert sees(member(role, site.organization, site), case)
    assert sees(member(role, site.organization), case)  # at every site
    assert not sees(member(role, site.organization, sister), case)
    assert not sees(member(role, other.organization), case)


def test_researchers_see_what_patients_agreed_to() -> None:
    site = SiteFactory.create()
    researcher = member(Role.RESEARCHER, site.organization)
    assert not sees(researcher, CaseFactory.create(site=site))
    assert sees(researcher, CaseFactory.create(site=site, research_consent=True))


def test_grants_open_one_case_until_they_end() -> None:
    case, sibling = CaseFactory.create_batch(2, site=SiteFactory.create())
    guests = OrganizationFactory.create()
    guest = member(Role.PATHOLOGIST, guests)
    grant = CaseGrantFactory.create(case=case, organization=guests)
    assert sees(guest, case)
    assert not sees(guest, sibling)
    assert not sees(member(Role.RESEARCHER, guests), case)
    grant.revoked_at = timezone.now()
    grant.save()
    assert not sees(guest, case)
    CaseGrantFactory.create(
        case=case, organization=guests, expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert not sees(guest, case)


def test_nobody_else_sees_a_case() -> None:
    case = CaseFactory.create()
    platform = UserFactory.create(is_platform_admin=True, is_superuser=True, is_staff=True)
    left = member(Role.PATHOLOGIST, case.organization)
    left.is_active = False
    left.save()
    assert [sees(user, case) for user in (platform, left, UserFactory.create())] == [False] * 3
    with pytest.raises(NotFound):
        case_get(platform, uuid.uuid4())


def test_the_overview_costs_four_queries_whatever_its_size(
    django_assert_num_queries: Any,
) -> None:
    site = SiteFactory.create()
    user = member(Role.PATHOLOGIST, site.organization)
    for parts in (1, 4):
        case = CaseFactory.create(site=site)
        for part in range(parts):
            specimen = SpecimenFactory.create(case=case, label="ABCD"[part])
            for number in range(2):
                block = BlockFactory.create(specimen=specimen, label=str(number))
                SlideFactory.create_batch(2, case=case, block=block)
        SlideFactory.create(case=case)
        with django_assert_num_queries(4):
            found = case_overview(user, case.uuid)
            shown = [
                (str(slide.block), slide.block.specimen.label, found.patient.pseudonym)
                for specimen in found.specimens.all()
                for block in specimen.blocks.all()
                for slide in block.slides.all()
            ]
            loose = [slide for slide in found.slides.all() if slide.block_id is None]
        assert len(shown) == parts * 4
        assert len(loose) == 1
        assert shown[0][:2] == ("A0", "A")
    with pytest.raises(NotFound):
        case_overview(UserFactory.create(), case.uuid)


def test_blocks_are_those_of_the_case() -> None:
    block = BlockFactory.create()
    assert block_get(block.specimen.case, block.uuid) == block
    with pytest.raises(NotFound):
        block_get(CaseFactory.create(), block.uuid)


def test_reading_leaves_a_trace_without_names() -> None:
    case = CaseFactory.create()
    user = member(Role.PATHOLOGIST, case.organization)
    case_read_record(user=user, case=case)
    event = AuditEvent.objects.get()
    assert (event.verb, event.object_uuid, event.actor_uuid, event.organization_uuid) == (
        "case.read",
        case.uuid,
        user.uuid,
        case.organization.uuid,
    )
    assert event.details == {}


def test_two_memberships_do_not_double_a_case() -> None:
    site = SiteFactory.create()
    user = member(Role.PATHOLOGIST, site.organization, site)
    MembershipFactory.create(user=user, organization=site.organization, role=Role.ADMIN)
    case = CaseFactory.create(site=site, research_consent=True)
    assert list(Case.objects.visible_to(user)) == [case]
