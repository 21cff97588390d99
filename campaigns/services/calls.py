"""Recording a call: the fact with its circumstances, and everything that follows from it, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import formats
from django.utils.translation import gettext as _

from campaigns import queries_set_up
from campaigns.models import Answer, Call, Campaign, DeskDraft, Disposition, InboundCall, Lead, LiveCall
from campaigns.services import arms, orders, refusals, retry
from campaigns.services.answers import Judged, judge
from campaigns.services.held import check_held, lock_held
from campaigns.services.resting import others_rest
from campaigns.signals import call_recorded
from core.audit import audit
from core.errors import DomainError
from customers.models import Contact, Customer, Phone
from customers.services import contacts
from people.models import Team, User

CLOCKS_DIFFER = timedelta(seconds=5)
LONGEST_PROMISE = timedelta(days=180)
LEDGER_SLACK = timedelta(hours=1)
KEPT_ATTEMPTS = 20
WRONG_PERSON = "wrong_person"
FLAGS = ("connected", "right_party", "sale", "refuses_offer", "refuses_calls", "mid_call", "complaint", "bad_number")


class ResultUnknown(DomainError):
    """No such result in this campaign."""


class DetailMissing(DomainError):
    """The result needs something that was not given, or was given something it cannot have."""


class PromiseForbidden(DomainError):
    """The rules of contact would forbid the callback at the time promised."""


class TimesImpossible(DomainError):
    """The call would lie in the future, end before it began, or talk without a connection."""


class NoTeam(DomainError):
    """The agent belonged to no team at the time of the call."""


@transaction.atomic
def record_call(*, lead: Lead, agent: User, **result: Any) -> Call:
    """record_locked() with person and lead locked here. Raises what it raises."""
    customer, held = lock_held(lead, agent)
    return record_locked(lead=held, customer=customer, agent=agent, **result)


def record_locked(
    *,
    lead: Lead,
    customer: Customer,
    agent: User,
    disposition_code: str,
    started_at: datetime,
    talk_seconds: int,
    ring_seconds: int = 0,
    after_call_seconds: int = 0,
    at: datetime,
    callback_at: datetime | None = None,
    order: orders.Sale | None = None,
    reason: str = "",
    note: str = "",
    step_id: int | None = None,
    recommended: bool | None = None,
    answers: Mapping[int, Any] | None = None,
    script_version_id: int | None = None,
    inbound: LiveCall | None = None,
    saved_at: datetime | None = None,
) -> Call:
    """Record one call to the lead in the agent's hand and decide what becomes of the lead.

    `answers`: {question id: answer}. `script_version_id`: the version that the agent's window shows, when another has come into force
    meanwhile. `saved_at`: when the agent saved it, if it comes late: a callback agreed on is judged from there. `recommended` None: taken
    from the result. Seconds are whole. `inbound`: the customer called in; that is no attempt, and a lead that had ended well before stays
    as it ended unless something came of the call.

    Inside a transaction that has locked the person and then the lead (services.held), the order in which a suppression locks them.
    Answers and a step that are not of the version spoken are left out; `left_out` of the call says so. A person suppressed since the
    dial: call and sale are kept, and the lead ends unless its result ended it. Raises LeadNotYours, ResultUnknown, DetailMissing, PromiseForbidden, TimesImpossible, NoTeam and what
    orders.record_sale raises; then nothing is stored.
    """
    check_held(lead, agent)
    customer.city = queries_set_up.city(customer.city_id)
    lead.campaign = queries_set_up.campaign(lead.campaign_id)
    campaign = arms.campaign_of(lead, agent, spoken=script_version_id)
    disposition = find_disposition(campaign.pk, disposition_code)
    result = retry.common_of(disposition)
    _check_times(result, started_at, ring_seconds, talk_seconds, after_call_seconds, at)
    _check_details(disposition, result, campaign, callback_at, order, reason, step_id, saved_at or at)
    step = _step_spoken(campaign, step_id)
    judged = judge(version_id=campaign.script_version_id, answers=answers or {})
    contact = None if inbound else _reserved(lead)
    call = Call.objects.create(
        **_circumstances(lead, campaign, customer, agent, contact, started_at, inbound),
        **_flags(result),
        disposition_id=disposition.pk,
        recommended=_recommended(disposition, result) if recommended is None else recommended,
        started_at=started_at,
        talk_seconds=talk_seconds,
        ring_seconds=ring_seconds,
        after_call_seconds=after_call_seconds,
        reason=reason.strip()[:120],
        note="\n".join(filter(None, [note.strip(), *judged.words])),
        step_id=step,
    )
    _save_answers(call, judged)
    call.left_out = _left_out(judged, is_step_kept=step == step_id)
    _settle_ledger(call, lead, customer, contact)
    if callback_at is not None:
        _check_promise(campaign, customer, callback_at)
    if call.bad_number:
        refusals.mark_dead(call.phone_id)
    retry.settle(
        lead, call, disposition, customer, agent=agent, callback_at=callback_at, note=note,
        ended=inbound.ended_before if inbound else "",
    )  # fmt: skip
    refusals.catch_up(lead, customer, at=at)
    if call.sale:
        orders.record_sale(call=call, sale=order or orders.Sale(), by=agent, at=at)
    refusals.apply_refusals(
        call=call, campaign=campaign, customer=customer, wrong_person=result.code == WRONG_PERSON, by=agent, at=at
    )
    LiveCall.objects.filter(lead=lead, settled_at=None).update(settled_at=at)
    DeskDraft.objects.filter(lead=lead).delete()
    if inbound:
        InboundCall.objects.filter(lead=lead).delete()
    audit("campaigns.call.recorded", call, by=agent, at=at, result=disposition.code, lead_id=lead.pk)
    _announce(call)
    return call


def find_disposition(campaign_id: int, code: str) -> Disposition:
    """The campaign's own result of this code, else the common one. Raises ResultUnknown."""
    found = [result for result in queries_set_up.results(campaign_id) if result.code == code]
    chosen = sorted(found, key=lambda result: result.campaign_id is None)[:1]
    if not chosen:
        raise ResultUnknown(_("This campaign has no result %(code)s.") % {"code": code})
    return chosen[0]


def _check_times(result: Disposition, started_at: datetime, ring: int, talk: int, after: int, at: datetime) -> None:
    if min(ring, talk, after) < 0:
        raise TimesImpossible(_("The call would end before it began: seconds cannot be negative."))
    if started_at + timedelta(seconds=ring + talk) > at + CLOCKS_DIFFER:
        raise TimesImpossible(_("The call would lie in the future."))
    if talk and not result.connected:
        raise TimesImpossible(_("A call that was not connected has no talk time."))


def _check_details(
    disposition: Disposition,
    result: Disposition,
    campaign: Campaign,
    callback_at: datetime | None,
    order: orders.Sale | None,
    reason: str,
    step_id: int | None,
    at: datetime,
) -> None:
    needs = disposition.needs or result.needs
    if needs == Disposition.Needs.CALLBACK and callback_at is None:
        raise DetailMissing(_("Say when to call back."))
    if needs == Disposition.Needs.REASON and not reason.strip():
        raise DetailMissing(_("Give the reason."))
    if (needs == Disposition.Needs.ORDER or result.sale) and order is None:
        raise DetailMissing(_("A sale needs its order."))
    if order is not None and not result.sale:
        raise DetailMissing(_("Only a sale has an order."))
    if needs == Disposition.Needs.STEP and step_id is None and campaign.script_version_id is not None:
        raise DetailMissing(_("Say at which step of the script the customer broke off."))
    if callback_at is not None:
        _check_callback(disposition, result, callback_at, at)


def _step_spoken(campaign: Campaign, step_id: int | None) -> int | None:
    """The step, when it is one of the version that was spoken."""
    if step_id is None:
        return None
    version_id = campaign.script_version_id
    known = queries_set_up.steps(version_id) if version_id is not None else {}
    return step_id if step_id in known else None


def _check_callback(disposition: Disposition, result: Disposition, callback_at: datetime, at: datetime) -> None:
    if not result.connected or disposition.follow not in (Disposition.Follow.CALLBACK, Disposition.Follow.RETRY):
        raise DetailMissing(_("With this result no callback can be promised."))
    if callback_at <= at:
        raise DetailMissing(_("The time of the callback has passed already."))
    if callback_at > at + LONGEST_PROMISE:
        raise DetailMissing(
            _("A callback can be promised for the next %(days)s days.") % {"days": LONGEST_PROMISE.days}
        )


def _check_promise(campaign: Campaign, customer: Customer, callback_at: datetime) -> None:
    """With this call counted, the customer may be called at the time agreed; else the agent agrees on another while the customer is there."""
    rules = contacts.rules_of(campaign, at=callback_at, city_id=customer.city_id, segment_ids=customer.rule_segments)
    first = contacts.first_promised(customer, rules, callback_at)
    if first is None:
        raise PromiseForbidden(_("The rules of contact allow no callback to this customer."))
    if first > callback_at:
        local = first.astimezone(contacts.zone_of(customer.city.zone.name if customer.city.zone else None))
        raise PromiseForbidden(
            _("The rules of contact forbid a call at that time. The first permitted time is %(when)s.")
            % {"when": formats.date_format(local, "SHORT_DATETIME_FORMAT")}
        )


def _circumstances(
    lead: Lead,
    campaign: Campaign,
    customer: Customer,
    agent: User,
    contact: Contact | None,
    at: datetime,
    inbound: LiveCall | None,
) -> dict[str, Any]:
    """Who, where and what, as they are at the call."""
    team = _team(agent, at)
    return {
        "customer_id": customer.pk,
        "phone_id": inbound.phone_id if inbound else _phone_id(customer, contact),
        "city_id": customer.city_id,
        "agent_id": agent.pk,
        "team_id": team.pk,
        "team_city_id": team.city_id,
        "campaign_id": campaign.pk,
        "lead_id": lead.pk,
        "list_id": lead.lead_list_id,
        "source_id": lead.source_id or customer.source_id,
        "product_id": campaign.product_id,
        "offer_id": campaign.offer_id,
        "script_version_id": campaign.script_version_id,
        "experiment_arm_id": campaign.arm.pk if campaign.arm else None,
        "attempt": lead.attempts_made + (0 if inbound else 1),
        "direction": Call.Direction.INBOUND if inbound else campaign.direction,
    }


def _team(agent: User, at: datetime) -> Team:
    team = agent.team_at(at)
    if team is None:
        raise NoTeam(_("You belonged to no team at the time of this call. Ask the administrator."))
    return team


def _phone_id(customer: Customer, contact: Contact | None) -> int | None:
    if contact is not None and contact.phone_id:
        return contact.phone_id
    return (
        Phone.objects.filter(customer=customer, is_dead=False)
        .order_by("-is_primary", "pk")
        .values_list("pk", flat=True)
        .first()
    )


def _flags(result: Disposition) -> dict[str, bool]:
    """The class of the result, copied: a later change of the class leaves history as it was."""
    return {flag: getattr(result, flag) for flag in FLAGS}


def _recommended(disposition: Disposition, result: Disposition) -> bool:
    """The product was put to the right person, unless they only agreed on another time."""
    return result.right_party and disposition.follow != Disposition.Follow.CALLBACK


def _left_out(judged: Judged, *, is_step_kept: bool) -> list[str]:
    if is_step_kept:
        return list(judged.notices)
    return [*judged.notices, _("The step named is not in the script of this call and was left out.")]


def _save_answers(call: Call, judged: Judged) -> None:
    Answer.objects.bulk_create(
        Answer(call_id=call.pk, call_started_at=call.started_at, question_id=question, value=value)
        for question, value in judged.kept.items()
    )


# ---------------------------------------------------------------- the person's ledger


def _reserved(lead: Lead) -> Contact | None:
    """The contact that was reserved when this lead was handed out."""
    since = lead.held_at - LEDGER_SLACK if lead.held_at else None
    rows = Contact.objects.filter(customer_id=lead.customer_id, lead_id=lead.pk, call_id=None).exclude(
        state=Contact.State.VOID
    )
    return rows.filter(at__gte=since).order_by("-at").first() if since else None


def _settle_ledger(call: Call, lead: Lead, customer: Customer, contact: Contact | None) -> None:
    """The reserved contact was made; one that nobody reserved is entered, and weighs on the person's budget as well."""
    if contact is not None:
        Contact.objects.filter(pk=contact.pk, at=contact.at).update(
            state=Contact.State.MADE, call_id=call.pk, phone_id=call.phone_id
        )
    else:
        Contact.objects.create(
            at=call.started_at,
            customer_id=customer.pk,
            city_id=customer.city_id,
            state=Contact.State.MADE,
            campaign_id=call.campaign_id,
            is_inbound=call.direction == Call.Direction.INBOUND,
            lead_id=lead.pk,
            phone_id=call.phone_id,
            agent_id=call.agent_id,
            call_id=call.pk,
        )
        if call.direction == Call.Direction.OUTBOUND:
            customer.attempts = sorted([call.started_at, *customer.attempts], reverse=True)[:KEPT_ATTEMPTS]
    if lead.dialled_at is None:  # a call that the desk did not dial; else they rest since the dial
        others_rest(customer)
    if call.connected and (customer.answered_at is None or customer.answered_at < call.started_at):
        customer.answered_at = call.started_at
    if customer.held_lead_id == lead.pk:
        customer.held_lead_id = None
    customer.save(update_fields=["attempts", "answered_at", "held_lead_id"])


def _announce(call: Call) -> None:
    news = {"call_id": call.pk, "started_at": call.started_at, "city_id": call.city_id}
    transaction.on_commit(lambda: call_recorded.send(Call, **news), robust=True)
