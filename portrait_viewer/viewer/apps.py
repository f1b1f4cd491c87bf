"""Django app."""

from django.apps import AppConfig


class ViewerConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.viewer"
    verbose_name = "Portrait viewer"
