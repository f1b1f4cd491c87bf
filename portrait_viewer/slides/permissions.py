"""Who may add, describe and archive slides."""

from __future__ import annotations

from portrait_viewer.accounts.models import Role, User
from portrait_viewer.accounts.selectors import has_role_at
from portrait_viewer.cases.models import Case

UPLOADERS = (Role.PATHOLOGIST, Role.LAB_MANAGER, Role.ADMIN)
MANAGERS = (Role.LAB_MANAGER, Role.ADMIN)


def can_upload(user: User, case: Case) -> bool:
    """People who work at the case's site, whatever a grant lets others read."""
    return has_role_at(user, case.site, UPLOADERS)


def can_describe(user: User, case: Case) -> bool:
    """Who may say what the file does not: the resolution."""
    return has_role_at(user, case.site, UPLOADERS)


def can_see_label(user: User, case: Case) -> bool:
    """The photographed label may show a name: only people who work at the case's site."""
    return has_role_at(user, case.site, UPLOADERS)


def can_archive(user: User, case: Case) -> bool:
    """Those who manage the slides of the case's site."""
    return has_role_at(user, case.site, MANAGERS)
