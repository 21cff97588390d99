"""Hand the booked text messages of surveys over to the sender, each at most once.

Three steps that commit apart: the row says that the message is with the sender; the sender is called, in no transaction; the row says what
came of it. Who dies between the steps leaves a row that is with the sender for too long: nobody knows whether the message left, so that it
is not sent again, the contact stays booked and the link, should it have arrived, can be answered.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from campaigns.services import messages
from core.jobs import Run
from customers.models import Contact, Customer, Phone
from qa import texting
from qa.models import SurveyAsk, SurveyMessage
from qa.services import surveys

State = SurveyMessage.State
FRESH = timedelta(minutes=10)  # for so long the contact that was booked stands for the message
ANSWERS_WITHIN = timedelta(minutes=10)  # a sender who has not answered by then will not
TRIES = 5
FAULTS_IN_A_ROW = 3  # then the sender is out, and the rest waits for the next run


@dataclass(frozen=True)
class Handed:
    """A message that is now with the sender; its text is in this process alone."""

    pk: int
    phone: Phone
    text: str


def hand_over(run: Run) -> dict[str, int]:
    """Every booked message. One whose answer is lost keeps none of the others waiting: the first fault is raised at the end. A sender who fails
    several times in a row is left alone until the next run."""
    counts: Counter[str] = Counter(unknown=lose(at=run.now()))
    faults: list[Exception] = []
    for pk in SurveyMessage.objects.booked().filter(booked_at__lt=run.now() - FRESH).values_list("pk", flat=True):
        try:
            take(pk=pk, at=run.now())  # given back, also where no sender can be had
            counts[State.CALLED_OFF] += 1
        except Exception as fault:
            faults.append(fault)
    sender = texting.sender()
    waiting = list(SurveyMessage.objects.booked().order_by("pk").values_list("pk", flat=True))
    in_a_row = 0
    for number, pk in enumerate(waiting, start=1):
        run.check_cancelled()
        try:
            counts[deliver(pk=pk, sender=sender, clock=run.now)] += 1
            in_a_row = 0
        except Exception as fault:
            faults.append(fault)
            in_a_row += 1
        run.progress(number, len(waiting))
        if in_a_row == FAULTS_IN_A_ROW:
            break
    if faults:
        raise faults[0]
    return dict(counts)


def deliver(*, pk: int, sender: texting.Sender, clock: Callable[[], datetime]) -> str:
    """One booked message, in no transaction of the caller: each step asks the clock anew. The state it is left in; raises what the sender raised beside NotSent."""
    handed = take(pk=pk, at=clock())
    if handed is None:
        return State.CALLED_OFF
    try:
        sender.send(phone=handed.phone, text=handed.text)
    except texting.NotSent:
        return settle(pk=pk, state=State.NOT_TAKEN, at=clock())
    except Exception:
        settle(pk=pk, state=State.UNKNOWN, at=clock())
        raise
    return settle(pk=pk, state=State.TAKEN, at=clock())


@transaction.atomic
def take(*, pk: int, at: datetime) -> Handed | None:
    """The message, now with the sender and its link alive. None: another has taken it, or it must not be sent any more."""
    ask, person, message = _locked(pk)
    if message.state != State.BOOKED:
        return None
    phone = surveys.number_of(person) if person else None
    reason = _against(ask, person, phone, at)
    is_late = ask.state != SurveyAsk.State.BOOKED or at > message.booked_at + FRESH
    refusal = "" if person is None or reason or is_late else _refusal(person, message, at)
    if person is None or phone is None or reason or is_late or refusal:
        _call_off(message, ask, reason, refusal, at)
        return None
    token, ask.token_digest = surveys.new_token()
    surveys.sent(ask, at)
    message.state, message.handed_at = State.HANDED, at
    message.save(update_fields=["state", "handed_at"])
    return Handed(message.pk, phone, surveys.invitation(token))


def _against(ask: SurveyAsk, person: Customer | None, phone: Phone | None, at: datetime) -> str:
    """What has come between the booking and now."""
    if person is None:
        return SurveyAsk.Reason.LOCKED
    return surveys.against(person, ask.rule, at, besides=ask.pk) or ("" if phone else SurveyAsk.Reason.NO_NUMBER)


def _refusal(person: Customer, message: SurveyMessage, at: datetime) -> str:
    """What the rules of contact say now: of a suppression, a time of rest or an hour that came after the booking."""
    try:
        contact = Contact.objects.get(pk=message.contact_id, at=message.booked_at)
        messages.check_still_allowed(customer=person, contact=contact, at=at)
    except messages.MessageRefused as refusal:
        return str(refusal)
    return ""


@transaction.atomic
def settle(*, pk: int, state: str, at: datetime) -> str:
    """What the sender said. A message that was given up as unknown stays so: the answer comes too late. Returns the state it has."""
    ask, _person, message = _locked(pk)
    if message.state != State.HANDED:
        return message.state
    message.state, message.settled_at = State(state), at
    message.save(update_fields=["state", "settled_at"])
    if state == State.NOT_TAKEN:
        _give_back(message, at)
        if ask.state == SurveyAsk.State.SENT:
            _again(ask, at)
    return message.state


@transaction.atomic
def lose(*, at: datetime) -> int:
    """Messages whose sender has not answered, because whoever handed them over is no more."""
    lost = SurveyMessage.objects.handed_before(at - ANSWERS_WITHIN)
    return lost.update(state=State.UNKNOWN, settled_at=at)


def _locked(pk: int) -> tuple[SurveyAsk, Customer | None, SurveyMessage]:
    """The person first, as everywhere, then the asking, then the message."""
    asked = SurveyMessage.objects.select_related("ask").get(pk=pk).ask
    person = surveys.person_of(asked.customer_id)
    ask = SurveyAsk.objects.select_for_update(of=("self",)).select_related("rule").get(pk=asked.pk)
    return ask, person, SurveyMessage.objects.select_for_update().get(pk=pk)


def _call_off(message: SurveyMessage, ask: SurveyAsk, reason: str, refusal: str, at: datetime) -> None:
    """Not handed over. With a reason nobody is asked; what the rules of contact refuse, and what waited too long for its sender, is tried again."""
    message.state, message.settled_at = State.CALLED_OFF, at
    message.save(update_fields=["state", "settled_at"])
    _give_back(message, at)
    if ask.state != SurveyAsk.State.BOOKED:
        return
    if reason or refusal:
        _free(ask)
        surveys.refuse(ask, reason) if reason else surveys.wait(ask.pk, refusal, at)
    else:
        _again(ask, at)


def _again(ask: SurveyAsk, at: datetime) -> None:
    """Each try that the sender did not take counts, also one that it was out for."""
    _free(ask)
    in_vain = Q(state=State.CALLED_OFF, settled_at__gt=F("booked_at") + FRESH)
    if ask.messages.filter(Q(state=State.NOT_TAKEN) | in_vain).count() >= TRIES:
        surveys.refuse(ask, SurveyAsk.Reason.SENDER)
    else:
        surveys.wait(ask.pk, _("The message was not taken."), at)


def _free(ask: SurveyAsk) -> None:
    """As it was before a message was booked."""
    ask.state, ask.sent_at, ask.expires_at = SurveyAsk.State.CHOSEN, None, None
    ask.token_digest, ask.contact_id = None, None
    ask.save(update_fields=["state", "sent_at", "expires_at", "token_digest", "contact_id"])


def _give_back(message: SurveyMessage, at: datetime) -> None:
    """The contact of a message that was not sent."""
    contact = Contact.objects.filter(pk=message.contact_id, at=message.booked_at).first()
    if contact is not None:
        with contextlib.suppress(messages.NoSuchMessage):
            messages.give_message_back(contact=contact, by=None, at=at)
