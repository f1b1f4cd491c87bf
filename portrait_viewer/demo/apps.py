"""Django app."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.demo"
    verbose_name = "Portrait demo"
