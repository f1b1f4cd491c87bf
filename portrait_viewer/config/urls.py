"""All doors of the site."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

urlpatterns = [
    path("", include("portrait_viewer.worklists.urls")),
    path("", include("portrait_viewer.accounts.urls")),
    path("slides/", include("portrait_viewer.slides.urls")),
    path("slides/", include("portrait_viewer.viewer.urls")),
    path("api/v1/", include("portrait_viewer.config.api_router")),
    path("admin/", admin.site.urls),
    path("health/", include("portrait_viewer.operations.urls")),
    path(
        "jsi18n/<str:language>/",
        login_not_required(JavaScriptCatalog.as_view(packages=["portrait_viewer.common"])),
        name="javascript-catalog",
    ),
]
