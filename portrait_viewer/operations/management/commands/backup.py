"""`portrait backup FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portrait_viewer.operations.backup import BackupError, backup_write


class Command(BaseCommand):
    """The site may go on running."""

    help = "Writes database, results, key and the list of slide files into one archive."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--slides", action="store_true", help="the slide files too (large)")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            count = backup_write(options["file"], slides=options["slides"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} files in {options['file']}. Keep it safe: it holds the key.")
