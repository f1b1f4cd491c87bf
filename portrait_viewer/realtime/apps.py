"""Django app."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.realtime"
    verbose_name = "Portrait realtime"
