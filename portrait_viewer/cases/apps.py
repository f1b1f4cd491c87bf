"""Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CasesConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.cases"
    verbose_name = _("Cases")
