"""Doing one job: a handler gets a Run, works in chunks, and can neither lose nor double what it does."""

from __future__ import annotations

import logging
import re
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.clock import database_now
from core.errors import DomainError
from core.jobs import claims
from core.jobs.registry import find_handler
from core.models import Job

logger = logging.getLogger(__name__)


Item = TypeVar("Item")
Result = TypeVar("Result")


class LostLease(Exception):
    """Somebody else owns the job now; whatever this worker did since its last commit is rolled back."""


class JobCancelled(Exception):
    """A person asked to stop. Raised between chunks; what was committed stays."""


class TryLater(Exception):
    """A handler's wish to be called again after a while, without counting it as a failure."""

    def __init__(self, after: timedelta) -> None:
        super().__init__(f"try later, after {after}")
        self.after = after


class Chunk:
    """What a chunk will write when it commits. May be changed inside the block, when the numbers are known only then."""

    def __init__(self, done: int, cursor: dict[str, Any] | None, total: int | None) -> None:
        self.done = done
        self.cursor = cursor
        self.total = total


class Run:
    """One attempt at one job, as its handler sees it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._lost = threading.Event()

    @property
    def args(self) -> dict[str, Any]:
        return self.job.args

    @property
    def cursor(self) -> dict[str, Any]:
        """Where the last committed chunk ended; {} at the very start. A handler goes on from here."""
        return self.job.cursor

    @property
    def done(self) -> int:
        return self.job.done

    @property
    def total(self) -> int | None:
        return self.job.total

    @property
    def attempt(self) -> int:
        return self.job.attempts

    def now(self) -> datetime:
        """The edge's reading of the database's clock."""
        return database_now()

    @contextmanager
    def chunk(
        self,
        done: int = 0,
        cursor: dict[str, Any] | None = None,
        total: int | None = None,
    ) -> Iterator[Chunk]:
        """One transaction: the effects of the block, `done` more units of work and the new cursor commit together or not at all.

        `done` counts the units of THIS chunk (it is added); `cursor` replaces the old one, None keeps it; `total` sets the
        whole, None keeps it. All three may be set on the yielded Chunk instead. Raises LostLease when another worker has
        taken the job over, JobCancelled when a stop was asked for.
        """
        self.check_cancelled()
        piece = Chunk(done, cursor, total)
        with transaction.atomic():
            yield piece
            after = self.job.cursor if piece.cursor is None else piece.cursor
            moved = after != self.job.cursor
            # last statement of the transaction: the row is locked for a moment only, so that a stop can be asked for meanwhile
            if not claims.commit_progress(self.job, done=piece.done, cursor=after, total=piece.total, moved=moved):
                raise LostLease(str(self.job))
        self.job.cursor = after
        self.job.done += piece.done
        self.job.total = self.job.total if piece.total is None else piece.total
        self.job.attempts = 1 if moved else self.job.attempts

    def each(
        self,
        items: Sequence[Item],
        work: Callable[[Item], Result],
        *,
        passed: tuple[type[Exception], ...] = (),
        on_fault: Callable[[Item], Any] | None = None,
    ) -> list[Result]:
        """`work(item)` for each, in a chunk of its own; what the work of each came to, without those that raised one of `passed`.

        An item that fails keeps none of the others waiting: `on_fault` is called for it in another chunk, and the first fault is raised when
        all have had their turn.
        """
        results: list[Result] = []
        faults: list[Exception] = []
        for item in items:
            try:
                with self.chunk(done=1, total=len(items)):
                    result = work(item)
                results.append(result)
            except (JobCancelled, LostLease):
                raise
            except passed:
                continue
            except Exception as fault:
                faults.append(fault)
                if on_fault is not None:
                    with self.chunk():
                        on_fault(item)
        if faults:
            raise faults[0]
        return results

    def progress(self, done: int, total: int | None = None) -> None:
        """Show how far work outside of chunks has come (absolute); also renews the lease."""
        changes = {"done": done} | ({} if total is None else {"total": total})
        if not claims._ours(self.job).update(lease_until=database_now() + claims.lease_of(self.job.kind), **changes):
            raise LostLease(str(self.job))
        self.job.done = done
        self.job.total = self.job.total if total is None else total

    def check_cancelled(self) -> None:
        """Raise JobCancelled when a stop was asked for, LostLease when the job is no longer ours."""
        row = Job.objects.filter(pk=self.job.pk).values("token", "state", "cancel_requested_at").first()
        if row is None or row["token"] != self.job.token or row["state"] != Job.State.RUNNING or self._lost.is_set():
            raise LostLease(str(self.job))
        if row["cancel_requested_at"] is not None:
            raise JobCancelled(str(self.job))


class Heartbeat:
    """Renews the lease from a thread of its own while the handler works, so that a long chunk is not taken for a dead worker."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name=f"job-{run.job.pk}-heartbeat")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self,
        kind: type | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()

    def _beat(self) -> None:
        pause = claims.lease_of(self.run.job.kind).total_seconds() / 3
        try:
            while not self._over.wait(pause):
                if not claims.renew_lease(self.run.job):
                    self.run._lost.set()
                    return
        except Exception:  # the database is away: the lease runs out and the fence decides
            logger.warning("job %s: the lease could not be renewed", self.run.job.pk)
        finally:
            connection.close()


def run_inline(job_id: int) -> bool:
    """Claim this job and do it in this process; False when it is not due or somebody else has it. Never raises for the job's own faults."""
    job = claims.claim(job_id)
    if job is None:
        return False
    run = Run(job)
    try:
        with Heartbeat(run):
            result = _work(run)
    except LostLease:
        logger.warning(
            "job %s (%s): taken over by another worker, nothing of the last chunk was stored",
            job.pk,
            job.kind,
        )
    except JobCancelled:
        claims.stop(job)
    except TryLater as wish:
        # not a try: a job that waits for days must not use up its claims by asking
        claims.put_back(job, after=wish.after, attempts=max(0, job.attempts - 1), claims=max(0, job.claims - 1))
    except DomainError as refusal:
        # a rule said no: asking again would not change the answer
        claims.die(job, reason=str(refusal))
    except Exception as error:
        logger.error("job %s (%s) failed: %s", job.pk, job.kind, reason_of(error))
        claims.fail(job, reason=reason_of(error))
    else:
        claims.finish(job, result or {})
    return True


def _work(run: Run) -> dict[str, Any] | None:
    found = find_handler(run.job.kind)
    if found is None:
        raise LookupError(_("No program here knows how to do %(kind)s.") % {"kind": run.job.kind})
    return found.work(run)


QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\([^)]*\)=\([^)]*\)")
DIGITS = re.compile(r"\d{5,}")


def reason_of(error: BaseException) -> str:
    """What went wrong and where, without the values: an exception's text may quote a person's name or number."""
    if isinstance(error, DomainError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].name}, {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno})" if frames else ""
    lines = str(error).strip().splitlines()
    text = DIGITS.sub("…", QUOTED.sub("…", lines[0]))[:300] if lines else ""
    return f"{type(error).__name__}: {text}{where}" if text else f"{type(error).__name__}{where}"
