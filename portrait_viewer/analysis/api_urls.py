"""API doors of analysis."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
