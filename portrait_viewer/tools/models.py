"""ToolVersion and Deployment."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.models import Site
from portrait_viewer.common.models import TimestampedModel, UuidModel


class Family(models.TextChoices):
    """The three families of tools."""

    ACCELERATE = "accelerate", _("Accelerate the work")
    BIOMARKER = "biomarker", _("Detect a biomarker")
    PROGNOSIS = "prognosis", _("Predict the course")


class ToolVersion(UuidModel, TimestampedModel):
    """An immutable package of a tool: manifest, code and weights under one digest.

    no_pii
    """

    tool_id = models.CharField(_("tool"), max_length=60)
    version = models.CharField(_("version"), max_length=20)
    digest = models.CharField(max_length=64, unique=True)
    family = models.CharField(_("family"), max_length=20, choices=Family)
    queue = models.CharField(max_length=10)
    manifest = models.JSONField()

    class Meta:
        verbose_name = _("tool version")
        ordering = ["tool_id", "-created_at"]

    def __str__(self) -> str:
        return f"{self.tool_id} {self.version} ({self.digest[:8]})"


class DeploymentState(models.TextChoices):
    """Whether a deployed version may start new jobs."""

    ACTIVE = "active", _("Active")
    RETIRED = "retired", _("Retired")


class Deployment(UuidModel, TimestampedModel):
    """A tool version in use at a site; at most one active version per tool and site.

    no_pii
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="deployments")
    tool_version = models.ForeignKey(
        ToolVersion, on_delete=models.PROTECT, related_name="deployments"
    )
    tool_id = models.CharField(max_length=60, editable=False)  # of tool_version, for the constraint
    state = models.CharField(
        _("state"), max_length=10, choices=DeploymentState, default=DeploymentState.ACTIVE
    )
    deployed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )

    class Meta:
        verbose_name = _("deployment")
        ordering = ["site", "tool_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "tool_id"],
                condition=Q(state="active"),
                name="deployment_one_active_per_site_and_tool",
            )
        ]

    def __str__(self) -> str:
        return f"{self.tool_version} @ {self.site}"
