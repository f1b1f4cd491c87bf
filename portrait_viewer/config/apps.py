"""The Django admin with Portrait's own site object."""

from django.contrib.admin.apps import AdminConfig


class PortraitAdminConfig(AdminConfig):
    """Replaces the default admin site by one that organisation admins may enter."""

    default_site = "portrait_viewer.config.admin.PortraitAdminSite"
