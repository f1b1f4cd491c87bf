"""`portrait verify`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portrait_viewer.operations.verification import site_problems


class Command(BaseCommand):
    """Prints one line per problem; exit code 1 where there is one."""

    help = "Checks the audit trail, the slide files and the results."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--checksums", action="store_true", help="read every slide file")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        count = 0
        for count, problem in enumerate(site_problems(checksums=options["checksums"]), start=1):  # noqa: B007
            self.stdout.write(problem)
        if count:
            raise CommandError(f"{count} problems.")
        self.stdout.write("Everything is whole.")
