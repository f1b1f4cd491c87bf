"""Delivers the outbox to the sockets of this web process (embedded mode)."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from portrait_viewer.realtime.models import OutboxMessage

logger = logging.getLogger(__name__)
KEPT = timedelta(minutes=5)


class OutboxReader:
    """Reads new rows in order of id and hands them to the in-memory channel layer."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._task: asyncio.Task[None] | None = None

    def ensure_started(self) -> None:
        """Starts the loop with the first socket; does nothing where Redis delivers."""
        if settings.REALTIME_OUTBOX and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        layer = get_channel_layer()
        while True:
            for topic, payload in await sync_to_async(self._read, thread_sensitive=False)():
                await layer.group_send(topic, {"type": "push", "message": payload})
            await asyncio.sleep(settings.REALTIME_OUTBOX_INTERVAL_S)

    def _read(self) -> list[tuple[str, dict[str, Any]]]:
        close_old_connections()
        try:
            if self._last is None:
                newest = OutboxMessage.objects.order_by("-id").values_list("id", flat=True).first()
                self._last = newest or 0
                return []
            rows = list(OutboxMessage.objects.filter(id__gt=self._last).order_by("id")[:500])
        except DatabaseError:
            logger.exception("The outbox could not be read; trying again.")
            return []
        if rows:
            self._last = rows[-1].pk
        return [(row.topic, row.payload) for row in rows]


def outbox_purge() -> int:
    """Deletes delivered rows older than five minutes; returns how many."""
    deleted, _ = OutboxMessage.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return deleted


READER = OutboxReader()
