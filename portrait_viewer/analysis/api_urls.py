"""API doors of analyses."""

from django.urls import path

from portrait_viewer.analysis import api

urlpatterns = [
    path("slides/<uuid:slide>/jobs/", api.SlideJobs.as_view(), name="api-slide-jobs"),
    path("jobs/<uuid:job>/", api.JobDetail.as_view(), name="api-job"),
    path("jobs/<uuid:job>/cancel/", api.JobCancel.as_view(), name="api-job-cancel"),
    path("jobs/<uuid:job>/retry/", api.JobRetry.as_view(), name="api-job-retry"),
    path("overlays/<uuid:overlay>/data/", api.OverlayData.as_view(), name="api-overlay-data"),
]
