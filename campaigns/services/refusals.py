"""What a refusal does: of calls, everywhere and at once; of the offer, this lead and a rest of the product; a complaint holds all."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Greatest

from campaigns.models import Call, Callback, Campaign, DataRequest, Lead
from campaigns.services.returning import return_undialled
from core.audit import audit
from customers.models import Customer, Phone, Suppression
from customers.services import contacts
from customers.services.suppress import suppress
from people.models import User

SOURCE = "call"
# the person's leads wait and may be called again afterwards
WAITING = (Suppression.Kind.COMPLAINT, Suppression.Kind.LOCKED)


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
    """Take the person's leads out of the queue and, undialled, out of agents' hands; returns how many. Inside the suppression's
    transaction, which holds the person.

    Suppressed by nobody's exception: the leads end. A complaint or a lock: they wait until it is cleared. A refused product: they rest with it.
    A dialled lead stays with its agent, who may be talking: its call is recorded, and then catch_up() decides.
    """
    leads = _scope(customer_id, campaign_id, product_id)
    if kind in WAITING:
        return _take_back(leads)
    if kind == Suppression.Kind.OFFER_REFUSED:
        return _rest(leads, customer_id, product_id, at)
    taken = _take_back(leads)
    ids = list(leads.filter(state=Lead.State.OPEN).select_for_update(of=("self",)).values_list("pk", flat=True))
    end_leads(ids)
    return max(taken, len(ids))


def catch_up(lead: Lead, customer: Customer, *, at: datetime) -> None:
    """What was said elsewhere while this lead was dialled, now that it has left the hand: it ends or rests like the person's others,
    and ends when the use of its data request ended meanwhile.

    A lead that its result ended stays as it ended. Person and lead are locked by the caller.
    """
    if lead.state != Lead.State.OPEN:
        return
    if (
        lead.data_request_id
        and DataRequest.objects.filter(pk=lead.data_request_id, state__in=DataRequest.OVER).exists()
    ):
        end_leads([lead.pk], Lead.Outcome.WITHDRAWN)
        lead.refresh_from_db(fields=["state", "outcome", "callback_agent"])
        return
    standing = _standing(lead, customer, at)
    rests = [row.valid_to for row in standing if row.kind == Suppression.Kind.OFFER_REFUSED]
    ends = [row for row in standing if row.kind not in (*WAITING, Suppression.Kind.OFFER_REFUSED)]
    if ends or None in rests:
        end_leads([lead.pk])
        lead.refresh_from_db(fields=["state", "outcome", "callback_agent"])
    elif rests:
        until = max(moment for moment in rests if moment is not None)
        lead.due_at, lead.ready_at = max(lead.due_at, until), max(lead.ready_at, until)
        lead.save(update_fields=["due_at", "ready_at"])


def _standing(lead: Lead, customer: Customer, at: datetime) -> list[Suppression]:
    """What stands against calling this person, or one of the numbers, for this lead."""
    campaign = lead.campaign
    # asked before: with the question inside this one, the planner reads all that is suppressed
    numbers = list(Phone.objects.filter(customer=customer).values_list("blind_index", flat=True))
    return list(
        Suppression.objects.in_force(at).filter(
            Q(customer=customer) | Q(phone_blind__in=numbers),
            Q(campaign_id=None) | Q(campaign_id=campaign.pk),
            Q(product_id=None) | Q(product_id=campaign.product_id),
        )
    )


def _scope(customer_id: int, campaign_id: int | None, product_id: int | None) -> QuerySet[Lead]:
    leads = Lead.objects.filter(customer=customer_id)
    if campaign_id is not None:
        leads = leads.filter(campaign=campaign_id)
    if product_id is not None:
        leads = leads.filter(campaign__product=product_id)
    return leads


def _take_back(leads: QuerySet[Lead]) -> int:
    """Undialled out of the agents' hands, back to the queue as if never handed out; a suppressed person is not handed out from it."""
    held = list(leads.filter(state=Lead.State.HELD, dialled_at=None).select_for_update(of=("self",)))
    for lead in held:
        return_undialled(lead, Customer.objects.get(pk=lead.customer_id), due_at=None)
    return len(held)


def take_from_hands(lead_ids: list[int]) -> None:
    """The same for leads of many persons, each locked before the lead. Inside the caller's transaction."""
    for lead in Lead.objects.filter(pk__in=lead_ids).order_by("customer_id"):
        Customer.objects.select_for_update(of=("self",)).get(pk=lead.customer_id)
        _take_back(Lead.objects.filter(pk=lead.pk))


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


def end_leads(lead_ids: list[int], outcome: str = Lead.Outcome.SUPPRESSED) -> None:
    """Open, locked leads are not called any more, and nobody keeps their promises."""
    Lead.objects.filter(pk__in=lead_ids).update(state=Lead.State.DONE, outcome=outcome, callback_agent=None)
    Callback.objects.filter(lead__in=lead_ids, state=Callback.State.PROMISED).update(state=Callback.State.DROPPED)
