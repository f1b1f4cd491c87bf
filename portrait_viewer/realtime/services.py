"""Publishing to browsers, on both stacks behind one function."""

from __future__ import annotations

import logging
from dataclasses import asdict

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

from portrait_viewer.realtime.messages import Message
from portrait_viewer.realtime.models import OutboxMessage

logger = logging.getLogger(__name__)


def publish_on_commit(topic: str, message: Message) -> None:
    """Sends the message to the topic's subscribers once the transaction is committed.

    Embedded: the row is part of the transaction, the web process delivers it. With Redis: sent
    after commit; a message lost on the way does no harm, the browser refetches on reconnect.
    """
    if settings.REALTIME_OUTBOX:
        OutboxMessage.objects.create(topic=topic, payload=asdict(message))
    else:
        transaction.on_commit(lambda: _send(topic, message))


def _send(topic: str, message: Message) -> None:
    layer = get_channel_layer()
    try:
        async_to_sync(layer.group_send)(topic, {"type": "push", "message": asdict(message)})
    except OSError:
        # Redis away: the truth is in the database and browsers refetch when they reconnect.
        logger.warning("Live message to %s was not delivered.", topic)
