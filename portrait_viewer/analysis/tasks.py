"""The analyses' background tasks: they bind names to functions, nothing else."""

from __future__ import annotations

from celery import shared_task

from portrait_viewer.analysis.execution import job_execute
from portrait_viewer.analysis.task_refs import JOB_RUN


@shared_task(  # type: ignore[untyped-decorator]
    name=JOB_RUN["cpu"].name, acks_late=True, ignore_result=True
)
def analysis_job_run(job_uuid: str) -> None:
    """Runs one job; idempotent. Celery's hard time limit ends a tool that no longer listens."""
    job_execute(job_uuid=job_uuid)
