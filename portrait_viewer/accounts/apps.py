"""Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.accounts"
    verbose_name = _("People and organisations")
