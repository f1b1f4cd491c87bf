"""The audit trail."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models

from portrait_viewer.common.models import UuidModel


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Rows are added, and sealed once; nothing else."""

    def update(self, **_kwargs: Any) -> NoReturn:  # noqa: ANN401
        raise TypeError("The audit trail is append-only.")

    def delete(self) -> NoReturn:
        raise TypeError("The audit trail is append-only.")


class AuditEvent(UuidModel):
    """One read, change or signature.

    Rows are written in the transaction of the act they describe and sealed into the
    organisation's hash chain a few seconds later, in order of `id`.

    no_pii: rows hold uuids, never names; `details` holds codes and numbers only.
    """

    organization_uuid = models.UUIDField(null=True)  # null: the platform itself
    occurred_at = models.DateTimeField()
    actor_uuid = models.UUIDField(null=True)  # null: the system
    verb = models.CharField(max_length=60)  # "case.read", "slide.upload", "job.submit" ...
    object_type = models.CharField(max_length=60)
    object_uuid = models.UUIDField()
    case_uuid = models.UUIDField(null=True)
    details = models.JSONField(default=dict)
    # The seal: position in the organisation's chain and sha256 over the previous hash and this row.
    sequence = models.PositiveBigIntegerField(null=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization_uuid", "sequence"],
                name="audit_sequence_once_per_organization",
            ),
        ]
        indexes = [
            models.Index(fields=["organization_uuid", "-occurred_at"], name="audit_organization"),
            models.Index(fields=["case_uuid", "-occurred_at"], name="audit_case"),
            models.Index(fields=["sequence"], name="audit_unsealed"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.object_type} {self.object_uuid}"

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        if not self._state.adding:
            raise TypeError("The audit trail is append-only.")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:  # noqa: ANN401
        raise TypeError("The audit trail is append-only.")
