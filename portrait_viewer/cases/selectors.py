"""Reading cases, among those the user may see."""

from __future__ import annotations

import uuid

from django.db.models import Prefetch
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.models import User
from portrait_viewer.cases.models import Block, Case, Specimen
from portrait_viewer.common.errors import NotFound


def case_get(user: User, case_uuid: uuid.UUID) -> Case:
    """One case with its patient and site, in one query.

    Raises:
        NotFound: there is no such case for this user.
    """
    found = (
        Case.objects.visible_to(user)
        .filter(uuid=case_uuid)
        .select_related("patient", "organization", "site__organization")
        .first()
    )
    if found is None:
        raise _not_found()
    return found


def case_overview(user: User, case_uuid: uuid.UUID) -> Case:
    """A case with `specimens`, their `blocks` and all `slides`, in four queries.

    `slides` come from an app above, by the name of the relation: `case.slides.all()` and
    `block.slides.all()` are loaded, nothing else is read when a page walks over them.

    Raises:
        NotFound: there is no such case for this user.
    """
    found = (
        Case.objects.visible_to(user)
        .filter(uuid=case_uuid)
        .select_related("patient", "organization", "site__organization")
        .prefetch_related(
            "slides",
            Prefetch("specimens", queryset=Specimen.objects.all()),
            Prefetch(
                "specimens__blocks",
                queryset=Block.objects.select_related("specimen"),
            ),
        )
        .first()
    )
    if found is None:
        raise _not_found()
    return _with_slides_of_blocks(found)


def _with_slides_of_blocks(case: Case) -> Case:
    """Hands the slides already read to their blocks, and the blocks to the slides."""
    blocks = {
        block.pk: block for specimen in case.specimens.all() for block in specimen.blocks.all()
    }
    slides = list(case.slides.all())
    for block in blocks.values():
        own = [slide for slide in slides if slide.block_id == block.pk]
        cache = case.slides.none()
        cache._result_cache = own  # noqa: SLF001 - what prefetch_related itself does
        setattr(block, "_prefetched_objects_cache", {"slides": cache})  # noqa: B010
        for slide in own:
            slide.block = block
    return case


def block_get(case: Case, block_uuid: uuid.UUID) -> Block:
    """A block of this case.

    Raises:
        NotFound: the case has no such block.
    """
    found = (
        Block.objects.filter(specimen__case=case, uuid=block_uuid)
        .select_related("specimen")
        .first()
    )
    if found is None:
        raise NotFound("block_not_found", _("This case has no such block. Reload the page."))
    return found


def _not_found() -> NotFound:
    return NotFound(
        "case_not_found", _("This case does not exist, or you do not have access to it.")
    )
