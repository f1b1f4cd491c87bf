"""`portrait restore FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from filelock import Timeout

from portrait_viewer.common.home_lock import serving_lock
from portrait_viewer.operations.backup import BackupError, backup_restore


class Command(BaseCommand):
    """Into an empty site, while it does not run."""

    help = "Brings a backup into an empty site; checks it whole before anything is written."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            with serving_lock():
                restored = backup_restore(options["file"])
        except Timeout:
            raise CommandError("Portrait is running on this home: stop it first.") from None
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{restored.files} files restored. Run `manage.py migrate` next.")
        for uuid in restored.missing_slides:
            self.stdout.write(f"The file of slide {uuid} is not here: copy it back.")
