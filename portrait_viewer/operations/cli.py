"""Site commands of `portrait`: each is the management command of the same purpose."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def init(argv: Sequence[str]) -> int:
    """First organisation, site and administrator."""
    return _run("init_site", argv)


def backup(argv: Sequence[str]) -> int:
    """Everything but the slide files, in one archive."""
    return _run("backup", argv)


def restore(argv: Sequence[str]) -> int:
    """An archive into an empty site."""
    return _run("restore", argv)


def verify(argv: Sequence[str]) -> int:
    """Whether trail, slides and results are whole."""
    return _run("verify", argv)


def serve(argv: Sequence[str]) -> int:
    """The whole site on this machine."""
    return _run("serve", argv)


def health(argv: Sequence[str]) -> int:
    """Whether the processes of this site work."""
    return _run("health", argv)


def _run(command: str, argv: Sequence[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portrait_viewer.config.settings.embedded")
    from django.core.management import ManagementUtility  # noqa: PLC0415 - after the settings

    try:
        ManagementUtility([f"portrait {command}", command, *argv]).execute()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
            return 1
        return ended.code or 0
    return 0
