"""The outbox of the embedded mode."""

from __future__ import annotations

from django.db import models


class OutboxMessage(models.Model):
    """A live message written by any process, delivered by the web process, then purged.

    no_pii: payloads hold uuids, codes and numbers.
    """

    topic = models.CharField(max_length=120)
    payload = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.topic} {self.pk}"
