"""Jobs in the admin panel, to look at: for the admins of the slides' sites."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from portrait_viewer.accounts.admin import ReadOnlyModelAdmin
from portrait_viewer.accounts.models import Organization, Role, User
from portrait_viewer.accounts.selectors import sites_of
from portrait_viewer.analysis.models import Job


@admin.register(Job)
class JobAdmin(ReadOnlyModelAdmin):
    """Where each analysis stands, and why one failed. The platform admin sees no patient data."""

    list_display = ("uuid", "tool_version", "state", "attempt", "error_code", "queued_at")
    list_filter = ("state", "tool_version__tool_id")
    list_select_related = ("tool_version",)
    search_fields = ("uuid",)

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(slide__case__site__in=sites_of(user, (Role.ADMIN,)))

    def organization_of(self, row: Any) -> Organization | None:  # noqa: ANN401
        found: Organization = row.slide.case.organization
        return found
