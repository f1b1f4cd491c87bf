"""Reading slides, among those the user may see."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.models import User
from portrait_viewer.cases.models import Case
from portrait_viewer.common.errors import NotFound
from portrait_viewer.slides.models import Slide, SlideFile, SlideQuerySet, SlideState

# States of which pixels may be shown: the file was inspected and found readable.
VIEWABLE = (SlideState.READY, SlideState.NEEDS_INFO, SlideState.ARCHIVED)
THUMBNAIL_NAME = "thumbnail.jpg"


def slide_get(user: User, slide_uuid: uuid.UUID) -> Slide:
    """One slide with its case, in one query.

    Raises:
        NotFound: there is no such slide for this user.
    """
    found = _visible(user).filter(uuid=slide_uuid).first()
    if found is None:
        raise NotFound(
            "slide_not_found", _("This slide does not exist, or you do not have access to it.")
        )
    return found


def slide_list(user: User, case: Case) -> list[Slide]:
    """The slides of a case in the order of the tray, archived ones left out."""
    return list(_visible(user).filter(case=case).exclude(state=SlideState.ARCHIVED))


def slide_path(slide: Slide) -> Path:
    """The file that readers open.

    Raises:
        NotFound: no file is known for this slide.
    """
    stored = SlideFile.objects.filter(slide=slide).order_by("order").first()
    if stored is None:
        raise NotFound("slide_file_missing", _("The file of this slide is not here any more."))
    # An absolute path (a file imported in place) replaces the root.
    return Path(settings.SLIDES_ROOT) / stored.path


def slide_folder(slide: Slide) -> Path:
    """Where this site keeps what belongs to the slide: its file and its thumbnail."""
    return Path(settings.SLIDES_ROOT) / str(slide.case.organization.uuid) / str(slide.uuid)


def _visible(user: User) -> SlideQuerySet:
    return Slide.objects.visible_to(user).select_related(
        "case__organization", "case__site__organization", "case__patient", "block__specimen"
    )
