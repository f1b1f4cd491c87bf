"""The Celery application. The web process uses it only to send task names."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery
from kombu.entity import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portrait_viewer.config.settings.embedded")

from django.conf import settings

app = Celery("portrait")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in settings.CELERY_TASK_QUEUES_NAMES]  # type: ignore[no-untyped-call]
app.autodiscover_tasks()

for key in ("data_folder_in", "control_folder"):
    folder = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get(key)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
