"""API doors of slides."""

from django.urls import path

from portrait_viewer.slides import api

urlpatterns = [
    path("cases/<uuid:case>/", api.CaseDetail.as_view(), name="api-case"),
    path("cases/<uuid:case>/slides/", api.CaseSlides.as_view(), name="api-case-slides"),
    path("slides/<uuid:slide>/", api.SlideDetail.as_view(), name="api-slide"),
    path(
        "slides/<uuid:slide>/resolution/",
        api.SlideResolution.as_view(),
        name="api-slide-resolution",
    ),
]
