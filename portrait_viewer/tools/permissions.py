"""Who may put tools into use."""

from __future__ import annotations

from portrait_viewer.accounts.models import Role, Site, User
from portrait_viewer.accounts.selectors import has_role_at


def can_deploy(user: User, site: Site) -> bool:
    """The platform's admins everywhere, a site's admins at their site."""
    return user.is_platform_admin or has_role_at(user, site, (Role.ADMIN,))
