"""Django app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    """Names the app; in a worker, connects its sign of life."""

    name = "portrait_viewer.operations"
    verbose_name = _("Operations")

    def ready(self) -> None:
        import_module("portrait_viewer.operations.worker_signs")
