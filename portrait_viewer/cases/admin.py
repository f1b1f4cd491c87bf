"""Cases in the admin panel, for the admins of their organisation.

The platform admin as such sees no patient data: `visible_to` gives them no row.
"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import ForeignKey, Model, QuerySet
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.admin import ScopedModelAdmin, administered, signed_in
from portrait_viewer.accounts.models import Organization, Role, User
from portrait_viewer.accounts.selectors import sites_of
from portrait_viewer.cases.models import Block, Case, CaseGrant, Patient, Specimen


def managed_cases(user: User) -> QuerySet[Case]:
    """Cases of the sites that the user administers: a grant lets one read, not manage."""
    return Case.objects.visible_to(user).filter(site__in=sites_of(user, (Role.ADMIN,)))


class _TenantAdmin(ScopedModelAdmin):
    """Adding and changing for the organisation's admins; nothing is deleted."""

    def may_add(self, user: User) -> bool:
        return True

    def may_change(self, user: User, row: Any) -> bool:  # noqa: ANN401
        return True

    def formfield_for_foreignkey(
        self,
        db_field: ForeignKey[Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401
    ) -> ModelChoiceField[Any] | None:
        user = signed_in(request)
        own = self.choices(user).get(db_field.name)
        if own is not None:
            kwargs["queryset"] = own
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def choices(self, user: User) -> dict[str, QuerySet[Any]]:
        """What the person may choose in each foreign key."""
        return {
            "organization": administered(user),
            "site": sites_of(user, (Role.ADMIN,)),
            "patient": Patient.objects.filter(organization__in=administered(user)),
            "case": managed_cases(user),
            "specimen": Specimen.objects.filter(case__in=managed_cases(user)),
        }


@admin.register(Patient)
class PatientAdmin(_TenantAdmin):
    """Pseudonyms."""

    list_display = ("pseudonym", "birth_year", "sex", "organization")
    list_select_related = ("organization",)
    search_fields = ("pseudonym",)
    fields = ("organization", "pseudonym", "birth_year", "sex")

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        # The admin of one site sees the patients of that site's cases.
        return rows.filter(organization__in=administered(user)).filter(
            pk__in=managed_cases(user).values("patient")
        ) | rows.filter(organization__in=administered(user), cases__isnull=True)

    def organization_of(self, row: Any) -> Organization | None:  # noqa: ANN401
        return cast("Organization", row.organization)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ANN401
        return ("organization",) if obj is not None else ()


class CaseForm(ModelForm):  # type: ignore[type-arg]
    """A case of one organisation: site and patient belong to it."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        site, patient = data.get("site"), data.get("patient")
        site = site or getattr(self.instance, "site", None)
        patient = patient or getattr(self.instance, "patient", None)
        if site and patient and site.organization_id != patient.organization_id:
            self.add_error("patient", _("This patient belongs to another organisation."))
        if site:
            self.instance.organization = site.organization
        return data


@admin.register(Case)
class CaseAdmin(_TenantAdmin):
    """Cases."""

    form = CaseForm
    list_display = ("accession", "organ", "status", "priority", "site", "received_at")
    list_select_related = ("site__organization",)
    list_filter = ("status", "priority", "organ")
    search_fields = ("accession",)
    fields = (
        "site",
        "patient",
        "accession",
        "organ",
        "clinical_note",
        "status",
        "priority",
        "received_at",
        "due_at",
        "research_consent",
    )

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(pk__in=managed_cases(user))

    def organization_of(self, row: Any) -> Organization | None:  # noqa: ANN401
        return cast("Organization", row.organization)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ANN401
        return ("site", "patient") if obj is not None else ()


@admin.register(Specimen)
class SpecimenAdmin(_TenantAdmin):
    """Tissue parts."""

    list_display = ("case", "label", "description")
    list_select_related = ("case",)
    fields = ("case", "label", "description")

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(case__in=managed_cases(user))

    def organization_of(self, row: Any) -> Organization | None:  # noqa: ANN401
        return cast("Organization", row.case.organization)


@admin.register(Block)
class BlockAdmin(_TenantAdmin):
    """Paraffin blocks."""

    list_display = ("specimen", "label")
    list_select_related = ("specimen__case",)
    fields = ("specimen", "label")

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(specimen__case__in=managed_cases(user))

    def organization_of(self, row: Any) -> Organization | None:  # noqa: ANN401
        return cast("Organization", row.specimen.case.organization)


@admin.register(CaseGrant)
class CaseGrantAdmin(_TenantAdmin):
    """Reading rights of other organisations: given, and ended by the date or `revoked`."""

    list_display = ("case", "organization", "expires_at", "revoked_at")
    list_select_related = ("case", "organization")
    fields = ("case", "organization", "reason", "expires_at", "revoked_at")

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(case__in=managed_cases(user))

    def choices(self, user: User) -> dict[str, QuerySet[Any]]:
        return {
            "case": managed_cases(user),
            # A case is granted to another organisation than one's own.
            "organization": Organization.objects.exclude(pk__in=administered(user)),
        }

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ANN401
        return ("case", "organization") if obj is not None else ()

    def organization_of(self, row: Any) -> Organization | None:  # noqa: ANN401
        return cast("Organization", row.case.organization)

    def save_model(
        self,
        request: HttpRequest,
        obj: Model,
        form: ModelForm[Any],
        change: bool,  # noqa: FBT001
    ) -> None:
        if not change and isinstance(obj, CaseGrant):
            obj.granted_by = signed_in(request)
        super().save_model(request, obj, form, change)
