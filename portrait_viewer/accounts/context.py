"""What every page knows about the person: the roles decide which doors are shown."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portrait_viewer.accounts.models import Membership, Role, User
from portrait_viewer.accounts.selectors import memberships_of


def account(request: HttpRequest) -> dict[str, Any]:
    """Lazy values (no query where a page does not show them) and the CSP nonce."""
    return {
        "memberships": SimpleLazyObject(lambda: _memberships(request)),
        "can_administer": SimpleLazyObject(lambda: _can_administer(request)),
        "csp_nonce": getattr(request, "csp_nonce", ""),
    }


def _memberships(request: HttpRequest) -> list[Membership]:
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return []
    return list(memberships_of(user).select_related("organization", "site"))


def _can_administer(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return isinstance(user, User) and (
        user.is_platform_admin or memberships_of(user, (Role.ADMIN,)).exists()
    )
