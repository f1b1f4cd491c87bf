"""Names of the slides' background tasks."""

from portrait_viewer.common.task_refs import TaskRef

# A queue of its own: a slide appears in seconds, however many analyses wait.
SLIDE_REGISTER = TaskRef("slides.register", queue="slides")
