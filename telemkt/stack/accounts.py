"""The demo accounts, as they are shown at the end of `make run`."""

import json

from telemkt.stack import home

COLUMNS = ("role", "login", "password", "language")
NONE = "No demo accounts here. To make an administrator: .venv/bin/python manage.py create_admin LOGIN\n"


def shown() -> str:
    """A table of what `make_demo` wrote, or what to do when there is no demo."""
    try:
        accounts = json.loads(home.accounts_file().read_text())
    except (OSError, ValueError):
        return NONE
    rows = [list(COLUMNS)] + [[str(account.get(name, "")) for name in COLUMNS] for account in accounts]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "".join(f"  {_line(row, widths)}\n" for row in rows)


def _line(row: list[str], widths: list[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
