"""`portrait init`: the first day of a real site."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portrait_viewer.accounts.models import OrganizationKind
from portrait_viewer.common.errors import DomainError
from portrait_viewer.operations.first_day import site_init


class Command(BaseCommand):
    """Asks for what is not given; a password is never part of the command line."""

    help = "Makes the first organisation, site and administrator. No demo data."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization")
        parser.add_argument("--kind", choices=OrganizationKind.values, default="centre")
        parser.add_argument("--site")
        parser.add_argument("--username")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )
        parser.add_argument("--platform-admin", action="store_true", help="manages all sites too")
        parser.add_argument("--deploy-tools", action="store_true", help="put all tools into use")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401
        named = {
            name: options[name] or input(f"{question}: ").strip()
            for name, question in (
                ("organization", "Organisation"),
                ("site", "Site"),
                ("username", "User name of the administrator"),
            )
        }
        try:
            user = site_init(
                **named,
                kind=options["kind"],
                password=_password(from_stdin=options["password_stdin"]),
                platform_admin=options["platform_admin"],
                deploy_tools=options["deploy_tools"],
            )
        except DomainError as error:
            raise CommandError(str(error.message)) from error
        self.stdout.write(f"{named['organization']} is ready. Sign in as {user.username}.")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Password, again: ") != password:
        raise CommandError("The two passwords differ: nothing was made.")
    return password
