"""Ordering the leads of a campaign by likeness, and putting them back.

The claim's index goes by priority and time, and stays as it is: likeness moves `priority` within the band of the listed one,
10 + 10 * listed + likeness. All ordered leads stand above those not yet ordered, so the order of lists holds in the midst of the
work as well when the highest are ordered first and the lowest put back first. Leads that somebody has locked are met in a
later round: nobody waits for anybody.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connection

from campaigns.likeness.fit import Weights
from campaigns.models import LikenessUse
from campaigns.services import likeness, likeness_data
from core.jobs import Run, TryLater

LEADS_AT_ONCE = 1_000
ROUNDS = 20

# what is to be ordered by this use, or put back (no use): a finished lead is called no more, but must not keep a number of the past
DUE = """
l.campaign_id = %(campaign)s AND (
    %(use)s::bigint IS NOT NULL AND l.state <> 'done' AND l.likeness_use_id IS DISTINCT FROM %(use)s
    OR %(use)s::bigint IS NULL AND l.likeness_use_id IS NOT NULL)
"""
PRIORITIES = f"SELECT DISTINCT coalesce(l.listed_priority, l.priority) FROM campaigns_lead l WHERE {DUE}"
# along the unique index of campaign and customer
NEXT = f"""
SELECT l.id, l.customer_id FROM campaigns_lead l
WHERE {DUE} AND coalesce(l.listed_priority, l.priority) = %(priority)s AND l.customer_id > %(after)s
ORDER BY l.customer_id LIMIT %(most)s FOR UPDATE SKIP LOCKED
"""
ORDER = """
UPDATE campaigns_lead l SET likeness = x.likeness, listed_priority = coalesce(l.listed_priority, l.priority), likeness_use_id = %(use)s,
    priority = 10 + 10 * coalesce(l.listed_priority, l.priority) + x.likeness
FROM unnest(%(leads)s::bigint[], %(likeness)s::smallint[]) x(id, likeness) WHERE l.id = x.id
"""
PUT_BACK = """
UPDATE campaigns_lead SET priority = listed_priority, listed_priority = NULL, likeness = NULL, likeness_use_id = NULL
WHERE id = ANY (%(leads)s)
"""
NEW_OF_LIST = """
SELECT id, customer_id FROM campaigns_lead
WHERE lead_list_id = %(list)s AND campaign_id = %(campaign)s AND likeness_use_id IS NULL AND state <> 'done'
"""
NEW_OF_REQUEST = """
SELECT id, customer_id FROM campaigns_lead
WHERE data_request_id = %(request)s AND campaign_id = %(campaign)s AND likeness_use_id IS NULL AND state <> 'done'
"""
NEW_OF_CUSTOMERS = """
SELECT id, customer_id FROM campaigns_lead
WHERE campaign_id = %(campaign)s AND customer_id = ANY (%(customers)s) AND likeness_use_id IS NULL AND state <> 'done'
"""


def rank_leads(run: Run) -> dict[str, Any]:
    """The job: bring all leads to what the switch says now, in pieces; each looks at the switch again."""
    campaign_id = run.args["campaign_id"]
    for round_no in range(ROUNDS):
        priorities = _priorities(campaign_id)
        if not priorities:
            return {"leads": run.done}
        if round_no:
            time.sleep(0.05)
        for priority in priorities:
            _walk(run, campaign_id, priority)
    raise TryLater(timedelta(seconds=10))


def _priorities(campaign_id: int) -> list[int]:
    """The listed priorities with leads still to be moved, in the order in which they are moved."""
    use = likeness.use_of(campaign_id)
    with connection.cursor() as cursor:
        cursor.execute(PRIORITIES, {"campaign": campaign_id, "use": use.pk if use else None})
        return sorted((row[0] for row in cursor.fetchall()), reverse=use is not None)


def _walk(run: Run, campaign_id: int, priority: int) -> None:
    after = 0
    while True:
        with run.chunk() as piece:
            use = likeness.use_while_ordering(campaign_id)
            asked = {
                "campaign": campaign_id, "use": use.pk if use else None, "priority": priority, "after": after, "most": LEADS_AT_ONCE,
            }  # fmt: skip
            with connection.cursor() as cursor:
                cursor.execute(NEXT, asked)
                rows = cursor.fetchall()
            _move(use, rows)
            piece.done = len(rows)
            # progress in the job's eyes: a job that is interrupted here is not one that fails again and again
            piece.cursor = {"priority": priority, "after": rows[-1][1] if rows else after}
        if not rows:
            return
        after = rows[-1][1]


def _move(use: LikenessUse | None, rows: list[tuple[int, int]]) -> None:
    if not rows:
        return
    leads = [lead for lead, _customer in rows]
    with connection.cursor() as cursor:
        if use is None:
            cursor.execute(PUT_BACK, {"leads": leads})
            return
        tenths = _tenths(use, [customer for _lead, customer in rows])
        cursor.execute(ORDER, {"use": use.pk, "leads": leads, "likeness": tenths})


def _tenths(use: LikenessUse, customers: list[int]) -> list[int]:
    """0 to 9 of each customer: the tenth of the finished leads among which the score would lie."""
    model = use.model
    known = likeness_data.known_of(customers, model.protected)
    scores = Weights.of_json(model.weights).score([known.get(customer, {}) for customer in customers])
    return [int(tenth) for tenth in np.searchsorted(np.array(model.cuts), scores, side="right")]


def order_new_leads(*, campaign_id: int, lead_list_id: int) -> int:
    """Leads just made of a list take their place, in the same transaction, when the campaign goes by likeness; returns how many."""
    return _order_new(campaign_id, NEW_OF_LIST, {"list": lead_list_id})


def order_requested_leads(*, campaign_id: int, data_request_id: int) -> int:
    """The same for leads of a data request."""
    return _order_new(campaign_id, NEW_OF_REQUEST, {"request": data_request_id})


def order_leads_of(*, campaign_id: int, customer_ids: list[int]) -> int:
    """The same for leads that no list brought: those of these customers."""
    return _order_new(campaign_id, NEW_OF_CUSTOMERS, {"customers": customer_ids})


def _order_new(campaign_id: int, statement: str, values: dict[str, Any]) -> int:
    use = likeness.use_while_ordering(campaign_id)
    if use is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(statement, {"campaign": campaign_id, **values})
        rows = cursor.fetchall()
    _move(use, rows)
    return len(rows)
