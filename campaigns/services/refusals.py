"""What a refusal does: of calls, everywhere and at once; of the offer, this lead and a rest of the product; a complaint holds all."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Greatest

from campaigns.models import Call, Callback, Campaign, Lead
from core.audit import audit
from customers.models import Customer, Phone, Suppression
from customers.services import contacts
from customers.services.suppress import suppress
from people.models import User

SOURCE = "call"


def apply_refusals(
    *, call: Call, campaign: Campaign, customer: Customer, wrong_person: bool, by: User, at: datetime
) -> None:
    """Inside the transaction of the call. The call's own lead is settled before, so that it keeps its own end."""
    if call.refuses_calls:
        suppress(customer=customer, kind=Suppression.Kind.REFUSAL, by=by, at=at, call_id=call.pk, source=SOURCE)
    if call.complaint:
        suppress(customer=customer, kind=Suppression.Kind.COMPLAINT, by=by, at=at, call_id=call.pk, source=SOURCE)
    if call.refuses_offer and call.product_id:
        _rest_product(call, campaign, customer, by, at)
    if wrong_person:
        _mark_number(call, by, at)


def _rest_product(call: Call, campaign: Campaign, customer: Customer, by: User, at: datetime) -> None:
    days = contacts.rules_of(campaign, at=at, city_id=customer.city_id).refusal_rest_days
    if days:
        suppress(
            customer=customer,
            kind=Suppression.Kind.OFFER_REFUSED,
            by=by,
            at=at,
            product_id=call.product_id,
            valid_to=at + timedelta(days=days),
            call_id=call.pk,
            source=SOURCE,
        )


def mark_dead(phone_id: int | None) -> None:
    """The number is not in use: it is not dialled again."""
    Phone.objects.filter(pk=phone_id or 0).update(is_dead=True)


def _mark_number(call: Call, by: User, at: datetime) -> None:
    """The number reaches somebody else: it is not dialled again for this person. Other numbers of the person stay."""
    mark_dead(call.phone_id)
    audit("campaigns.number.marked", call, by=by, at=at, phone_id=call.phone_id, why="wrong_person")


# ---------------------------------------------------------------- leads elsewhere


def withdraw_leads(
    *, customer_id: int, kind: str, at: datetime, campaign_id: int | None = None, product_id: int | None = None
) -> int:
    """Take the person's leads out of the queue and out of agents' hands; returns how many. Called inside the suppression's transaction.

    Suppressed by nobody's exception: the leads end. A complaint: they wait until it is cleared. A refused product: they rest with it.
    """
    leads = _scope(customer_id, campaign_id, product_id)
    if kind == Suppression.Kind.COMPLAINT:
        return _take_back(leads)
    if kind == Suppression.Kind.OFFER_REFUSED:
        return _rest(leads, customer_id, product_id, at)
    ids = list(leads.exclude(state=Lead.State.DONE).select_for_update(of=("self",)).values_list("pk", flat=True))
    _drop_promises(ids)
    _let_go(customer_id, ids)
    return Lead.objects.filter(pk__in=ids).update(
        state=Lead.State.DONE,
        outcome=Lead.Outcome.SUPPRESSED,
        agent=None,
        held_at=None,
        lease_until=None,
        dialled_at=None,
        callback_agent=None,
    )


def _scope(customer_id: int, campaign_id: int | None, product_id: int | None) -> QuerySet[Lead]:
    leads = Lead.objects.filter(customer=customer_id)
    if campaign_id is not None:
        leads = leads.filter(campaign=campaign_id)
    if product_id is not None:
        leads = leads.filter(campaign__product=product_id)
    return leads


def _take_back(leads: QuerySet[Lead]) -> int:
    """Out of the agents' hands, back to the queue, from which a suppressed person is not handed out."""
    held = list(leads.filter(state=Lead.State.HELD).select_for_update(of=("self",)))
    for lead in held:
        _let_go(lead.customer_id, [lead.pk])
    return Lead.objects.filter(pk__in=[lead.pk for lead in held]).update(
        state=Lead.State.OPEN, agent=None, held_at=None, lease_until=None, dialled_at=None
    )


def _rest(leads: QuerySet[Lead], customer_id: int, product_id: int | None, at: datetime) -> int:
    """Leads for the same product wait until the rest is over; one without an end ends them."""
    resting = Suppression.objects.in_force(at).filter(
        customer=customer_id, kind=Suppression.Kind.OFFER_REFUSED, product_id=product_id
    )
    if resting.filter(valid_to=None).exists():
        return withdraw_leads(customer_id=customer_id, kind=Suppression.Kind.MANUAL, at=at, product_id=product_id)
    until = resting.aggregate(until=Max("valid_to"))["until"]
    _take_back(leads)
    if until is None:
        return 0
    return leads.filter(state=Lead.State.OPEN).update(
        due_at=Greatest(F("due_at"), until), ready_at=Greatest(F("ready_at"), until)
    )


def _drop_promises(lead_ids: list[int]) -> None:
    Callback.objects.filter(lead__in=lead_ids, state=Callback.State.PROMISED).update(state=Callback.State.DROPPED)


def _let_go(customer_id: int, lead_ids: list[int]) -> None:
    Customer.objects.filter(Q(pk=customer_id) & Q(held_lead_id__in=lead_ids)).update(held_lead_id=None)
