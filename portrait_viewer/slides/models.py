"""Slide and its files."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.models import User
from portrait_viewer.cases.models import Block, Case
from portrait_viewer.common.models import TimestampedModel, UuidModel


class Stain(models.TextChoices):
    """The stain of a slide; the codes are those of the tool manifests."""

    HE = "HE", _("H&E")
    HES = "HES", _("HES")
    KI67 = "KI67", _("Ki-67")
    ER = "ER", _("ER")
    PR = "PR", _("PR")
    HER2 = "HER2", _("HER2")
    PDL1 = "PDL1", _("PD-L1")
    CK = "CK", _("Cytokeratin")
    IHC_OTHER = "IHC_OTHER", _("Other IHC")
    FLUO = "FLUO", _("Fluorescence")
    OTHER = "OTHER", _("Other stain")


class SlideState(models.TextChoices):
    """Where a slide stands."""

    REGISTERING = "registering", _("Being registered")
    NEEDS_INFO = "needs_info", _("Resolution missing")
    READY = "ready", _("Ready")
    REJECTED = "rejected", _("Rejected")
    ARCHIVED = "archived", _("Archived")


class MppSource(models.TextChoices):
    """Who said how large a pixel is."""

    FILE = "file", _("from the file")
    PERSON = "person", _("entered by a person")


class SlideQuerySet(models.QuerySet["Slide"]):
    """Slides follow their case."""

    def visible_to(self, user: User) -> SlideQuerySet:
        """Slides of the cases this user may read."""
        return self.filter(case__in=Case.objects.visible_to(user))


class Slide(UuidModel, TimestampedModel):
    """One digitised glass slide; a rescan is a new Slide with `rescan_of`.

    Sizes are level-0 pixels; mpp is µm per level-0 pixel.

    pii: original_name (scanners put accession numbers and names in it; shown to uploaders only).
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="slides")
    block = models.ForeignKey(
        Block, on_delete=models.SET_NULL, null=True, blank=True, related_name="slides"
    )
    rescan_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    label = models.CharField(_("label"), max_length=60)  # "A1 · H&E": shown everywhere
    stain = models.CharField(_("stain"), max_length=20, choices=Stain)
    state = models.CharField(
        _("state"), max_length=20, choices=SlideState, default=SlideState.REGISTERING
    )
    original_name = models.CharField(_("file name"), max_length=255)
    size_bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)

    vendor = models.CharField(max_length=60, blank=True)
    scanner = models.CharField(max_length=120, blank=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    level_count = models.PositiveSmallIntegerField(null=True)
    mpp_x = models.FloatField(null=True)
    mpp_y = models.FloatField(null=True)
    mpp_source = models.CharField(max_length=10, choices=MppSource, blank=True)
    objective_power = models.FloatField(null=True)

    reject_code = models.CharField(max_length=60, blank=True)
    reject_reason = models.JSONField(default=dict, blank=True)  # {"fr": ..., "en": ...}
    registered_at = models.DateTimeField(null=True)
    registration_attempts = models.PositiveSmallIntegerField(default=0)
    registration_seen_at = models.DateTimeField(null=True)  # heartbeat of its worker

    objects = SlideQuerySet.as_manager()

    class Meta:
        verbose_name = _("slide")
        ordering = ["label", "id"]
        constraints = [
            models.CheckConstraint(
                name="slide_ready_is_described",
                condition=~models.Q(state="ready")
                | models.Q(width__isnull=False, height__isnull=False, mpp_x__isnull=False)
                & ~models.Q(sha256=""),
            ),
            models.CheckConstraint(
                name="slide_mpp_is_plausible",
                condition=models.Q(mpp_x__isnull=True)
                | models.Q(mpp_x__gte=0.05, mpp_x__lte=20, mpp_y__gte=0.05, mpp_y__lte=20),
            ),
        ]
        indexes = [models.Index(fields=["state", "created_at"], name="slide_state")]

    def __str__(self) -> str:
        return self.label


class SlideFile(UuidModel):
    """A file of a slide, below SLIDES_ROOT. The first one (order 0) is what readers open.

    `path` is relative to SLIDES_ROOT, or absolute for a file imported in place.
    no_pii
    """

    slide = models.ForeignKey(Slide, on_delete=models.CASCADE, related_name="files")
    order = models.PositiveSmallIntegerField(default=0)
    path = models.CharField(max_length=500)
    size_bytes = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["order"]
        constraints = [
            models.UniqueConstraint(fields=["slide", "order"], name="slide_file_order_once")
        ]

    def __str__(self) -> str:
        return self.path
