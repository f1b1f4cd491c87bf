"""Django app."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.operations"
    verbose_name = "Portrait operations"
