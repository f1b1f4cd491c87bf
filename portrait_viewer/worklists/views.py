"""The worklist and the case page."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portrait_viewer.accounts.models import Role, User
from portrait_viewer.accounts.selectors import members_with_role
from portrait_viewer.cases.models import Case, CaseStatus
from portrait_viewer.cases.services import case_read_record
from portrait_viewer.common.errors import DomainError, NotFound
from portrait_viewer.slides.models import Slide, Stain
from portrait_viewer.slides.permissions import can_upload
from portrait_viewer.worklists import selectors
from portrait_viewer.worklists.permissions import can_assign, can_read_cases_at
from portrait_viewer.worklists.services import assignment_set


@require_GET
def worklist(request: HttpRequest) -> HttpResponse:
    """My cases first; the view and the search stand in the URL."""
    user = cast("User", request.user)
    view = request.GET.get("view", "mine")
    if view not in selectors.VIEWS:
        view = "mine"
    search = request.GET.get("q", "").strip()[:80]
    page, rows = selectors.worklist(
        user, view=view, search=search, page=_page_number(request.GET.get("page", "1"))
    )
    counts = selectors.view_counts(user)
    titles = {
        "mine": _("My cases"),
        "unassigned": _("Unassigned"),
        "open": _("All open cases"),
        "signed": _("Signed"),
    }
    return render(
        request,
        "worklists/worklist.html",
        {
            "view": view,
            "search": search,
            "page": page,
            "rows": rows,
            "tabs": [(name, titles[name], counts[name]) for name in selectors.VIEWS],
            "title": titles[view],
            "section": "worklist",
        },
    )


@require_GET
def case(request: HttpRequest, case_uuid: uuid.UUID) -> HttpResponse:
    """A case: clinical information, its slides by block, and what the tools said."""
    user = cast("User", request.user)
    found = _case(user, case_uuid)
    case_read_record(user=user, case=found)
    slides = list(found.slides.all())
    manages = can_assign(user, found)
    reader = selectors.reader_of(found)
    return render(
        request,
        "worklists/case.html",
        {
            "case": found,
            "section": "worklist",
            "groups": _groups(found, slides),
            "blocks": [block for part in found.specimens.all() for block in part.blocks.all()],
            "reader": reader,
            "can_take": reader is None
            and found.status != CaseStatus.SIGNED
            and can_read_cases_at(user, found),
            "readers": members_with_role(found.site, Role.PATHOLOGIST) if manages else [],
            "can_upload": can_upload(user, found),
            "stains": Stain.choices,
        },
    )


@require_POST
def assign(request: HttpRequest, case_uuid: uuid.UUID) -> HttpResponse:
    """Takes the case, or gives it to the reader chosen."""
    user = cast("User", request.user)
    found = _case(user, case_uuid)
    chosen = request.POST.get("reader")
    reader = user
    if chosen:
        member = members_with_role(found.site, Role.PATHOLOGIST)
        reader = next((person for person in member if str(person.uuid) == chosen), user)
    try:
        assignment_set(user=user, case=found, reader=reader)
    except DomainError as error:
        messages.error(request, str(error.message))
    else:
        messages.success(
            request,
            _("You have this case.")
            if reader == user
            else _("%(name)s has this case.") % {"name": reader.display_name},
        )
    return redirect("worklists:case", case_uuid=found.uuid)


def _case(user: User, case_uuid: uuid.UUID) -> Case:
    try:
        return selectors.case_page(user, case_uuid)
    except NotFound as error:
        raise Http404 from error


def _page_number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 6 else 1


def _groups(found: Case, slides: list[Slide]) -> list[dict[str, Any]]:
    """Slides by specimen, those without a block last."""
    shown = [(slide, selectors.tool_states([slide])) for slide in slides]
    groups: list[dict[str, Any]] = [
        {
            "specimen": specimen,
            "slides": [pair for pair in shown if _specimen_pk(pair[0]) == specimen.pk],
        }
        for specimen in found.specimens.all()
    ]
    groups.append({"specimen": None, "slides": [pair for pair in shown if not pair[0].block]})
    return [group for group in groups if group["slides"]]


def _specimen_pk(slide: Slide) -> int | None:
    return slide.block.specimen_id if slide.block else None
