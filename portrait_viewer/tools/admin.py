"""Tools in the admin panel: what is installed, what is in use where."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.db.models import ForeignKey, Model, QuerySet
from django.forms import ModelChoiceField, ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portrait_viewer.accounts.admin import ReadOnlyModelAdmin, ScopedModelAdmin, signed_in
from portrait_viewer.accounts.models import Role, Site, User
from portrait_viewer.accounts.selectors import sites_of
from portrait_viewer.common.errors import DomainError
from portrait_viewer.tools.models import Deployment, ToolVersion
from portrait_viewer.tools.services import check_deployable, deployment_retire, tool_deploy


@admin.register(ToolVersion)
class ToolVersionAdmin(ReadOnlyModelAdmin):
    """What is installed; no patient data hangs on it."""

    list_display = ("tool_id", "version", "family", "queue", "digest", "created_at")
    list_filter = ("family", "queue")

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows

    def may_open(self, user: User) -> bool:
        return user.is_platform_admin or super().may_open(user)


class DeploymentForm(ModelForm):  # type: ignore[type-arg]
    """A version for a site; what the service would refuse is said beside the field."""

    editor: ClassVar[User]  # set by the page for each request

    class Meta:
        model = Deployment
        fields = ("site", "tool_version")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("site") and data.get("tool_version"):
            try:
                check_deployable(
                    user=self.editor, tool_version=data["tool_version"], site=data["site"]
                )
            except DomainError as error:
                self.add_error("tool_version", str(error.message))
        return data


@admin.register(Deployment)
class DeploymentAdmin(ScopedModelAdmin):
    """Which version is in use where. A deployment is never edited: deploy another, or retire."""

    list_display = ("tool_id", "tool_version", "site", "state", "deployed_by", "created_at")
    list_filter = ("state", "tool_id")
    list_select_related = ("tool_version", "site", "deployed_by")
    form = DeploymentForm
    actions = ("retire",)

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        own = sites_of(user, (Role.ADMIN,))
        return rows if user.is_platform_admin else rows.filter(site__in=own)

    def may_open(self, user: User) -> bool:
        return user.is_platform_admin or super().may_open(user)

    def may_add(self, user: User) -> bool:
        return True

    def formfield_for_foreignkey(
        self,
        db_field: ForeignKey[Any],
        request: HttpRequest,
        **kwargs: Any,  # noqa: ANN401
    ) -> ModelChoiceField[Any] | None:
        user = signed_in(request)
        if db_field.name == "site":
            own = sites_of(user, (Role.ADMIN,))
            kwargs["queryset"] = Site.objects.all() if user.is_platform_admin else own
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        form: Any = super().get_form(request, *args, **kwargs)
        form.editor = signed_in(request)
        return form

    def save_model(
        self,
        request: HttpRequest,
        obj: Model,
        form: ModelForm[Any],
        change: bool,  # noqa: FBT001
    ) -> None:
        deployment = cast("Deployment", obj)
        made = tool_deploy(
            user=signed_in(request), tool_version=deployment.tool_version, site=deployment.site
        )
        # The admin's log line and its way back name the row that the service made.
        obj.__dict__.update(made.__dict__)

    @admin.action(description=_("Take out of use"))
    def retire(self, request: HttpRequest, queryset: QuerySet[Deployment]) -> None:
        for deployment in queryset.select_related("site__organization", "tool_version"):
            try:
                deployment_retire(user=signed_in(request), deployment=deployment)
            except DomainError as error:
                self.message_user(request, str(error.message), messages.WARNING)
