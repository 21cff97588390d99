"""A worker that dies in the middle of a rollup: python -m metrics.tests.worker JOB. The environment says after how many partitions, and which twin."""

import json
import os
import signal
import sys
from contextlib import contextmanager

import django
from django.conf import settings


def die_after(partitions):
    """Kill this process when so many partitions were stored, before their chunk commits."""
    from metrics.services import rollup

    stored, whole = [], rollup.store

    def store(found):
        rows = whole(found)
        stored.append(found)
        if len(stored) == partitions:
            os.kill(os.getpid(), signal.SIGKILL)
        return rows

    rollup.store = store


def built_before_stored():
    """The broken twin: each partition is said to be built, for all to see, before its rows are there."""
    from core.jobs.runner import Chunk, Run
    from metrics.models import Partition
    from metrics.services import rollup

    @contextmanager
    def chunk(self, done=0, cursor=None, total=None):
        from core.jobs import claims

        piece = Chunk(done, cursor, total)
        yield piece
        after = self.job.cursor if piece.cursor is None else piece.cursor
        claims.commit_progress(self.job, done=piece.done, cursor=after, total=piece.total, moved=True)
        self.job.cursor = after

    def store(found):
        Partition.objects.filter(day=found.day, city_id=found.city_id).update(
            built_at=found.read_at, recorded_until="2020-01-01T00:00Z"
        )
        if rollup.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    rollup.dies = True
    Run.chunk = chunk
    rollup.store = store


def main():
    settings.DATABASES["default"].update(json.loads(os.environ["WORKER_DATABASE"]))
    django.setup()
    from core.jobs import run_inline
    from metrics import jobs

    jobs.BATCH_SECONDS = 0
    if os.environ.get("WORKER_TWIN"):
        built_before_stored()
    else:
        die_after(int(os.environ["WORKER_DIES_AFTER"]))
    run_inline(int(sys.argv[1]))


if __name__ == "__main__":
    main()
