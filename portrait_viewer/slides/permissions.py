"""Who may add slides to a case."""

from __future__ import annotations

from portrait_viewer.accounts.models import Role, User
from portrait_viewer.accounts.selectors import has_role_at
from portrait_viewer.cases.models import Case

UPLOADERS = (Role.PATHOLOGIST, Role.LAB_MANAGER, Role.ADMIN)


def can_upload(user: User, case: Case) -> bool:
    """People who work at the case's site, whatever a grant lets others read."""
    return has_role_at(user, case.site, UPLOADERS)
