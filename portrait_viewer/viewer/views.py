"""The slide page."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from portrait_viewer.accounts.models import User
from portrait_viewer.analysis.permissions import can_run
from portrait_viewer.cases.services import case_read_record
from portrait_viewer.common.errors import NotFound
from portrait_viewer.imaging.grid import TileGrid
from portrait_viewer.slides.models import Slide, SlideState
from portrait_viewer.slides.selectors import slide_get
from portrait_viewer.slides.serializers import SlideSerializer
from portrait_viewer.viewer import selectors


@require_GET
def slide(request: HttpRequest, slide_uuid: uuid.UUID) -> HttpResponse:
    """A slide with its analyses; the page gets all it needs to show the first field."""
    user = cast("User", request.user)
    try:
        found = slide_get(user, slide_uuid)
    except NotFound as error:
        raise Http404 from error
    case_read_record(user=user, case=found.case)
    picture = selectors.slide_picture(found)
    return render(
        request,
        "viewer/slide.html",
        {
            "slide": found,
            "case": found.case,
            "problem": picture.problem,
            "has_picture": picture.grid is not None,
            "config": _config(user, found, picture.grid),
        },
    )


def _config(user: User, found: Slide, grid: TileGrid | None) -> dict[str, Any]:
    tray = selectors.tray(user, found)
    summaries = selectors.jobs_summaries(tray)
    shown = SlideSerializer(tray, many=True, context={"jobs_summary": summaries}).data
    api = f"/api/v1/slides/{found.uuid}/"
    return {
        "language": (get_language() or "fr")[:2],
        "slide": next(row for row in shown if row["uuid"] == str(found.uuid)),
        "case": {
            "uuid": str(found.case.uuid),
            "accession": found.case.accession,
            "organ_label": found.case.get_organ_display(),
            "patient_pseudonym": found.case.patient.pseudonym,
            "url": reverse("worklists:case", args=[found.case.uuid]),
        },
        "tray": shown,
        "tile_source": _tile_source(found, grid) if grid else None,
        "api": {
            "slide": api,
            "tools": f"{api}tools/",
            "jobs": f"{api}jobs/",
            "socket": f"/ws/slides/{found.uuid}/",
        },
        "user": {
            "display_name": user.display_name,
            "can_run": found.state == SlideState.READY and can_run(user, found),
        },
    }


def _tile_source(found: Slide, grid: TileGrid) -> dict[str, Any]:
    # The place of the numbers is filled in by the browser, level 0 being the coarsest.
    first = reverse("slides:tile", args=[found.uuid, found.sha256[:8], 0, 0, 0])
    return {
        "width": grid.width,
        "height": grid.height,
        "tile_width": grid.tile_width,
        "tile_height": grid.tile_height,
        "levels": [{"width": level.width, "height": level.height} for level in grid.levels],
        "url": first.removesuffix("0/0_0") + "{level}/{column}_{row}",
    }
