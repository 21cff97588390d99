"""manage.py: Django's commands with servers at hand, and one sentence instead of a traceback where none is."""

import os
import sys

from telemkt.stack import messages, migrations, servers, urls
from telemkt.stack.trouble import Trouble

# These never ask the database.
SERVERLESS = {
    "", "help", "version", "--help", "-h", "--version", "check", "collectstatic", "compilemessages", "diffsettings",
    "findstatic", "makemessages", "spectacular", "startapp",
}  # fmt: skip

NO_SUCH_TABLE = ("42P01", "42703")  # undefined_table, undefined_column


def run(argv: list[str]) -> int:
    """Carry out one command; returns the exit code."""
    name = argv[1] if len(argv) > 1 else ""
    try:
        if name not in SERVERLESS:
            servers.share_needed()
        messages.refresh()
        return _execute(argv)
    except (Trouble, urls.BadUrl) as trouble:
        print(trouble, file=sys.stderr)
        return 1


def _execute(argv: list[str]) -> int:
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError, ProgrammingError

    if argv[1:2] == ["migrate"]:
        migrations.wait_briefly()
    try:
        execute_from_command_line(argv)
    except ProgrammingError as error:
        if getattr(error.__cause__, "pgcode", "") not in NO_SUCH_TABLE:
            raise
        raise Trouble(
            "The tables are not made yet, or are older than this program: run manage.py migrate first."
        ) from error
    except OperationalError as error:
        if migrations.is_lock_timeout(error):
            raise Trouble(
                "A table was in use for too long. Nothing was changed by this step: start it again."
            ) from error
        if "postgres" in servers.needed():
            raise
        raise Trouble(_unreachable(error)) from error
    return 0


def _unreachable(error: Exception) -> str:
    reason = str(error).strip().splitlines()[0]
    where = urls.without_password(os.environ["DATABASE_URL"])
    return f"The database that DATABASE_URL names ({where}) did not do it: {reason}"
