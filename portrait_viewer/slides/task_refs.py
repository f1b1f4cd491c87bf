"""Names of the slides' background tasks."""

from portrait_viewer.common.task_refs import TaskRef

SLIDE_REGISTER = TaskRef("slides.register", queue="cpu")
