"""API doors of tools."""

from django.urls import path

from portrait_viewer.tools import api

urlpatterns = [
    path("slides/<uuid:slide>/tools/", api.SlideTools.as_view(), name="api-slide-tools"),
]
