"""`manage.py housekeeper`: the site's own chores, round after round."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portrait_viewer.operations import signs
from portrait_viewer.operations.housekeeping import Housekeeper
from portrait_viewer.operations.interrupts import Interrupts


class Command(BaseCommand):
    """Runs until it is told to end; one per site."""

    help = "Re-queues interrupted jobs, seals the audit trail, purges delivered messages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then end")
        parser.add_argument("--every", type=float, default=10.0, metavar="SECONDS")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        housekeeper = Housekeeper()
        if options["once"]:
            failed = housekeeper.round()
            if failed:
                raise CommandError(f"Failed: {', '.join(sorted(failed))}. The log says why.")
            return
        with Interrupts() as interrupts:
            while not interrupts.asked():
                housekeeper.round()
                interrupts.asked(options["every"])
        signs.remove(signs.HOUSEKEEPER)
