"""A worker process for the test that kills it while it makes the leads of a data request: python -m campaigns.tests.request_worker JOB."""

import json
import os
import sys

import django
from django.conf import settings

PIECE = 10


def commits_in_pieces():
    """The broken twin: leads are committed by themselves, before the job says how far it is."""
    from django.db import connection

    from campaigns.services import allocation

    make = allocation.make_requested_leads

    def made(*args, **options):
        make(*args, **options)
        connection.connection.commit()

    allocation.make_requested_leads = made


def main():
    settings.DATABASES["default"].update(json.loads(os.environ["WORKER_DATABASE"]))
    django.setup()
    from campaigns.services import allocation, data_requests_filling
    from core.jobs import run_inline
    from customers.tests.list_worker import pause_after

    data_requests_filling.LEADS_AT_ONCE = PIECE
    {"": lambda: None, "commits_in_pieces": commits_in_pieces}[os.environ.get("WORKER_TWIN", "")]()
    pause_after(allocation, "make_requested_leads", 2)
    sys.exit(0 if run_inline(int(sys.argv[1])) else 3)


if __name__ == "__main__":
    main()
