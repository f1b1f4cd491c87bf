"""Slides in the admin panel: to look at, and to archive. Nothing is deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portrait_viewer.accounts.admin import ReadOnlyModelAdmin, signed_in
from portrait_viewer.accounts.models import User
from portrait_viewer.common.errors import DomainError
from portrait_viewer.slides.models import Slide
from portrait_viewer.slides.services import slide_archive


@admin.register(Slide)
class SlideAdmin(ReadOnlyModelAdmin):
    """Slides of the cases that the person may read."""

    list_display = ("label", "case", "stain", "state", "vendor", "size_bytes", "created_at")
    list_filter = ("state", "stain")
    list_select_related = ("case",)
    search_fields = ("label", "case__accession")
    actions = ("archive",)

    def visible_rows(self, user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(pk__in=Slide.objects.visible_to(user))

    @admin.action(description=_("Archive the selected slides"))
    def archive(self, request: HttpRequest, queryset: QuerySet[Slide]) -> None:
        """Archives what may be archived, and says what was not."""
        user = signed_in(request)
        done = 0
        for slide in queryset.select_related("case__site", "case__organization"):
            try:
                slide_archive(user=user, slide=slide)
            except DomainError as error:
                self.message_user(request, f"{slide}: {error.message}", messages.ERROR)
            else:
                done += 1
        if done:
            text = ngettext("%(n)d slide archived.", "%(n)d slides archived.", done)
            self.message_user(request, text % {"n": done}, messages.SUCCESS)
