"""manage.py create_admin LOGIN: the first account that can give rights to others."""

from __future__ import annotations

import getpass
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DataError

from core.clock import database_now
from core.errors import DomainError
from people.services.persons import create_admin


class Command(BaseCommand):
    help = "Makes an administrator with rights everywhere. The password comes from ADMIN_PASSWORD or is asked."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("login")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = create_admin(username=options["login"], password=_password(), at=database_now())
        except DomainError as refusal:
            raise CommandError(str(refusal)) from None
        except DataError as fault:
            raise CommandError(f"The database does not take this login: {str(fault).splitlines()[0]}.") from None
        self.stdout.write(f"{user.username} is an administrator of the whole region.")


def _password() -> str:
    given = os.environ.get("ADMIN_PASSWORD")
    if given:
        return given
    if not sys.stdin.isatty():
        raise CommandError("Set ADMIN_PASSWORD, or run this in a terminal.")
    try:
        first = getpass.getpass("Password: ")
        again = getpass.getpass("Again: ")
    except (EOFError, KeyboardInterrupt):
        raise CommandError("No password was given; nothing was changed.") from None
    if first != again:
        raise CommandError("The two passwords differ.")
    return first
