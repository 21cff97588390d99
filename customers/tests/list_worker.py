"""A worker process for the tests that kill it in the middle of a list: python -m customers.tests.list_worker JOB."""

import json
import os
import sys
import time
from pathlib import Path

import django
from django.conf import settings

BATCH = 1_000


def pause_after(module, name, nth):
    """Behind the nth call of this function: say so, and wait to be killed."""
    work, calls = getattr(module, name), []

    def paused(*args, **options):
        result = work(*args, **options)
        calls.append(1)
        if len(calls) == nth:
            Path(os.environ["WORKER_HERE"]).touch()
            time.sleep(30)
        return result

    setattr(module, name, paused)


def commits_in_pieces():
    """The broken twin: what is stored so far is committed by itself."""
    from django.db import connection

    from customers.services import list_commit

    store = list_commit._store_new

    def stored(*args, **options):
        store(*args, **options)
        connection.connection.commit()

    list_commit._store_new = stored


def takes_back_in_pieces():
    """The broken twin: the numbers are gone by themselves before the customers are."""
    from django.db import connection

    from customers.services import list_undo

    execute = list_undo._execute

    def executed(statement, values):
        execute(statement, values)
        if statement.startswith("DELETE FROM customers_phone"):
            connection.connection.commit()

    list_undo._execute = executed


def main():
    settings.DATABASES["default"].update(json.loads(os.environ["WORKER_DATABASE"]))
    django.setup()
    from core.jobs import run_inline
    from core.tests.worker import TWINS
    from customers.services import list_check, list_commit, list_undo

    list_check.BATCH_ROWS = list_check.PART_ROWS = list_undo.CHUNK = BATCH
    places = {
        "copy": (list_check, "_copy", 2), "judge": (list_check, "_judge", 2), "store": (list_commit, "_store_new", 1), "delete": (list_undo, "_delete", 2),
    }  # fmt: skip
    own = {"commits_in_pieces": commits_in_pieces, "takes_back_in_pieces": takes_back_in_pieces}
    {**TWINS, **own}[os.environ.get("WORKER_TWIN", "")]()
    pause_after(*places[os.environ["WORKER_PAUSE"]])
    sys.exit(0 if run_inline(int(sys.argv[1])) else 3)


if __name__ == "__main__":
    main()
