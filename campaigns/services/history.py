"""Bringing in the call history of another dialer: receive, check, import, give up. The long work is done by a job."""

from __future__ import annotations

import io
import os
from datetime import datetime, timedelta
from typing import IO, Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from campaigns import rules
from campaigns.models import CallImport, CallVerdict, Disposition, StagedCall
from campaigns.reading.cleaning import COLUMNS
from campaigns.services import history_judging, history_making, history_storing
from campaigns.signals import calls_imported
from campaigns.wording import file_fault_sentence
from core.audit import audit
from core.calendar import region_zone
from core.errors import DomainError, PermissionRefused
from core.files import path_of, store
from core.jobs import JobCancelled, Run, TryLater, enqueue
from core.models import Job, PrivateFile
from core.partitions import ensure_partitions
from core.sealed import key_ring
from customers.reading import formats, limits
from customers.reading.faults import FileFault
from customers.reading.parent import Reader
from people.models import User

FILE_KIND = "campaigns.call_history"
KEEP_FILE = timedelta(days=7)
KEEP_ROWS = timedelta(days=30)
SYSTEM = "dialer"
BATCH_ROWS = 20_000
PIECE_ROWS = 25_000
COPY = f"COPY campaigns_stagedcall ({', '.join(COLUMNS)}) FROM STDIN"
Status = CallImport.Status
READS = (Status.WAITING, Status.CHECKING)


class FileRefused(DomainError):
    """The file is no call history that can be taken."""


class ImportIsOver(DomainError):
    """The import is not in a state in which that can be done."""


# ---------------------------------------------------------------- verbs


def receive_calls(
    *,
    file: IO[bytes],
    file_name: str,
    makes_missing: bool,
    imports_at_once: bool,
    by: User,
    at: datetime,
    system: str = SYSTEM,
) -> CallImport:
    """Take a file and have it checked in the background (and imported, when nobody is to look first); returns the import with its `job_id`.

    Raises FileRefused, PermissionRefused, DiskFull.
    """
    check_rights(by, makes_missing)
    kind = _examine(file)
    name = os.path.basename(file_name) or "calls"
    stored = store(name=name, stream=file, kind=FILE_KIND, by=by, at=at, keep_for=KEEP_FILE, limit=limits.FILE_BYTES)
    with transaction.atomic():
        call_import = CallImport.objects.create(
            name=name[:120],
            system=(system.strip() or SYSTEM)[:40],
            file_id=stored.pk,
            creates_missing=makes_missing,
            imports_at_once=imports_at_once,
            created_by=by,
            created_at=at,
            mapping={"format": kind.kind, "encoding": kind.encoding, "delimiter": kind.delimiter},
        )
        _enqueue(call_import, "check", by)
        audit("campaigns.calls.received", call_import, by=by, at=at, bytes=stored.size, makes_missing=makes_missing)
    return call_import


@transaction.atomic
def start_import(*, call_import: CallImport, by: User, at: datetime) -> Job:
    """Bring in the good rows of a checked file, or the rest of one that was stopped, in the background; asked twice it is one job.

    Raises ImportIsOver, PermissionRefused.
    """
    check_rights(by, call_import.creates_missing)
    call_import = CallImport.objects.select_for_update(of=("self",)).get(pk=call_import.pk)
    if call_import.status == Status.IMPORTING and not can_start(call_import):
        return Job.objects.get(pk=call_import.job_id or 0)
    if not can_start(call_import):
        raise ImportIsOver(_("Only a file that was checked, and not yet imported, can be imported."))
    call_import.status, call_import.imported_by = Status.IMPORTING, by
    call_import.save(update_fields=["status", "imported_by"])
    audit("campaigns.calls.import_asked", call_import, by=by, at=at)
    # each start is a job of its own: one that was stopped stays in the list as it ended
    return _enqueue(call_import, f"import:{call_import.job_id or 0}", by)


def can_start(call_import: CallImport) -> bool:
    """Checked, or stopped before its end; also one whose job was stopped while it waited, which could not say so itself."""
    if call_import.status == Status.IMPORTING:
        return Job.objects.filter(pk=call_import.job_id or 0, state=Job.State.CANCELLED).exists()
    return call_import.status in (Status.CHECKED, Status.PARTLY)


@transaction.atomic
def give_up(*, call_import: CallImport, by: User, at: datetime) -> None:
    """Do not import a checked file; its rows go. Raises ImportIsOver, PermissionRefused."""
    check_rights(by, makes_missing=False)
    call_import = CallImport.objects.select_for_update(of=("self",)).get(pk=call_import.pk)
    if call_import.status != Status.CHECKED:
        raise ImportIsOver(_("Only a file that was checked, and not yet imported, can be given up."))
    StagedCall.objects.filter(call_import=call_import).delete()
    call_import.status = Status.CANCELLED
    call_import.save(update_fields=["status"])
    audit("campaigns.calls.given_up", call_import, by=by, at=at)


def check_rights(by: User, makes_missing: bool) -> None:
    if not rules.can_import_calls(by):
        raise PermissionRefused(_("Only the data team brings in calls of another dialer."))
    if makes_missing and not rules.can_make_missing(by):
        raise PermissionRefused(_("What is missing can only be made by those who work for the whole region."))


def _examine(file: IO[bytes]) -> formats.Format:
    size = file.seek(0, os.SEEK_END)
    if size > limits.FILE_BYTES:
        raise FileRefused(
            _("The file is larger than %(limit)s MB. Split it into several files.")
            % {"limit": limits.FILE_BYTES // limits.MB}
        )
    try:
        return formats.examine(file)
    except FileFault as fault:
        raise FileRefused(file_fault_sentence(fault.code, fault.detail)) from None


def _may_store(run: Run, call_import: CallImport) -> bool:
    """The newest job of the import, and one that was to store: a check done twice still waits for somebody to look."""
    return call_import.job_id == run.job.pk and (call_import.imports_at_once or ":import:" in run.job.key)


def _enqueue(call_import: CallImport, step: str, by: User) -> Job:
    job = enqueue(
        kind="campaigns.import_calls", key=f"{call_import.pk}:{step}", args={"call_import": call_import.pk}, by=by
    )
    call_import.job_id = job.pk
    call_import.save(update_fields=["job_id"])
    return job


# ---------------------------------------------------------------- the job


def import_calls(run: Run) -> dict[str, Any]:
    """Read, judge and, when asked for, store; goes on from where it ended. What is wrong with the file itself is kept with the import."""
    call_import = CallImport.objects.select_related("created_by").get(pk=run.args["call_import"])
    if call_import.status in (Status.CHECKED, Status.PARTLY) and _may_store(run, call_import):
        call_import.status = Status.IMPORTING  # stopped, and asked for again from the list of jobs
        call_import.save(update_fields=["status"])
    try:
        if call_import.status in READS:
            _check(run, call_import)
        if call_import.status == Status.IMPORTING:
            _store(run, call_import)
    except FileFault as fault:
        _fail(run, call_import, fault)
    except JobCancelled:
        _stop(run, call_import)
        raise
    call_import.refresh_from_db()
    return {"rows": call_import.row_count, **call_import.counts}


@transaction.atomic
def _stop(run: Run, call_import: CallImport) -> None:
    """Stopped while it was read: given up, nothing was stored. Stopped while it was stored: what is stored stays and is told, and the
    rows are judged anew, so that the rest, which can still be asked for, is what counts as new."""
    at = run.now()
    call_import = CallImport.objects.select_for_update(of=("self",)).get(pk=call_import.pk)
    if call_import.status != Status.IMPORTING:
        CallImport.objects.filter(pk=call_import.pk, status__in=READS).update(status=Status.CANCELLED)
        return
    stored = CallVerdict.objects.filter(
        call_import=call_import, verdict__in=["new", "cancellation"], row_no__lte=int(run.cursor.get("stored", 0))
    ).count()
    call_import.imported_at = at if stored else call_import.imported_at
    call_import.status = Status.PARTLY if call_import.imported_at else Status.CHECKED
    call_import.counts = history_judging.judge(call_import, makes_missing=call_import.creates_missing, at=at)
    call_import.save(update_fields=["status", "counts", "imported_at"])
    audit(
        "campaigns.calls.import_stopped", call_import, by=call_import.imported_by or call_import.created_by, at=at, stored=stored,
        left=call_import.counts["new"] + call_import.counts["cancellation"],
    )  # fmt: skip
    if stored:
        _announce(call_import)


def _check(run: Run, call_import: CallImport) -> None:
    if not run.cursor.get("staged"):
        _stage(run, call_import)
    goes_on = call_import.imports_at_once
    with run.chunk(cursor={"staged": True, "judged": True}):
        counts = history_judging.judge(call_import, makes_missing=call_import.creates_missing, at=run.now())
        call_import.status = Status.IMPORTING if goes_on else Status.CHECKED
        call_import.counts, call_import.checked_at = counts, run.now()
        call_import.row_count = sum(number for number in counts.values() if isinstance(number, int))
        call_import.imported_by = call_import.created_by if goes_on else None
        call_import.save(update_fields=["status", "counts", "checked_at", "row_count", "imported_by"])


def _stage(run: Run, call_import: CallImport) -> None:
    last = int(run.cursor.get("row", 0))
    if not last:
        with run.chunk(cursor={"row": 0}):
            StagedCall.objects.filter(call_import=call_import).delete()
            CallImport.objects.filter(pk=call_import.pk).update(status=Status.CHECKING)
    with Reader(_orders(call_import, last), module="campaigns.reading.child") as reader:
        for batch in reader.batches(BATCH_ROWS):
            with (
                run.chunk(done=batch.count, cursor={"row": batch.last_row}, total=reader.headings.get("total")),
                connection.cursor() as cursor,
            ):
                cursor.copy_expert(COPY, io.BytesIO(b"".join(batch.lines)), 1 << 18)
            last = batch.last_row
    with run.chunk(cursor={"row": last, "staged": True}, total=run.done):
        pass


def _orders(call_import: CallImport, skip: int) -> dict[str, Any]:
    """What the reading process is told. It gets no access to anything but the file and the keys."""
    stored = PrivateFile.objects.filter(pk=call_import.file_id or 0, destroyed_at=None).first()
    if stored is None or not path_of(stored).exists():
        raise FileFault("file_gone")
    key_ring()  # made here at first use: the process may not write files
    return {
        **call_import.mapping,
        "path": str(path_of(stored)),
        "import_id": call_import.pk,
        "skip": skip,
        "zone": str(region_zone()),
        "results": result_names(),
        "keys_dir": str(settings.KEYS_DIR),
        "country": getattr(settings, "REGION_COUNTRY", "CN"),
    }


def result_names() -> dict[str, str]:
    """Everything a file may call a common result, to its code."""
    found: dict[str, str] = {}
    for code, *labels in Disposition.objects.common().values_list("code", "label", "label_zh"):
        found |= {label.casefold(): code for label in (code, *labels) if label}
    return found


def _fail(run: Run, call_import: CallImport, fault: FileFault) -> None:
    """The file cannot be taken: nothing of it stays staged."""
    with run.chunk(cursor={"fault": fault.code}):
        StagedCall.objects.filter(call_import=call_import).delete()
        CallImport.objects.filter(pk=call_import.pk).update(
            status=Status.FAILED, fault=fault.code, fault_detail=fault.detail, checked_at=run.now()
        )


# ---------------------------------------------------------------- storing


def _store(run: Run, call_import: CallImport) -> None:
    if not run.cursor.get("ready"):
        _make_ready(run, call_import)
    for above, upto, rows in _pieces(call_import, int(run.cursor.get("stored", 0))):
        with run.chunk(done=rows, cursor={"ready": True, "stored": upto}):
            stored = history_storing.store_piece(call_import, above=above, upto=upto, at=run.now())
            if stored != _expected(call_import, above, upto):
                _note_lost(call_import, above, upto)
    with run.chunk(cursor={"ready": True, "over": True}):
        _finish(call_import, run.now())


def _make_ready(run: Run, call_import: CallImport) -> None:
    """Months, and whatever the rows name that is not there; then the rows are judged by what is there now."""
    _ensure_months(call_import)
    rows = CallVerdict.objects.filter(call_import=call_import, verdict__in=["new", "cancellation"]).count()
    is_fresh = bool(run.cursor.get("judged"))  # judged by this very job, nobody looked at it in between
    with run.chunk(cursor={"ready": True, "stored": 0}, total=run.done + rows):
        at = run.now()
        if call_import.creates_missing:
            call_import.made = history_making.make_missing(call_import, at=at)
        if any(call_import.made.values()) or not is_fresh:
            call_import.counts = history_judging.judge(call_import, makes_missing=False, at=at)
        call_import.save(update_fields=["made", "counts"])


def _ensure_months(call_import: CallImport) -> None:
    """The month partitions of every date in the file. A reader of the whole table in the way: later."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT date_trunc('month', s.started_at AT TIME ZONE %s)::date FROM campaigns_stagedcall s"
            " JOIN campaigns_callverdict v USING (call_import_id, row_no) WHERE s.call_import_id = %s AND v.verdict = 'new' ORDER BY 1",
            [str(region_zone()), call_import.pk],
        )
        months = [row[0] for row in cursor.fetchall()]
    try:
        for month in months:
            for parent in ("campaigns_call", "customers_contact"):
                ensure_partitions(parent, month, 1)
    except OperationalError:
        raise TryLater(timedelta(seconds=5)) from None


def _pieces(call_import: CallImport, above: int) -> list[tuple[int, int, int]]:
    """(above, upto, rows) of what is still to be stored, about PIECE_ROWS each, in the order of the file."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(row_no), count(*) FROM (SELECT row_no, (row_number() OVER (ORDER BY row_no) - 1) / %s AS piece FROM campaigns_callverdict"
            " WHERE call_import_id = %s AND verdict IN ('new', 'cancellation') AND row_no > %s) x GROUP BY piece ORDER BY 1",
            [PIECE_ROWS, call_import.pk, above],
        )
        ends = cursor.fetchall()
    return [
        (start, end, rows) for start, (end, rows) in zip([above, *(end for end, _rows in ends)], ends, strict=False)
    ]


def _expected(call_import: CallImport, above: int, upto: int) -> int:
    return CallVerdict.objects.filter(
        call_import=call_import, verdict="new", row_no__gt=above, row_no__lte=upto
    ).count()


def _note_lost(call_import: CallImport, above: int, upto: int) -> None:
    """Rows that another import brought in between judging and storing are told as such."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE campaigns_callverdict v SET verdict = 'conflict', fault = 'stored_meanwhile'"
            " WHERE v.call_import_id = %s AND v.verdict = 'new' AND v.row_no > %s AND v.row_no <= %s"
            " AND NOT EXISTS (SELECT 1 FROM piece p WHERE p.row_no = v.row_no)",
            [call_import.pk, above, upto],
        )


def _finish(call_import: CallImport, at: datetime) -> None:
    with connection.cursor() as cursor:
        call_import.counts = history_judging.count_verdicts(cursor, call_import.pk)
    call_import.status, call_import.imported_at = Status.IMPORTED, at
    call_import.imported_by = call_import.imported_by or call_import.created_by
    call_import.save(update_fields=["counts", "status", "imported_at", "imported_by"])
    audit(
        "campaigns.calls.imported",
        call_import,
        by=call_import.imported_by,
        at=at,
        **{key: value for key, value in call_import.counts.items() if key != "faults"},
        made=call_import.made,
    )
    _announce(call_import)


def _announce(call_import: CallImport) -> None:
    transaction.on_commit(lambda: calls_imported.send(CallImport, call_import_id=call_import.pk), robust=True)


def drop_old_rows(*, at: datetime) -> int:
    """Staged rows whose time is over; returns how many. The calls and the counts of the imports stay."""
    old = CallImport.objects.filter(created_at__lt=at - KEEP_ROWS)
    CallVerdict.objects.filter(call_import__in=old).delete()
    return StagedCall.objects.filter(call_import__in=old).delete()[0]
