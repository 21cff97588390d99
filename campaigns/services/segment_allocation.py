"""Giving a segment to a campaign: its customers, as it was counted, become leads there, all of them or so many."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from pyroaring import BitMap

from campaigns.models import Campaign, SegmentAllocation, SegmentDraw
from campaigns.services import segment_draws
from campaigns.services.allocation import check_campaign, note_chunk
from campaigns.services.likeness_order import order_leads_of
from campaigns.services.segment_draws import ROWS, asked_of
from core.audit import audit
from core.errors import DomainError
from core.jobs import TryLater, enqueue
from core.jobs.runner import Run
from core.models import Job
from customers.models import Segment, SegmentMembers
from people.models import User

KIND = "campaigns.allocate_segment"
CUSTOMERS_AT_ONCE = 20_000
AGAIN = timedelta(seconds=10)
MOST = 1_000_000


class SegmentNotCounted(DomainError):
    """Only who was counted can be given away: the segment is not counted yet, is being counted, or is archived."""


class SegmentEmpty(DomainError):
    """Nobody is in it."""


class SegmentElsewhere(DomainError):
    """A campaign of one city calls nobody of another."""


class LimitWrong(DomainError):
    """So many is one or more, and a million at most."""


class AssignedMeanwhile(DomainError):
    """Who confirms was shown figures that hold no longer."""


@transaction.atomic
def allocate_segment(
    *,
    campaign: Campaign,
    segment: Segment,
    priority: int = 5,
    most: int | None = None,
    order: str = SegmentAllocation.Order.RANDOM,
    seen: int | None = None,
    by: User,
    at: datetime,
) -> SegmentAllocation:
    """Give a segment to a campaign; a job makes the leads. The same count to the same campaign again returns the first allocation.

    With `most` only so many leads are made, of those who can be called and are not in the campaign yet, by lot or by name: the same
    again brings the next ones. `seen` is the last allocation that whoever confirms knows of (0: none), so that a confirmation sent
    twice brings one.
    Raises SegmentNotCounted, SegmentEmpty, SegmentElsewhere, CampaignIsOver, PriorityUnknown, LimitWrong, AssignedMeanwhile.
    """
    segment = Segment.objects.select_for_update(of=("self",), no_key=True).get(pk=segment.pk)
    customers, counted_at = check_segment(campaign, segment, priority=priority, most=most)
    last = last_allocation(campaign, segment)
    if seen is not None and seen != (last.pk if last else 0):
        raise AssignedMeanwhile(
            _("%(segment)s was assigned to this campaign meanwhile. Look at the figures anew.")
            % {"segment": segment.name}
        )
    facts = {"priority": priority, "by": by, "at": at, "customer_count": customers}
    where = {"campaign": campaign, "segment": segment, "counted_at": counted_at, "most": most}
    if most is None:
        allocation, is_new = SegmentAllocation.objects.get_or_create(**where, defaults=facts)
        if not is_new:
            return allocation
    else:
        allocation = SegmentAllocation.objects.create(**where, **facts, order=order, seed=secrets.randbits(62))
    before = _job_before(allocation) if most else None
    job = enqueue(
        kind=KIND, key=str(allocation.pk), args={"segment_allocation": allocation.pk}, city_id=segment.city_id, by=by,
        total=min(customers, most or customers), after=before,
    )  # fmt: skip
    allocation.job_id = job.pk
    allocation.save(update_fields=["job_id"])
    audit(
        "campaigns.segment.allocated", allocation, by=by, at=at, city_id=segment.city_id,
        campaign_id=campaign.pk, segment_id=segment.pk, customers=customers, priority=priority, most=most,
    )  # fmt: skip
    return allocation


def check_segment(
    campaign: Campaign, segment: Segment, *, priority: int = 5, most: int | None = None
) -> tuple[int, datetime]:
    """How many are in it and when they were counted, if it can be given to this campaign; raises as allocate_segment does."""
    counted = _counted(segment)
    check_campaign(campaign, priority)
    if most is not None and not 1 <= most <= MOST:
        raise LimitWrong(_("Assign at least 1 and at most %(most)s customers.") % {"most": MOST})
    if campaign.city_id and segment.city_id and campaign.city_id != segment.city_id:
        raise SegmentElsewhere(
            _("%(campaign)s calls in another city than %(segment)s lies in.")
            % {"campaign": campaign.name, "segment": segment.name}
        )
    return counted


def last_allocation(campaign: Campaign, segment: Segment) -> SegmentAllocation | None:
    return SegmentAllocation.objects.filter(campaign=campaign, segment=segment).order_by("-pk").first()


def _job_before(allocation: SegmentAllocation) -> Job | None:
    """The last job that still makes leads of this segment for this campaign. Two at once would draw the same customers."""
    earlier = SegmentAllocation.objects.filter(
        campaign=allocation.campaign_id, segment=allocation.segment_id, pk__lt=allocation.pk
    )
    return Job.objects.open().filter(pk__in=earlier.values("job_id")).order_by("-pk").first()


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
    for each time: of one that is counted anew meanwhile those who are in it then, of one that is archived nobody any more. Who is
    meant by "at most so many" is drawn once, at the start; who left the segment since then is counted.
    """
    allocation = SegmentAllocation.objects.select_related("campaign", "segment").get(pk=run.args["segment_allocation"])
    if allocation.most is not None and "customer" not in run.cursor:
        if _job_before(allocation):  # the one it waited for was stopped, and another before that is still at work
            raise TryLater(AGAIN)
        segment_draws.draw(run, allocation, members_of(allocation.segment_id))
    while True:
        with run.chunk() as chunk:
            ids, left = _next_customers(allocation, run.cursor.get("customer", 0))
            if not ids and not left:
                SegmentDraw.objects.filter(allocation=allocation).delete()
                break
            _make_chunk(allocation, ids, run.now())
            if left:
                note_chunk(allocation, {"left_segment": len(left)})
            chunk.done, chunk.cursor = len(ids) + len(left), {"customer": max([*ids[-1:], *left[-1:]])}
    allocation.refresh_from_db()
    return {"leads": allocation.lead_count, **allocation.left_out}


def members_of(segment_id: int) -> BitMap:
    stored = SegmentMembers.objects.filter(segment=segment_id).first()
    return stored.ids if stored else BitMap()


def _next_customers(allocation: SegmentAllocation, after: int) -> tuple[list[int], list[int]]:
    """Of so many at a time those who are in the segment, and of those who were drawn from it the ones who left it since then.

    Under a lock until the end of the transaction: a segment that is archived meanwhile waits, and then forgets them.
    """
    live = Segment.objects.filter(pk=allocation.segment_id, archived_at=None)
    is_live = live.select_for_update(of=("self",), no_key=True).exists()
    members = members_of(allocation.segment_id) if is_live else BitMap()
    meant = members if allocation.most is None else SegmentDraw.objects.get(allocation=allocation).ids
    start = meant.rank(after)
    some = meant[start : start + CUSTOMERS_AT_ONCE]
    return list(some & members), list(some - members)


def _make_chunk(allocation: SegmentAllocation, ids: list[int], at: datetime) -> None:
    values = asked_of(allocation.campaign, allocation.segment) | {
        "priority": allocation.priority,
        "customers": ids,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        counts = dict(cursor.fetchall())
    order_leads_of(campaign_id=allocation.campaign_id, customer_ids=ids)
    found = sum(count for reason, count in counts.items() if reason != "inserted")
    if found < len(ids):
        counts["gone"] = len(ids) - found  # deleted since they were counted
    note_chunk(allocation, counts)
