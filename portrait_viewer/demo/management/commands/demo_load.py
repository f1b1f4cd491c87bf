"""`manage.py demo_load`: a small laboratory to look around in."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portrait_viewer.demo.home import DemoRefused
from portrait_viewer.demo.loader import WAIT_S, accounts_table, demo_load


class Command(BaseCommand):
    """Loads what is missing; a second call does nothing."""

    help = "Loads the demo laboratory into an empty loopback site; goes on where it was stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-download",
            action="store_true",
            help="use the folder PORTRAIT_DATA and phantoms only",
        )
        parser.add_argument(
            "--wait",
            type=float,
            default=WAIT_S,
            metavar="SECONDS",
            help="how long to wait for slides to be registered (default: %(default)s)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        try:
            demo_load(say=self._say, online=not options["no_download"], wait_s=options["wait"])
        except DemoRefused as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. What is loaded stays; `demo_load` goes on with the rest.", returncode=130
            ) from None
        for line in accounts_table():
            self._say(line)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
