"""Verbs on satisfaction: questionnaires and rules, choose calls, ask, take the answer.

Chosen by lot: the lot of a call hangs on the rule's seed and the call's number alone, so that a repeated run draws the same calls.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.translation import gettext as _, override

from campaigns.models import Call, Campaign
from campaigns.services import asked_leads, messages
from core.audit import audit
from core.errors import DomainError, PermissionRefused
from customers.models import Customer, Phone
from customers.queries import former_ids
from customers.services.suppress import lock_person
from people.models import City, User
from qa import rules
from qa.models import Complaint, Questionnaire, SurveyAnswer, SurveyAsk, SurveyMessage, SurveyRule

State, Reason, Channel = SurveyAsk.State, SurveyAsk.Reason, SurveyRule.Channel
SALT = "qa.survey"
LOOKS_BACK = timedelta(hours=24)  # a call that is told later is not asked about
WAITS = timedelta(hours=48)  # for the rules of contact to allow it
AGAIN = timedelta(hours=1)
WORDS_STAY = timedelta(days=730)
LONGEST = 500
BEST = 5


class NotASurvey(DomainError):
    """The questionnaire or rule cannot be made so."""


class NoSuchSurvey(DomainError):
    """The link is none of ours."""


class SurveyOver(DomainError):
    """The time to answer is over."""


class AnsweredBefore(DomainError):
    """There is an answer already."""


class NotAnAnswer(DomainError):
    """The answer is a number from 1 to 5."""


# -- questionnaires and rules ------------------------------------------------------------------------------------------


@transaction.atomic
def make_questionnaire(*, code: str, by: User, at: datetime, **texts: str) -> Questionnaire:
    """The next version of the questionnaire; rules keep the version they were made with. Raises PermissionRefused."""
    if not rules.can_write_surveys(by):
        raise PermissionRefused(_("Your role does not allow this."))
    Questionnaire.objects.select_for_update().filter(code=code).first()
    last = Questionnaire.objects.filter(code=code).aggregate(last=Max("number"))["last"] or 0
    made = Questionnaire.objects.create(code=code, number=last + 1, made_by=by, made_at=at, **texts)
    audit("qa.questionnaire.made", made, by=by, at=at, code=code, number=made.number)
    return made


@transaction.atomic
def make_rule(*, by: User, at: datetime, questionnaire: Questionnaire, city: City | None = None, campaign: Campaign | None = None, channel: str = Channel.SMS, via: Campaign | None = None, **rule: Any) -> SurveyRule:  # fmt: skip
    """Ask about calls that begin from now on. Raises PermissionRefused, NotASurvey."""
    if not rules.can_survey_in(by, city):
        raise PermissionRefused(_("Your role does not allow this."))
    if (channel == Channel.CALLBACK) != (via is not None):
        raise NotASurvey(_("Callbacks need the campaign whose agents call back; a text message needs none."))
    try:
        with transaction.atomic():
            made = SurveyRule.objects.create(
                questionnaire=questionnaire, city=city, campaign=campaign, channel=channel, via=via, seed=secrets.token_hex(16),
                made_by=by, made_at=at, **rule,
            )  # fmt: skip
    except IntegrityError as fault:
        if "survey_rule_once_per_place" not in str(fault):
            raise
        raise NotASurvey(_("A rule for this city and campaign is on already. End it first.")) from None
    audit("qa.survey_rule.made", made, by=by, at=at, city_id=made.city_id, share=made.share, channel=made.channel)
    return made


@transaction.atomic
def end_rule(*, rule: SurveyRule, by: User, at: datetime) -> SurveyRule:
    """Chooses no more; who was asked can still answer. Twice is once. Raises PermissionRefused."""
    rule = SurveyRule.objects.select_for_update(of=("self",)).select_related("city").get(pk=rule.pk)
    if not rules.can_survey_in(by, rule.city):
        raise PermissionRefused(_("Your role does not allow this."))
    if rule.ended_at is None:
        rule.ended_at, rule.ended_by = at, by
        rule.save(update_fields=["ended_at", "ended_by"])
        audit("qa.survey_rule.ended", rule, by=by, at=at, city_id=rule.city_id)
    return rule


# -- choosing ----------------------------------------------------------------------------------------------------------


def rules_in_order() -> list[SurveyRule]:
    """The most particular first."""
    found = SurveyRule.objects.on().order_by("pk")
    return sorted(found, key=lambda rule: (rule.campaign_id is None, rule.city_id is None))


def _covers(rule: SurveyRule) -> Q:
    place = Q(campaign_id=rule.campaign_id) if rule.campaign_id else Q()
    return place & Q(city_id=rule.city_id) if rule.city_id else place


def drawn_by(rule: SurveyRule, *, at: datetime) -> QuerySet[Call]:
    """The answered calls of the last hours that the rule is the one for and that its lot has hit."""
    since = max(rule.made_at, at - LOOKS_BACK)
    calls = Call.objects.filter(_covers(rule), connected=True, started_at__gte=since, started_at__lte=at)
    for other in rules_in_order():
        if other.pk == rule.pk:
            break
        # also where the narrower rule has not hit it, else its share would grow
        calls = calls.exclude(_covers(other)) if other.campaign_id or other.city_id else calls.none()
    # nobody is asked about the asking
    calls = calls.exclude(campaign_id__in=SurveyRule.objects.filter(via__isnull=False).values("via"))
    lot = RawSQL("('x' || substr(md5(%s || campaigns_call.id::text), 1, 8))::bit(32)::bigint", [rule.seed])
    calls = calls.alias(lot=lot).filter(lot__lt=rule.share * 2**32 // 100)
    return calls.exclude(Exists(SurveyAsk.objects.filter(call_id=OuterRef("id")))).order_by("id")


@transaction.atomic
def choose_call(*, rule: SurveyRule, call: Call, at: datetime) -> SurveyAsk | None:
    """Keep that the lot hit the call, and whether the person may be asked at all. None: the call was chosen before."""
    customer = person_of(call.customer_id)
    reason = against(customer, rule, at) if customer else Reason.LOCKED
    ask = SurveyAsk(
        rule=rule, call_id=call.pk, call_started_at=call.started_at, customer_id=customer.pk if customer else call.customer_id,
        city_id=call.city_id, team_id=call.team_id, agent_id=call.agent_id, campaign_id=call.campaign_id, channel=rule.channel,
        probability=rule.probability, state=State.REFUSED if reason else State.CHOSEN, reason=reason, chosen_at=at, try_at=at,
    )  # fmt: skip
    try:
        with transaction.atomic():
            ask.save()
    except IntegrityError as fault:
        if "call_id" not in str(fault):
            raise
        return None
    return ask


def person_of(pk: int) -> Customer | None:
    """The person, locked, who has taken over what this one was merged into."""
    return lock_person(Customer.objects.filter(pk=pk).first(), None)


def against(customer: Customer, rule: SurveyRule, at: datetime, besides: int | None = None) -> str:
    """Why this person is not to be asked, whatever the hour."""
    persons = [customer.pk, *former_ids(customer.pk)]
    if customer.is_locked:
        return Reason.LOCKED
    if customer.is_suppressed:
        return Reason.SUPPRESSED
    if Complaint.objects.open().filter(customer_id__in=persons).exists():
        return Reason.COMPLAINT
    lately = Q(state__in=SurveyAsk.WAITING) | Q(sent_at__gt=at - timedelta(days=rule.rest_days))
    if SurveyAsk.objects.filter(lately, customer_id__in=persons).exclude(pk=besides or 0).exists():
        return Reason.ASKED
    return ""


# -- asking ------------------------------------------------------------------------------------------------------------


def waiting(at: datetime) -> list[int]:
    return list(
        SurveyAsk.objects.filter(state=State.CHOSEN, try_at__lte=at).order_by("pk").values_list("pk", flat=True)
    )


@transaction.atomic
def send(*, ask: SurveyAsk, at: datetime) -> SurveyAsk:
    """Ask, when nothing stands against it: the message takes one contact of the person's budget, a callback is left to the claim.

    What the rules of contact refuse is tried again each hour, for two days. The message is only booked here: what hands it over comes after
    this transaction (qa.services.survey_messages).
    """
    person = person_of(SurveyAsk.objects.values_list("customer_id", flat=True).get(pk=ask.pk))
    ask = (
        SurveyAsk.objects.select_for_update(of=("self",))
        .select_related("rule__questionnaire", "rule__via")
        .get(pk=ask.pk)
    )
    if ask.state != State.CHOSEN or ask.try_at > at:
        return ask
    reason = against(person, ask.rule, at, besides=ask.pk) if person else Reason.LOCKED
    if reason or person is None:
        return refuse(ask, reason)
    return _call_back(ask, person, at) if ask.channel == Channel.CALLBACK else _text(ask, person, at)


def _text(ask: SurveyAsk, person: Customer, at: datetime) -> SurveyAsk:
    if number_of(person) is None:
        return refuse(ask, Reason.NO_NUMBER)
    campaign = Campaign.objects.select_related("product").get(pk=ask.campaign_id)
    try:
        contact = messages.reserve_message(customer=person, campaign=campaign, by=None, at=at)
    except messages.MessageRefused as refusal:
        return wait(ask.pk, str(refusal), at)
    SurveyMessage.objects.create(ask=ask, contact_id=contact.pk, booked_at=contact.at)
    ask.state, ask.contact_id, ask.refusal = State.BOOKED, contact.pk, ""
    ask.save(update_fields=["state", "contact_id", "refusal"])
    return ask


def number_of(person: Customer) -> Phone | None:
    """Where a message to this person goes."""
    return Phone.objects.filter(customer=person, is_primary=True, is_dead=False).first()


def _call_back(ask: SurveyAsk, person: Customer, at: datetime) -> SurveyAsk:
    campaign = ask.rule.via
    asked = asked_leads.ask_for_call(customer=person, campaign=campaign, at=at) if campaign else None
    if asked is None:
        return wait(ask.pk, _("The campaign cannot call this person back just now."), at)
    ask.lead_id, ask.closes_lead = asked.lead.pk, asked.is_for_us
    return sent(ask, at)


def sent(ask: SurveyAsk, at: datetime) -> SurveyAsk:
    """From now on the customer can answer."""
    ask.state, ask.sent_at, ask.refusal = State.SENT, at, ""
    ask.expires_at = at + timedelta(days=ask.rule.valid_days)
    ask.save()
    return ask


def put_off(*, pk: int, at: datetime) -> None:
    """Try this one again later: asking failed for a reason that is not the person's."""
    wait(pk, "", at)


def wait(pk: int, sentence: str, at: datetime, again: timedelta = AGAIN) -> SurveyAsk:
    """Try again, unless two days have passed."""
    ask = SurveyAsk.objects.get(pk=pk)  # the object at hand was written to before it was refused
    ask.refusal = sentence[:300]
    ask.try_at = at + again
    ask.save(update_fields=["refusal", "try_at"])
    return refuse(ask, Reason.CONTACT) if at >= ask.chosen_at + WAITS else ask


def refuse(ask: SurveyAsk, reason: str) -> SurveyAsk:
    """This person is not asked about this call."""
    ask.state, ask.reason = State.REFUSED, reason
    ask.save(update_fields=["state", "reason"])
    return ask


@transaction.atomic
def expire(*, at: datetime) -> int:
    """Whose time to answer is over."""
    return SurveyAsk.objects.filter(state=State.SENT, expires_at__lte=at).update(state=State.EXPIRED)


def leads_left() -> list[int]:
    """Surveys that are over while the lead that was opened for them may still be called."""
    rows = SurveyAsk.objects.filter(state=State.EXPIRED, closes_lead=True)
    return list(rows.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def close_lead(*, pk: int) -> bool:
    """Nobody is called about a question that cannot be answered any more; another question that waits for the same call keeps it, and closes it
    later. False: an agent has the customer, or a call was promised."""
    ask = SurveyAsk.objects.get(pk=pk)
    person_of(ask.customer_id)  # who asks for the same call at this moment waits, or was before
    if ask.lead_id is None or not (_handed_on(ask) or asked_leads.take_back(lead_id=ask.lead_id)):
        return False
    SurveyAsk.objects.filter(pk=pk).update(closes_lead=False)
    return True


def _handed_on(ask: SurveyAsk) -> bool:
    """Whether another survey that can still be answered closes the lead from here on."""
    waiting = SurveyAsk.objects.select_for_update().filter(lead_id=ask.lead_id, state=State.SENT).exclude(pk=ask.pk)
    other = waiting.order_by("-expires_at", "pk").first()
    if other is None:
        return False
    other.closes_lead = True
    other.save(update_fields=["closes_lead"])
    return True


# -- links and answers -------------------------------------------------------------------------------------------------


def new_token() -> tuple[str, bytes]:
    """(signed token for the link, its digest). The token itself is kept nowhere."""
    token = signing.Signer(salt=SALT).sign(secrets.token_urlsafe(16))
    return token, _digest(token)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def invitation(token: str) -> str:
    """What the customer reads, in the language of the region's customers; no name, nothing of the call."""
    link = settings.SURVEY_URL.rstrip("/") + reverse("qa:survey-answer", args=[token])
    with override("zh-hans"):
        return _("How was our call with you? One question, no sign-in: %(link)s") % {"link": link}


def open_ask(token: str, *, at: datetime, lock: bool = False) -> SurveyAsk:
    """The asking behind a link that can be answered now. A forged link costs no query. Raises NoSuchSurvey, AnsweredBefore, SurveyOver."""
    try:
        signing.Signer(salt=SALT).unsign(token)
    except signing.BadSignature:
        raise NoSuchSurvey(_("This link is not valid. Perhaps a part of it is missing.")) from None
    rows = SurveyAsk.objects.select_related("rule__questionnaire")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    ask = rows.filter(token_digest=_digest(token)).first()
    if ask is None:
        raise NoSuchSurvey(_("This link is not valid. Perhaps a part of it is missing."))
    return _open(ask, at)


def _open(ask: SurveyAsk, at: datetime) -> SurveyAsk:
    if ask.state == State.ANSWERED:
        raise AnsweredBefore(_("This question has been answered already. Thank you."))
    if ask.state != State.SENT or ask.expires_at is None or ask.expires_at <= at:
        raise SurveyOver(_("The time to answer is over. Thank you all the same."))
    return ask


@transaction.atomic
def answer(*, token: str, score: int | None, words: str, at: datetime) -> SurveyAnswer:
    """The customer's answer, once. Raises NoSuchSurvey, AnsweredBefore, SurveyOver, NotAnAnswer."""
    return _answer(open_ask(token, at=at, lock=True), score, words, None, at)


@transaction.atomic
def record_answer(*, ask: SurveyAsk, score: int | None, words: str, by: User, at: datetime) -> SurveyAnswer:
    """What the customer said on the callback, written down by the agent who calls. Raises PermissionRefused, AnsweredBefore, SurveyOver, NotAnAnswer."""
    ask = SurveyAsk.objects.select_for_update().get(pk=ask.pk)
    if not rules.can_record_answer(by, ask, at):
        raise PermissionRefused(_("The agent who calls this customer back writes the answer down."))
    made = _answer(_open(ask, at), score, words, by, at)
    audit("qa.survey.recorded", ask, by=by, at=at)
    return made


def _answer(ask: SurveyAsk, score: int | None, words: str, by: User | None, at: datetime) -> SurveyAnswer:
    if score is None or not 1 <= score <= BEST:
        raise NotAnAnswer(_("Choose a number from 1 to 5."))
    ask.state = State.ANSWERED
    ask.save(update_fields=["state"])
    return SurveyAnswer.objects.create(ask=ask, score=score, words=words.strip()[:LONGEST], by=by, at=at)


def forget_words(*, at: datetime) -> int:
    """Open words go after two years; the number stays."""
    return SurveyAnswer.objects.filter(at__lt=at - WORDS_STAY).exclude(words="").update(words="")
