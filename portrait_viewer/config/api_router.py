"""The API, version 1. Each app lists its own doors in `api_urls`."""

from django.urls import include, path

urlpatterns = [
    path("", include("portrait_viewer.cases.api_urls")),
    path("", include("portrait_viewer.slides.api_urls")),
    path("", include("portrait_viewer.tools.api_urls")),
    path("", include("portrait_viewer.analysis.api_urls")),
]
