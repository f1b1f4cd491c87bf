"""Loads the demo laboratory: step by step, each step once, however often it is called.

A case and its slides appear in one transaction; an interrupted load goes on with the next case.
Analyses are real jobs: they are submitted as soon as their slide is registered, and the worker
does them while the next cases are prepared.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from filelock import FileLock, Timeout

from portrait_viewer.accounts.models import Membership, Organization, Site, User
from portrait_viewer.analysis.models import Job
from portrait_viewer.analysis.services import job_submit
from portrait_viewer.audit.services import audit_record
from portrait_viewer.cases.models import Block, Case, CaseGrant, CaseStatus, Patient, Specimen
from portrait_viewer.common.errors import DomainError
from portrait_viewer.demo import home
from portrait_viewer.demo.home import DemoRefused
from portrait_viewer.demo.laboratory import (
    CASES,
    ORGANIZATIONS,
    PASSWORD,
    PEOPLE,
    PHANTOM_MARK,
    CasePlan,
    PersonPlan,
    SlidePlan,
)
from portrait_viewer.demo.sources import Say, SourceFile, Sources
from portrait_viewer.slides.models import Slide, SlideState, Stain
from portrait_viewer.slides.services import (
    slide_import,
    slide_registration_run,
    slide_registrations_reap,
)
from portrait_viewer.tools.models import Deployment, DeploymentState, ToolVersion
from portrait_viewer.tools.services import tool_deploy, tool_versions_sync
from portrait_viewer.worklists.services import assignment_set

# A worker that is there takes a slide within a second or two; else this process does it.
CLAIMED_WITHIN = timedelta(seconds=5)
WAIT_S = 300.0
_PAUSE_S = 0.5


def demo_load(
    *,
    say: Say,
    cases: tuple[CasePlan, ...] = CASES,
    online: bool = True,
    wait_s: float = WAIT_S,
) -> bool:
    """Brings the demo to its full state; True where something was left for a later run to do.

    Raises:
        DemoRefused: this is not an empty loopback site, or the demo is being loaded elsewhere.
    """
    home.check_place()
    try:
        with FileLock(home.lock_path(), timeout=0):
            return _load(say, cases, online=online, wait_s=wait_s)
    except Timeout:
        raise DemoRefused("The demo is being loaded by another process already.") from None


def accounts_table() -> Iterator[str]:
    """The demo accounts, as printed at the end."""
    yield f"Demo accounts (password of all: {PASSWORD})"
    places = {plan.slug: plan.name for plan in ORGANIZATIONS}
    sites = {site.slug: site.name for plan in ORGANIZATIONS for site in plan.sites}
    for person in PEOPLE:
        where = places.get(person.organization or "", "all sites, no patient data")
        if person.site:
            where += f", {sites[person.site]}"
        yield f"  {person.username:<16} {person.role.replace('_', ' '):<15} {where}"


def _load(say: Say, cases: tuple[CasePlan, ...], *, online: bool, wait_s: float) -> bool:
    started = time.monotonic()
    plan = hashlib.sha256(repr((ORGANIZATIONS, PEOPLE, cases)).encode()).hexdigest()
    mark = home.read_marker()
    if mark is None:
        _check_empty()
        home.write_marker(complete=None)
    _people_make()
    tools = _tools_deploy()
    if mark is not None and mark.get("complete") == plan and _all_there(cases):
        say("The demo is loaded.")
        return False
    say(f"Demo laboratory: {len(PEOPLE)} accounts, {len(tools)} tools deployed.")
    # They can sign in from now on, while the cases are made.
    for line in accounts_table():
        say(line)
    sources = Sources(data=settings.DEMO_DATA, store=home.store(), say=say, online=online)
    analyses = _Analyses(tools, say)
    for number, case in enumerate(cases, start=1):
        say(f"[{number}/{len(cases)}] case {case.accession} ({case.organ})")
        analyses.add(case, _case_find(case) or _case_make(case, sources))
        analyses.advance()
    left = analyses.settle(wait_s)
    if left:
        say(f"{left} slides still wait to be registered; `demo_load` goes on with them.")
        return True
    home.write_marker(complete=plan)
    say(f"The demo is loaded ({time.monotonic() - started:.0f} s).")
    return False


def _check_empty() -> None:
    if Organization.objects.exists() or User.objects.exists():
        raise DemoRefused(
            "This site holds data of its own: the demo is loaded into an empty home only. "
            "Choose another folder with PORTRAIT_HOME."
        )


def _all_there(cases: tuple[CasePlan, ...]) -> bool:
    accessions = [case.accession for case in cases]
    return Case.objects.filter(accession__in=accessions).count() == len(cases)


# --- People and tools -----------------------------------------------------------


@transaction.atomic
def _people_make() -> None:
    """Organisations, sites and accounts; in the database already: one question each way."""
    known = set(User.objects.values_list("username", flat=True))
    if known >= {person.username for person in PEOPLE}:
        return
    for plan in ORGANIZATIONS:
        organization, _ = Organization.objects.get_or_create(
            slug=plan.slug, defaults={"name": plan.name, "kind": plan.kind}
        )
        for site in plan.sites:
            Site.objects.get_or_create(
                organization=organization, slug=site.slug, defaults={"name": site.name}
            )
    for person in PEOPLE:
        if person.username not in known:
            _person_make(person)


def _person_make(person: PersonPlan) -> None:
    user = User(
        username=person.username,
        first_name=person.first_name,
        last_name=person.last_name,
        email=f"{person.username}@portrait.example",
        language=person.language,
        is_platform_admin=person.organization is None,
    )
    user.set_password(PASSWORD)
    user.save()
    if person.organization is None:
        return
    organization = Organization.objects.get(slug=person.organization)
    site = organization.sites.get(slug=person.site) if person.site else None
    Membership.objects.create(user=user, organization=organization, site=site, role=person.role)


def _tools_deploy() -> dict[str, ToolVersion]:
    """This release's tools, active at every site of the demo."""
    tools = {version.tool_id: version for version in tool_versions_sync()}
    slugs = [plan.slug for plan in ORGANIZATIONS]
    active = set(
        Deployment.objects.filter(state=DeploymentState.ACTIVE).values_list("site", "tool_version")
    )
    for site in Site.objects.filter(organization__slug__in=slugs):
        for version in tools.values():
            if (site.pk, version.pk) not in active:
                tool_deploy(user=None, tool_version=version, site=site)
    return tools


# --- Cases ------------------------------------------------------------------------


def _case_find(plan: CasePlan) -> Case | None:
    return Case.objects.filter(
        organization__slug=plan.organization, accession=plan.accession
    ).first()


def _case_make(plan: CasePlan, sources: Sources) -> Case:
    # Files first: making them takes seconds, a transaction that writes must be short.
    files = [
        sources.find(slide, f"{plan.accession}-{slide.block}-{slide.stain}")
        for slide in plan.slides
    ]
    with transaction.atomic():
        return _case_create(plan, files)


def _case_create(plan: CasePlan, files: list[SourceFile]) -> Case:
    organization = Organization.objects.get(slug=plan.organization)
    patient, _ = Patient.objects.get_or_create(
        organization=organization,
        pseudonym=plan.patient,
        defaults={"birth_year": plan.birth_year, "sex": plan.sex},
    )
    now = timezone.now()
    case = Case.objects.create(
        organization=organization,
        site=organization.sites.get(slug=plan.site),
        patient=patient,
        accession=plan.accession,
        organ=plan.organ,
        clinical_note=plan.note,
        status=CaseStatus.READING if plan.status == CaseStatus.SIGNED else plan.status,
        priority=plan.priority,
        received_at=now - timedelta(days=plan.received_days_ago),
        due_at=now + timedelta(days=plan.due_in_days, hours=2),
        research_consent=plan.research,
    )
    _record(case, "case.created")
    blocks = _blocks_make(case, plan)
    for slide, file in zip(plan.slides, files, strict=True):
        slide_import(
            case=case,
            stain=file.stain,
            block=blocks[slide.block],
            path=file.path,
            label=_label(slide.block, file.stain, phantom=file.phantom),
        )
    _hand_over(case, plan)
    return case


def _blocks_make(case: Case, plan: CasePlan) -> dict[str, Block]:
    specimens = {
        label: Specimen.objects.create(case=case, label=label, description=description)
        for label, description in plan.specimens
    }
    return {
        name: Block.objects.create(specimen=specimens[name[0]], label=name[1:])
        for name in dict.fromkeys(slide.block for slide in plan.slides)
    }


def _hand_over(case: Case, plan: CasePlan) -> None:
    """Reader, grant, and the state that a signed case ends in."""
    if plan.reader:
        manager = User.objects.get(
            memberships__organization=case.organization, memberships__role="lab_manager"
        )
        reader = User.objects.get(username=plan.reader)
        assignment_set(user=manager, case=case, reader=reader)
    if plan.grant:
        CaseGrant.objects.create(
            case=case,
            organization=Organization.objects.get(slug=plan.grant.organization),
            granted_by=User.objects.get(username=plan.grant.by),
            reason=plan.grant.reason,
            expires_at=timezone.now() + timedelta(days=plan.grant.days),
        )
        _record(case, "case.granted", by=plan.grant.by)
    if plan.status == CaseStatus.SIGNED:
        Case.objects.filter(pk=case.pk).update(status=CaseStatus.SIGNED)


def _record(case: Case, verb: str, by: str | None = None) -> None:
    actor = User.objects.get(username=by).uuid if by else None
    audit_record(
        verb=verb,
        object_type="case",
        object_uuid=case.uuid,
        organization_uuid=case.organization.uuid,
        actor_uuid=actor,
        case_uuid=case.uuid,
        details={"demo": True},
    )


def _label(block: str, stain: str, *, phantom: bool) -> str:
    """As the site labels slides, and a phantom says that it is one."""
    with translation.override(settings.LANGUAGE_CODE):
        label = f"{block} · {Stain(stain).label}"
    return f"{label} ({PHANTOM_MARK})" if phantom else label


# --- Registration and analyses ------------------------------------------------------


class _Analyses:
    """The slides under way: registered by the worker or here, then given to their tool."""

    def __init__(self, tools: dict[str, ToolVersion], say: Say) -> None:
        self._tools = tools
        self._say = say
        self._wanted: list[tuple[CasePlan, SlidePlan, Case]] = []
        self._cases: list[int] = []

    def add(self, plan: CasePlan, case: Case) -> None:
        self._cases.append(case.pk)
        self._wanted += [(plan, slide, case) for slide in plan.slides if slide.tool]

    def settle(self, wait_s: float) -> int:
        """Waits until every slide is registered; returns how many are not in time."""
        until = time.monotonic() + wait_s
        while True:
            left = self.advance()
            if not left or time.monotonic() > until:
                return left
            time.sleep(_PAUSE_S)

    def advance(self) -> int:
        """Does what can be done now; returns how many slides still wait for registration."""
        waiting = Slide.objects.filter(case__in=self._cases, state=SlideState.REGISTERING)
        slide_registrations_reap()  # those of a worker that died, where no housekeeper runs
        unclaimed = waiting.filter(
            registration_seen_at=None, updated_at__lt=timezone.now() - CLAIMED_WITHIN
        )
        for slide in unclaimed.order_by("id"):
            slide_registration_run(slide_uuid=slide.uuid)
        self._wanted = [wanted for wanted in self._wanted if not self._submit(*wanted)]
        return waiting.count()

    def _submit(self, plan: CasePlan, wanted: SlidePlan, case: Case) -> bool:
        """True once there is nothing more to do for this analysis."""
        labels = [
            _label(wanted.block, wanted.stain, phantom=False),
            _label(wanted.block, wanted.phantom_stain, phantom=True),
        ]
        slide = Slide.objects.filter(case=case, label__in=labels).order_by("id").first()
        if slide is not None and slide.state == SlideState.REGISTERING:
            return False
        version = self._tools.get(wanted.tool or "")
        if slide is None or slide.state != SlideState.READY or version is None:
            why = "no such tool here" if version is None else "the slide is not ready"
            self._say(f"  {wanted.tool} on {plan.accession} {labels[0]}: {why}")
            return True
        if Job.objects.filter(slide=slide, tool_version__tool_id=version.tool_id).exists():
            return True
        reader = User.objects.get(username=plan.reader)
        try:
            job_submit(user=reader, slide=slide, tool_version=version, parameters={})
        except DomainError as error:
            self._say(f"  {version.tool_id} on {plan.accession} {slide.label}: {error.message}")
        else:
            self._say(f"  {version.tool_id} on {plan.accession} {slide.label}: queued")
        return True
