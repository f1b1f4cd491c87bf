"""The worklist and the case page, read in a fixed number of queries."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from portrait_viewer.accounts.models import User
from portrait_viewer.analysis.models import Job, JobState
from portrait_viewer.cases.models import Block, Case, CaseQuerySet, CaseStatus, Specimen
from portrait_viewer.common.errors import NotFound
from portrait_viewer.slides.models import Slide, SlideState
from portrait_viewer.worklists.models import Assignment

PAGE_SIZE = 50

# States in which a slide cannot be read yet: its case waits.
UNREADY = (SlideState.REGISTERING, SlideState.NEEDS_INFO)
# What needs the eye first decides the badge.
BADGE_ORDER = (
    JobState.RUNNING,
    JobState.QUEUED,
    JobState.FAILED,
    JobState.SUCCEEDED,
    JobState.CANCELLED,
)
VIEWS = ("mine", "unassigned", "open", "signed")


@dataclass(frozen=True, slots=True)
class ToolState:
    """The newest job of one tool on a case's slides, as a badge."""

    title: Mapping[str, str]  # {"fr": …, "en": …}
    short: Mapping[str, str]
    state: str
    state_label: str
    ran: int


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """A line of the worklist."""

    case: Case
    reader: User | None
    slides: tuple[Slide, ...]
    stains: tuple[str, ...]
    waiting: int  # slides not ready: being registered, or their resolution is missing
    tools: tuple[ToolState, ...]
    overdue: bool


def worklist(
    user: User, *, view: str, search: str, page: int
) -> tuple[Page[Case], list[WorklistRow]]:
    """One page of a view, the most urgent first."""
    cases = (
        view_cases(user, view)
        .filter(_search(search))
        .select_related("patient", "site__organization")
        .prefetch_related(
            Prefetch("slides", queryset=Slide.objects.exclude(state=SlideState.ARCHIVED)),
            Prefetch("slides__jobs", queryset=_newest_jobs(), to_attr="shown_jobs"),
            Prefetch(
                "assignments",
                queryset=Assignment.objects.filter(ended_at__isnull=True).select_related("user"),
                to_attr="running_assignments",
            ),
        )
        .order_by("priority", "due_at", "id")
    )
    found = Paginator(cases, PAGE_SIZE).get_page(page)
    now = timezone.now()
    return found, [_row(case, now) for case in found.object_list]


def view_counts(user: User) -> dict[str, int]:
    """How many cases each view holds."""
    return {view: view_cases(user, view).count() for view in VIEWS}


def view_cases(user: User, view: str) -> CaseQuerySet:
    """The cases of one view, among those the user may read."""
    cases = Case.objects.visible_to(user)
    running = Assignment.objects.filter(case=OuterRef("pk"), ended_at__isnull=True)
    if view == "signed":
        return cases.filter(status=CaseStatus.SIGNED)
    cases = cases.exclude(status=CaseStatus.SIGNED)
    if view == "mine":
        return cases.filter(Exists(running.filter(user=user)))
    if view == "unassigned":
        return cases.filter(~Exists(running))
    return cases


def case_page(user: User, case_uuid: uuid.UUID) -> Case:
    """A case with its parts, slides and newest jobs.

    Raises:
        NotFound: there is no such case for this user.
    """
    slides = Slide.objects.exclude(state=SlideState.ARCHIVED)
    case = (
        Case.objects.visible_to(user)
        .filter(uuid=case_uuid)
        .select_related("patient", "site__organization", "organization")
        .prefetch_related(
            Prefetch("slides", queryset=slides.select_related("block__specimen")),
            Prefetch("slides__jobs", queryset=_newest_jobs(), to_attr="shown_jobs"),
            Prefetch(
                "specimens",
                queryset=Specimen.objects.prefetch_related(
                    Prefetch("blocks", queryset=Block.objects.select_related("specimen"))
                ),
            ),
            Prefetch(
                "assignments",
                queryset=Assignment.objects.filter(ended_at__isnull=True).select_related("user"),
                to_attr="running_assignments",
            ),
        )
        .first()
    )
    if case is None:
        raise NotFound("case_not_found", "")
    return case


def reader_of(case: Case) -> User | None:
    """Who reads the case (needs `running_assignments` prefetched)."""
    running: list[Assignment] = case.running_assignments  # type: ignore[attr-defined]
    return running[0].user if running else None


def tool_states(slides: Iterable[Slide]) -> tuple[ToolState, ...]:
    """One badge per tool: what needs the eye first wins (running, then failed, then done)."""
    newest: dict[str, list[Job]] = {}
    for slide in slides:
        seen: set[str] = set()
        for job in slide.shown_jobs:  # type: ignore[attr-defined]
            tool = job.tool_version.tool_id
            if tool not in seen:
                seen.add(tool)
                newest.setdefault(tool, []).append(job)
    return tuple(_tool_state(jobs) for _, jobs in sorted(newest.items()))


def _tool_state(jobs: list[Job]) -> ToolState:
    shown = min(jobs, key=lambda job: BADGE_ORDER.index(JobState(job.state)))
    manifest = shown.tool_version.manifest
    return ToolState(
        title=manifest["title"],
        short=manifest.get("short_title") or manifest["title"],
        state=shown.state,
        state_label=shown.get_state_display(),
        ran=len(jobs),
    )


def _newest_jobs() -> QuerySet[Job]:
    return Job.objects.select_related("tool_version").order_by("-id")


def _search(text: str) -> Q:
    words = text.split()
    found = Q()
    for word in words:
        found &= Q(accession__icontains=word) | Q(patient__pseudonym__icontains=word)
    return found


def _row(case: Case, now: datetime) -> WorklistRow:
    slides = tuple(case.slides.all())
    stains = dict.fromkeys(slide.get_stain_display() for slide in slides)
    return WorklistRow(
        case=case,
        reader=reader_of(case),
        slides=slides,
        stains=tuple(str(stain) for stain in stains),
        waiting=sum(slide.state in UNREADY for slide in slides),
        tools=tool_states(slides),
        overdue=case.due_at is not None and case.due_at < now and case.status != CaseStatus.SIGNED,
    )
