"""A browser's end of a WebSocket (`channels.testing` needs a server that is not installed)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from asgiref.testing import ApplicationCommunicator


class Socket(ApplicationCommunicator):
    """Connects to an ASGI application and speaks JSON text."""

    def __init__(
        self, app: Any, path: str, *, user: Any = None, headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        scope: dict[str, Any] = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "headers": list(headers),
            "subprotocols": [],
        }
        if user is not None:
            scope["user"] = user
        super().__init__(app, scope)

    async def connect(self) -> bool:
        """True where the application accepted."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(timeout=5)
        return bool(answer["type"] == "websocket.accept")

    async def send_json(self, content: Any) -> None:
        await self.send_input({"type": "websocket.receive", "text": json.dumps(content)})

    async def receive(self) -> Any:
        """The next message, or the code with which the socket was closed."""
        answer = await self.receive_output(timeout=5)
        return answer["code"] if answer["type"] == "websocket.close" else json.loads(answer["text"])

    async def disconnect(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=5)
