"""Rows for tests, as small as the constraints allow."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone

from portrait_viewer.accounts.models import Membership, Organization, Role, Site, User
from portrait_viewer.analysis.models import Job, JobState
from portrait_viewer.cases.models import Block, Case, CaseGrant, Patient, Specimen
from portrait_viewer.slides.models import MppSource, Slide, SlideState, Stain
from portrait_viewer.tools.models import Deployment, Family, ToolVersion
from portrait_viewer.worklists.models import Assignment


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    first_name = "Camille"
    last_name = factory.Sequence(lambda n: f"Martin{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@portrait.example")
    password = factory.django.Password("portrait-test-1")
    language = "en"


class OrganizationFactory(factory.django.DjangoModelFactory[Organization]):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda n: f"Organisation {n}")
    slug = factory.Sequence(lambda n: f"organisation-{n}")
    kind = "centre"


class SiteFactory(factory.django.DjangoModelFactory[Site]):
    class Meta:
        model = Site

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Site {n}")
    slug = factory.Sequence(lambda n: f"site-{n}")


class MembershipFactory(factory.django.DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    organization = factory.SubFactory(OrganizationFactory)
    site = None
    role = Role.PATHOLOGIST


class PatientFactory(factory.django.DjangoModelFactory[Patient]):
    class Meta:
        model = Patient

    organization = factory.SubFactory(OrganizationFactory)
    pseudonym = factory.Sequence(lambda n: f"P-{n:05d}")


class CaseFactory(factory.django.DjangoModelFactory[Case]):
    class Meta:
        model = Case

    site = factory.SubFactory(SiteFactory)
    organization = factory.LazyAttribute(lambda case: case.site.organization)
    patient = factory.SubFactory(
        PatientFactory, organization=factory.SelfAttribute("..site.organization")
    )
    accession = factory.Sequence(lambda n: f"26H{n:05d}")
    organ = "breast"
    due_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=3))


class CaseGrantFactory(factory.django.DjangoModelFactory[CaseGrant]):
    class Meta:
        model = CaseGrant

    case = factory.SubFactory(CaseFactory)
    organization = factory.SubFactory(OrganizationFactory)
    granted_by = factory.SubFactory(UserFactory)
    reason = "Second opinion"
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))


class SpecimenFactory(factory.django.DjangoModelFactory[Specimen]):
    class Meta:
        model = Specimen

    case = factory.SubFactory(CaseFactory)
    label = "A"


class BlockFactory(factory.django.DjangoModelFactory[Block]):
    class Meta:
        model = Block

    specimen = factory.SubFactory(SpecimenFactory)
    label = "1"


class SlideFactory(factory.django.DjangoModelFactory[Slide]):
    """A READY slide without a file; give `state` and files where a test needs them."""

    class Meta:
        model = Slide

    case = factory.SubFactory(CaseFactory)
    label = factory.Sequence(lambda n: f"A{n}")
    stain = Stain.HE
    state = SlideState.READY
    original_name = "scan.svs"
    size_bytes = 1000
    sha256 = factory.Sequence(lambda n: hashlib.sha256(str(n).encode()).hexdigest())
    vendor = "aperio"
    width = 4000
    height = 3000
    level_count = 2
    mpp_x = 0.5
    mpp_y = 0.5
    mpp_source = MppSource.FILE
    objective_power = 20.0


def manifest(tool_id: str = "slide_qc", **changes: Any) -> dict[str, Any]:
    """A manifest as `inference.tools` gives it."""
    return {
        "id": tool_id,
        "version": "1.0.0",
        "title": {"fr": "Contrôle qualité", "en": "Quality control"},
        "summary": {"fr": "Résumé", "en": "Summary"},
        "explanation": {"fr": "Explication", "en": "Explanation"},
        "family": "accelerate",
        "stains": ["HE", "HES", "KI67"],
        "organs": ["*"],
        "mpp": {"min": 0.1, "max": 2.0},
        "queue": "cpu",
        "status": "ruo",
        "has_trained_weights": False,
        "parameters": [],
        "scores": [],
        "overlays": [],
        "definition": {"fr": "Définition", "en": "Definition", "source": "Portrait"},
        "licences": {"code": "AGPL", "weights": "none", "training_data": "none"},
        "evidence": [],
        "files": [],
    } | changes


class ToolVersionFactory(factory.django.DjangoModelFactory[ToolVersion]):
    class Meta:
        model = ToolVersion

    tool_id = "slide_qc"
    version = "1.0.0"
    digest = factory.Sequence(lambda n: hashlib.sha256(f"tool{n}".encode()).hexdigest())
    family = Family.ACCELERATE
    queue = "cpu"
    manifest = factory.LazyAttribute(lambda version: manifest(version.tool_id))


class DeploymentFactory(factory.django.DjangoModelFactory[Deployment]):
    class Meta:
        model = Deployment

    site = factory.SubFactory(SiteFactory)
    tool_version = factory.SubFactory(ToolVersionFactory)
    tool_id = factory.LazyAttribute(lambda deployment: deployment.tool_version.tool_id)


class JobFactory(factory.django.DjangoModelFactory[Job]):
    class Meta:
        model = Job

    slide = factory.SubFactory(SlideFactory)
    tool_version = factory.SubFactory(ToolVersionFactory)
    requested_by = factory.SubFactory(UserFactory)
    slide_sha256 = factory.LazyAttribute(lambda job: job.slide.sha256)
    state = JobState.QUEUED
    queued_at = factory.LazyFunction(timezone.now)


class AssignmentFactory(factory.django.DjangoModelFactory[Assignment]):
    class Meta:
        model = Assignment

    case = factory.SubFactory(CaseFactory)
    user = factory.SubFactory(UserFactory)


def member(role: Role, organization: Organization, site: Site | None = None) -> User:
    """A user with one role."""
    user: User = UserFactory.create()
    MembershipFactory.create(user=user, organization=organization, site=site, role=role)
    return user
