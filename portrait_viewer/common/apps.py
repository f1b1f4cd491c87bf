"""Django app."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.common"
    verbose_name = "Portrait common"
