"""All sockets of the site."""

from django.urls import path

from portrait_viewer.viewer.consumers import CaseConsumer, SlideConsumer

websocket_urlpatterns = [
    path("ws/slides/<uuid:slide>/", SlideConsumer.as_asgi()),
    path("ws/cases/<uuid:case>/", CaseConsumer.as_asgi()),
]
