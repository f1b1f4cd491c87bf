"""Doors of the viewer."""

from django.urls import path

from portrait_viewer.viewer import views

app_name = "viewer"
urlpatterns = [path("<uuid:slide_uuid>/", views.slide, name="slide")]
