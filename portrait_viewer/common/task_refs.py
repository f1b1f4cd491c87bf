"""Names of background tasks, so that services never import task modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.db import transaction


@dataclass(frozen=True, slots=True)
class TaskRef:
    """The name of a Celery task and the queue it goes to."""

    name: str
    queue: str


def enqueue_on_commit(task: TaskRef, **kwargs: Any) -> None:  # noqa: ANN401
    """Sends the task once the surrounding transaction is committed (never before)."""
    transaction.on_commit(lambda: enqueue(task, **kwargs))


def enqueue(task: TaskRef, **kwargs: Any) -> None:  # noqa: ANN401
    """Sends the task now. Use it only where no transaction is open (the reaper)."""
    current_app.send_task(task.name, kwargs=kwargs, queue=task.queue)
