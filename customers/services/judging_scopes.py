"""Customers whom a list leaves out because an earlier list has brought them, or because they are in a campaign. After the judgement, by
statements of their own: the judgement of all other lists stays as it is.

What stands against a row otherwise (blocked, twice, left out for another reason) has been said before. Readers without the region are told
as in the judgement: of an earlier list of their city they know what they were told of it, so whoever was held back there, since another
city knows the number, counts as brought by it. In a campaign nobody of them can be, while the really new ones can: a list that anybody
without the region reads cannot ask for that (list_receiving._check_left).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from customers import left_scopes
from customers.merged import MERGED
from customers.models import LeadList

# what was held back is remembered for so long (customers.retention), less a day
LOOKS_BACK = timedelta(days=364)
OPEN = "('new', 'update', 'unchanged', 'undecided')"

# customers of the earlier list, also those merged since, by the verdict itself and as readers without the region were told
_EARLIER = f"""{MERGED} SELECT coalesce(m.person, e.customer_id) FROM customers_rowverdict e LEFT JOIN merged m ON m.id = e.customer_id
    WHERE e.lead_list_id = %(scope)s AND e.customer_id IS NOT NULL AND {{verdict}} IN ('new', 'update', 'unchanged')"""
EARLIER = _EARLIER.format(verdict="e.verdict")
EARLIER_TOLD = _EARLIER.format(verdict="coalesce(e.told, e.verdict)")
HELD = """EXISTS (SELECT FROM customers_heldrow h
    WHERE h.phone_blind = s.phone_blind AND h.city_id = ANY (%(cities)s) AND %(scope)s = ANY (h.list_ids))"""

OWN = "CASE WHEN c.city_id = ANY (%(cities)s) THEN c.id WHEN x.city_id = ANY (%(cities)s) THEN x.id END"
SHOWN = f"(%(is_told)s AND (coalesce(({OWN}) IN ({EARLIER_TOLD}), false) OR {HELD}))"
KNOWN = "(coalesce(c.id IN ({ids}), false) OR coalesce(x.id IN ({ids}), false))"
ON_LIST = f"({SHOWN} OR (%(region)s OR NOT %(is_told)s) AND {KNOWN.format(ids=EARLIER)})"

LEAVE = """
{merged}UPDATE customers_rowverdict v SET
  verdict = CASE WHEN m.is_left THEN 'left' ELSE v.verdict END,
  reason = CASE WHEN m.is_left THEN %(word)s ELSE v.reason END,
  customer_id = CASE WHEN m.is_left AND v.verdict = 'new' THEN NULL ELSE v.customer_id END,
  before = CASE WHEN m.is_left OR m.is_told_left AND v.reason = 'region' THEN NULL ELSE v.before END,
  told = CASE WHEN m.is_told_left THEN 'left' ELSE v.told END,
  told_reason = CASE WHEN m.is_told_left THEN %(word)s ELSE v.told_reason END
FROM (
  SELECT w.row_no, w.verdict IN {open} AND NOT (w.verdict = 'undecided' AND w.reason = 'region') AND {left} AS is_left,
    coalesce(w.told IN {open}, false) AND {told} AS is_told_left
  FROM customers_rowverdict w
  JOIN customers_stagedrow s ON s.lead_list_id = w.lead_list_id AND s.row_no = w.row_no
  LEFT JOIN LATERAL (SELECT c.id, c.city_id FROM customers_customer c WHERE c.id = (
    SELECT p.customer_id FROM customers_phone p WHERE p.blind_index = s.phone_blind) OFFSET 0) c ON true
  LEFT JOIN LATERAL (SELECT c.id, c.city_id FROM customers_customer c WHERE c.id = (
    SELECT CASE WHEN o.merged_into_id IS NULL THEN o.id ELSE (SELECT g.person FROM merged g WHERE g.id = o.id) END FROM customers_customer o
    WHERE o.source_id = %(source)s AND o.external_id = s.external_id AND o.external_id <> '') OFFSET 0) x ON true
  WHERE w.lead_list_id = %(list)s AND (w.verdict IN {open} OR w.told IN {open}) AND {some}
) m
WHERE v.lead_list_id = %(list)s AND v.row_no = m.row_no AND (m.is_left OR m.is_told_left)
"""


def leave_out(lead_list: LeadList, values: dict[str, Any], *, some: str, at: datetime) -> None:
    """Leave out who is on the earlier list or in the campaign, among the rows `some` with what it takes in `values`. A list that was
    taken back since has brought nobody."""
    earlier = lead_list.left_list
    if earlier is not None and earlier.status == LeadList.Status.COMMITTED:
        statement = LEAVE.format(merged=MERGED, open=OPEN, left=ON_LIST, told=SHOWN, some=some)
        _execute(statement, values | {"scope": earlier.pk, "word": "on_list"})
    if lead_list.left_campaign_id is not None:
        days = lead_list.left_campaign_days
        since = at - timedelta(days=days) if days else "-infinity"
        known = KNOWN.format(ids=left_scopes.ids(left_scopes.CAMPAIGN))
        statement = LEAVE.format(merged=MERGED, open=OPEN, left=known, told="false", some=some)
        _execute(statement, values | {"scope": lead_list.left_campaign_id, "word": "in_campaign", "since": since})


def _execute(statement: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
