"""The Django admin with Portrait's own site object, and the broker that tasks are sent to."""

from importlib import import_module

from django.contrib.admin.apps import AdminConfig


class PortraitAdminConfig(AdminConfig):
    """Replaces the default admin site by one that organisation admins may enter."""

    default_site = "portrait_viewer.config.admin.PortraitAdminSite"

    def ready(self) -> None:
        super().ready()
        # Every process knows the broker: without this a web process or a command sends its tasks
        # to Celery's default address, where nobody listens.
        import_module("portrait_viewer.config.celery")
