"""The admin panel: people, organisations, and the base that keeps tenants apart.

A platform admin manages organisations, sites and people. An organisation's admin sees the people
and roles of their own organisations, and may give and take roles there, nothing more.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import ForeignKey, Model, Q, QuerySet
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.models import Membership, Organization, Role, Site, User
from portrait_viewer.accounts.selectors import memberships_of, organizations_of, sites_of
from portrait_viewer.audit.services import audit_record


def signed_in(request: HttpRequest) -> User:
    """The person at the admin panel (the site object lets nobody else in)."""
    return cast("User", request.user)


def administered(user: User) -> QuerySet[Organization]:
    """Organisations where the user administers a site, or all of them."""
    return organizations_of(user, (Role.ADMIN,))


def whole_organizations(user: User) -> QuerySet[Organization]:
    """Organisations that the user administers at all sites."""
    whole = memberships_of(user, (Role.ADMIN,)).filter(site__isnull=True)
    return Organization.objects.filter(pk__in=whole.values("organization"))


def may_manage_all_sites(user: User, organization: Organization | None) -> bool:
    """Whether the user may give roles that hold at every site of the organisation."""
    if user.is_platform_admin:
        return True
    return organization is not None and (
        whole_organizations(user).filter(pk=organization.pk).exists()
    )


def managed_memberships(user: User) -> QuerySet[Membership]:
    """Roles that the user may give and take: those of their sites, or of their organisation."""
    return Membership.objects.filter(
        Q(organization__in=whole_organizations(user)) | Q(site__in=sites_of(user, (Role.ADMIN,)))
    )


class ScopedModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Base of every admin page: default deny, rows through `visible_rows`, changes audited.

    Django's own model permissions (groups, `is_superuser`) decide nothing in Portrait.
    """

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows this person may see here; none unless a page says so."""
        return rows.none()

    def may_open(self, user: User) -> bool:
        """Whether the page is for this person at all."""
        return administered(user).exists()

    def may_add(self, user: User) -> bool:
        return False

    def may_change(self, user: User, row: Any) -> bool:  # noqa: ANN401
        return False

    def may_delete(self, user: User, row: Any) -> bool:  # noqa: ANN401
        return False

    def organization_of(self, row: Any) -> Organization | None:  # noqa: ANN401
        """Whose audit trail a change belongs to."""
        return None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.visible_rows(signed_in(request), super().get_queryset(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may_open(signed_in(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401
        user = signed_in(request)
        if not self.may_open(user):
            return False
        return obj is None or self._sees(user, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        user = signed_in(request)
        return self.may_open(user) and self.may_add(user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401
        return self._may(request, obj, self.may_change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ANN401
        return self._may(request, obj, self.may_delete)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Deleting many at once would pass by the check of each row."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_model(
        self,
        request: HttpRequest,
        obj: Model,
        form: ModelForm[Any],
        change: bool,  # noqa: FBT001
    ) -> None:
        super().save_model(request, obj, form, change)
        self._audit(request, obj, "change" if change else "add", sorted(form.changed_data))

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self._audit(request, obj, "delete", [])
        super().delete_model(request, obj)

    def _audit(self, request: HttpRequest, obj: Any, verb: str, fields: list[str]) -> None:  # noqa: ANN401
        organization = self.organization_of(obj)
        name = str(obj._meta.model_name)  # noqa: SLF001 - Django's documented interface
        audit_record(
            verb=f"{name}.{verb}",
            object_type=name,
            object_uuid=obj.uuid,
            organization_uuid=organization.uuid if organization else None,
            actor_uuid=signed_in(request).uuid,
            details={"fields": fields},
        )

    def _sees(self, user: User, row: Any) -> bool:  # noqa: ANN401
        rows = self.visible_rows(user, self.model._default_manager.all())  # noqa: SLF001
        return rows.filter(pk=row.pk).exists()

    def _may(self, request: HttpRequest, row: Any, rule: Any) -> bool:  # noqa: ANN401
        user = signed_in(request)
        if not self.may_open(user) or (row is not None and not self._sees(user, row)):
            return False
        return bool(rule(user, row))


class ReadOnlyModelAdmin(ScopedModelAdmin):
    """A page to look at: every field, no form."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:  # noqa: ANN401
        return [field.name for field in self.model._meta.fields]  # noqa: SLF001


@admin.register(Organization)
class OrganizationAdmin(ScopedModelAdmin):
    """Made and named by the platform; seen by its own admins."""

    list_display = ("name", "kind", "slug")
    fields = ("name", "slug", "kind")

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows if user.is_platform_admin else rows.filter(pk__in=administered(user))

    def may_open(self, user: User) -> bool:
        return user.is_platform_admin or super().may_open(user)

    def may_add(self, user: User) -> bool:
        return user.is_platform_admin

    def may_change(self, user: User, row: Any) -> bool:  # noqa: ANN401
        return user.is_platform_admin

    def organization_of(self, row: Any) -> Organization | None:  # noqa: ANN401
        return cast("Organization", row)


@admin.register(Site)
class SiteAdmin(ScopedModelAdmin):
    """Laboratories: the platform's, and each organisation's own."""

    list_display = ("name", "organization", "slug")
    list_select_related = ("organization",)
    fields = ("organization", "name", "slug")

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        own = sites_of(user, (Role.ADMIN,))
        return rows if user.is_platform_admin else rows.filter(pk__in=own)

    def may_open(self, user: User) -> bool:
        return user.is_platform_admin or super().may_open(user)

    def may_add(self, user: User) -> bool:
        return user.is_platform_admin or whole_organizations(user).exists()

    def may_change(self, user: User, row: Any) -> bool:  # noqa: ANN401
        return True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ANN401
        # Cases hang on the site: moving it would move them to another organisation.
        return ("organization",) if obj is not None else ()

    def formfield_for_foreignkey(
        self,
        db_field: ForeignKey[Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401
    ) -> ModelChoiceField[Any] | None:
        user = signed_in(request)
        if db_field.name == "organization" and not user.is_platform_admin:
            kwargs["queryset"] = whole_organizations(user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def organization_of(self, row: Any) -> Organization | None:  # noqa: ANN401
        return cast("Organization", row.organization)


class MembershipForm(ModelForm):  # type: ignore[type-arg]
    """A role at a site of the same organisation."""

    editor: ClassVar[User]  # set by the page for each request

    class Meta:
        model = Membership
        fields = ("user", "organization", "site", "role")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        site, organization = data.get("site"), data.get("organization")
        if site is not None and organization is not None and site.organization != organization:
            self.add_error("site", _("This site belongs to another organisation."))
        organization = organization or getattr(self.instance, "organization", None)
        if site is None and not may_manage_all_sites(self.editor, organization):
            self.add_error("site", _("Choose the site that you administer."))
        return data


@admin.register(Membership)
class MembershipAdmin(ScopedModelAdmin):
    """Who does what where. Roles are given and taken here.

    An organisation's admin gives roles to people who have one there already; to bring in a new
    person, or one of another organisation, is the platform's task.
    """

    form = MembershipForm
    list_display = ("user", "role", "organization", "site")
    list_filter = ("role",)
    list_select_related = ("user", "organization", "site")

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows if user.is_platform_admin else rows.filter(pk__in=managed_memberships(user))

    def may_open(self, user: User) -> bool:
        return user.is_platform_admin or super().may_open(user)

    def may_add(self, user: User) -> bool:
        return True

    def may_change(self, user: User, row: Any) -> bool:  # noqa: ANN401
        return True

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        form: Any = super().get_form(request, *args, **kwargs)
        form.editor = signed_in(request)
        return form

    def may_delete(self, user: User, row: Any) -> bool:  # noqa: ANN401
        return True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ANN401
        return ("user", "organization") if obj is not None else ()

    def formfield_for_foreignkey(
        self,
        db_field: ForeignKey[Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401
    ) -> ModelChoiceField[Any] | None:
        user = signed_in(request)
        if not user.is_platform_admin:
            kwargs["queryset"] = {
                "organization": administered(user),
                "site": sites_of(user, (Role.ADMIN,)),
                "user": people_of(user),
            }[db_field.name]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def organization_of(self, row: Any) -> Organization | None:  # noqa: ANN401
        return cast("Organization", row.organization)


def people_of(user: User) -> QuerySet[User]:
    """People with a role that the user manages. Platform admins stay out."""
    ids = managed_memberships(user).values("user")
    return User.objects.filter(pk__in=ids, is_platform_admin=False)


@admin.register(User)
class UserAdmin(ScopedModelAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """Accounts: made by the platform; an organisation's admin sees those of their members.

    A person may belong to several organisations: only the platform changes accounts, so that no
    organisation can take over or lock out another one's pathologist.
    """

    list_display = ("username", "last_name", "first_name", "is_active", "is_platform_admin")
    list_filter = ("is_active", "is_platform_admin")
    search_fields = ("username", "last_name", "first_name", "email")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "language")}),
        (_("Rights"), {"fields": ("is_active", "is_platform_admin")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    MEMBER_FIELDS: ClassVar[Any] = (
        (_("Person"), {"fields": ("username", "first_name", "last_name", "email", "language")}),
        (_("Rights"), {"fields": ("is_active",)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows if user.is_platform_admin else rows.filter(pk__in=people_of(user))

    def may_open(self, user: User) -> bool:
        return user.is_platform_admin or super().may_open(user)

    def may_add(self, user: User) -> bool:
        return user.is_platform_admin

    def may_change(self, user: User, row: Any) -> bool:  # noqa: ANN401
        return user.is_platform_admin

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ANN401
        if obj is not None and not signed_in(request).is_platform_admin:
            return self.MEMBER_FIELDS
        return super().get_fieldsets(request, obj)


# Django's groups decide nothing here; a page for them would promise otherwise.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)
