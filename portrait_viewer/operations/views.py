"""Health, for whoever watches the site: no sign-in, nothing secret in the answers."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portrait_viewer.operations.health import ready_checks, status_of


@login_not_required
@never_cache
@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """This process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """The site can work: 200, also where it is only degraded; 503 where pages cannot."""
    checks = ready_checks()
    status = status_of(checks)
    body = {
        "status": status,
        "checks": {check.name: {"ok": check.ok, "text": check.text} for check in checks},
    }
    return JsonResponse(body, status=503 if status == "unavailable" else 200)
