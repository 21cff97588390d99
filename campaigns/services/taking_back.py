"""Leads of a list that is taken back."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Greatest

from campaigns.models import ListAllocation

# of who goes, whatever list they came with: who has a lead of another list stays
OF_GOING = "DELETE FROM campaigns_lead WHERE customer_id = ANY (%(going)s) RETURNING campaign_id, lead_list_id"

# leads of this list that nobody has called and nobody has promised to call: taken out of the queue
WAITING = """
SELECT l.id FROM campaigns_lead l
WHERE l.customer_id = ANY (%(staying)s) AND l.lead_list_id = %(list)s AND l.state = 'open'
    AND l.attempts_made = 0 AND l.last_call_at IS NULL AND l.callback_agent_id IS NULL
ORDER BY l.id FOR UPDATE
"""
# never handed out: nothing remembers them
UNTOUCHED = """
DELETE FROM campaigns_lead l WHERE l.id = ANY (%(leads)s)
    AND NOT EXISTS (SELECT FROM customers_contact c WHERE c.customer_id = l.customer_id AND c.lead_id = l.id)
    AND NOT EXISTS (SELECT FROM campaigns_callback b WHERE b.lead_id = l.id)
    AND NOT EXISTS (SELECT FROM campaigns_livecall v WHERE v.lead_id = l.id)
RETURNING campaign_id, lead_list_id
"""
# handed out and given back: the ledger names them, so they end
WITHDRAW = (
    "UPDATE campaigns_lead SET state = 'done', outcome = 'withdrawn' WHERE id = ANY (%(leads)s) AND state = 'open'"
)
MOVE = """
UPDATE campaigns_lead l SET city_id = c.city_id FROM customers_customer c
WHERE c.id = ANY (%(moved)s) AND l.customer_id = c.id AND l.state <> 'done' AND l.city_id <> c.city_id
"""


def take_leads_back(*, lead_list_id: int, going: list[int], staying: list[int], moved: list[int]) -> int:
    """Inside the transaction that takes customers away, which has locked them all; returns how many leads are gone.

    Leads that were called stay as they are: their customers stay with them.
    """
    gone: Counter[tuple[int, int | None]] = Counter()
    with connection.cursor() as cursor:
        if going:
            cursor.execute(OF_GOING, {"going": going})
            gone.update(cursor.fetchall())
        if staying:
            gone.update(_take_waiting(cursor, lead_list_id, staying))
        if moved:
            cursor.execute(MOVE, {"moved": moved})
    _count_back(gone)
    return gone.total()


def _take_waiting(cursor: Any, lead_list_id: int, staying: list[int]) -> list[tuple[int, int | None]]:
    cursor.execute(WAITING, {"staying": staying, "list": lead_list_id})
    leads = {"leads": [row[0] for row in cursor.fetchall()]}
    if not leads["leads"]:
        return []
    cursor.execute(UNTOUCHED, leads)
    gone: list[tuple[int, int | None]] = cursor.fetchall()
    cursor.execute(WITHDRAW, leads)
    return gone


def _count_back(gone: Counter[tuple[int, int | None]]) -> None:
    """What a campaign shows of the list is what is left of it."""
    for (campaign_id, lead_list_id), count in sorted(gone.items(), key=lambda item: (item[0][0], item[0][1] or 0)):
        allocations = ListAllocation.objects.filter(campaign=campaign_id, lead_list=lead_list_id)
        allocations.update(lead_count=Greatest(F("lead_count") - count, Value(0)))
