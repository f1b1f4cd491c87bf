"""API doors of slides, and of cases with their slides."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portrait_viewer.accounts.models import User
from portrait_viewer.cases.selectors import block_get, case_get
from portrait_viewer.common.disk import ensure_room
from portrait_viewer.common.errors import PermissionRefused, TooLarge
from portrait_viewer.common.uploads import too_large_message
from portrait_viewer.slides import selectors, services
from portrait_viewer.slides.permissions import can_upload
from portrait_viewer.slides.serializers import (
    CaseWithSlidesSerializer,
    ResolutionSerializer,
    SlideSerializer,
    SlideUploadSerializer,
)

# Boundaries, field names and short fields around the file.
_FORM_BYTES = 64 * 1024


class CaseDetail(APIView):
    """One case."""

    @extend_schema(operation_id="case_get", responses=CaseWithSlidesSerializer)
    def get(self, request: Request, case: uuid.UUID) -> Response:
        user = cast("User", request.user)
        found = case_get(user, case)
        slides = selectors.slide_list(user, found)
        return Response(CaseWithSlidesSerializer(found, context={"slides": slides}).data)


class CaseSlides(APIView):
    """Where slides are added to a case."""

    parser_classes = (MultiPartParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Refuses before the body is parsed: the check of the CSRF token may read the form."""
        if request.method == "POST":
            self._admit(request, kwargs["case"])
        super().initial(request, *args, **kwargs)

    @staticmethod
    def _admit(request: Request, case_uuid: uuid.UUID) -> None:
        user = request._request.user  # noqa: SLF001 - DRF's own would parse the body first
        if not isinstance(user, User):
            return  # DRF refuses with its own words
        if not can_upload(user, case_get(user, case_uuid)):
            raise PermissionRefused("upload_refused", services.UPLOAD_REFUSED)
        text = request.META.get("CONTENT_LENGTH") or "0"
        length = int(text) if text.isdigit() else 0
        if length > settings.UPLOAD_MAX_BYTES + _FORM_BYTES:
            raise TooLarge("file_too_large", too_large_message())
        ensure_room(length)

    @extend_schema(
        operation_id="slide_upload",
        request={"multipart/form-data": SlideUploadSerializer},
        responses={201: SlideSerializer},
    )
    def post(self, request: Request, case: uuid.UUID) -> Response:
        user = cast("User", request.user)
        found = case_get(user, case)
        form = SlideUploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        slide = services.slide_upload(
            user=user,
            case=found,
            stain=given["stain"],
            block=block_get(found, given["block"]) if given["block"] else None,
            file=given["file"],
        )
        return Response(SlideSerializer(slide).data, status=status.HTTP_201_CREATED)


class SlideDetail(APIView):
    """One slide."""

    @extend_schema(operation_id="slide_get", responses=SlideSerializer)
    def get(self, request: Request, slide: uuid.UUID) -> Response:
        found = selectors.slide_get(cast("User", request.user), slide)
        return Response(SlideSerializer(found).data)


class SlideResolution(APIView):
    """The resolution of a slide whose file does not say it."""

    parser_classes = (JSONParser,)

    @extend_schema(
        operation_id="slide_set_resolution",
        request=ResolutionSerializer,
        responses=SlideSerializer,
    )
    def post(self, request: Request, slide: uuid.UUID) -> Response:
        user = cast("User", request.user)
        found = selectors.slide_get(user, slide)
        form = ResolutionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        changed = services.slide_set_resolution(
            user=user, slide=found, mpp=form.validated_data["mpp"]
        )
        return Response(SlideSerializer(changed).data)
