"""Doors of the worklist."""

from django.urls import path

from portrait_viewer.worklists import views

app_name = "worklists"
urlpatterns = [
    path("", views.worklist, name="mine"),
    path("cases/<uuid:case_uuid>/", views.case, name="case"),
    path("cases/<uuid:case_uuid>/assign/", views.assign, name="assign"),
]
