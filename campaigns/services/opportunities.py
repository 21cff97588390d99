"""Opportunities: handed over from a call, closed by who won or lost them, opened again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns import rules
from campaigns.models import Call, Opportunity
from core.audit import audit
from core.calendar import business_date, midnight
from core.errors import DomainError, PermissionRefused
from customers.models import Customer
from customers.queries import heirs_of, was_erased
from people.models import User

# So long after a call it can still be handed over: later it would be another conversation's.
HANDED_WITHIN = timedelta(days=14)
MOST_CENTS = 10**12


class NotAnOpportunity(DomainError):
    """The call, or what is said of it, cannot be handed over."""


class OpportunityKnown(DomainError):
    """The call is handed over already."""


class OpportunityNotOpen(DomainError):
    """It is closed already, or it is open."""


class EndWrong(DomainError):
    """The end lacks something, or cannot be."""


class PersonRests(DomainError):
    """The person's data are locked or were erased: nothing is written about them."""


def hand_over(*, call: Call, closer: str, wish: str, by: User, at: datetime) -> Opportunity:
    """What the customer of this call wants is given to somebody who closes it, dated now.

    Raises NotAnOpportunity, OpportunityKnown, PersonRests, PermissionRefused.
    """
    if not rules.can_hand_over_opportunity(by, call):
        raise PermissionRefused(_("Who made the call, or leads who made it, hands it over."))
    _check(call, closer, wish, at)
    facts: dict[str, Any] = {
        "call_started_at": call.started_at, "customer_id": call.customer_id, "city_id": call.city_id, "agent_id": call.agent_id, "team_id": call.team_id,
        "campaign_id": call.campaign_id, "closer": closer.strip()[:120], "wish": wish.strip()[:400], "handed_at": at,
    }  # fmt: skip
    try:
        with transaction.atomic():
            _check_person(call.customer_id)
            made = Opportunity.objects.create(call_id=call.pk, **facts)
            audit("campaigns.opportunity.handed_over", made, by=by, at=at, city_id=made.city_id, call_id=call.pk)
            return made
    except IntegrityError as fault:
        if "opportunity_once_a_call" not in str(fault):
            raise
        raise OpportunityKnown(_("This call is handed over already.")) from None


def can_be_handed_over(call: Call, by: User, at: datetime) -> bool:
    """Whether it makes sense to offer it."""
    is_young = call.connected and call.started_at >= at - HANDED_WITHIN
    return is_young and rules.can_hand_over_opportunity(by, call) and not _rests(call.customer_id)


def _check(call: Call, closer: str, wish: str, at: datetime) -> None:
    if not call.connected:
        raise NotAnOpportunity(_("Nobody was spoken to in this call."))
    if call.started_at < at - HANDED_WITHIN:
        raise NotAnOpportunity(_("A call can be handed over for %(days)s days.") % {"days": HANDED_WITHIN.days})
    if not closer.strip() or not wish.strip():
        raise NotAnOpportunity(_("Say who closes it and what the customer wants."))


def _check_person(customer_id: int) -> None:
    """Holds the person's row: a lock or an erasing waits, or was before. Raises PersonRests."""
    list(Customer.objects.select_for_update(of=("self",)).filter(pk=customer_id))
    if sentence := _rests(customer_id):
        raise PersonRests(sentence)


def _rests(customer_id: int) -> str:
    persons = heirs_of(customer_id)
    if any(person.is_locked for person in persons):
        return _("This person's data are locked: nothing new is written about them.")
    if any(was_erased(person) for person in persons):
        return _("This person's data were erased: nothing more is written about them.")
    return ""


@transaction.atomic
def close_opportunity(
    *,
    opportunity: Opportunity,
    won: bool,
    quality: str,
    closed_on: date,
    by: User,
    at: datetime,
    amount_cents: int | None = None,
    reason: str = "",
) -> Opportunity:
    """How it ended, on which day, and how well it was prepared. What is won has an amount, what is lost a reason.

    Raises EndWrong, OpportunityNotOpen, PersonRests, PermissionRefused.
    """
    _check_person(opportunity.customer_id)
    found = _locked(opportunity, by)
    if found.state != Opportunity.State.OPEN:
        raise OpportunityNotOpen(_("This opportunity is closed already."))
    _check_end(found, won, quality, closed_on, amount_cents, reason, at)
    found.state = Opportunity.State.WON if won else Opportunity.State.LOST
    found.quality, found.reason, found.closed_by = quality, reason.strip()[:200], by
    found.amount_cents = amount_cents if won else None
    found.closed_at = at if closed_on == business_date(at) else max(found.handed_at, midnight(closed_on))
    found.save(update_fields=["state", "quality", "reason", "closed_by", "amount_cents", "closed_at"])
    audit("campaigns.opportunity.closed", found, by=by, at=at, city_id=found.city_id, state=found.state)
    return found


def _check_end(
    found: Opportunity, won: bool, quality: str, closed_on: date, amount_cents: int | None, reason: str, at: datetime
) -> None:
    if quality not in Opportunity.Quality:
        raise EndWrong(_("Say how well the opportunity was prepared."))
    if won and (amount_cents is None or not 0 < amount_cents <= MOST_CENTS):
        raise EndWrong(_("Enter the amount of what was won."))
    if not won and not reason.strip():
        raise EndWrong(_("Say why it was lost."))
    if not business_date(found.handed_at) <= closed_on <= business_date(at):
        raise EndWrong(_("It was closed between the day it was handed over and today."))


@transaction.atomic
def reopen_opportunity(*, opportunity: Opportunity, by: User, at: datetime) -> Opportunity:
    """The end is taken back. Raises OpportunityNotOpen, PermissionRefused."""
    found = _locked(opportunity, by)
    if found.state == Opportunity.State.OPEN:
        raise OpportunityNotOpen(_("This opportunity is open."))
    was = found.state
    found.state, found.quality, found.reason = Opportunity.State.OPEN, "", ""
    found.amount_cents = found.closed_at = found.closed_by = None
    found.save(update_fields=["state", "quality", "reason", "closed_by", "amount_cents", "closed_at"])
    audit("campaigns.opportunity.reopened", found, by=by, at=at, city_id=found.city_id, was=was)
    return found


def _locked(opportunity: Opportunity, by: User) -> Opportunity:
    found = Opportunity.objects.select_for_update().get(pk=opportunity.pk)
    if not rules.can_close_opportunity(by, found):
        raise PermissionRefused(
            _("Those who lead the city or the campaign write down how an opportunity ended, and nobody of an own call.")
        )
    return found
