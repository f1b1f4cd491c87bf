"""What every page knows about the person: the roles decide which doors are shown."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portrait_viewer.accounts.models import Membership, User
from portrait_viewer.accounts.selectors import memberships_of


def account(request: HttpRequest) -> dict[str, Any]:
    """`memberships` (lazy: no query where a page does not show them) and the CSP nonce."""
    return {
        "memberships": SimpleLazyObject(lambda: _memberships(request)),
        "csp_nonce": getattr(request, "csp_nonce", ""),
    }


def _memberships(request: HttpRequest) -> list[Membership]:
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return []
    return list(memberships_of(user).select_related("organization", "site"))
