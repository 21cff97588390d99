"""The door through which customers become leads of a campaign: those of a committed list or a data request here, those of a segment in
segment_allocation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from campaigns.models import Campaign, DataRequest, ListAllocation, ListSample, SegmentAllocation
from campaigns.services import sampling
from campaigns.services.likeness_order import order_new_leads, order_requested_leads
from core.audit import audit
from core.errors import DomainError
from core.jobs import enqueue
from core.jobs.runner import Run
from customers.models import LeadList, RowVerdict
from people.models import User

KIND = "campaigns.allocate_list"
ROWS_AT_ONCE = 20_000
HIGHEST = 9
USUAL = 5


class ListNotCommitted(DomainError):
    """Only what a person has committed may be called."""


class CampaignIsOver(DomainError):
    """A campaign in wrap-up or closed takes no more customers."""


class PriorityUnknown(DomainError):
    """Priorities are 0 to 9."""


@transaction.atomic
def allocate_list(
    *,
    campaign: Campaign,
    lead_list: LeadList,
    priority: int = USUAL,
    sample_size: int | None = None,
    by: User,
    at: datetime,
) -> ListAllocation:
    """Give a list to a campaign; a job makes the leads. The same list to the same campaign again returns the first allocation.

    With `sample_size`, for bought lists: of so many customers only, drawn by lot; the others wait for sampling's verbs.
    Raises ListNotCommitted, CampaignIsOver, PriorityUnknown, sampling.ListNotBought, sampling.SampleSizeWrong.
    """
    if not _is_committed(lead_list.pk):
        raise ListNotCommitted(
            _("Commit the list %(name)s first; only then can it be assigned.") % {"name": lead_list.name}
        )
    check_campaign(campaign, priority)
    if sample_size is not None:
        sampling.check_size(lead_list, sample_size)
    allocation, is_new = ListAllocation.objects.get_or_create(
        campaign=campaign, lead_list=lead_list, defaults={"priority": priority, "by": by, "at": at}
    )
    if not is_new:
        return allocation
    if sample_size is not None:
        sampling.hold_back(allocation, size=sample_size, by=by, at=at)
    job = enqueue(
        kind=KIND, key=str(allocation.pk), args={"allocation_id": allocation.pk}, city_id=lead_list.city_id, by=by,
        total=lead_list.row_count or None,
    )  # fmt: skip
    allocation.job_id = job.pk
    allocation.save(update_fields=["job_id"])
    audit(
        "campaigns.list.allocated", allocation, by=by, at=at, city_id=lead_list.city_id,
        campaign_id=campaign.pk, list_id=lead_list.pk, priority=priority,
    )  # fmt: skip
    return allocation


def check_campaign(campaign: Campaign, priority: int) -> None:
    """Whether it takes customers, and this priority. Raises CampaignIsOver, PriorityUnknown."""
    if campaign.stage in (Campaign.Stage.WRAP_UP, Campaign.Stage.CLOSED):
        raise CampaignIsOver(_("%(campaign)s is over and takes no more customers.") % {"campaign": campaign.name})
    if not 0 <= priority <= HIGHEST:
        raise PriorityUnknown(_("The priority is a whole number from 0 to %(highest)s.") % {"highest": HIGHEST})


def _is_committed(list_id: int) -> bool:
    """Asked under a lock until the end of the transaction: a list that is taken back meanwhile waits, and then finds the leads."""
    locked = LeadList.objects.select_for_update(no_key=True).filter(pk=list_id)
    return locked.values_list("status", flat=True).first() == LeadList.Status.COMMITTED


# Why a customer c must not or cannot be called in this campaign; the same for whoever brings the customer.
BARRED = """
        WHEN c.merged_into_id IS NOT NULL THEN 'merged'
        WHEN %(city)s IS NOT NULL AND c.city_id <> %(city)s THEN 'other_city'
        WHEN c.is_suppressed OR EXISTS (
            SELECT FROM customers_suppression s WHERE s.customer_id = c.id AND s.lifted_at IS NULL
                AND s.valid_from <= %(at)s AND (s.valid_to IS NULL OR s.valid_to > %(at)s)
                AND (s.campaign_id IS NULL OR s.campaign_id = %(campaign)s)
                AND (s.product_id IS NULL OR s.product_id = %(product)s)) THEN 'suppressed'
"""
# Whoever must not or cannot be called in this campaign is left out and counted.
LEFT_OUT = f"""{BARRED}
        WHEN EXISTS (SELECT FROM campaigns_lead l WHERE l.campaign_id = %(campaign)s AND l.customer_id = c.id) THEN 'there_already'
"""
# In list order, so that ids of leads follow the rows.
# The rest of a sample: those who became leads by the sample are not spoken of again.
ROWS = f"""
    SELECT v.row_no, c.id, c.city_id, c.callable_from, %(source)s::bigint AS source_id, CASE {LEFT_OUT} {{held}}
        WHEN campaigns_draw(%(seed)s, c.id) > %(cut)s THEN 'waiting'
        END AS left_out
    FROM customers_rowverdict v JOIN customers_customer c ON c.id = v.customer_id
    WHERE v.lead_list_id = %(list)s AND v.row_no > %(after)s AND v.row_no <= %(upto)s
        AND v.verdict IN ('new', 'update', 'unchanged')
        AND NOT (%(is_rest)s AND EXISTS (
            SELECT FROM campaigns_lead l WHERE l.campaign_id = %(campaign)s AND l.customer_id = c.id AND l.lead_list_id = %(list)s))
"""
# Drawn by a data request: in the order of the draw, each with the source that brought the customer.
REQUESTED = f"""
    SELECT v.row_no, c.id, c.city_id, c.callable_from, c.source_id, CASE {LEFT_OUT} END AS left_out
    FROM unnest(%(customers)s::bigint[]) WITH ORDINALITY v(id, row_no) JOIN customers_customer c ON c.id = v.id
"""
INSERT = """
WITH row AS ({rows}), made AS (
    INSERT INTO campaigns_lead (campaign_id, customer_id, city_id, lead_list_id, data_request_id, source_id, priority, due_at, ready_at,
        state, outcome, attempts_made, created_at)
    SELECT %(campaign)s, id, city_id, %(list)s, %(request)s, source_id, %(priority)s, %(at)s, greatest(%(at)s, callable_from),
        'open', '', 0, %(at)s
    FROM row WHERE left_out IS NULL ORDER BY row_no
    ON CONFLICT (campaign_id, customer_id) DO NOTHING
    RETURNING 1
)
SELECT coalesce(left_out, 'made'), count(*) FROM row GROUP BY 1 UNION ALL SELECT 'inserted', count(*) FROM made
"""
OF_REQUEST = INSERT.format(rows=REQUESTED)
# The highest of the lowest lots, of as many as the sample has, among all who could be called; none: nobody can.
DRAW = """
SELECT max(lot) FROM (
    SELECT DISTINCT campaigns_draw(%(lots)s, id) AS lot FROM ({rows}) row WHERE left_out IS NULL ORDER BY 1 LIMIT %(size)s) drawn
"""


def make_leads(run: Run) -> dict[str, Any]:
    """The job: leads by INSERT ... SELECT, some thousands of rows at a time. Returns counts: made, and left out by reason.

    Of a list that is taken back meanwhile no more leads are made.
    """
    allocation = ListAllocation.objects.select_related("campaign", "lead_list").get(pk=run.args["allocation_id"])
    last = RowVerdict.objects.filter(lead_list=allocation.lead_list_id).aggregate(last=Max("row_no"))["last"] or 0
    if "row_no" not in run.cursor:
        with run.chunk():
            _draw(allocation, last)
    after = run.cursor.get("row_no", 0)
    while after < last:
        upto = min(after + ROWS_AT_ONCE, last)
        with run.chunk(done=upto - after, cursor={"row_no": upto}, total=last):
            if not _is_committed(allocation.lead_list_id):
                break
            _make_chunk(allocation, after, upto)
        after = upto
    allocation.refresh_from_db()
    return {"leads": allocation.lead_count, **allocation.left_out}


def _draw(allocation: ListAllocation, last: int) -> None:
    """Draw the sample once: a job that starts again finds it drawn."""
    sample = ListSample.objects.filter(allocation=allocation, cut=None).first()
    if sample is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            DRAW.format(rows=_rows_of(allocation)),
            {**_rows(allocation, None, 0, last), "lots": sample.seed, "size": sample.size},
        )
        (cut,) = cursor.fetchone()
    ListSample.objects.filter(pk=sample.pk, cut=None).update(cut=sampling.NOBODY if cut is None else cut)


def _rows_of(allocation: ListAllocation) -> str:
    """The statement over the rows of the list. Other lists are asked about only where one of its source is held back."""
    held = sampling.HELD_BACK_BY_OTHER_LISTS if sampling.is_held_by_other_lists(allocation) else ""
    return ROWS.format(held=held)


def _rows(allocation: ListAllocation, sample: ListSample | None, after: int, upto: int) -> dict[str, Any]:
    """What ROWS asks for. Without a sample to keep to everybody has a lot that is low enough."""
    campaign, lead_list = allocation.campaign, allocation.lead_list
    is_tried = sample is not None and sample.state != ListSample.State.RELEASED
    return {
        "campaign": campaign.pk, "product": campaign.product_id, "city": campaign.city_id, "list": lead_list.pk,
        "source": lead_list.source_id, "request": None, "priority": allocation.priority, "after": after, "upto": upto,
        "seed": sample.seed if sample else 0, "cut": sample.cut if sample and is_tried else None,
        "is_rest": sample is not None and not is_tried,
        "at": sample.decided_at if sample and sample.state == ListSample.State.RELEASED else allocation.at,
    }  # fmt: skip


def _make_chunk(allocation: ListAllocation, after: int, upto: int) -> None:
    # asked for each time: somebody may decide about the rest while the leads of the sample are made
    sample = ListSample.objects.filter(allocation=allocation).first()
    counts = _insert(INSERT.format(rows=_rows_of(allocation)), _rows(allocation, sample, after, upto))
    order_new_leads(campaign_id=allocation.campaign_id, lead_list_id=allocation.lead_list_id)
    note_chunk(allocation, counts)


def _insert(statement: str, values: dict[str, Any]) -> dict[str, int]:
    """Counts: made, inserted, and left out by reason."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return dict(cursor.fetchall())


def note_chunk(owner: ListAllocation | SegmentAllocation | DataRequest, counts: dict[str, int]) -> int:
    """Add what one statement made ("inserted", of "made") and left out, by reason, to what its owner says of itself; returns how many."""
    inserted = counts.pop("inserted", 0)
    # somebody else gave the same customer to the campaign at the same moment, or the file names one customer in two rows
    lost = counts.pop("made", 0) - inserted
    if lost:
        counts["there_already"] = counts.get("there_already", 0) + lost
    rows = type(owner)._default_manager.filter(pk=owner.pk)
    left_out = dict(rows.values_list("left_out", flat=True).get())
    for reason, count in counts.items():
        left_out[reason] = left_out.get(reason, 0) + count
    rows.update(lead_count=F("lead_count") + inserted, left_out=left_out)
    return inserted


# ---------------------------------------------------------------- data requests


def make_requested_leads(request: DataRequest, customers: list[int], *, at: datetime) -> int:
    """Leads of customers whom a data request has drawn, in the transaction that holds the request; returns how many.

    They are judged anew like the rows of a list: who has refused or become a lead since the draw is left out and counted.
    """
    counts = _insert(OF_REQUEST, _requested(request, customers, at))
    order_requested_leads(campaign_id=request.campaign_id, data_request_id=request.pk)
    return note_chunk(request, counts)


def _requested(request: DataRequest, customers: list[int], at: datetime) -> dict[str, Any]:
    campaign = request.campaign
    return {
        "campaign": campaign.pk, "product": campaign.product_id, "city": request.city_id or campaign.city_id, "list": None,
        "request": request.pk, "priority": USUAL, "customers": customers, "at": at,
    }  # fmt: skip
