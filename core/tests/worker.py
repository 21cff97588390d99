"""A worker process for the tests that kill it: python -m core.tests.worker. Told by the environment what to do and when to pause."""

import json
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import django
from django.conf import settings

CHUNK = 10


def count_up(run):
    """Write each number below args["rows"] once into the table of effects."""
    from django.db import connection

    at = run.cursor.get("next", 0)
    while at < run.args["rows"]:
        end = min(at + CHUNK, run.args["rows"])
        with run.chunk(done=end - at, cursor={"next": end}, total=run.args["rows"]):
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO core_test_effect SELECT generate_series(%s, %s)", [at, end - 1])
            pause_at(end)
        at = end
        time.sleep(float(os.environ.get("WORKER_SLEEP", "0")))


def pause_at(end):
    """At the chunk named by the environment: say so, and wait for the word to go on."""
    if end != int(os.environ.get("WORKER_PAUSE_AT", "-1")):
        return
    Path(os.environ["WORKER_HERE"]).touch()
    until = time.monotonic() + 20
    while not Path(os.environ["WORKER_GO"]).exists() and time.monotonic() < until:
        time.sleep(0.01)


def without_fence():
    """The broken twin: progress is written whoever owns the job."""
    from core.jobs import claims
    from core.models import Job

    def commit_progress(job, *, done, cursor, total, moved):
        return Job.objects.filter(pk=job.pk).update(cursor=cursor) == 1

    claims.commit_progress = commit_progress


def without_transaction():
    """The other broken twin: effects commit by themselves, the cursor after them."""
    from core.jobs import claims
    from core.jobs.runner import Chunk, Run

    @contextmanager
    def chunk(self, done=0, cursor=None, total=None):
        piece = Chunk(done, cursor, total)
        yield piece
        after = self.job.cursor if piece.cursor is None else piece.cursor
        claims.commit_progress(self.job, done=piece.done, cursor=after, total=piece.total, moved=True)
        self.job.cursor = after

    Run.chunk = chunk


TWINS = {"": lambda: None, "without_fence": without_fence, "without_transaction": without_transaction}


def main():
    settings.DATABASES["default"].update(json.loads(os.environ["WORKER_DATABASE"]))
    django.setup()
    from core.jobs import handler, run_inline

    handler("test.count_up")(count_up)
    TWINS[os.environ.get("WORKER_TWIN", "")]()
    sys.exit(0 if run_inline(int(sys.argv[1])) else 3)


if __name__ == "__main__":
    main()
