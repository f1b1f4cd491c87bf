"""Doors of slides."""

from django.urls import URLPattern

app_name = "slides"
urlpatterns: list[URLPattern] = []
