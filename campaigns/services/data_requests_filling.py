"""The jobs of data requests: draw the customers and make their leads; withdraw what is still open when the use is over."""

from __future__ import annotations

import heapq
from typing import Any

from django.db.models import F, Max, Min

from campaigns.models import DataRequest, DataRequestDraw, Lead
from campaigns.queries_data_requests import fitting, lot
from campaigns.services import allocation
from campaigns.services.refusals import end_leads, take_from_hands
from core.audit import audit
from core.jobs import Run
from customers.models import Customer

# ids looked at in one go, customers made leads in one transaction, leads withdrawn in one
WINDOW = 200_000
LEADS_AT_ONCE = 5_000
WITHDRAWN_AT_ONCE = 1_000

State = DataRequest.State


def fill_request(run: Run) -> dict[str, Any]:
    """The job: draw as many as were asked for, then make their leads piece by piece. Begun anew it goes on with the same draw.

    Of a request that is closed meanwhile no more leads are made.
    """
    request = DataRequest.objects.select_related("campaign").get(pk=run.args["request"])
    if "made" not in run.cursor:
        drawn = _drawn(run, request) if request.state == State.APPROVED else []
        with run.chunk(cursor={"made": 0}, total=len(drawn)):
            if _is_approved(request):
                DataRequestDraw.objects.update_or_create(
                    request=request, defaults={"bitmap": DataRequestDraw.packed(drawn)}
                )
    draw = DataRequestDraw.objects.filter(request=request).first()
    ids = list(draw.ids) if draw else []
    if request.order == DataRequest.Order.NEWEST:
        ids.reverse()
    _make(run, request, ids)
    request.refresh_from_db()
    return {"leads": request.lead_count, **request.left_out}


def _is_approved(request: DataRequest) -> bool:
    """Asked under a lock until the end of the piece: who closes it meanwhile waits, and then finds the leads."""
    locked = DataRequest.objects.select_for_update(of=("self",)).filter(pk=request.pk)
    return locked.values_list("state", flat=True).first() == State.APPROVED


def _drawn(run: Run, request: DataRequest) -> list[int]:
    """By lot: those with the lowest lots of all who fit. Newest first: the last who were added."""
    by_lot = request.order == DataRequest.Order.RANDOM
    rows = fitting(request, run.now()).order_by()
    found: list[tuple[int, int]] = []
    for start in _windows(newest_first=not by_lot):
        run.check_cancelled()
        here = rows.filter(pk__gte=start, pk__lt=start + WINDOW).annotate(
            place=lot(request.seed) if by_lot else -F("pk")
        )
        drawn = here.order_by("place").values_list("place", "pk")[: request.wanted]
        found = heapq.nsmallest(request.wanted, [*found, *drawn])
        if not by_lot and len(found) == request.wanted:
            break
    return [pk for _place, pk in found]


def _windows(*, newest_first: bool) -> list[int]:
    """Each window is one statement, so that a draw among millions neither holds a snapshot for long nor outlasts a lease."""
    ends = Customer.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["last"] is None:
        return []
    starts = list(range(ends["first"], ends["last"] + 1, WINDOW))
    return starts[::-1] if newest_first else starts


def _make(run: Run, request: DataRequest, ids: list[int]) -> None:
    at = run.cursor.get("made", 0)
    while True:
        piece = ids[at : at + LEADS_AT_ONCE]
        with run.chunk(done=len(piece), cursor={"made": at + len(piece)}, total=len(ids)):
            if not _is_approved(request):
                return
            if piece:
                allocation.make_requested_leads(request, piece, at=run.now())
            if at + len(piece) >= len(ids):
                _finish(run, request)
        at += len(piece)
        if at >= len(ids):
            return


def _finish(run: Run, request: DataRequest) -> None:
    """In the transaction of the last piece. Whom it drew is now told by its leads."""
    at = run.now()
    DataRequest.objects.filter(pk=request.pk).update(state=State.FULFILLED, fulfilled_at=at)
    DataRequestDraw.objects.filter(request=request).delete()
    fresh = DataRequest.objects.get(pk=request.pk)
    audit(
        "campaigns.data_request.fulfilled", fresh, by=None, at=at, city_id=fresh.city_id, campaign_id=fresh.campaign_id,
        wanted=fresh.wanted, leads=fresh.lead_count, left_out=fresh.left_out,
    )  # fmt: skip


# ---------------------------------------------------------------- the use is over


def withdraw_leads(run: Run) -> dict[str, Any]:
    """The job: leads that may still be called end as withdrawn, out of agents' hands when they are not dialled, and their promises drop.

    A dialled lead stays with its agent, who may be talking: it ends once its result is recorded (refusals.catch_up).
    """
    request = DataRequest.objects.get(pk=run.args["request"])
    after = run.cursor.get("after", 0)
    while True:
        with run.chunk(cursor={"after": after}) as chunk:
            ids = _open_leads(request, after)
            withdrawn = _withdraw(request, ids)
            if ids:
                after = ids[-1]
            chunk.done, chunk.cursor = withdrawn, {"after": after}
            if not ids:
                _told(run, request)
                break
    request.refresh_from_db()
    return {"leads": request.withdrawn_count}


def _open_leads(request: DataRequest, after: int) -> list[int]:
    rows = Lead.objects.filter(data_request=request, pk__gt=after).exclude(state=Lead.State.DONE)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:WITHDRAWN_AT_ONCE])


def _withdraw(request: DataRequest, ids: list[int]) -> int:
    """Locked in waiting for whoever records a result just now: what that leaves open is seen here or by catch_up, which reads the end."""
    held = Lead.objects.filter(pk__in=ids, state=Lead.State.HELD, dialled_at=None)
    take_from_hands(list(held.values_list("pk", flat=True)))
    locked = Lead.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",))
    waiting = [lead.pk for lead in locked if lead.state == Lead.State.OPEN]
    end_leads(waiting, Lead.Outcome.WITHDRAWN)
    DataRequest.objects.filter(pk=request.pk).update(withdrawn_count=F("withdrawn_count") + len(waiting))
    return len(waiting)


def _told(run: Run, request: DataRequest) -> None:
    DataRequestDraw.objects.filter(request=request).delete()
    fresh = DataRequest.objects.get(pk=request.pk)
    audit(
        "campaigns.data_request.leads_withdrawn", fresh, by=None, at=run.now(), city_id=fresh.city_id,
        campaign_id=fresh.campaign_id, leads=fresh.withdrawn_count, reason=fresh.end_reason,
    )  # fmt: skip
