"""The admin panel keeps organisations apart, and gives nobody more than they have."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from portrait_viewer.accounts.models import Membership, Organization, Role, Site, User
from portrait_viewer.audit.models import AuditEvent
from portrait_viewer.audit.services import audit_record
from portrait_viewer.cases.models import Block, Case, CaseGrant, Patient, Specimen
from portrait_viewer.slides.models import Slide, SlideState
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
CLINICAL = [Patient, Case, Specimen, Block, CaseGrant, Slide]


@dataclass
class Lab:
    organization: Organization
    site: Site
    admin: User
    reader: User
    case: Case
    slide: Slide

    def rows(self) -> dict[type, object]:
        specimen = Specimen.objects.get(case=self.case)
        return {
            Patient: self.case.patient,
            Case: self.case,
            Specimen: specimen,
            Block: specimen.blocks.get(),
            CaseGrant: self.case.grants.get(),
            Slide: self.slide,
        }


def make_lab() -> Lab:
    site = SiteFactory.create()
    case = CaseFactory.create(site=site)
    block = BlockFactory.create(specimen=SpecimenFactory.create(case=case))
    CaseGrantFactory.create(case=case)
    return Lab(
        organization=site.organization,
        site=site,
        admin=member(Role.ADMIN, site.organization),
        reader=member(Role.PATHOLOGIST, site.organization),
        case=case,
        slide=SlideFactory.create(case=case, block=block),
    )


@pytest.fixture
def mine(db: None) -> Lab:
    return make_lab()


@pytest.fixture
def theirs(db: None) -> Lab:
    return make_lab()


@pytest.fixture
def platform(db: None) -> User:
    user: User = UserFactory.create(is_platform_admin=True, is_staff=True, is_superuser=True)
    return user


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(model: type, page: str, *args: object) -> str:
    meta = model._meta  # type: ignore[attr-defined]
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


def listed(user: User, model: type) -> set[int]:
    response = browser(user).get(url(model, "changelist"))
    assert response.status_code == 200
    return {row.pk for row in response.context["cl"].result_list}


@pytest.mark.parametrize("model", CLINICAL, ids=lambda model: model.__name__)
def test_an_organisations_admin_sees_its_own_rows(mine: Lab, theirs: Lab, model: type) -> None:
    own, foreign = mine.rows()[model], theirs.rows()[model]
    assert listed(mine.admin, model) == {own.pk}  # type: ignore[attr-defined]
    client = browser(mine.admin)
    assert client.get(url(model, "change", own.pk)).status_code == 200  # type: ignore[attr-defined]
    # Django answers a row outside the queryset by going back to the index.
    refused = client.get(url(model, "change", foreign.pk))  # type: ignore[attr-defined]
    assert refused.status_code == 302
    assert refused["Location"] == reverse("admin:index")


@pytest.mark.parametrize("model", CLINICAL, ids=lambda model: model.__name__)
def test_a_platform_admin_sees_no_patient_data(mine: Lab, platform: User, model: type) -> None:
    client = browser(platform)
    assert client.get(url(model, "changelist")).status_code == 403
    row = mine.rows()[model]
    assert client.get(url(model, "change", row.pk)).status_code in {302, 403}  # type: ignore[attr-defined]
    index = client.get(reverse("admin:index")).content.decode()
    assert url(model, "changelist") not in index


@pytest.mark.parametrize("role", [Role.PATHOLOGIST, Role.LAB_MANAGER, Role.RESEARCHER])
def test_other_roles_do_not_enter(mine: Lab, role: Role) -> None:
    client = browser(member(role, mine.organization))
    assert client.get(reverse("admin:index")).status_code in {302, 403}
    assert client.get(url(Case, "changelist")).status_code in {302, 403}


def test_slides_are_read_only_and_nothing_is_deleted(mine: Lab) -> None:
    client = browser(mine.admin)
    for model in CLINICAL:
        row = mine.rows()[model]
        assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403  # type: ignore[attr-defined]
    assert client.post(url(Slide, "change", mine.slide.pk), {"label": "X"}).status_code == 403
    assert client.get(url(Slide, "add")).status_code == 403
    mine.slide.refresh_from_db()
    assert mine.slide.label != "X"


def test_slides_are_archived_from_the_list(mine: Lab, theirs: Lab) -> None:
    response = browser(mine.admin).post(
        url(Slide, "changelist"),
        {"action": "archive", "_selected_action": [mine.slide.pk, theirs.slide.pk]},
    )
    assert response.status_code == 302
    mine.slide.refresh_from_db()
    theirs.slide.refresh_from_db()
    assert (mine.slide.state, theirs.slide.state) == (SlideState.ARCHIVED, SlideState.READY)
    assert AuditEvent.objects.get(verb="slide.archived").actor_uuid == mine.admin.uuid


def test_a_case_is_made_for_the_own_site_only(mine: Lab, theirs: Lab) -> None:
    data = {
        "accession": "NEW-1",
        "organ": "breast",
        "clinical_note": "",
        "status": "received",
        "priority": 3,
        "received_at_0": "2026-01-02",
        "received_at_1": "10:00",
        "due_at_0": "",
        "due_at_1": "",
    }
    client = browser(mine.admin)
    for site, patient in ((theirs, mine), (mine, theirs), (theirs, theirs)):
        wrong = data | {"site": site.site.pk, "patient": patient.case.patient.pk}
        assert client.post(url(Case, "add"), wrong).status_code == 200  # the form, with errors
    assert not Case.objects.filter(accession="NEW-1").exists()
    good = data | {"site": mine.site.pk, "patient": mine.case.patient.pk}
    assert client.post(url(Case, "add"), good).status_code == 302
    made = Case.objects.get(accession="NEW-1")
    assert made.organization == mine.organization
    event = AuditEvent.objects.get(verb="case.add")
    assert (event.object_uuid, event.actor_uuid) == (made.uuid, mine.admin.uuid)


def test_people_and_places_of_other_organisations_are_out_of_sight(mine: Lab, theirs: Lab) -> None:
    assert listed(mine.admin, User) == {mine.admin.pk, mine.reader.pk}
    assert listed(mine.admin, Organization) == {mine.organization.pk}
    assert listed(mine.admin, Site) == {mine.site.pk}
    assert listed(mine.admin, Membership) == {
        row.pk for row in Membership.objects.filter(organization=mine.organization)
    }


def test_an_organisations_admin_changes_no_account(mine: Lab, theirs: Lab) -> None:
    client = browser(mine.admin)
    for user in (mine.admin, mine.reader, theirs.reader):
        client.post(url(User, "change", user.pk), {"username": "taken", "is_platform_admin": "on"})
        client.post(
            reverse("admin:auth_user_password_change", args=[user.pk]),
            {"password1": "new-pass-word-1", "password2": "new-pass-word-1"},
        )
        old_password = user.password
        user.refresh_from_db()
        assert user.username != "taken"
        assert not user.is_platform_admin
        assert user.password == old_password
    assert client.get(url(User, "add")).status_code == 403


def test_roles_are_given_in_the_own_organisation_to_its_people(mine: Lab, theirs: Lab) -> None:
    client = browser(mine.admin)

    def give(user: User, organization: Organization, site: Site | None) -> int:
        return client.post(
            url(Membership, "add"),
            {
                "user": user.pk,
                "organization": organization.pk,
                "site": site.pk if site else "",
                "role": "lab_manager",
            },
        ).status_code

    before = Membership.objects.count()
    assert give(mine.reader, theirs.organization, None) == 200
    assert give(mine.reader, mine.organization, theirs.site) == 200
    assert give(theirs.reader, mine.organization, None) == 200
    assert Membership.objects.count() == before
    assert give(mine.reader, mine.organization, mine.site) == 302
    assert Membership.objects.count() == before + 1
    assert AuditEvent.objects.get(verb="membership.add").organization_uuid == mine.organization.uuid
    foreign = Membership.objects.get(user=theirs.reader)
    assert client.post(url(Membership, "delete", foreign.pk), {"post": "yes"}).status_code in {
        302,
        403,
    }
    assert Membership.objects.filter(pk=foreign.pk).exists()


def test_the_admin_of_one_site_gives_no_role_at_all_sites(mine: Lab) -> None:
    sister = SiteFactory.create(organization=mine.organization)
    local = member(Role.ADMIN, mine.organization, mine.site)
    MembershipFactory.create(
        user=mine.reader, organization=mine.organization, site=mine.site, role=Role.RESEARCHER
    )
    client = browser(local)
    before = Membership.objects.count()
    for site in ("", sister.pk):
        data = {
            "user": local.pk,
            "organization": mine.organization.pk,
            "site": site,
            "role": "admin",
        }
        assert client.post(url(Membership, "add"), data).status_code == 200
    assert Membership.objects.count() == before
    assert listed(local, Site) == {mine.site.pk}
    assert mine.admin.pk not in listed(local, User)
    far = CaseFactory.create(site=sister)
    assert far.pk not in listed(local, Case)


def test_the_platform_makes_accounts_and_organisations(platform: User, mine: Lab) -> None:
    client = browser(platform)
    made = client.post(url(Organization, "add"), {"name": "New", "slug": "new", "kind": "centre"})
    assert made.status_code == 302
    account = client.post(
        url(User, "add"),
        {
            "username": "new.person",
            "usable_password": "true",
            "password1": "a-long-pass-1!",
            "password2": "a-long-pass-1!",
        },
    )
    assert account.status_code == 302
    assert mine.reader.pk in listed(platform, User)
    assert client.get(url(User, "change", mine.reader.pk)).status_code == 200
    assert AuditEvent.objects.filter(verb="user.add", actor_uuid=platform.uuid).count() == 1


def test_the_audit_trail_is_read_by_the_organisation_it_is_about(
    mine: Lab, theirs: Lab, platform: User
) -> None:
    rows = {}
    for name, organization in (
        ("mine", mine.organization),
        ("theirs", theirs.organization),
        ("platform", None),
    ):
        rows[name] = audit_record(
            verb="case.read",
            object_type="case",
            object_uuid=mine.case.uuid,
            organization_uuid=organization.uuid if organization else None,
            actor_uuid=None,
        ).pk
    assert listed(mine.admin, AuditEvent) == {rows["mine"]}
    assert listed(platform, AuditEvent) == {rows["platform"]}
    client = browser(mine.admin)
    assert client.get(url(AuditEvent, "change", rows["mine"])).status_code == 200
    assert client.get(url(AuditEvent, "change", rows["theirs"])).status_code == 302
    assert client.post(url(AuditEvent, "change", rows["mine"]), {}).status_code == 403
    assert client.post(url(AuditEvent, "delete", rows["mine"]), {"post": "yes"}).status_code == 403
    assert client.get(url(AuditEvent, "add")).status_code == 403


def test_no_page_of_ours_deletes_many_at_once(mine: Lab) -> None:
    for model in admin.site._registry:
        if not model.__module__.startswith("portrait_viewer"):
            continue
        response = browser(mine.admin).get(url(model, "changelist"))
        assert b"delete_selected" not in response.content


def test_django_groups_are_not_offered(platform: User) -> None:
    assert OrganizationFactory.create()
    assert b"/auth/group/" not in browser(platform).get(reverse("admin:index")).content
