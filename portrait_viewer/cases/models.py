"""Patient, Case, Specimen, Block, CaseGrant."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.models import Organization, Role, Site, User
from portrait_viewer.accounts.selectors import organizations_of, sites_of
from portrait_viewer.common.models import TimestampedModel, UuidModel


class Sex(models.TextChoices):
    """Administrative sex, as HL7 codes it."""

    FEMALE = "F", _("Female")
    MALE = "M", _("Male")
    UNKNOWN = "U", _("Unknown")


class Organ(models.TextChoices):
    """The organ of a case."""

    BREAST = "breast", _("Breast")
    COLON = "colon", _("Colon")
    LYMPH_NODE = "lymph_node", _("Lymph node")
    HEAD_NECK = "head_neck", _("Head and neck")
    SKIN = "skin", _("Skin")
    PROSTATE = "prostate", _("Prostate")
    LUNG = "lung", _("Lung")
    BONE_MARROW = "bone_marrow", _("Bone marrow")
    OTHER = "other", _("Other")


class Patient(UuidModel):
    """A person, known to the readers by a pseudonym only.

    pii: birth_year and sex are indirect identifiers; the name is not stored here.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    pseudonym = models.CharField(_("pseudonym"), max_length=40)
    birth_year = models.PositiveSmallIntegerField(_("year of birth"), null=True, blank=True)
    sex = models.CharField(_("sex"), max_length=1, choices=Sex, default=Sex.UNKNOWN)

    class Meta:
        verbose_name = _("patient")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "pseudonym"], name="patient_pseudonym_once"
            )
        ]

    def __str__(self) -> str:
        return self.pseudonym


class CaseStatus(models.TextChoices):
    """Where a case stands."""

    RECEIVED = "received", _("Received")
    READING = "reading", _("Being read")
    WAITING = "waiting", _("Waiting for slides")
    SIGNED = "signed", _("Signed")


class Priority(models.IntegerChoices):
    """How urgent a case is; the lowest number comes first."""

    URGENT = 1, _("Urgent")
    HIGH = 2, _("High")
    ROUTINE = 3, _("Routine")


class CaseQuerySet(models.QuerySet["Case"]):
    """The one place that says who sees which case."""

    def visible_to(self, user: User) -> CaseQuerySet:
        """Cases this user may read; default deny.

        - pathologists, lab managers and admins: the cases of their sites;
        - researchers: those of their sites whose patients agreed to research;
        - everyone of an organisation with a running grant (same roles): the granted case;
        - the platform admin as such: none.
        """
        clinical = (Role.PATHOLOGIST, Role.LAB_MANAGER, Role.ADMIN)
        granted = CaseGrant.objects.running().filter(
            organization__in=organizations_of(user, (Role.PATHOLOGIST, Role.ADMIN))
        )
        return self.filter(
            Q(site__in=sites_of(user, clinical))
            | Q(site__in=sites_of(user, (Role.RESEARCHER,)), research_consent=True)
            | Q(pk__in=granted.values("case"))
        )


class Case(UuidModel, TimestampedModel):
    """One accession of one patient.

    pii: accession (a number that the laboratory can link to the patient), clinical_note.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="cases")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="cases")
    accession = models.CharField(_("case number"), max_length=40)
    organ = models.CharField(_("organ"), max_length=20, choices=Organ)
    clinical_note = models.TextField(_("clinical information"), blank=True)
    status = models.CharField(
        _("status"), max_length=20, choices=CaseStatus, default=CaseStatus.RECEIVED
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), choices=Priority, default=Priority.ROUTINE
    )
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    research_consent = models.BooleanField(_("research allowed"), default=False)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        ordering = ["priority", "due_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "accession"], name="case_accession_once"
            )
        ]
        indexes = [models.Index(fields=["site", "status", "priority", "due_at"], name="case_inbox")]

    def __str__(self) -> str:
        return self.accession


class Specimen(UuidModel):
    """Tissue part A, B … of a case.

    no_pii
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="specimens")
    label = models.CharField(_("label"), max_length=10)
    description = models.CharField(_("description"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("specimen")
        ordering = ["label"]
        constraints = [
            models.UniqueConstraint(fields=["case", "label"], name="specimen_label_once")
        ]

    def __str__(self) -> str:
        return self.label


class Block(UuidModel):
    """The paraffin block cut from a specimen.

    no_pii
    """

    specimen = models.ForeignKey(Specimen, on_delete=models.CASCADE, related_name="blocks")
    label = models.CharField(_("label"), max_length=10)

    class Meta:
        verbose_name = _("block")
        ordering = ["label"]
        constraints = [
            models.UniqueConstraint(fields=["specimen", "label"], name="block_label_once")
        ]

    def __str__(self) -> str:
        return f"{self.specimen.label}{self.label}"


class CaseGrantQuerySet(models.QuerySet["CaseGrant"]):
    """Grants in force."""

    def running(self) -> CaseGrantQuerySet:
        """Grants that have started, not ended and were not revoked."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=timezone.now())


class CaseGrant(UuidModel, TimestampedModel):
    """Lets another organisation's pathologists read one case until a date.

    no_pii
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="grants")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    reason = models.CharField(_("reason"), max_length=200)
    expires_at = models.DateTimeField(_("ends"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = CaseGrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("grant")
        indexes = [models.Index(fields=["organization", "expires_at"], name="grant_running")]

    def __str__(self) -> str:
        return f"{self.case} → {self.organization}"
