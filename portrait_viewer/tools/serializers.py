"""Tools as the API gives them, for one slide."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from inference.text import LocalText
from inference.tools import ParameterSpec
from portrait_viewer.common.text import local
from portrait_viewer.slides.models import Slide
from portrait_viewer.tools.models import Deployment
from portrait_viewer.tools.selectors import manifest_of, refusal_of


class ParameterChoiceSerializer(serializers.Serializer[Any]):
    """One value of a choice."""

    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class ParameterSerializer(serializers.Serializer[Any]):
    """A setting of the tool."""

    name = serializers.CharField()
    type = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    default = serializers.JSONField()
    min = serializers.FloatField(allow_null=True)
    max = serializers.FloatField(allow_null=True)
    unit = serializers.CharField(allow_blank=True)
    choices = ParameterChoiceSerializer(many=True)


class SlideToolSerializer(serializers.Serializer[Any]):
    """A tool in use at the slide's site, and whether it applies to the slide."""

    tool_version = serializers.UUIDField()
    tool_id = serializers.CharField()
    version = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    explanation = serializers.CharField()
    family = serializers.CharField()
    status = serializers.CharField()
    digest = serializers.CharField()
    queue = serializers.CharField()
    parameters = ParameterSerializer(many=True)
    accepted = serializers.BooleanField()
    refusal = serializers.CharField(allow_null=True)


def slide_tool(deployment: Deployment, slide: Slide) -> dict[str, Any]:
    """The content of `SlideToolSerializer` in the active language."""
    version = deployment.tool_version
    manifest = manifest_of(version)
    refusal = refusal_of(version, slide)
    return {
        "tool_version": version.uuid,
        "tool_id": version.tool_id,
        "version": version.version,
        "title": _text(manifest.title),
        "summary": _text(manifest.summary),
        "explanation": _text(manifest.explanation),
        "family": version.family,
        "status": manifest.status,
        "digest": version.digest,
        "queue": version.queue,
        "parameters": [_parameter(spec) for spec in manifest.parameters],
        "accepted": refusal is None,
        "refusal": _text(refusal.message) if refusal else None,
    }


def _parameter(spec: ParameterSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "type": spec.type,
        "label": _text(spec.label),
        "default": spec.default,
        "min": spec.min,
        "max": spec.max,
        "unit": spec.unit,
        "choices": [{"value": c.value, "label": _text(c.label)} for c in spec.choices],
    }


def _text(text: LocalText) -> str:
    return local(text.to_json())
