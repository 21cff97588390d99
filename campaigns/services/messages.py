"""Messages to customers: sent by another system, out of the one budget of contacts that calls use, under the same rules."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns import queries_bench
from campaigns.models import Campaign, Lead
from campaigns.services.resting import others_rest, others_return
from core.audit import audit
from core.errors import DomainError
from customers.models import Contact, Customer
from customers.services import contacts
from people.models import User

KEPT_ATTEMPTS = 20  # as the claim keeps them


class MessageRefused(DomainError):
    """The rules of contact stand against a message; the sentence says which, and from when not."""


class NoSuchMessage(DomainError):
    """The contact of this message is not taken any more."""


@transaction.atomic
def reserve_message(*, customer: Customer, campaign: Campaign, by: User | None, at: datetime) -> Contact:
    """Take one contact of the person's budget for a message of this campaign. To be asked before the message is sent.

    The rules are those of a call by this campaign at `at`: hours, caps, gap, consent, suppression, other campaigns. The person's open leads
    wait as after a call. Raises MessageRefused.
    """
    person = Customer.objects.select_for_update(of=("self",)).select_related("city__zone").get(pk=customer.pk)
    against = contacts.blocking(queries_bench.ask(customer=person, campaign=campaign, at=at, as_message=True).reasons)
    if against:
        raise MessageRefused(against[0].sentence)
    before = person.callable_from
    person.attempts = [at, *person.attempts][:KEPT_ATTEMPTS]
    free = contacts.rules_of(campaign, at=at, city_id=person.city_id, segment_ids=person.rule_segments).callable_from(
        person.attempts
    )
    person.callable_from = max(before, free or before)
    person.save(update_fields=["attempts", "callable_from"])
    contact = Contact.objects.create(
        at=at, customer_id=person.pk, city_id=person.city_id, channel=Contact.Channel.MESSAGE, state=Contact.State.MADE, campaign_id=campaign.pk
    )  # fmt: skip
    others_rest(person)
    audit("campaigns.message.reserved", person, by=by, at=at, campaign_id=campaign.pk)
    return contact


def check_still_allowed(*, customer: Customer, contact: Contact, at: datetime) -> None:
    """What came into force after the booking keeps the message back as well. Judged as at the booking, without the contact that was taken for this
    message and the rest that follows from it. With the person locked. Raises MessageRefused."""
    person = Customer.objects.select_related("city__zone").get(pk=customer.pk)
    person.attempts = [moment for moment in person.attempts if moment != contact.at]
    campaign = Campaign.objects.select_related("product").get(pk=contact.campaign_id or 0)
    reasons = queries_bench.ask(customer=person, campaign=campaign, at=at, as_message=True).reasons
    against = [reason for reason in contacts.blocking(reasons) if reason.code != "resting"]
    if against:
        raise MessageRefused(against[0].sentence)


def check_taken(contact: Contact) -> Contact:
    """The contact as it is now. Raises NoSuchMessage when it was given back: who repeats an old request must not send on it."""
    row = Contact.objects.get(pk=contact.pk, at=contact.at)
    if row.channel != Contact.Channel.MESSAGE or row.state != Contact.State.MADE:
        raise NoSuchMessage(_("This message was given back already."))
    return row


@transaction.atomic
def give_message_back(*, contact: Contact, by: User | None, at: datetime) -> Contact:
    """The message was not sent: the person's budget is as if it had never been asked for. Raises NoSuchMessage."""
    person = Customer.objects.select_for_update(of=("self",)).select_related("city__zone").get(pk=contact.customer_id)
    # under the lock of the person
    row = check_taken(contact)
    row.state = Contact.State.VOID
    Contact.objects.filter(pk=row.pk, at=row.at).update(state=row.state)
    rules = contacts.rules_of(
        Campaign.objects.get(pk=row.campaign_id or 0), at=at, city_id=person.city_id, segment_ids=person.rule_segments
    )
    _forget_in_hand(person, row, rules)
    rested_for_it = person.callable_from == rules.callable_from(person.attempts)
    person.attempts = [moment for moment in person.attempts if moment != row.at]
    if rested_for_it:  # else something else holds the person for longer
        person.callable_from = rules.callable_from(person.attempts) or row.at
    person.save(update_fields=["attempts", "callable_from"])
    others_return(person)
    audit("campaigns.message.given_back", person, by=by, at=at, campaign_id=row.campaign_id)
    return row


def _forget_in_hand(person: Customer, message: Contact, rules: contacts.ContactRules) -> None:
    """A promised call may have been handed out while the person rested for the message: given back undialled, it must not put that rest
    back. With the person locked, before the attempts forget the message."""
    lead = Lead.objects.select_for_update(of=("self",)).filter(customer=person, state=Lead.State.HELD).first()
    if lead is None or lead.callable_before is None:
        return
    before = [moment for moment in person.attempts if moment != lead.held_at]
    if lead.callable_before != rules.callable_from(before):
        return  # something else held the person for longer
    lead.callable_before = rules.callable_from([moment for moment in before if moment != message.at]) or message.at
    lead.save(update_fields=["callable_before"])
