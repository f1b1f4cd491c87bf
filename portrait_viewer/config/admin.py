"""The admin panel: platform admins manage tools and sites, organisation admins see their own."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.models import Role, User
from portrait_viewer.accounts.selectors import memberships_of


class PortraitAdminSite(AdminSite):
    """Entered by platform admins and by admins of an organisation."""

    site_header = _("Portrait · Administration")
    site_title = _("Portrait")
    index_title = _("Administration")

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return (
            isinstance(user, User)
            and user.is_active
            and (user.is_platform_admin or memberships_of(user, (Role.ADMIN,)).exists())
        )
