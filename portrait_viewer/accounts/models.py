"""User, Organization, Site, Membership."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from portrait_viewer.common.models import UuidModel


class Language(models.TextChoices):
    """The languages of the product."""

    FRENCH = "fr", _("French")
    ENGLISH = "en", _("English")


class User(UuidModel, AbstractUser):
    """A person who signs in.

    A platform admin manages tools, sites and workers and sees no patient data.

    pii: username, first_name, last_name, email.
    """

    language = models.CharField(
        _("language"), max_length=2, choices=Language, default=Language.FRENCH
    )
    is_platform_admin = models.BooleanField(
        _("platform admin"),
        default=False,
        help_text=_("Manages tools, sites and workers; sees no patient data."),
    )

    objects: ClassVar[UserManager[User]] = UserManager()  # type: ignore[assignment]

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username


class OrganizationKind(models.TextChoices):
    """What an organisation is."""

    CENTRE = "centre", _("Oncology centre")
    LABORATORY = "laboratory", _("Private laboratory")
    PARTNER = "partner", _("Research partner")


class Organization(UuidModel):
    """A legal entity. Its data are seen by its members only, unless a grant says otherwise.

    no_pii
    """

    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=OrganizationKind)

    class Meta:
        verbose_name = _("organisation")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Site(UuidModel):
    """A laboratory of an organisation: slides are made, read and analysed at a site.

    no_pii
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="sites")
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField()

    class Meta:
        verbose_name = _("site")
        ordering = ["organization__name", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "slug"], name="site_slug_once_per_organization"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization.name} · {self.name}"


class Role(models.TextChoices):
    """What a member does in an organisation."""

    PATHOLOGIST = "pathologist", _("Pathologist")
    LAB_MANAGER = "lab_manager", _("Lab manager")
    ADMIN = "admin", _("Administrator")
    RESEARCHER = "researcher", _("Researcher")


class Membership(UuidModel):
    """A role of a user in an organisation, at one site or (site empty) at all of them.

    no_pii
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="memberships"
    )
    site = models.ForeignKey(
        Site, on_delete=models.PROTECT, related_name="memberships", null=True, blank=True
    )
    role = models.CharField(_("role"), max_length=20, choices=Role)

    class Meta:
        verbose_name = _("membership")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organization", "site", "role"], name="membership_once"
            ),
            models.UniqueConstraint(
                fields=["user", "organization", "role"],
                condition=models.Q(site__isnull=True),
                name="membership_once_all_sites",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()} · {self.organization}"
