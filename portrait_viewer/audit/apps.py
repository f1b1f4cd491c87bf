"""Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    """Names the app."""

    name = "portrait_viewer.audit"
    verbose_name = _("Audit trail")
