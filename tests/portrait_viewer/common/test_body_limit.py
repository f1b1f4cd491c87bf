"""A body that will not be taken is refused before it is stored."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

import pytest
from django.test import override_settings

from portrait_viewer.common import body_limit
from portrait_viewer.common.body_limit import SMALL_BODY, BodyLimit

UPLOAD = "/api/v1/cases/11111111-1111-1111-1111-111111111111/slides/"


class Site:
    """Stands for Django: reads the whole body, then answers."""

    def __init__(self) -> None:
        self.read = 0

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            self.read += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


async def send_body(
    path: str, chunks: list[bytes], *, announced: int | None = None, cookie: bytes = b""
) -> tuple[int, dict[str, Any] | None, Site]:
    site, sent = Site(), []
    headers = [(b"cookie", cookie)]
    if announced is not None:
        headers.append((b"content-length", str(announced).encode()))
    left = list(chunks)

    async def receive() -> MutableMapping[str, Any]:
        body = left.pop(0) if left else b""
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    await BodyLimit(site)(scope, receive, send)
    body = sent[1]["body"]
    return sent[0]["status"], json.loads(body) if body != b"ok" else None, site


async def test_an_ordinary_body_passes() -> None:
    status, _, site = await send_body("/login/", [b"x" * 100] * 3, announced=300)
    assert (status, site.read) == (200, 300)


async def test_a_long_form_is_refused_by_its_announced_length() -> None:
    status, body, site = await send_body("/login/", [b"x"], announced=SMALL_BODY + 1)
    assert (status, site.read) == (413, 0)
    assert body is not None
    assert (body["code"], set(body)) == ("file_too_large", {"code", "message", "details"})


async def test_a_body_without_length_is_counted() -> None:
    status, _, site = await send_body("/login/", [b"x" * (SMALL_BODY // 2)] * 5)
    assert status == 413
    assert site.read <= SMALL_BODY


@override_settings(UPLOAD_MAX_BYTES=50 * 1024 * 1024, MIN_FREE_BYTES=1)
async def test_slides_may_be_longer_up_to_the_sites_limit() -> None:
    status, _, _ = await send_body(UPLOAD, [b"x"], announced=20 * 1024 * 1024)
    assert status == 200
    status, _, site = await send_body(UPLOAD, [b"x"], announced=60 * 1024 * 1024)
    assert (status, site.read) == (413, 0)


@pytest.mark.parametrize(
    ("cookie", "words"),
    [(b"", None), (b"portrait_language=en", "nearly full"), (b"portrait_language=xx; ;", None)],
)
@override_settings(MIN_FREE_BYTES=2**60)
async def test_a_nearly_full_disk_takes_no_slide(cookie: bytes, words: str | None) -> None:
    status, body, site = await send_body(UPLOAD, [b"x"], announced=1000, cookie=cookie)
    assert (status, site.read) == (503, 0)
    assert body is not None
    assert body["code"] == "disk_full"
    assert words is None or words in body["message"]
    status, _, _ = await send_body("/login/", [b"x"], announced=1)
    assert status == 200


async def test_sockets_pass() -> None:
    seen = []

    async def site(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    await BodyLimit(site)({"type": "websocket"}, None, None)  # type: ignore[arg-type]
    assert seen == ["websocket"]
    assert body_limit.SMALL_BODY > 5 * 1024 * 1024
