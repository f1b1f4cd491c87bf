"""Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ToolsConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.tools"
    verbose_name = _("AI tools")
