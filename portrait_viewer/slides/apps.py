"""Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SlidesConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.slides"
    verbose_name = _("Slides")
