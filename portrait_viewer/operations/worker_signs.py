"""A Celery worker's sign of life: given with each heartbeat of its main loop."""

from __future__ import annotations

from typing import Any

from celery.signals import heartbeat_sent, worker_ready, worker_shutdown

from portrait_viewer.operations import signs


@worker_ready.connect  # type: ignore[untyped-decorator]
def on_ready(sender: Any, **_: Any) -> None:  # noqa: ANN401
    signs.touch(_name(sender.hostname))


@heartbeat_sent.connect  # type: ignore[untyped-decorator]
def on_heartbeat(sender: Any, **_: Any) -> None:  # noqa: ANN401
    signs.touch(_name(sender.eventer.hostname))


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def on_shutdown(sender: Any, **_: Any) -> None:  # noqa: ANN401
    signs.remove(_name(sender.hostname))


def _name(hostname: str) -> str:
    return signs.WORKER + hostname.replace("/", "_")
