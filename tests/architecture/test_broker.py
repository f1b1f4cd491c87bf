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
