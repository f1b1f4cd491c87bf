"""Jobs and their results as the API gives them, in the reader's language."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from portrait_viewer.analysis.models import ACTIVE, Finding, Job, JobState, Overlay, Score
from portrait_viewer.common.text import local


class JobSubmitSerializer(serializers.Serializer[Any]):
    """What to run."""

    tool_version = serializers.UUIDField()
    parameters = serializers.DictField(required=False, default=dict)


class ScoreSerializer(serializers.ModelSerializer[Score]):
    """A number with all that is needed to read it."""

    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    interval = serializers.SerializerMethodField()
    category = serializers.SerializerMethodField()
    thresholds = serializers.SerializerMethodField()
    interpretation = serializers.SerializerMethodField()
    details = serializers.SerializerMethodField()

    class Meta:
        model = Score
        fields = (
            "key",
            "label",
            "value",
            "unit",
            "n",
            "interval",
            "category",
            "thresholds",
            "interpretation",
            "details",
        )

    def get_label(self, score: Score) -> str:
        return local(score.payload["label"])

    def get_interval(self, score: Score) -> dict[str, Any] | None:
        found: dict[str, Any] | None = score.payload.get("interval")
        return found

    def get_category(self, score: Score) -> dict[str, str] | None:
        found = score.payload.get("category")
        return {"code": found["code"], "label": local(found["label"])} if found else None

    def get_thresholds(self, score: Score) -> list[float]:
        return list(score.payload.get("thresholds", []))

    def get_interpretation(self, score: Score) -> str:
        return local(score.payload.get("interpretation"))

    def get_details(self, score: Score) -> dict[str, Any]:
        return dict(score.payload.get("details", {}))


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """Something located; geometry in level-0 px."""

    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    geometry = serializers.SerializerMethodField()
    region = serializers.SerializerMethodField()
    properties = serializers.SerializerMethodField()

    class Meta:
        model = Finding
        fields = ("key", "kind", "label", "score", "geometry", "region", "properties")

    def get_label(self, finding: Finding) -> str:
        return local(finding.payload["label"])

    def get_geometry(self, finding: Finding) -> dict[str, Any] | None:
        found: dict[str, Any] | None = finding.payload.get("geometry")
        return found

    def get_region(self, finding: Finding) -> Any:  # noqa: ANN401
        return finding.payload.get("region")

    def get_properties(self, finding: Finding) -> dict[str, Any]:
        return dict(finding.payload.get("properties", {}))


def overlay_json(overlay: Overlay) -> dict[str, Any]:
    """An overlay's description: the tool's own fields, labels in the active language."""
    payload = {
        name: value
        for name, value in overlay.payload.items()
        if name not in {"id", "file", "bytes", "label", "sha256"}
    }
    if "classes" in payload:
        payload["classes"] = [
            {**one, "label": local(one["label"])} for one in overlay.payload["classes"]
        ]
    return payload | {
        "uuid": str(overlay.uuid),
        "key": overlay.key,
        "kind": overlay.kind,
        "label": local(overlay.payload["label"]),
        "url": reverse("api-overlay-data", args=[overlay.uuid]),
        "size_bytes": overlay.size_bytes,
        "sha256": overlay.sha256,
    }


class JobSerializer(serializers.ModelSerializer[Job]):
    """A job; the context gives `queue_positions` (by pk) and `can_run`."""

    slide = serializers.UUIDField(source="slide.uuid", read_only=True)
    tool_version = serializers.UUIDField(source="tool_version.uuid", read_only=True)
    tool_id = serializers.CharField(source="tool_version.tool_id", read_only=True)
    tool_title = serializers.SerializerMethodField()
    version = serializers.CharField(source="tool_version.version", read_only=True)
    digest = serializers.CharField(source="tool_version.digest", read_only=True)
    status = serializers.SerializerMethodField()
    state_label = serializers.CharField(source="get_state_display", read_only=True)
    queue_position = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    can_cancel = serializers.SerializerMethodField()
    can_retry = serializers.SerializerMethodField()
    scores = ScoreSerializer(many=True)
    findings = FindingSerializer(many=True)
    overlays = serializers.SerializerMethodField()
    messages = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields = (
            "uuid",
            "slide",
            "tool_version",
            "tool_id",
            "tool_title",
            "version",
            "digest",
            "status",
            "state",
            "state_label",
            "stage",
            "fraction",
            "rate_per_s",
            "queue_position",
            "attempt",
            "parameters",
            "error",
            "queued_at",
            "started_at",
            "finished_at",
            "device",
            "can_cancel",
            "can_retry",
            "scores",
            "findings",
            "overlays",
            "messages",
        )
        read_only_fields = fields

    def get_tool_title(self, job: Job) -> str:
        return local(job.tool_version.manifest["title"])

    def get_status(self, job: Job) -> str:
        return str(job.tool_version.manifest["status"])

    def get_queue_position(self, job: Job) -> int | None:
        found: int | None = self.context["queue_positions"].get(job.pk)
        return found

    def get_error(self, job: Job) -> dict[str, str] | None:
        if not job.error_code:
            return None
        return {"code": job.error_code, "message": local(job.error_message)}

    def get_can_cancel(self, job: Job) -> bool:
        going = job.state in ACTIVE and job.cancel_requested_at is None
        return going and bool(self.context["can_run"])

    def get_can_retry(self, job: Job) -> bool:
        ended = job.state in {JobState.FAILED, JobState.CANCELLED}
        return ended and bool(self.context["can_run"])

    def get_overlays(self, job: Job) -> list[dict[str, Any]]:
        return [overlay_json(overlay) for overlay in job.overlays.all()]

    def get_messages(self, job: Job) -> list[str]:
        return [local(text) for text in job.messages]
