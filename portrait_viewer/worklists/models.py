"""Assignment of cases to readers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portrait_viewer.cases.models import Case
from portrait_viewer.common.models import TimestampedModel, UuidModel


class Assignment(UuidModel, TimestampedModel):
    """A case given to a pathologist; at most one running assignment per case.

    no_pii
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="assignments")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assignments"
    )
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("assignment")
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(ended_at__isnull=True),
                name="assignment_one_running_per_case",
            )
        ]
        indexes = [models.Index(fields=["user", "ended_at"], name="assignment_mine")]

    def __str__(self) -> str:
        return f"{self.case} → {self.user}"
