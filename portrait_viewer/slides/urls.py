"""Doors of slides: pictures."""

from django.urls import path

from portrait_viewer.slides import views

app_name = "slides"
urlpatterns = [
    path(
        "<uuid:slide>/tiles/<str:sha8>/<int:level>/<int:column>_<int:row>", views.tile, name="tile"
    ),
    path("<uuid:slide>/thumbnail/<str:sha8>/", views.thumbnail, name="thumbnail"),
    path("<uuid:slide>/label/", views.label, name="label"),
]
