"""Giving a segment to a campaign: its customers, as it was counted, become leads there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from pyroaring import BitMap

from campaigns.models import Campaign, SegmentAllocation
from campaigns.services.allocation import BARRED, check_campaign, note_chunk
from campaigns.services.likeness_order import order_leads_of
from core.audit import audit
from core.errors import DomainError
from core.jobs import enqueue
from core.jobs.runner import Run
from core.models import Job
from customers.models import Segment, SegmentMembers
from people.models import User

KIND = "campaigns.allocate_segment"
CUSTOMERS_AT_ONCE = 20_000


class SegmentNotCounted(DomainError):
    """Only who was counted can be given away: the segment is not counted yet, is being counted, or is archived."""


class SegmentEmpty(DomainError):
    """Nobody is in it."""


class SegmentElsewhere(DomainError):
    """A campaign of one city calls nobody of another."""


@transaction.atomic
def allocate_segment(
    *, campaign: Campaign, segment: Segment, priority: int = 5, by: User, at: datetime
) -> SegmentAllocation:
    """Give a segment to a campaign; a job makes the leads. The same count to the same campaign again returns the first allocation.

    Raises SegmentNotCounted, SegmentEmpty, SegmentElsewhere, CampaignIsOver, PriorityUnknown.
    """
    segment = Segment.objects.select_for_update(of=("self",), no_key=True).get(pk=segment.pk)
    customers, counted_at = _counted(segment)
    check_campaign(campaign, priority)
    if campaign.city_id and segment.city_id and campaign.city_id != segment.city_id:
        raise SegmentElsewhere(
            _("%(campaign)s calls in another city than %(segment)s lies in.")
            % {"campaign": campaign.name, "segment": segment.name}
        )
    allocation, is_new = SegmentAllocation.objects.get_or_create(
        campaign=campaign, segment=segment, counted_at=counted_at,
        defaults={"priority": priority, "by": by, "at": at, "customer_count": customers},
    )  # fmt: skip
    if not is_new:
        return allocation
    job = enqueue(
        kind=KIND, key=str(allocation.pk), args={"segment_allocation": allocation.pk}, city_id=segment.city_id, by=by,
        total=customers,
    )  # fmt: skip
    allocation.job_id = job.pk
    allocation.save(update_fields=["job_id"])
    audit(
        "campaigns.segment.allocated", allocation, by=by, at=at, city_id=segment.city_id,
        campaign_id=campaign.pk, segment_id=segment.pk, customers=customers, priority=priority,
    )  # fmt: skip
    return allocation


def _counted(segment: Segment) -> tuple[int, datetime]:
    """How many are in it, and when they were counted. Raises SegmentNotCounted, SegmentEmpty."""
    if segment.archived_at:
        raise SegmentNotCounted(_("This segment is archived."))
    # a count that waits, works or failed: the stored customers may be those of other conditions
    last = Job.objects.filter(pk=segment.job_id or 0).values_list("state", flat=True).first()
    is_stored = SegmentMembers.objects.filter(segment=segment).exists()
    if last not in (None, Job.State.DONE) or segment.counted_at is None or not is_stored:
        raise SegmentNotCounted(
            _("%(segment)s has to be counted first; assign it when the count is there.") % {"segment": segment.name}
        )
    if not segment.count:
        raise SegmentEmpty(_("Nobody is in %(segment)s.") % {"segment": segment.name})
    return segment.count, segment.counted_at


# Whoever must not or cannot be called in this campaign is left out and counted, by the rules that lists go by.
ROWS = f"""
    SELECT c.id, c.city_id, c.source_id, c.callable_from, CASE {BARRED}
        WHEN EXISTS (SELECT FROM campaigns_lead l WHERE l.campaign_id = %(campaign)s AND l.customer_id = c.id
            AND l.state <> 'done') THEN 'there_already'
        WHEN EXISTS (SELECT FROM campaigns_lead l WHERE l.campaign_id = %(campaign)s AND l.customer_id = c.id) THEN 'finished_there'
        WHEN EXISTS (
            SELECT FROM campaigns_listsample m JOIN campaigns_listallocation a ON a.id = m.allocation_id
            JOIN customers_rowverdict v ON v.lead_list_id = a.lead_list_id AND v.customer_id = c.id
            WHERE a.campaign_id = %(campaign)s AND m.state <> 'released' AND v.verdict IN ('new', 'update', 'unchanged')
                AND (m.cut IS NULL OR campaigns_draw(m.seed, c.id) > m.cut)) THEN 'waiting'
        END AS left_out
    FROM customers_customer c WHERE c.id = ANY (%(customers)s)
"""
INSERT = f"""
WITH row AS ({ROWS}), made AS (
    INSERT INTO campaigns_lead (campaign_id, customer_id, city_id, source_id, priority, due_at, ready_at,
        state, outcome, attempts_made, created_at)
    SELECT %(campaign)s, id, city_id, source_id, %(priority)s, %(at)s, greatest(%(at)s, callable_from),
        'open', '', 0, %(at)s
    FROM row WHERE left_out IS NULL ORDER BY id
    ON CONFLICT (campaign_id, customer_id) DO NOTHING
    RETURNING 1
)
SELECT coalesce(left_out, 'made'), count(*) FROM row GROUP BY 1 UNION ALL SELECT 'inserted', count(*) FROM made
"""


def make_leads(run: Run) -> dict[str, Any]:
    """The job: leads by INSERT ... SELECT, some thousands of customers at a time. Returns counts: made, and left out by reason.

    In the order of their ids, so that a job taken up again goes on behind the last one that was done. Who is in the segment is asked
    for each time: of one that is counted anew meanwhile those who are in it then, of one that is archived nobody any more.
    """
    allocation = SegmentAllocation.objects.select_related("campaign", "segment").get(pk=run.args["segment_allocation"])
    while True:
        with run.chunk() as chunk:
            ids = _next_customers(allocation.segment_id, run.cursor.get("customer", 0))
            if not ids:
                break
            _make_chunk(allocation, ids, run.now())
            chunk.done, chunk.cursor = len(ids), {"customer": ids[-1]}
    allocation.refresh_from_db()
    return {"leads": allocation.lead_count, **allocation.left_out}


def _next_customers(segment_id: int, after: int) -> list[int]:
    """Under a lock until the end of the transaction: a segment that is archived meanwhile waits, and then forgets them."""
    locked = Segment.objects.select_for_update(of=("self",), no_key=True).filter(pk=segment_id, archived_at=None)
    if not locked.exists():
        return []
    stored = SegmentMembers.objects.filter(segment=segment_id).first()
    ids = stored.ids if stored else BitMap()
    start = ids.rank(after)
    return list(ids[start : start + CUSTOMERS_AT_ONCE])


def _make_chunk(allocation: SegmentAllocation, ids: list[int], at: datetime) -> None:
    campaign, segment = allocation.campaign, allocation.segment
    values = {
        "campaign": campaign.pk, "product": campaign.product_id, "city": campaign.city_id or segment.city_id,
        "priority": allocation.priority, "customers": ids, "at": at,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        counts = dict(cursor.fetchall())
    order_leads_of(campaign_id=campaign.pk, customer_ids=ids)
    found = sum(count for reason, count in counts.items() if reason != "inserted")
    if found < len(ids):
        counts["gone"] = len(ids) - found  # deleted since they were counted
    note_chunk(allocation, counts)
