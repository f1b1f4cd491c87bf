"""Pictures of slides: tiles, thumbnails, labels.

A tile costs a fraction of a millisecond, a permission query more: who may see which slide is
remembered per process for `ALLOWED_S` seconds, by user and slide, after the database said yes.
So a grant that is revoked, or a person who leaves a site, stops getting tiles within 20 seconds;
everything else (pages, API, sockets) asks the database each time. Nothing is remembered of a no.

The views are synchronous on purpose: Django runs each in a thread, so decoding never blocks the
event loop, and the middlewares below are synchronous already (an async view would cost two more
thread hops).
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from inference.errors import SlideError
from portrait_viewer.accounts.models import User
from portrait_viewer.common.errors import NotFound
from portrait_viewer.imaging import tiles
from portrait_viewer.imaging.grid import TileOutOfRange
from portrait_viewer.slides.models import Slide
from portrait_viewer.slides.permissions import can_see_label
from portrait_viewer.slides.selectors import (
    THUMBNAIL_NAME,
    VIEWABLE,
    slide_folder,
    slide_get,
    slide_path,
)

logger = logging.getLogger(__name__)

ALLOWED_S = 20.0
_ALLOWED_MAX = 4096
_THUMBNAIL_PX = 512
_IMMUTABLE = "private, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Readable:
    """A file that this user may see now."""

    path: Path
    sha8: str
    until: float  # time.monotonic()


class AllowedMemo:
    """What the database allowed a moment ago, by user and slide; bounded."""

    def __init__(self, maximum: int = _ALLOWED_MAX) -> None:
        self._maximum = maximum
        self._rows: OrderedDict[tuple[int, uuid.UUID], Readable] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, user: User, slide_uuid: uuid.UUID) -> Readable | None:
        with self._lock:
            row = self._rows.get((user.pk, slide_uuid))
        return row if row is not None and time.monotonic() < row.until else None

    def put(self, user: User, slide_uuid: uuid.UUID, row: Readable) -> None:
        with self._lock:
            self._rows[user.pk, slide_uuid] = row
            self._rows.move_to_end((user.pk, slide_uuid))
            while len(self._rows) > self._maximum:
                self._rows.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._rows.clear()


ALLOWED = AllowedMemo()


def picture_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """GET and HEAD only; what is not there, or not for this person, is an empty 404."""

    @wraps(view)
    def answered(request: HttpRequest, **place: Any) -> HttpResponse:  # noqa: ANN401
        try:
            return view(request, **place)
        except SlideError as error:
            logger.warning("Slide %s could not be read: %s", place["slide"], error.code)
        except (NotFound, TileOutOfRange):
            pass
        return HttpResponse(status=404, headers={"Cache-Control": "private, no-store"})

    return require_safe(answered)


@picture_view
def tile(
    request: HttpRequest, slide: uuid.UUID, sha8: str, *, level: int, column: int, row: int
) -> HttpResponse:
    """One tile; level 0 is the coarsest."""
    found = _readable(request, slide, sha8)
    made = tiles.tile(found.path, level, column, row)
    return _picture(made.data, made.mime)


@picture_view
def thumbnail(request: HttpRequest, slide: uuid.UUID, sha8: str) -> HttpResponse:
    """The whole slide, 512 px at most: made at registration, else now."""
    found = _viewable(slide_get(cast("User", request.user), slide))
    if found.sha256[:8] != sha8:
        raise _no_picture()
    try:
        data = (slide_folder(found) / THUMBNAIL_NAME).read_bytes()
    except OSError:
        data = tiles.thumbnail(slide_path(found), _THUMBNAIL_PX)
    return _picture(data)


@picture_view
def label(request: HttpRequest, slide: uuid.UUID) -> HttpResponse:
    """The photographed label, for people who work at the case's site: it may show a name."""
    user = cast("User", request.user)
    found = _viewable(slide_get(user, slide))
    if not can_see_label(user, found.case):
        raise _no_picture()
    data = tiles.label_image(slide_path(found))
    if data is None:
        raise _no_picture()
    response = _picture(data)
    response["Cache-Control"] = "private, no-store"
    return response


def _readable(request: HttpRequest, slide_uuid: uuid.UUID, sha8: str) -> Readable:
    """The file, once the database has said that this user may see it."""
    user = cast("User", request.user)
    row = ALLOWED.get(user, slide_uuid)
    if row is None:
        row = _asked(user, slide_uuid)
        ALLOWED.put(user, slide_uuid, row)
    if row.sha8 != sha8:
        raise _no_picture()
    return row


def _asked(user: User, slide_uuid: uuid.UUID) -> Readable:
    # The clock starts before the question: what it answers is at least that fresh.
    until = time.monotonic() + ALLOWED_S
    found = _viewable(slide_get(user, slide_uuid))
    return Readable(slide_path(found), found.sha256[:8], until)


def _viewable(slide: Slide) -> Slide:
    if slide.state not in VIEWABLE or not slide.sha256:
        raise _no_picture()
    return slide


def _no_picture() -> NotFound:
    return NotFound("picture_not_found", "")


def _picture(data: bytes, mime: str = "image/jpeg") -> HttpResponse:
    response = HttpResponse(data, content_type=mime)
    response["Cache-Control"] = _IMMUTABLE
    response["X-Content-Type-Options"] = "nosniff"
    return response
