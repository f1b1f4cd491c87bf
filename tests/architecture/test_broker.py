"""Tasks go to this site's broker, whichever process sends them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "start",
    [
        "from portrait_viewer.config.asgi import application",
        "import django; django.setup()",  # a management command
    ],
)
def test_every_process_knows_the_broker(start: str) -> None:
    code = f"{start}\nfrom celery import current_app\nprint(current_app.main)"
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "portrait_viewer.config.settings.test"}
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
        check=False,
    )
    assert run.stdout.strip() == "portrait", run.stderr


def test_each_queue_has_a_way_of_its_own() -> None:
    """A worker of one queue must never be handed what was sent to another."""
    from portrait_viewer.config.celery import app  # noqa: PLC0415

    ways = {
        name: (queue.exchange.name, queue.routing_key) for name, queue in app.amqp.queues.items()
    }
    assert ways == {name: ("portrait", name) for name in ("slides", "cpu", "gpu")}
