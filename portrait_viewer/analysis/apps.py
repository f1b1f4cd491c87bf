"""Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AnalysisConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.analysis"
    verbose_name = _("Analyses")
