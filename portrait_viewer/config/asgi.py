"""The ASGI application: HTTP by Django, sockets by Channels (same origin, signed-in users)."""

import os
import tempfile

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portrait_viewer.config.settings.embedded")

from django.core.asgi import get_asgi_application

http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402

from portrait_viewer.common.body_limit import BodyLimit  # noqa: E402
from portrait_viewer.config.routing import websocket_urlpatterns  # noqa: E402

# Django spools a request's body where Python keeps temporary files: on the disk that is watched.
tempfile.tempdir = str(settings.UPLOADS_ROOT)

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(http),  # type: ignore[arg-type]
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)
