"""Which tools there are, and which a slide's site uses."""

from __future__ import annotations

import json
import uuid
from functools import lru_cache

from inference.errors import InputRefused
from inference.geometry import Mpp
from inference.tools import ToolManifest, check_input
from portrait_viewer.slides.models import Slide
from portrait_viewer.tools.models import Deployment, DeploymentState, ToolVersion


def manifest_of(version: ToolVersion) -> ToolManifest:
    """The typed manifest that was stored with the version."""
    return _parse(json.dumps(version.manifest, sort_keys=True))


@lru_cache(maxsize=256)
def _parse(text: str) -> ToolManifest:
    return ToolManifest.parse(text)


def deployments_for(slide: Slide) -> list[Deployment]:
    """The tools in use at the slide's site, by tool."""
    return list(
        Deployment.objects.filter(site=slide.case.site, state=DeploymentState.ACTIVE)
        .select_related("tool_version")
        .order_by("tool_id")
    )


def deployed_version(slide: Slide, version_uuid: uuid.UUID) -> ToolVersion | None:
    """The version, where the slide's site uses it now."""
    return ToolVersion.objects.filter(
        uuid=version_uuid,
        deployments__site=slide.case.site,
        deployments__state=DeploymentState.ACTIVE,
    ).first()


def refusal_of(version: ToolVersion, slide: Slide) -> InputRefused | None:
    """Why the tool does not apply to this slide; None where it does."""
    mpp = Mpp(slide.mpp_x, slide.mpp_y).mean if slide.mpp_x and slide.mpp_y else None
    try:
        check_input(manifest_of(version), stain=slide.stain, mpp=mpp)
    except InputRefused as error:
        return error
    return None
