"""The workbook of rejected rows of a calls file, each with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from campaigns.models import CallImport, StagedCall
from campaigns.wording import row_fault_words
from core.calendar import region_zone
from core.sealed import unseal
from core.workbooks import Column, Workbook

FIELDS = (
    "call_id", "campaign", "agent", "team", "phone", "direction", "started_at", "result", "talk_seconds", "after_call_seconds", "order_id",
    "product", "amount", "cancelled_at",
)  # fmt: skip
ROWS = """
SELECT s.row_no, v.fault, s.fault_detail, s.cells, s.external_id, s.campaign, s.agent, s.team, s.phone_mask, s.direction, s.started_at, s.result,
       s.talk_seconds, s.after_call_seconds, s.order_number, s.product, s.amount_cents, s.cancelled_at
FROM campaigns_callverdict v JOIN campaigns_stagedcall s USING (call_import_id, row_no)
WHERE v.call_import_id = %s AND v.verdict IN ('invalid', 'conflict') ORDER BY v.row_no
"""


def rejected_rows(call_import: CallImport) -> Iterator[list[Any]]:
    """[row number, reason, what was seen, then the columns of the format]. Numbers are masked: who sent the file has them."""
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [call_import.pk])
        while rows := cursor.fetchmany(2_000):
            for number, fault, detail, cells, *fields in rows:
                yield [number, row_fault_words(fault), detail, *(_as_sent(cells) if cells else _as_staged(fields))]


def _as_sent(cells: Any) -> list[Any]:
    kept = json.loads(unseal(cells))
    return [kept.get(field, "") for field in FIELDS]


def _as_staged(fields: list[Any]) -> list[Any]:
    *first, started_at, result, talk, after, order, product, cents, cancelled_at = fields
    zone = region_zone()
    return [
        *first,
        started_at.astimezone(zone).isoformat(sep=" ") if started_at else "",
        result,
        talk,
        after,
        order,
        product,
        cents / 100 if cents is not None else None,
        cancelled_at.astimezone(zone).isoformat(sep=" ") if cancelled_at else "",
    ]


def rows_rejected(call_import: CallImport) -> QuerySet[StagedCall]:
    """The staged rows that the workbook holds."""
    rejected = call_import.verdicts.filter(verdict__in=["invalid", "conflict"])
    return StagedCall.objects.filter(call_import=call_import, row_no__in=rejected.values("row_no"))


def write_rejects(call_import: CallImport, target: IO[bytes]) -> None:
    columns = [
        Column(_("row"), 8),
        Column(_("reason"), 44),
        Column(_("seen"), 20),
        *(Column(field, 16) for field in FIELDS),
    ]
    with Workbook(target) as book:
        book.sheet(_("Rejected rows"), columns, rejected_rows(call_import))
