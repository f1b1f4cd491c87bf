"""Runs one tool on one slide: the same for the command line and for a job of the site."""

from inference.runner.job import JobSpec, run
from inference.runner.progress import Progress

__all__ = ["JobSpec", "Progress", "run"]
