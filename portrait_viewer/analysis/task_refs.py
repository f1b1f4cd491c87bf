"""Names of the analyses' background tasks, by queue."""

from portrait_viewer.common.task_refs import TaskRef

JOB_RUN = {queue: TaskRef("analysis.job_run", queue=queue) for queue in ("cpu", "gpu")}
