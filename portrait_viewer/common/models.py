"""Abstract bases: `id` stays inside, `uuid` is what leaves the database."""

from __future__ import annotations

import uuid

from django.db import models


class UuidModel(models.Model):
    """A row that is named outside by a random uuid."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        abstract = True


class TimestampedModel(models.Model):
    """A row that knows when it was made and last changed (UTC)."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
