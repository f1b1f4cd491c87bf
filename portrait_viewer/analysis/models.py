"""Job, JobEvent, Score, Finding, Overlay."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.models import User
from portrait_viewer.common.models import TimestampedModel, UuidModel
from portrait_viewer.slides.models import Slide
from portrait_viewer.tools.models import ToolVersion


class JobState(models.TextChoices):
    """Where a job stands. The transitions are in `analysis.services`."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


ACTIVE = (JobState.QUEUED, JobState.RUNNING)


class JobQuerySet(models.QuerySet["Job"]):
    """Jobs follow their slide."""

    def visible_to(self, user: User) -> JobQuerySet:
        """Jobs on the slides this user may read."""
        return self.filter(slide__in=Slide.objects.visible_to(user))


class Job(UuidModel, TimestampedModel):
    """One execution of a tool version on a slide.

    It pins the tool digest, the slide checksum and the parameters. `lease` changes at each start:
    a worker that lost its lease can no longer write (fencing).

    no_pii
    """

    slide = models.ForeignKey(Slide, on_delete=models.PROTECT, related_name="jobs")
    tool_version = models.ForeignKey(ToolVersion, on_delete=models.PROTECT, related_name="jobs")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    parameters = models.JSONField(default=dict)
    slide_sha256 = models.CharField(max_length=64)

    state = models.CharField(_("state"), max_length=12, choices=JobState, default=JobState.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Display only, written at most once a second; never read as state.
    stage = models.CharField(max_length=20, blank=True)
    fraction = models.FloatField(default=0)
    rate_per_s = models.FloatField(null=True)

    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.JSONField(default=dict, blank=True)  # {"fr": ..., "en": ...}
    device = models.CharField(max_length=20, blank=True)
    result_folder = models.CharField(max_length=200, blank=True)  # relative to RESULTS_ROOT
    messages = models.JSONField(default=list, blank=True)  # [{"fr": ..., "en": ...}] of the tool

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("analysis")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["slide", "tool_version"],
                condition=Q(state__in=["queued", "running"]),
                name="job_one_active_per_slide_and_tool",
            ),
            models.CheckConstraint(
                name="job_running_has_lease",
                condition=~Q(state="running") | Q(lease__isnull=False, heartbeat_at__isnull=False),
            ),
            models.CheckConstraint(
                name="job_failed_has_reason", condition=~Q(state="failed") | ~Q(error_code="")
            ),
        ]
        indexes = [models.Index(fields=["state", "heartbeat_at"], name="job_reaper")]

    def __str__(self) -> str:
        return f"{self.tool_version.tool_id} → {self.slide}"


class JobEvent(models.Model):
    """One transition of a job, kept for ever.

    no_pii
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=20)  # submitted, started, requeued, succeeded, failed ...
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M:%S}"


class Score(UuidModel):
    """A number a tool computed, with everything needed to read it.

    `payload` is the score as the tool wrote it (labels in both languages, interval, category,
    thresholds, interpretation, details); the columns are what lists sort and filter on.
    no_pii
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="scores")
    key = models.CharField(max_length=60)
    value = models.FloatField(null=True)
    unit = models.CharField(max_length=20, blank=True)
    n = models.PositiveIntegerField(null=True)
    category = models.CharField(max_length=60, blank=True)
    payload = models.JSONField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["job", "key"], name="score_once_per_job")]

    def __str__(self) -> str:
        return f"{self.key} = {self.value} {self.unit}"


class Finding(UuidModel):
    """Something a tool located; geometry is GeoJSON in level-0 pixels.

    no_pii
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="findings")
    key = models.CharField(max_length=60)
    kind = models.CharField(max_length=40)
    score = models.FloatField(null=True)
    payload = models.JSONField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["job", "key"], name="finding_once_per_job")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class OverlayKind(models.TextChoices):
    """How an overlay's file is read (docs/formats.md)."""

    SCALAR = "scalar", _("Heatmap")
    LABELS = "labels", _("Mask")
    CELLS = "cells", _("Cells")
    REGIONS = "regions", _("Regions")


class Overlay(UuidModel):
    """A layer aligned on the slide; the file never changes.

    `payload` is the overlay's description as the tool wrote it; the file lies in the job's folder.
    no_pii
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="overlays")
    key = models.CharField(max_length=60)
    kind = models.CharField(max_length=10, choices=OverlayKind)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    file_name = models.CharField(max_length=100)
    payload = models.JSONField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["job", "key"], name="overlay_once_per_job")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
