"""What is done to slides: received, registered, described, archived.

Registration runs in a worker. The row says where it stands: `registration_attempts` counts the
starts, `registration_seen_at` is the heartbeat of the worker on it, and the reaper starts again
what nobody has touched for a minute.
"""

from __future__ import annotations

import logging
import math
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError

from inference.errors import SlideError
from inference.text import LocalText
from inference.wsi import MPP_MAX, MPP_MIN
from portrait_viewer.accounts.models import User
from portrait_viewer.audit.services import audit_record
from portrait_viewer.cases.models import Block, Case
from portrait_viewer.common.disk import ensure_room
from portrait_viewer.common.errors import Conflict, DomainError, PermissionRefused
from portrait_viewer.common.task_refs import enqueue
from portrait_viewer.imaging.guarded import Inspection, inspect_guarded
from portrait_viewer.realtime.messages import SlideChanged, case_topic, slide_topic
from portrait_viewer.realtime.services import publish_on_commit
from portrait_viewer.slides.models import MppSource, Slide, SlideFile, SlideState, Stain
from portrait_viewer.slides.permissions import can_archive, can_describe, can_upload
from portrait_viewer.slides.selectors import THUMBNAIL_NAME, slide_folder, slide_path
from portrait_viewer.slides.task_refs import SLIDE_REGISTER

logger = logging.getLogger(__name__)

TRANSITIONS: Mapping[SlideState, frozenset[SlideState]] = {
    SlideState.REGISTERING: frozenset(
        {SlideState.READY, SlideState.NEEDS_INFO, SlideState.REJECTED}
    ),
    SlideState.NEEDS_INFO: frozenset({SlideState.READY, SlideState.ARCHIVED}),
    SlideState.READY: frozenset({SlideState.ARCHIVED}),
    SlideState.REJECTED: frozenset({SlideState.ARCHIVED}),
    SlideState.ARCHIVED: frozenset(),
}
MAX_ATTEMPTS = 3
LOST_AFTER = timedelta(seconds=60)
UPLOAD_REFUSED = _("Only people who work at this case's site can add slides to it.")
_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}")
_LOST = LocalText(
    fr="L'enregistrement de cette lame a été interrompu trois fois. "
    "Déposez de nouveau le fichier ; si cela recommence, prévenez l'administrateur du site.",
    en="The registration of this slide was interrupted three times. "
    "Upload the file again; if it happens again, tell the site's administrator.",
)


def slide_upload(
    *, user: User, case: Case, stain: str, block: Block | None, file: UploadedFile[bytes]
) -> Slide:
    """Keeps an uploaded file as a new slide of the case and has it registered.

    Raises:
        PermissionRefused: the user does not work at the case's site.
        DomainError: the stain is unknown, the file is empty, the block is another case's.
        Unavailable: the disk is nearly full.
    """
    if not can_upload(user, case):
        raise PermissionRefused("upload_refused", UPLOAD_REFUSED)
    if not file.size:
        raise DomainError("empty_file", _("This file is empty. Choose the slide file again."))
    _check_description(case, stain, block)
    ensure_room(0)
    slide = Slide(
        case=case,
        block=block,
        uploaded_by=user,
        label=_label(case, stain, block),
        stain=stain,
        original_name=_clean_name(file.name or ""),
        size_bytes=file.size,
    )
    folder = slide_folder(slide)
    stored = folder / f"{slide.uuid}{_extension(slide.original_name)}"
    _move(file, stored)
    try:
        _create(slide, stored.relative_to(settings.SLIDES_ROOT), user=user, verb="slide.upload")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return slide


def slide_import(
    *,
    case: Case,
    stain: str,
    block: Block | None,
    path: Path,
    user: User | None = None,
    label: str | None = None,
) -> Slide:
    """Adds a file that already lies on this machine, in place; for commands, not for doors.

    Raises:
        DomainError: the stain is unknown, the block is another case's, there is no such file.
    """
    _check_description(case, stain, block)
    if not path.is_file():
        raise DomainError("slide_file_missing", _("There is no such file on this machine."))
    slide = Slide(
        case=case,
        block=block,
        uploaded_by=user,
        label=label or _label(case, stain, block),
        stain=stain,
        original_name=_clean_name(path.name),
        size_bytes=path.stat().st_size,
    )
    _create(slide, path.absolute(), user=user, verb="slide.import")
    return slide


def slide_registration_run(*, slide_uuid: uuid.UUID | str) -> None:
    """Inspects the slide's file in a guarded child process and moves the slide on.

    Safe to run twice, also at the same time: only one run moves the state.
    """
    slide = _claim(slide_uuid)
    if slide is None:
        return
    folder = slide_folder(slide)
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"thumbnail-{uuid.uuid4().hex}.jpg"
    try:
        found = inspect_guarded(slide_path(slide), made, beat=lambda: _beat(slide))
    except SlideError as error:
        made.unlink(missing_ok=True)
        _reject(slide, error.code, error.message)
        return
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    made.replace(folder / THUMBNAIL_NAME)
    _register(slide, found)


def slide_set_resolution(*, user: User, slide: Slide, mpp: float) -> Slide:
    """Takes the resolution that a person read on the scanner, where the file does not say it.

    Raises:
        PermissionRefused: the user does not work at the case's site.
        DomainError: not a credible resolution.
        Conflict: the slide does not wait for one.
    """
    if not can_describe(user, slide.case):
        raise PermissionRefused(
            "resolution_refused",
            _("Only people who work at this case's site can enter the resolution."),
        )
    if not (math.isfinite(mpp) and MPP_MIN <= mpp <= MPP_MAX):
        raise DomainError(
            "mpp_out_of_range",
            _(
                "Enter a resolution between %(low)s and %(high)s µm per pixel "
                "(0.25 for a 40x scan, 0.5 for 20x)."
            )
            % {"low": MPP_MIN, "high": int(MPP_MAX)},
        )
    moved = _move_on(
        slide,
        frm=SlideState.NEEDS_INFO,
        to=SlideState.READY,
        changes={"mpp_x": mpp, "mpp_y": mpp, "mpp_source": MppSource.PERSON},
        verb="slide.resolution_set",
        user=user,
        details={"mpp": mpp},
    )
    if moved is None:
        raise Conflict(
            "resolution_not_needed",
            _("This slide does not wait for a resolution any more. Reload the page."),
        )
    return moved


def slide_archive(*, user: User, slide: Slide) -> Slide:
    """Takes a slide out of the tray; its file and results stay.

    Raises:
        PermissionRefused: the user does not manage the case's site.
        Conflict: the slide is being registered, or archived already.
    """
    if not can_archive(user, slide.case):
        raise PermissionRefused(
            "archive_refused", _("Only lab managers and administrators can archive slides.")
        )
    for state in (SlideState.READY, SlideState.NEEDS_INFO, SlideState.REJECTED):
        moved = _move_on(
            slide, frm=state, to=SlideState.ARCHIVED, changes={}, verb="slide.archived", user=user
        )
        if moved is not None:
            return moved
    raise Conflict("slide_not_archivable", _("This slide cannot be archived in its state."))


def slide_registrations_reap() -> int:
    """Starts again registrations that no worker has touched for a minute; returns how many.

    One that was started three times is refused with a reason: nothing stays "being registered".
    """
    limit = timezone.now() - LOST_AFTER
    lost = Slide.objects.filter(state=SlideState.REGISTERING, updated_at__lt=limit)
    count = 0
    for slide in lost.select_related("case__organization").order_by("id")[:100]:
        if slide.registration_attempts >= MAX_ATTEMPTS:
            _reject(slide, "registration_lost", _LOST)
        elif _release(slide, limit):
            _send(slide)
        count += 1
    return count


def _check_description(case: Case, stain: str, block: Block | None) -> None:
    if stain not in Stain.values:
        raise DomainError("unknown_stain", _("Choose the stain of the slide from the list."))
    if block is not None and block.specimen.case_id != case.pk:
        raise DomainError("block_not_found", _("This case has no such block. Reload the page."))


def _label(case: Case, stain: str, block: Block | None) -> str:
    """Block and stain (A1 · H&E), numbered where the case has one; alike in every language."""
    with translation.override(settings.LANGUAGE_CODE):
        text = str(Stain(stain).label)
    base = f"{block} · {text}" if block else text
    taken = set(Slide.objects.filter(case=case).values_list("label", flat=True))
    number, label = 1, base[:60]
    while label in taken:
        number += 1
        label = f"{base[:54]} ({number})"
    return label


def _clean_name(name: str) -> str:
    """The last part of the name that the browser sent, without what could act as a path."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(letter for letter in last if letter.isprintable()).strip(". ")
    return shown[-255:] or "slide"


def _extension(name: str) -> str:
    """Some readers look at it; anything unusual is left out."""
    suffix = Path(name).suffix.lower()
    return suffix if _EXTENSION.fullmatch(suffix) else ""


def _move(file: UploadedFile[bytes], target: Path) -> None:
    """Renames the temporary upload (same disk: nothing is copied), or writes what is in memory."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(file, TemporaryUploadedFile):
        file.flush()
        shutil.move(file.temporary_file_path(), target)
    else:
        with target.open("wb") as out:
            for chunk in file.chunks():
                out.write(chunk)
    target.chmod(0o640)
    _sync(target)


def _sync(path: Path) -> None:
    """The row that names the file is committed after the file is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@transaction.atomic
def _create(slide: Slide, path: Path, *, user: User | None, verb: str) -> None:
    slide.save()
    SlideFile.objects.create(slide=slide, path=str(path), size_bytes=slide.size_bytes)
    _record(slide, verb, user, {"stain": slide.stain, "bytes": slide.size_bytes})
    _publish(slide)
    # A broker that is away does not undo the upload: the reaper sends the task again.
    transaction.on_commit(lambda: _send(slide))


def _send(slide: Slide) -> None:
    try:
        enqueue(SLIDE_REGISTER, slide_uuid=str(slide.uuid))
    except (OperationalError, OSError):
        logger.warning("Registration of slide %s was not sent; it will be tried again.", slide.uuid)


@transaction.atomic
def _claim(slide_uuid: uuid.UUID | str) -> Slide | None:
    """Counts a start. None where the slide is done, or another worker is on it."""
    slide = (
        Slide.objects.select_for_update(of=("self",))
        .select_related("case__organization")
        .filter(uuid=slide_uuid, state=SlideState.REGISTERING)
        .first()
    )
    if slide is None:
        return None
    now = timezone.now()
    seen = slide.registration_seen_at
    if seen is not None and seen > now - LOST_AFTER:
        return None
    # Compare-and-set on the count: SQLite ignores row locks.
    claimed = Slide.objects.filter(
        pk=slide.pk,
        state=SlideState.REGISTERING,
        registration_attempts=slide.registration_attempts,
    ).update(
        registration_attempts=slide.registration_attempts + 1,
        registration_seen_at=now,
        updated_at=now,
    )
    return slide if claimed == 1 else None


def _beat(slide: Slide) -> None:
    """A worker is on it."""
    now = timezone.now()
    Slide.objects.filter(pk=slide.pk, state=SlideState.REGISTERING).update(
        registration_seen_at=now, updated_at=now
    )


def _release(slide: Slide, untouched_since: datetime) -> bool:
    """Frees a lost registration for another worker; False where one touched it meanwhile."""
    freed = Slide.objects.filter(
        pk=slide.pk, state=SlideState.REGISTERING, updated_at__lt=untouched_since
    ).update(registration_seen_at=None, updated_at=timezone.now())
    return freed == 1


def _register(slide: Slide, found: Inspection) -> None:
    known = found.mpp_x is not None and found.mpp_y is not None
    _move_on(
        slide,
        frm=SlideState.REGISTERING,
        to=SlideState.READY if known else SlideState.NEEDS_INFO,
        changes={
            "vendor": found.vendor,
            "scanner": found.scanner,
            "width": found.width,
            "height": found.height,
            "level_count": found.level_count,
            "mpp_x": found.mpp_x,
            "mpp_y": found.mpp_y,
            "mpp_source": MppSource.FILE if known else "",
            "objective_power": found.objective_power,
            "sha256": found.sha256,
            "size_bytes": found.size_bytes,
            "registered_at": timezone.now(),
        },
        verb="slide.registered",
        user=None,
        details={"sha256": found.sha256, "needs_info": not known},
    )


def _reject(slide: Slide, code: str, reason: LocalText) -> None:
    """The file stays where it is: someone may want to see why."""
    _move_on(
        slide,
        frm=SlideState.REGISTERING,
        to=SlideState.REJECTED,
        changes={"reject_code": code[:60], "reject_reason": reason.to_json()},
        verb="slide.rejected",
        user=None,
        details={"code": code[:60]},
    )


@transaction.atomic
def _move_on(
    slide: Slide,
    *,
    frm: SlideState,
    to: SlideState,
    changes: Mapping[str, Any],
    verb: str,
    user: User | None,
    details: Mapping[str, Any] | None = None,
) -> Slide | None:
    """The one place where a slide changes its state; None where it is in another one."""
    if to not in TRANSITIONS[frm]:
        raise ValueError(f"no transition {frm} -> {to}")
    locked = Slide.objects.select_for_update(of=("self",)).filter(pk=slide.pk, state=frm)
    if not locked.exists():
        return None
    # Compare-and-set: SQLite ignores row locks.
    changed = Slide.objects.filter(pk=slide.pk, state=frm).update(
        state=to, updated_at=timezone.now(), **changes
    )
    if changed != 1:
        return None
    moved = Slide.objects.select_related(
        "case__organization", "case__site__organization", "case__patient", "block__specimen"
    ).get(pk=slide.pk)
    _record(moved, verb, user, details or {})
    _publish(moved)
    return moved


def _record(slide: Slide, verb: str, user: User | None, details: Mapping[str, Any]) -> None:
    audit_record(
        verb=verb,
        object_type="slide",
        object_uuid=slide.uuid,
        organization_uuid=slide.case.organization.uuid,
        actor_uuid=user.uuid if user else None,
        case_uuid=slide.case.uuid,
        details=details,
    )


def _publish(slide: Slide) -> None:
    message = SlideChanged(slide=str(slide.uuid), case=str(slide.case.uuid), state=str(slide.state))
    publish_on_commit(slide_topic(slide.uuid), message)
    publish_on_commit(case_topic(slide.case.uuid), message)
