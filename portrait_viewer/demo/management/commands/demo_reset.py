"""`manage.py demo_reset`: wipes the demo to start afresh."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portrait_viewer.demo.home import DemoRefused
from portrait_viewer.demo.reset import demo_check_reset, demo_wipe


class Command(BaseCommand):
    """Asks first, unless told `--yes`."""

    help = "Deletes the demo's database, slides and results; only in a home that the demo made."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            demo_check_reset()
            if not options["yes"] and not self._agreed():
                self.stdout.write("Nothing was deleted.")
                return
            demo_wipe()
        except DemoRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write("The demo is gone. `make run` makes a new one.")

    @staticmethod
    def _agreed() -> bool:
        question = f"Delete the demo in {settings.PORTRAIT_HOME}? [y/N] "
        return input(question).strip().lower() in {"y", "yes", "o", "oui"}
