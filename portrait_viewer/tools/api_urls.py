"""API doors of tools."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
