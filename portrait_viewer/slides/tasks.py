"""The slides' background tasks: they bind names to services, nothing else."""

from __future__ import annotations

from celery import shared_task

from portrait_viewer.imaging.guarded import WALL_S
from portrait_viewer.slides.services import slide_registration_run
from portrait_viewer.slides.task_refs import SLIDE_REGISTER


@shared_task(  # type: ignore[untyped-decorator]
    name=SLIDE_REGISTER.name,
    acks_late=True,
    ignore_result=True,
    soft_time_limit=WALL_S + 60,
    time_limit=WALL_S + 120,
)
def slides_register(slide_uuid: str) -> None:
    """Registers one slide; idempotent."""
    slide_registration_run(slide_uuid=slide_uuid)
