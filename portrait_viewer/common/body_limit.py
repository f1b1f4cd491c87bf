"""Stops a request body before the server stores it.

Django under ASGI writes the whole body to a temporary file before any view, and any permission
check, runs. This wrapper stands in front: it refuses by Content-Length, counts what arrives
without one, and asks for disk space before a slide is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from django.conf import settings
from django.utils import translation

from portrait_viewer.common.disk import ensure_room
from portrait_viewer.common.errors import DomainError, TooLarge, Unavailable
from portrait_viewer.common.uploads import too_large_message

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Forms and JSON; a multipart upload carries this much around its file.
SMALL_BODY = 10 * 1024 * 1024
_FORM_BYTES = 64 * 1024
_UPLOAD = re.compile(r"/api/v1/cases/[0-9a-f-]{36}/slides/")


class BodyLimit:
    """ASGI application around another one."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {bytes(name).lower(): bytes(value) for name, value in scope["headers"]}
        is_upload = scope["method"] == "POST" and _UPLOAD.fullmatch(scope["path"]) is not None
        limit = settings.UPLOAD_MAX_BYTES + _FORM_BYTES if is_upload else SMALL_BODY
        try:
            _admit(headers, limit, is_upload=is_upload)
            await self._application(scope, _counted(receive, limit), send)
        except (TooLarge, Unavailable) as error:
            await _refuse(send, error, _language(headers))


def _admit(headers: dict[bytes, bytes], limit: int, *, is_upload: bool) -> None:
    text = headers.get(b"content-length", b"0")
    length = int(text) if text.isdigit() else 0
    if length > limit:
        raise TooLarge("file_too_large", "")
    # Twice: the server's own temporary copy and the upload taken out of it.
    if is_upload:
        ensure_room(2 * length)


def _counted(receive: Receive, limit: int) -> Receive:
    """Django reads the body before it answers, so nothing has been sent when this raises."""
    arrived = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > limit:
            raise TooLarge("file_too_large", "")
        return message

    return counted


def _language(headers: dict[bytes, bytes]) -> str:
    """Nobody is signed in yet at this point: the language cookie, else the default."""
    try:
        cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return settings.LANGUAGE_CODE
    chosen = cookies.get(settings.LANGUAGE_COOKIE_NAME)
    known = {code for code, _name in settings.LANGUAGES}
    return chosen.value if chosen and chosen.value in known else settings.LANGUAGE_CODE


async def _refuse(send: Send, error: DomainError, language: str) -> None:
    with translation.override(language):
        text = too_large_message() if isinstance(error, TooLarge) else str(error.message)
    body = json.dumps({"code": error.code, "message": text, "details": {}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
