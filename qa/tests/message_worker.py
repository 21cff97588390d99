"""A worker process for the tests that kill it while a message is with the sender: python -m qa.tests.message_worker JOB."""

import json
import os
import sys
import time
from pathlib import Path

import django
from django.conf import settings


class Sender:
    """Writes down that a message came, and answers no more in the process that is to be killed."""

    def send(self, *, phone, text):
        with Path(os.environ["WORKER_SENT"]).open("a") as sent:
            sent.write("came\n")
        Path(os.environ["WORKER_HERE"]).touch()
        time.sleep(float(os.environ.get("WORKER_SLEEP", "60")))


def hands_over_inside_the_booking():
    """The broken twin: the row says that the message is with the sender only when all has gone well."""
    from django.db import transaction

    from qa.services import survey_messages

    survey_messages.deliver = transaction.atomic(survey_messages.deliver)


def main():
    settings.DATABASES["default"].update(json.loads(os.environ["WORKER_DATABASE"]))
    settings.SURVEY_SENDER = "qa.tests.message_worker.Sender"
    django.setup()
    from core.jobs import run_inline

    {"": lambda: None, "inside": hands_over_inside_the_booking}[os.environ.get("WORKER_TWIN", "")]()
    sys.exit(0 if run_inline(int(sys.argv[1])) else 3)


if __name__ == "__main__":
    main()
