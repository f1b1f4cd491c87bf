"""One machine, a few users, no server to install: the default of `make run` (loopback only)."""

from portrait_viewer.config.settings.base import *  # noqa: F403
