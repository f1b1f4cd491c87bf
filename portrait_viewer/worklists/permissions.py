"""Who may give a case to whom."""

from __future__ import annotations

from portrait_viewer.accounts.models import Role, User
from portrait_viewer.accounts.selectors import has_role_at
from portrait_viewer.cases.models import Case


def can_assign(user: User, case: Case) -> bool:
    """Lab managers and admins of the case's site give cases to readers."""
    return has_role_at(user, case.site, (Role.LAB_MANAGER, Role.ADMIN))


def can_read_cases_at(user: User, case: Case) -> bool:
    """Pathologists of the case's site may take it, or be given it."""
    return has_role_at(user, case.site, (Role.PATHOLOGIST,))
