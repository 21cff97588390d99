"""Leads of two customers who are one person: they go to the one who stays, and of two in one campaign one ends.

Runs inside the transaction of the merge or of its undo, which holds both customers: nothing of either is in an agent's hand.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from django.db.models import F
from django.db.models.functions import Greatest

from campaigns.models import Callback, DataRequest, Lead
from campaigns.services import arms
from campaigns.services.refusals import end_leads, withdraw_leads
from customers.models import Customer
from customers.services.contacts import suppressions_of

KEPT = ("customer_id", "city_id", "state", "outcome", "callback_agent_id", "attempts_made")
MOMENTS = ("due_at", "ready_at", "last_call_at")


def merge_leads(*, kept_id: int, gone_id: int, at: datetime, moved: dict[str, Any]) -> None:
    """The open leads of the other go over. Where the one who stays has a lead in the same campaign, finished ones too, the other's ends as
    merged, and a promise made with it is kept with the one that stays open. Then what either asked about calls holds for all of them.

    Notes in `moved` how each lead was and how it was left.
    """
    leads = list(
        Lead.objects.select_for_update(of=("self",)).filter(customer__in=[kept_id, gone_id]).order_by("pk")
    )  # fmt: skip
    arms.keep_arms(kept_id=kept_id, gone_id=gone_id)
    before = {lead.pk: _as_is(lead) for lead in leads if lead.state == Lead.State.OPEN}
    own = {lead.campaign_id: lead for lead in leads if lead.customer_id == kept_id}
    promises: list[list[Any]] = []
    for lead in leads:
        if lead.customer_id == gone_id and lead.state == Lead.State.OPEN:
            promises += _take_over(lead, own.get(lead.campaign_id), kept_id)
    kept = Customer.objects.get(pk=kept_id)
    Lead.objects.filter(customer=kept, state=Lead.State.OPEN, callback_agent=None).update(
        ready_at=Greatest(F("ready_at"), kept.callable_from)
    )
    _withdraw_suppressed(kept, at)
    after = {lead.pk: _as_is(lead) for lead in Lead.objects.filter(pk__in=before)}
    changed = [[pk, before[pk], after[pk]] for pk in sorted(before) if before[pk] != after[pk]]
    moved["campaigns"] = {"leads": changed, "promises": promises}


def _take_over(lead: Lead, own: Lead | None, kept_id: int) -> list[list[Any]]:
    """Returns the promise that went over or was dropped: [[callback, the lead it was given with]]."""
    if own is None:
        lead.customer_id = kept_id
        lead.save(update_fields=["customer"])
        return []
    promise = Callback.objects.filter(lead=lead, state=Callback.State.PROMISED).first()
    if promise is not None:
        _carry(promise, lead, own)
    lead.state, lead.outcome, lead.callback_agent = Lead.State.DONE, Lead.Outcome.MERGED, None
    lead.save(update_fields=["state", "outcome", "callback_agent"])
    return [[promise.pk, lead.pk]] if promise is not None else []


def _carry(promise: Callback, lead: Lead, own: Lead) -> None:
    """The customer was promised a call: one promise stands, the other's own first."""
    taken = Callback.objects.filter(lead=own, state=Callback.State.PROMISED).exists()
    if taken or own.state != Lead.State.OPEN:
        promise.state = Callback.State.DROPPED
    else:
        promise.lead = own
        own.callback_agent, own.due_at, own.ready_at = lead.callback_agent, lead.due_at, lead.ready_at
        own.save(update_fields=["callback_agent", "due_at", "ready_at"])
    promise.save(update_fields=["lead", "state"])


def _withdraw_suppressed(customer: Customer, at: datetime) -> None:
    """What was asked by one of the two holds for the leads of both."""
    for row in suppressions_of(customer, at):
        if row.customer_id or (row.campaign_id is None and row.product_id is None):
            withdraw_leads(
                customer_id=customer.pk, kind=row.kind, at=at, campaign_id=row.campaign_id, product_id=row.product_id
            )


# ---------------------------------------------------------------- the undo


def part_leads(*, kept_id: int, gone_id: int, at: datetime, moved: dict[str, Any], left: Counter[str]) -> None:
    """Every lead that nobody has worked on since is again as it was before the merge; the others stay and are counted in `left`."""
    told = moved.get("campaigns", {"leads": [], "promises": []})
    leads = {
        lead.pk: lead
        for lead in Lead.objects.select_for_update(of=("self",)).filter(customer__in=[kept_id, gone_id]).order_by("pk")
    }
    gone = Customer.objects.get(pk=gone_id)
    back = set()
    for pk, before, after in told["leads"]:
        lead = leads.get(pk)
        if lead is None or not _is_untouched(lead, after):
            left["leads"] += 1
            continue
        _restore(lead, before, gone)
        if _is_over(lead):
            end_leads([pk], Lead.Outcome.WITHDRAWN)
            continue
        back.add(pk)
    for callback_id, lead_id in told["promises"]:
        left["promises"] += 0 if _give_back(callback_id, lead_id, back) else 1
    if not left["promises"]:
        del left["promises"]
    for customer in (gone, Customer.objects.get(pk=kept_id)):
        _withdraw_suppressed(customer, at)


def _is_over(lead: Lead) -> bool:
    """The data request or the list that brought it has ended meanwhile, and passed it over because it was merged."""
    is_over = lead.data_request is not None and lead.data_request.state in DataRequest.OVER
    is_taken_back = lead.lead_list is not None and lead.lead_list.status in ("undoing", "undone")
    return lead.state == Lead.State.OPEN and (is_over or is_taken_back)


def _give_back(callback_id: int, lead_id: int, back: set[int]) -> bool:
    """The promise to the lead it was made with, when that lead is back and nobody has kept the promise since."""
    if lead_id not in back:
        return False
    asked = Callback.objects.select_for_update(of=("self",)).filter(pk=callback_id)
    promise = asked.filter(state__in=[Callback.State.PROMISED, Callback.State.DROPPED]).first()
    if promise is None or Callback.objects.filter(lead=lead_id, state=Callback.State.PROMISED).exists():
        return False
    if promise.lead_id != lead_id and promise.lead_id not in back:
        return False  # the lead it went to has been worked on with it
    promise.lead_id, promise.state = lead_id, Callback.State.PROMISED
    promise.save(update_fields=["lead", "state"])
    return True


def _is_untouched(lead: Lead, after: dict[str, Any]) -> bool:
    """Nobody has called it or decided about it since; its place in the queue does not count."""
    now = _as_is(lead)
    return all(now[name] == after[name] for name in (*KEPT, "last_call_at") if name != "city_id")


def _restore(lead: Lead, before: dict[str, Any], gone: Customer) -> None:
    for name in KEPT:
        setattr(lead, name, before[name])
    for name in ("due_at", "ready_at"):
        setattr(lead, name, datetime.fromisoformat(before[name]))
    if lead.customer_id == gone.pk:
        lead.city_id = gone.city_id
    lead.save(update_fields=["customer", "city", "state", "outcome", "callback_agent", "due_at", "ready_at"])


def _as_is(lead: Lead) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(lead, name) for name in KEPT}
    for name in MOMENTS:
        moment = getattr(lead, name)
        told[name] = moment.isoformat() if moment else None
    return told
