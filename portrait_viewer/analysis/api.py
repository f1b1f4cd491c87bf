"""API doors of analyses: jobs of a slide, one job, the bytes of an overlay."""

from __future__ import annotations

import uuid
from typing import cast

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portrait_viewer.accounts.models import User
from portrait_viewer.analysis import selectors, services
from portrait_viewer.analysis.models import Job
from portrait_viewer.analysis.permissions import can_run
from portrait_viewer.analysis.serializers import JobSerializer, JobSubmitSerializer
from portrait_viewer.common.errors import DomainError, NotFound, PermissionRefused
from portrait_viewer.slides.selectors import slide_get
from portrait_viewer.tools.selectors import deployed_version


class SlideJobs(APIView):
    """The analyses of a slide, and where one is started."""

    @extend_schema(operation_id="slide_jobs", responses=JobSerializer(many=True))
    def get(self, request: Request, slide: uuid.UUID) -> Response:
        user = cast("User", request.user)
        found = slide_get(user, slide)
        return _answer(user, selectors.job_list(user, found), many=True)

    @extend_schema(
        operation_id="job_submit", request=JobSubmitSerializer, responses={201: JobSerializer}
    )
    def post(self, request: Request, slide: uuid.UUID) -> Response:
        user = cast("User", request.user)
        found = slide_get(user, slide)
        if not can_run(user, found):
            raise PermissionRefused(
                "run_refused", _("Only people who work at this case's site can start an analysis.")
            )
        form = JobSubmitSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        version = deployed_version(found, form.validated_data["tool_version"])
        if version is None:
            raise DomainError(
                "tool_not_deployed",
                _("This tool, or this version of it, is not in use at the site any more. Reload."),
            )
        job = services.job_submit(
            user=user,
            slide=found,
            tool_version=version,
            parameters=form.validated_data["parameters"],
        )
        return _answer(user, selectors.job_get(user, job.uuid), status.HTTP_201_CREATED)


class JobDetail(APIView):
    """One analysis."""

    @extend_schema(operation_id="job_get", responses=JobSerializer)
    def get(self, request: Request, job: uuid.UUID) -> Response:
        user = cast("User", request.user)
        return _answer(user, selectors.job_get(user, job))


class JobCancel(APIView):
    """Stops an analysis."""

    @extend_schema(operation_id="job_cancel", request=None, responses=JobSerializer)
    def post(self, request: Request, job: uuid.UUID) -> Response:
        user = cast("User", request.user)
        services.job_cancel(user=user, job=selectors.job_get(user, job))
        return _answer(user, selectors.job_get(user, job))


class JobRetry(APIView):
    """Starts an analysis again that failed or was stopped."""

    @extend_schema(operation_id="job_retry", request=None, responses={201: JobSerializer})
    def post(self, request: Request, job: uuid.UUID) -> Response:
        user = cast("User", request.user)
        again = services.job_retry(user=user, job=selectors.job_get(user, job))
        return _answer(user, selectors.job_get(user, again.uuid), status.HTTP_201_CREATED)


class OverlayData(APIView):
    """The bytes of an overlay; they never change, so a browser keeps them."""

    @extend_schema(operation_id="overlay_data", responses={(200, "*/*"): OpenApiTypes.BINARY})
    def get(self, request: Request, overlay: uuid.UUID) -> HttpResponse:
        found = selectors.overlay_get(cast("User", request.user), overlay)
        headers = {
            "Cache-Control": "private, max-age=31536000, immutable",
            "ETag": f'"{found.sha256}"',
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return HttpResponse(status=304, headers=headers)
        try:
            data = selectors.overlay_path(found).read_bytes()
        except OSError as error:
            raise NotFound(
                "overlay_file_missing", _("The file of this layer is not here any more.")
            ) from error
        return HttpResponse(data, content_type="application/octet-stream", headers=headers)


def _answer(
    user: User, found: Job | list[Job], code: int = status.HTTP_200_OK, *, many: bool = False
) -> Response:
    jobs = found if isinstance(found, list) else [found]
    context = {
        "queue_positions": selectors.queue_positions(jobs),
        "can_run": bool(jobs) and can_run(user, jobs[0].slide),
    }
    return Response(JobSerializer(found, many=many, context=context).data, status=code)
