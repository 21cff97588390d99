"""Who of a segment could become leads of a campaign, and who of them is drawn when only so many are wanted."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from pyroaring import BitMap

from campaigns.models import Campaign, SegmentAllocation, SegmentDraw
from campaigns.services.allocation import BARRED
from campaigns.services.sampling import HELD_BACK
from core.jobs.runner import Run
from customers.counting import rounded
from customers.models import Segment

AT_ONCE = 50_000
# of larger segments every so-manieth customer is asked about, so that whoever waits for the figures waits a moment
ASKED = 20_000

# Whoever must not or cannot be called in this campaign is left out and counted, by the rules that lists go by.
ROWS = f"""
    SELECT c.id, c.city_id, c.source_id, c.callable_from, c.name_sort, CASE {BARRED}
        WHEN EXISTS (SELECT FROM campaigns_lead l WHERE l.campaign_id = %(campaign)s AND l.customer_id = c.id
            AND l.state <> 'done') THEN 'there_already'
        WHEN EXISTS (SELECT FROM campaigns_lead l WHERE l.campaign_id = %(campaign)s AND l.customer_id = c.id) THEN 'finished_there'
        {HELD_BACK}
        END AS left_out
    FROM customers_customer c WHERE c.id = ANY (%(customers)s)
"""
BY_LOT = f"SELECT id, left_out, campaigns_draw(%(seed)s, id) FROM ({ROWS}) row"
BY_NAME = f"SELECT id, left_out, name_sort FROM ({ROWS}) row"
COUNT = f"SELECT coalesce(left_out, 'able'), count(*) FROM ({ROWS}) row GROUP BY 1"


def asked_of(campaign: Campaign, segment: Segment) -> dict[str, Any]:
    """What ROWS asks for, besides the customers and the moment."""
    return {"campaign": campaign.pk, "product": campaign.product_id, "city": campaign.city_id or segment.city_id}


@dataclass(frozen=True)
class Outlook:
    """What an allocation would make of a segment now. Of large segments estimated from a sample: then `is_exact` is false."""

    customers: int
    able: int
    left_out: dict[str, int]
    is_exact: bool

    def made(self, most: int | None) -> int:
        return self.able if most is None else min(self.able, most)


def outlook(campaign: Campaign, segment: Segment, *, ids: BitMap, at: datetime) -> Outlook:
    """How many of these customers could become leads of the campaign, and why the others could not."""
    step = -(-len(ids) // ASKED) or 1
    asked = list(ids[::step]) if step > 1 else list(ids)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, asked_of(campaign, segment) | {"customers": asked, "at": at})
        counts = dict(cursor.fetchall())
    if gone := len(asked) - sum(counts.values()):
        counts["gone"] = gone
    whole = {
        reason: count if step == 1 else rounded(count * len(ids) // len(asked)) for reason, count in counts.items()
    }
    return Outlook(len(ids), whole.pop("able", 0), whole, step == 1)


def draw(run: Run, allocation: SegmentAllocation, ids: BitMap) -> None:
    """Draw once; a job that starts again finds it drawn. Whoever is left out is counted here, who is not drawn as well."""
    found: list[tuple[Any, int]] = []
    left_out: Counter[str] = Counter()
    statement = BY_NAME if allocation.order == SegmentAllocation.Order.NAME else BY_LOT
    values = asked_of(allocation.campaign, allocation.segment) | {"seed": allocation.seed, "at": run.now()}
    for start in range(0, len(ids), AT_ONCE):
        run.check_cancelled()
        piece = list(ids[start : start + AT_ONCE])
        rows = _rows(statement, values | {"customers": piece})
        left_out.update(reason for _pk, reason, _place in rows if reason)
        left_out["gone"] += len(piece) - len(rows)
        able = [(place, pk) for pk, reason, place in rows if reason is None]
        left_out["not_drawn"] += len(able)
        found = heapq.nsmallest(allocation.most or 0, [*found, *able])
    left_out["not_drawn"] -= len(found)
    with run.chunk(cursor={"customer": 0}, total=len(found)):
        drawn = SegmentDraw(allocation=allocation, bitmap=BitMap(pk for _place, pk in found).serialize())
        drawn.save()
        told = {reason: count for reason, count in left_out.items() if count}
        SegmentAllocation.objects.filter(pk=allocation.pk).update(left_out=told)


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[int, str | None, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
