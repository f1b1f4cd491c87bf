"""The audit trail in the admin panel: to read, for the admins of the organisation it is about."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from portrait_viewer.audit.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows of the organisations that the person administers; the platform's own for its admins."""

    list_display = ("occurred_at", "verb", "object_type", "object_uuid", "actor_uuid", "case_uuid")
    list_filter = ("verb",)
    date_hierarchy = "occurred_at"
    ordering = ("-id",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        rows = super().get_queryset(request)
        user: Any = request.user
        own = rows.filter(organization_uuid__in=_administered(user))
        if user.is_platform_admin:
            return own | rows.filter(organization_uuid__isnull=True)
        return own

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True  # whoever the admin site lets in; the rows are filtered

    def has_view_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return obj is None or self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False


def _administered(user: Any) -> list[uuid.UUID]:  # noqa: ANN401
    """By the name of the relation: the audit trail lies below the accounts."""
    return list(
        user.memberships.filter(role="admin")
        .values_list("organization__uuid", flat=True)
        .distinct()
    )
