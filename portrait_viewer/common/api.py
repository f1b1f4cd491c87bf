"""The one error shape of the API and the base class of its views."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from portrait_viewer.common.errors import DomainError


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Formats every refusal as `{code, message, details}`; a bug stays a 500."""
    if isinstance(error, DomainError):
        return Response(
            {"code": error.code, "message": str(error.message), "details": error.details},
            status=error.status,
        )
    response = drf_exception_handler(error, context)
    if response is None:
        return None
    response.data = _shape(error, response.data)
    return response


def _shape(error: Exception, data: Any) -> dict[str, Any]:  # noqa: ANN401
    if isinstance(error, exceptions.ValidationError):
        return {
            "code": "invalid",
            "message": _("Some values cannot be used: see the details."),
            "details": data if isinstance(data, dict) else {"errors": data},
        }
    if isinstance(error, Http404):
        return {"code": "not_found", "message": _("Not found."), "details": {}}
    if isinstance(error, PermissionDenied):
        return {"code": "permission_denied", "message": _("Not allowed."), "details": {}}
    code = str(getattr(error, "default_code", "error"))
    return {"code": code, "message": str(getattr(error, "detail", error)), "details": {}}
