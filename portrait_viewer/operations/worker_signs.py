"""A Celery worker's sign of life: given with each heartbeat of its main loop."""

from __future__ import annotations

from typing import Any

from celery.signals import heartbeat_sent, worker_init, worker_ready, worker_shutdown

from portrait_viewer.operations import signs


@worker_init.connect  # type: ignore[untyped-decorator]
def on_init(sender: Any, **_: Any) -> None:  # noqa: ANN401
    """A sign that a killed worker of this name left says other queues, and that it lives."""
    signs.remove(_name(sender.hostname))


@worker_ready.connect  # type: ignore[untyped-decorator]
def on_ready(sender: Any, **_: Any) -> None:  # noqa: ANN401
    _give(sender.hostname, sender.app)


@heartbeat_sent.connect  # type: ignore[untyped-decorator]
def on_heartbeat(sender: Any, **_: Any) -> None:  # noqa: ANN401
    _give(sender.eventer.hostname, sender.eventer.app)


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def on_shutdown(sender: Any, **_: Any) -> None:  # noqa: ANN401
    signs.remove(_name(sender.hostname))


def _give(hostname: str, app: Any) -> None:  # noqa: ANN401
    """With the queues it takes: a queue without a worker is what the site must notice."""
    signs.touch(_name(hostname), ",".join(sorted(app.amqp.queues.consume_from)))


def _name(hostname: str) -> str:
    return signs.WORKER + hostname.replace("/", "_")
