"""Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WorklistsConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.worklists"
    verbose_name = _("Worklists")
