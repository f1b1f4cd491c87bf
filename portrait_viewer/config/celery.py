"""The Celery application. The web process uses it only to send task names."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery
from kombu.entity import Exchange, Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portrait_viewer.config.settings.embedded")

from django.conf import settings

app = Celery("portrait")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Said in full: left to Celery, every queue is bound with the name of the default one.
app.conf.task_queues = [
    Queue(name, Exchange("portrait"), routing_key=name)  # type: ignore[no-untyped-call]
    for name in settings.CELERY_TASK_QUEUES_NAMES
]
app.autodiscover_tasks()

for key in ("data_folder_in", "control_folder"):
    folder = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get(key)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
