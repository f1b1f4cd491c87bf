"""The base of all sockets: nobody joins a topic without the right to read it."""

from __future__ import annotations

from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from portrait_viewer.accounts.models import User
from portrait_viewer.realtime.outbox import READER

CLOSE_UNAUTHENTICATED = 4401
CLOSE_NOT_FOUND = 4404


class TopicConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Joins one topic after `authorise` says so, and relays what is published there."""

    topic: str

    def authorise(self, user: User) -> str | None:
        """Returns the topic this user may join, or None. Runs in a thread with the database."""
        raise NotImplementedError

    async def connect(self) -> None:
        user = self.scope.get("user")
        if not isinstance(user, User) or not user.is_active:
            await self.accept()
            await self.close(code=CLOSE_UNAUTHENTICATED)
            return
        topic = await database_sync_to_async(self.authorise)(user)
        await self.accept()
        if topic is None:
            await self.close(code=CLOSE_NOT_FOUND)
            return
        self.topic = topic
        READER.ensure_started()
        await self.channel_layer.group_add(topic, self.channel_name)
        # The browser refetches on this: what was published before it joined is in the database.
        await self.send_json({"type": "ready"})

    async def disconnect(self, code: int) -> None:
        if hasattr(self, "topic"):
            await self.channel_layer.group_discard(self.topic, self.channel_name)

    async def receive_json(self, content: Any, **_kwargs: Any) -> None:  # noqa: ANN401
        """A heartbeat is answered after the right is checked again: a grant may have ended."""
        if not isinstance(content, dict) or content.get("type") != "ping":
            return
        user = self.scope["user"]
        if await database_sync_to_async(self.authorise)(user) is None:
            await self.close(code=CLOSE_NOT_FOUND)
            return
        await self.send_json({"type": "pong"})

    async def push(self, event: dict[str, Any]) -> None:
        """Relays one published message."""
        await self.send_json(event["message"])
