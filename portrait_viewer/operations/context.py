"""What pages say about the site itself."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from portrait_viewer.accounts.models import Role, User
from portrait_viewer.accounts.selectors import memberships_of
from portrait_viewer.common.disk import is_low


def site(request: HttpRequest) -> dict[str, Any]:
    """`disk_low`: before uploads are refused, those who can make room read it on their pages."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not _disk_is_low():
        return {"disk_low": False}
    may_act = (
        user.is_platform_admin or memberships_of(user, (Role.LAB_MANAGER, Role.ADMIN)).exists()
    )
    return {"disk_low": may_act}


def _disk_is_low() -> bool:
    try:
        return is_low()
    except OSError:
        return False  # the disk is away: health says it, pages go on
