"""Slides as the API takes and gives them."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portrait_viewer.cases.models import Case
from portrait_viewer.cases.serializers import CaseSerializer
from portrait_viewer.common.text import local
from portrait_viewer.slides.models import Slide, Stain
from portrait_viewer.slides.selectors import VIEWABLE


class JobSummarySerializer(serializers.Serializer[Any]):
    """The newest job of one tool on a slide, as a badge."""

    tool = serializers.CharField()
    state = serializers.CharField()


class SlideSerializer(serializers.ModelSerializer[Slide]):
    """A slide.

    `jobs_summary` comes from above: an attribute `jobs_summary` on the slide, or a mapping from
    the slide's pk in the context under the same name; else it is empty.
    """

    case = serializers.UUIDField(source="case.uuid", read_only=True)
    stain_label = serializers.CharField(source="get_stain_display", read_only=True)
    state_label = serializers.CharField(source="get_state_display", read_only=True)
    thumbnail_url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField()
    reject_reason = serializers.SerializerMethodField()
    jobs_summary = serializers.SerializerMethodField()

    class Meta:
        model = Slide
        fields = (
            "uuid",
            "case",
            "label",
            "stain",
            "stain_label",
            "state",
            "state_label",
            "width",
            "height",
            "mpp_x",
            "mpp_y",
            "mpp_source",
            "objective_power",
            "vendor",
            "scanner",
            "level_count",
            "size_bytes",
            "thumbnail_url",
            "page_url",
            "reject_reason",
            "jobs_summary",
        )
        read_only_fields = fields

    def get_thumbnail_url(self, slide: Slide) -> str | None:
        if slide.state not in VIEWABLE or not slide.sha256:
            return None
        return reverse("slides:thumbnail", args=[slide.uuid, slide.sha256[:8]])

    def get_page_url(self, slide: Slide) -> str:
        return reverse("viewer:slide", args=[slide.uuid])

    def get_reject_reason(self, slide: Slide) -> str | None:
        return local(slide.reject_reason) or None

    @extend_schema_field(JobSummarySerializer(many=True))
    def get_jobs_summary(self, slide: Slide) -> list[dict[str, str]]:
        own = getattr(slide, "jobs_summary", None)
        if own is None:
            own = self.context.get("jobs_summary", {}).get(slide.pk, [])
        return list(own)


class CaseWithSlidesSerializer(CaseSerializer):
    """A case and its tray."""

    slides = serializers.SerializerMethodField()

    class Meta(CaseSerializer.Meta):
        fields = (*CaseSerializer.Meta.fields, "slides")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(SlideSerializer(many=True))
    def get_slides(self, _case: Case) -> Any:  # noqa: ANN401
        """The slides that the caller read from `visible_to`, given in the context."""
        return SlideSerializer(self.context["slides"], many=True, context=self.context).data


class SlideUploadSerializer(serializers.Serializer[Any]):
    """What a browser sends to add a slide."""

    file = serializers.FileField(allow_empty_file=True, max_length=None)
    stain = serializers.ChoiceField(choices=Stain.choices)
    block = serializers.UUIDField(required=False, allow_null=True, default=None)

    def to_internal_value(self, data: Any) -> Any:  # noqa: ANN401
        """A form sends an empty text where no block is chosen."""
        given = {name: data.get(name) for name in ("file", "stain") if name in data}
        if data.get("block"):
            given["block"] = data["block"]
        return super().to_internal_value(given)


class ResolutionSerializer(serializers.Serializer[Any]):
    """The resolution read on the scanner, in µm per pixel."""

    mpp = serializers.FloatField()
