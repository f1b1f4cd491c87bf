"""API doors of tools."""

from __future__ import annotations

import uuid
from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portrait_viewer.accounts.models import User
from portrait_viewer.slides.selectors import slide_get
from portrait_viewer.tools.selectors import deployments_for
from portrait_viewer.tools.serializers import SlideToolSerializer, slide_tool


class SlideTools(APIView):
    """The tools of the slide's site."""

    @extend_schema(operation_id="slide_tools", responses=SlideToolSerializer(many=True))
    def get(self, request: Request, slide: uuid.UUID) -> Response:
        found = slide_get(cast("User", request.user), slide)
        tools = [slide_tool(deployment, found) for deployment in deployments_for(found)]
        return Response(SlideToolSerializer(tools, many=True).data)
