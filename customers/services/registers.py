"""Do-not-call registers: receive the file of an edition, make its numbers suppressions, lift those that are in it no longer."""

from __future__ import annotations

import io
import os
from datetime import date, datetime, timedelta
from typing import IO, Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.calendar import business_date
from core.errors import DomainError, PermissionRefused
from core.files import destroy, path_of, store
from core.jobs import JobCancelled, Run, enqueue
from core.models import PrivateFile
from core.sealed import key_ring
from customers import rules as may
from customers.models import Customer, Phone, Register, RegisterNumber, RegisterRetirement, Suppression
from customers.reading import limits
from customers.reading.faults import FileFault
from customers.reading.parent import Reader
from customers.services.list_receiving import TYPES, examine_file
from customers.services.suppress import recompute
from customers.signals import customer_suppressed
from people.models import User

FILE_KIND = "customers.register"
KEEP_FILE = timedelta(days=7)
BATCH_ROWS = 10_000
BATCH_NUMBERS = 5_000
# A file that holds less than half of the edition before is more likely the wrong file than a smaller register.
LEAST_SHARE = 0.5
COPY = "COPY customers_registernumber (register_id, phone_blind) FROM STDIN"
Status = Register.Status


class SourceMissing(DomainError):
    """A register says whose it is."""


class RegisterTooOld(DomainError):
    """A newer edition of the source is in force, or the date lies ahead."""


class RegisterAtWork(DomainError):
    """An edition of this source is being taken in."""


class SourceRetired(DomainError):
    """The source does not count any more; it must be used again first."""


class SourceInUse(DomainError):
    """The source counts; there is no retirement to end."""


class ReasonMissing(DomainError):
    """What changes which registers count needs a reason."""


def receive_register(
    *, file: IO[bytes], file_name: str, source: str, dated_on: date, by: User, at: datetime, is_whole: bool = True,
    may_shrink: bool = False,
) -> Register:  # fmt: skip
    """Take the file of an edition and have it taken in by a job. Large registers come in parts of the same date, the last one `is_whole`.

    Raises FileRefused, SourceMissing, RegisterTooOld, RegisterAtWork, SourceRetired, PermissionRefused, DiskFull.
    """
    if not may.can_load_registers(by):
        raise PermissionRefused(_("Your role does not allow this."))
    source = " ".join(source.split())[:60]
    if not source:
        raise SourceMissing(_("Say whose register it is."))
    if dated_on > business_date(at):
        raise RegisterTooOld(_("The date of the register lies ahead."))
    kind = examine_file(file)
    stored = store(
        name=os.path.basename(file_name) or "register", stream=file, kind=FILE_KIND, by=by, at=at, keep_for=KEEP_FILE,
        content_type=TYPES[kind.kind], limit=limits.FILE_BYTES,
    )  # fmt: skip
    wanted = Register(
        source=source, dated_on=dated_on, is_whole=is_whole, may_shrink=may_shrink, file_id=stored.pk, sha256=stored.sha256,
        mapping={"format": kind.kind, "encoding": kind.encoding, "delimiter": kind.delimiter}, created_by=by, created_at=at,
    )  # fmt: skip
    try:
        return _open_register(wanted, by=by, at=at)
    except DomainError:
        destroy_file(stored, at=at, by=by)
        raise


@transaction.atomic
def destroy_file(stored: PrivateFile, *, at: datetime, by: User) -> None:
    destroy(private_file=stored, at=at, by=by)


@transaction.atomic
def _open_register(wanted: Register, *, by: User, at: datetime) -> Register:
    _lock_source(wanted.source)
    others = Register.objects.filter(source=wanted.source)
    if RegisterRetirement.objects.standing().filter(source=wanted.source).exists():
        raise SourceRetired(_("This source is retired. Use it again before you upload an edition of it."))
    _none_at_work(wanted.source)
    newest = others.whole().order_by("-dated_on").first()
    if newest is not None and newest.dated_on > wanted.dated_on:
        raise RegisterTooOld(
            _("The edition of %(day)s is in force, which is newer.") % {"day": newest.dated_on.isoformat()}
        )
    wanted.save()
    job = enqueue(kind="customers.apply_register", key=str(wanted.pk), args={"register": wanted.pk}, by=by)
    wanted.job_id = job.pk
    wanted.save(update_fields=["job_id"])
    audit(
        "customers.register.uploaded", wanted, by=by, at=at, source=wanted.source, dated_on=wanted.dated_on.isoformat()
    )
    return wanted


def _lock_source(source: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"customers.register.{source}"])


def _none_at_work(source: str) -> None:
    if Register.objects.filter(source=source, status__in=[Status.WAITING, Status.READING]).exists():
        raise RegisterAtWork(_("An edition of this register is being taken in. Wait until that is done."))


# ---------------------------------------------------------------- which sources count


@transaction.atomic
def retire_source(*, register: Register, by: User, at: datetime, reason: str) -> RegisterRetirement:
    """Nothing of the source of this register counts for the age any more; its numbers stay suppressed.

    Raises PermissionRefused, ReasonMissing, SourceRetired, RegisterAtWork.
    """
    reason = _reasoned(by, reason)
    _lock_source(register.source)
    if RegisterRetirement.objects.standing().filter(source=register.source).exists():
        raise SourceRetired(_("This source was retired before."))
    _none_at_work(register.source)
    row = RegisterRetirement.objects.create(source=register.source, reason=reason, retired_by=by, retired_at=at)
    audit("customers.register.retired", register, by=by, at=at, source=register.source, reason=reason)
    return row


@transaction.atomic
def use_source_again(*, register: Register, by: User, at: datetime, reason: str) -> RegisterRetirement:
    """The registers of this source count again from now on, however old they are. Raises PermissionRefused, ReasonMissing, SourceInUse."""
    reason = _reasoned(by, reason)
    _lock_source(register.source)
    row = RegisterRetirement.objects.standing().filter(source=register.source).first()
    if row is None:
        raise SourceInUse(_("This source is in use."))
    row.ended_at, row.ended_by, row.end_reason = at, by, reason
    row.save(update_fields=["ended_at", "ended_by", "end_reason"])
    audit("customers.register.used_again", register, by=by, at=at, source=register.source, reason=reason)
    return row


def _reasoned(by: User, reason: str) -> str:
    if not may.can_load_registers(by):
        raise PermissionRefused(_("Your role does not allow this."))
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise ReasonMissing(_("Say why."))
    return reason


# ---------------------------------------------------------------- the job


def apply_register(run: Run) -> dict[str, Any]:
    """Stage the numbers, suppress those not suppressed yet, lift those that are gone. Goes on where a dead worker ended."""
    register = Register.objects.select_related("created_by").get(pk=run.args["register"])
    if register.status not in (Status.WAITING, Status.READING):
        return {}
    try:
        if not run.cursor.get("staged"):
            _stage(run, register)
        _check_size(register)
        _suppress_all(run, register)
        if register.is_whole:
            _lift_all(run, register)
        _settle(run, register)
    except FileFault as fault:
        with run.chunk():
            _fail(register, fault.code, fault.detail, run.now())
        return {"fault": fault.code}
    except JobCancelled:
        # whom it suppressed so far stays so until the next edition: nobody is called for a stop halfway
        with transaction.atomic():
            _fail(register, "stopped", {}, run.now())
        raise
    return {"numbers": register.number_count}


def _stage(run: Run, register: Register) -> None:
    last = int(run.cursor.get("row", 0))
    if not last:
        with run.chunk(cursor={"row": 0}):
            RegisterNumber.objects.filter(register=register).delete()
            Register.objects.filter(pk=register.pk).update(status=Status.READING)
    with Reader(_orders(register, skip=last), module="customers.reading.numbers") as reader:
        for batch in reader.batches(BATCH_ROWS):
            with run.chunk(done=batch.count, cursor={"row": batch.last_row}, total=reader.headings.get("total")):
                with connection.cursor() as cursor:
                    cursor.copy_expert(COPY, io.BytesIO(b"".join(batch.lines)), 1 << 18)
            last = batch.last_row
    with run.chunk(cursor={"staged": True}, total=run.done):
        with connection.cursor() as cursor:
            # without fresh figures the planner believes that there are no numbers
            cursor.execute("ANALYZE customers_registernumber")
        _count(register)


def _orders(register: Register, *, skip: int) -> dict[str, Any]:
    stored = PrivateFile.objects.filter(pk=register.file_id or 0, destroyed_at=None).first()
    if stored is None or not path_of(stored).exists():
        raise FileFault("file_gone")
    key_ring()  # made here at first use: the process may not write files
    return {
        "path": str(path_of(stored)), **register.mapping, "register_id": register.pk, "skip": skip,
        "keys_dir": str(settings.KEYS_DIR), "country": getattr(settings, "REGION_COUNTRY", "CN"),
    }  # fmt: skip


def _count(register: Register) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT phone_blind), count(*) FILTER (WHERE phone_blind IS NULL)"
            " FROM customers_registernumber WHERE register_id = %s",
            [register.pk],
        )
        register.number_count, register.fault_count = cursor.fetchone()
    register.save(update_fields=["number_count", "fault_count"])


def _check_size(register: Register) -> None:
    """Raises FileFault for a file without numbers, or one that would lift most of what is in force."""
    register.refresh_from_db(fields=["number_count", "fault_count"])
    if not register.number_count:
        raise FileFault("no_numbers")
    if not register.is_whole or register.may_shrink:
        return
    standing = _standing(register).count()
    brought = RegisterNumber.objects.filter(register__in=_parts(register), phone_blind__isnull=False)
    if brought.values("phone_blind").distinct().count() < standing * LEAST_SHARE:
        raise FileFault("shrunk", numbers=register.number_count, standing=standing)


def source_of(register: Register) -> str:
    """What a suppression out of this register says of where it comes from."""
    return f"register: {register.source}"


def _standing(register: Register) -> Any:
    return Suppression.objects.filter(kind=Suppression.Kind.REGISTER, source=source_of(register), lifted_at=None)


def _parts(register: Register) -> Any:
    """The files of this edition whose numbers are still staged."""
    return Register.objects.filter(source=register.source, dated_on=register.dated_on).exclude(status=Status.FAILED)


NEXT = """
SELECT DISTINCT n.phone_blind FROM customers_registernumber n
WHERE n.register_id = %s AND n.phone_blind > %s ORDER BY n.phone_blind LIMIT %s
"""
ADD = """
INSERT INTO customers_suppression (phone_blind, kind, valid_from, note, source, created_by_id, lift_reason)
SELECT blind, 'register', %(at)s, '', %(source)s, %(by)s, '' FROM unnest(%(blinds)s::bytea[]) AS blind
WHERE NOT EXISTS (
    SELECT FROM customers_suppression s
    WHERE s.phone_blind = blind AND s.lifted_at IS NULL AND s.kind = 'register' AND s.source = %(source)s)
"""


def _suppress_all(run: Run, register: Register) -> None:
    """Batch by batch in the order of the blind indexes, each with the persons it reaches in one transaction."""
    after = bytes.fromhex(run.cursor.get("after", ""))
    while not run.cursor.get("added"):
        with run.chunk() as chunk:
            with connection.cursor() as cursor:
                cursor.execute(NEXT, [register.pk, after, BATCH_NUMBERS])
                blinds = [bytes(row[0]) for row in cursor.fetchall()]
            chunk.cursor = {"staged": True, "after": blinds[-1].hex()} if blinds else {"staged": True, "added": True}
            added = _suppress(register, blinds, run.now()) if blinds else 0
            register.added_count += added
            register.save(update_fields=["added_count"])
        after = blinds[-1] if blinds else after


def _suppress(register: Register, blinds: list[bytes], at: datetime) -> int:
    """The persons first, as everywhere: a claim of the same moment comes before, or sees the suppression."""
    persons = _lock_persons(blinds)
    with connection.cursor() as cursor:
        cursor.execute(ADD, {"at": at, "source": source_of(register), "by": register.created_by_id, "blinds": blinds})
        added = cursor.rowcount
    free = list(Customer.objects.filter(pk__in=persons, is_suppressed=False).values_list("pk", flat=True))
    recompute(persons, at=at)
    for pk in free:
        customer_suppressed.send(
            Suppression, customer_id=pk, campaign_id=None, product_id=None, kind=Suppression.Kind.REGISTER, at=at
        )
    return added


def _lock_persons(blinds: list[bytes]) -> list[int]:
    reached = Phone.objects.filter(blind_index__in=blinds).values("customer")
    rows = Customer.objects.filter(pk__in=reached).order_by("pk").select_for_update(of=("self",))
    return list(rows.values_list("pk", flat=True))


# made-up customers stand in no register; lifted, they would be suppressed without anything that says so
GONE = """
SELECT s.id, s.phone_blind FROM customers_suppression s
WHERE s.kind = 'register' AND s.source = %(source)s AND s.lifted_at IS NULL AND s.id > %(after)s
    AND NOT EXISTS (
        SELECT FROM customers_registernumber n WHERE n.register_id = ANY (%(parts)s) AND n.phone_blind = s.phone_blind)
    AND NOT EXISTS (
        SELECT FROM customers_phone p JOIN customers_canary c ON c.customer_id = p.customer_id WHERE p.blind_index = s.phone_blind)
ORDER BY s.id LIMIT %(limit)s
"""


def _lift_all(run: Run, register: Register) -> None:
    """Numbers that the newer edition does not hold any more, with the reason."""
    parts = list(_parts(register).values_list("pk", flat=True))
    while not run.cursor.get("lifted"):
        with run.chunk() as chunk:
            asked: dict[str, Any] = {
                "source": source_of(register),
                "after": int(run.cursor.get("lift", 0)),
                "parts": parts,
                "limit": BATCH_NUMBERS,
            }
            with connection.cursor() as cursor:
                cursor.execute(GONE, asked)
                gone = cursor.fetchall()
            state = {"staged": True, "added": True}
            chunk.cursor = state | ({"lift": gone[-1][0]} if gone else {"lifted": True})
            if gone:
                _lift(register, [row[0] for row in gone], [bytes(row[1]) for row in gone], run.now())
            register.lifted_count += len(gone)
            register.save(update_fields=["lifted_count"])


def _lift(register: Register, ids: list[int], blinds: list[bytes], at: datetime) -> None:
    persons = _lock_persons(blinds)
    reason = _("not in the register of %(day)s any more") % {"day": register.dated_on.isoformat()}
    Suppression.objects.filter(pk__in=ids, lifted_at=None).update(
        lifted_at=at, lifted_by=register.created_by, lift_reason=reason
    )
    recompute(persons, at=at)


def _settle(run: Run, register: Register) -> None:
    with run.chunk():
        at = run.now()
        if register.is_whole:
            RegisterNumber.objects.filter(register__in=_parts(register)).delete()
        register.status, register.applied_at = Status.APPLIED, at
        register.save(update_fields=["status", "applied_at"])
        _destroy_file(register, at)
        audit(
            "customers.register.applied", register, by=register.created_by, at=at, source=register.source,
            dated_on=register.dated_on.isoformat(), numbers=register.number_count, added=register.added_count, lifted=register.lifted_count,
        )  # fmt: skip


def _fail(register: Register, fault: str, detail: dict[str, Any], at: datetime) -> None:
    RegisterNumber.objects.filter(register=register).delete()
    register.status, register.fault, register.fault_detail = Status.FAILED, fault, detail
    register.save(update_fields=["status", "fault", "fault_detail"])
    _destroy_file(register, at)


def _destroy_file(register: Register, at: datetime) -> None:
    stored = PrivateFile.objects.filter(pk=register.file_id or 0, destroyed_at=None).first()
    if stored is not None:
        destroy(private_file=stored, at=at, by=register.created_by)
