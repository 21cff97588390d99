"""One call posted by another system: the same judging and storing as a file of one row."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from campaigns.models import Call, CallImport, CallKey, CallVerdict, Order, StagedCall
from campaigns.reading.cleaning import CallCleaner
from campaigns.services import history, history_judging, history_making, history_storing, orders
from campaigns.signals import call_recorded
from campaigns.wording import row_fault_words
from core.audit import audit
from core.calendar import business_date, region_zone
from core.errors import DomainError
from core.partitions import ensure_partitions
from core.sealed import BulkSealer
from people.models import User

FIELDS = (
    "call_id", "campaign", "agent", "team", "phone", "direction", "started_at", "result", "talk_seconds", "after_call_seconds", "order_id",
    "product", "amount", "cancelled_at",
)  # fmt: skip


class CallRefused(DomainError):
    """The call cannot be taken; the sentence says why. `code` is the word of campaigns.wording.ROW_FAULTS."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def post_call(*, row: dict[str, Any], system: str, makes_missing: bool, by: User, at: datetime) -> tuple[Call, str]:
    """Take one call by the numbers of the other system; returns it with its verdict (new, cancellation, unchanged).

    The same call again is unchanged. Raises CallRefused (also for the same number with other content) and PermissionRefused.
    """
    history.check_rights(by, makes_missing)
    with transaction.atomic():
        carrier = CallImport.objects.create(
            name="1",
            system=(system.strip() or history.SYSTEM)[:40],
            creates_missing=makes_missing,
            created_by=by,
            created_at=at,
        )
        # before judging: whoever posts the same number at this moment is judged after us, and sees our call
        with connection.cursor() as cursor:
            cursor.execute(history_storing.LOCK, {"system": carrier.system})
        started_at = _stage(carrier, row)
        if started_at is not None and started_at <= at:
            for parent in ("campaigns_call", "customers_contact"):
                ensure_partitions(parent, business_date(started_at).replace(day=1), 1)
        verdict = _judge(carrier, makes_missing, at)
        stored = history_storing.store_piece(carrier, above=0, upto=1, at=at)
        if verdict == CallVerdict.Verdict.NEW and not stored:
            raise _refusal("call_known_otherwise")
        key = CallKey.objects.get(system=carrier.system, external_id=str(row.get("call_id", "")).strip())
        call = Call.objects.get(pk=key.call_id, started_at=key.call_started_at)
        _tell(call, verdict, by, at)
        _forget(carrier)
    return call, verdict


def _stage(carrier: CallImport, row: dict[str, Any]) -> datetime | None:
    cleaner = CallCleaner(
        import_id=carrier.pk,
        fields={field: column for column, field in enumerate(FIELDS)},
        zone=str(region_zone()),
        results=history.result_names(),
        sealer=BulkSealer(),
    )
    line = cleaner.line(1, ["" if row.get(field) is None else row[field] for field in FIELDS])
    if line is None:
        raise CallRefused(_("The call is empty."), "call_id_missing")
    with connection.cursor() as cursor:
        cursor.copy_expert(history.COPY, io.BytesIO(line.encode()))
    return StagedCall.objects.values_list("started_at", flat=True).get(call_import=carrier)


def _judge(carrier: CallImport, makes_missing: bool, at: datetime) -> str:
    history_judging.judge(carrier, makes_missing=makes_missing, at=at, analyze=False)
    found = CallVerdict.objects.get(call_import=carrier)
    if makes_missing and found.verdict == CallVerdict.Verdict.NEW:
        history_making.make_missing(carrier, at=at)
        history_judging.judge(carrier, makes_missing=False, at=at, analyze=False)
        found = CallVerdict.objects.get(call_import=carrier)
    if found.verdict in (CallVerdict.Verdict.INVALID, CallVerdict.Verdict.CONFLICT):
        raise _refusal(found.fault)
    return found.verdict


def _refusal(fault: str) -> CallRefused:
    return CallRefused(f"{row_fault_words(fault)}.", fault)


def _tell(call: Call, verdict: str, by: User, at: datetime) -> None:
    if verdict == CallVerdict.Verdict.UNCHANGED:
        return
    audit("campaigns.call.posted", call, by=by, at=at, verdict=verdict)
    news = {"call_id": call.pk, "started_at": call.started_at, "city_id": call.city_id}
    if verdict == CallVerdict.Verdict.NEW:
        transaction.on_commit(lambda: call_recorded.send(Call, **news), robust=True)
    for order in Order.objects.filter(call_id=call.pk):
        orders.announce(order, order.state)


def _forget(carrier: CallImport) -> None:
    """What carried the row; its verdict is the answer, the call the evidence."""
    CallVerdict.objects.filter(call_import=carrier).delete()
    StagedCall.objects.filter(call_import=carrier).delete()
    carrier.delete()
