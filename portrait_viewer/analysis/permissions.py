"""Who may start and stop analyses."""

from __future__ import annotations

from portrait_viewer.accounts.models import Role, User
from portrait_viewer.accounts.selectors import has_role_at
from portrait_viewer.slides.models import Slide

RUNNERS = (Role.PATHOLOGIST, Role.LAB_MANAGER, Role.ADMIN)


def can_run(user: User, slide: Slide) -> bool:
    """People who work at the case's site; a grant or a research role lets one read results."""
    return has_role_at(user, slide.case.site, RUNNERS)
