"""Satisfaction: the question, by which rule who is asked, each asking with its chance, and the answer.

Questionnaires and rules never change: another wording or another rule is another row, so that every figure leads to what was asked of whom.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import get_language, gettext_lazy as _, pgettext_lazy

from campaigns.models import Campaign
from people.models import City, User
from people.scopes import scope_in

from .evaluations import READERS


class Questionnaire(models.Model):
    """One version: a question answered from 1 to 5 and an open one, in both languages of the answer page."""

    code = models.SlugField(_("code"), max_length=20)
    number = models.PositiveSmallIntegerField(_("version"))
    question_zh = models.CharField(_("question in Chinese"), max_length=200)
    question_en = models.CharField(_("question in English"), max_length=200)
    open_zh = models.CharField(_("open question in Chinese"), max_length=200)
    open_en = models.CharField(_("open question in English"), max_length=200)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by"), db_index=False
    )
    made_at = models.DateTimeField(_("made"), db_default=Now())

    class Meta:
        verbose_name = _("questionnaire")
        constraints = [models.UniqueConstraint(fields=["code", "number"], name="questionnaire_number_once")]

    def __str__(self) -> str:
        return f"{self.code} v{self.number}"

    @property
    def question(self) -> str:
        """In the reader's language."""
        return self.question_zh if _is_chinese() else self.question_en

    @property
    def open_question(self) -> str:
        return self.open_zh if _is_chinese() else self.open_en


def _is_chinese() -> bool:
    return (get_language() or "").startswith("zh")


class SurveyRuleQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> SurveyRuleQuerySet:
        """Rules of the cities that the user answers for in quality, and those of the region that name no campaign of another city."""
        if not user.has_role(*READERS):
            return self.none()
        scope = scope_in(user, READERS)
        if scope.is_region:
            return self

        def near(name: str) -> Q:
            return Q(**{name: None}) | Q(**{f"{name}__city": None}) | Q(**{f"{name}__city__in": scope.city_ids})

        return self.filter(Q(city__in=scope.city_ids) | Q(city=None) & near("campaign") & near("via"))

    def on(self) -> SurveyRuleQuerySet:
        return self.filter(ended_at=None)


class SurveyRule(models.Model):
    """Of the answered calls of a city and campaign this share is asked, each person at most once in so many days.

    The most particular rule holds for a call: city and campaign, campaign, city, region.
    """

    class Channel(models.TextChoices):
        SMS = "sms", _("Link by text message")
        CALLBACK = "callback", _("Callback by an agent")

    questionnaire = models.ForeignKey(
        Questionnaire, models.PROTECT, related_name="rules", verbose_name=_("questionnaire")
    )
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("city"))
    campaign = models.ForeignKey(
        Campaign, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("campaign")
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices, default=Channel.SMS)
    via = models.ForeignKey(
        Campaign,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("campaign of the callbacks"),
        help_text=_("Its agents call back, under its rules of contact."),
    )
    share = models.PositiveSmallIntegerField(_("share of answered calls, percent"), default=5)
    rest_days = models.PositiveSmallIntegerField(_("each person at most once in, days"), default=90)
    valid_days = models.PositiveSmallIntegerField(_("can be answered for, days"), default=7)
    seed = models.CharField(_("seed"), max_length=32)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by"), db_index=False
    )
    made_at = models.DateTimeField(_("made"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("ended by"), db_index=False
    )  # fmt: skip

    objects = SurveyRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("rule of surveys")
        constraints = [
            models.UniqueConstraint(
                fields=["city", "campaign"],
                name="survey_rule_once_per_place",
                condition=Q(ended_at=None),
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="survey_rule_share", condition=Q(share__gte=1, share__lte=100)),
            models.CheckConstraint(
                name="survey_rule_days",
                condition=Q(rest_days__gte=1, rest_days__lte=1825, valid_days__gte=1, valid_days__lte=60),
            ),
            models.CheckConstraint(
                name="survey_rule_via", condition=Q(channel="sms", via=None) | Q(channel="callback", via__isnull=False)
            ),
            models.CheckConstraint(
                name="survey_rule_end_is_whole",
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]

    @property
    def probability(self) -> float:
        return self.share / 100


class SurveyAskQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> SurveyAskQuerySet:
        """To who answers for the team or city in quality. Agents see none: a customer's answer about a call is known by its call."""
        if not user.has_role(*READERS):
            return self.none()
        scope = scope_in(user, READERS)
        return (
            self if scope.is_region else self.filter(Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids))
        )

    def asked(self) -> SurveyAskQuerySet:
        return self.filter(state__in=SurveyAsk.ASKED)


class SurveyAsk(models.Model):
    """One call drawn by a rule, once; who, where and what as they were at the call. The link rests as a digest alone."""

    class State(models.TextChoices):
        CHOSEN = "chosen", _("Waits to be asked")
        BOOKED = "booked", _("Message waits for the sender")
        SENT = "sent", _("Asked")
        REFUSED = "refused", _("Not asked")
        ANSWERED = "answered", pgettext_lazy("survey", "Answered")
        EXPIRED = "expired", _("Not answered in time")

    class Reason(models.TextChoices):
        COMPLAINT = "complaint", _("A complaint is open")
        SUPPRESSED = "suppressed", _("Not to be called")
        LOCKED = "locked", _("Locked or erased")
        ASKED = "asked", _("Asked lately")
        CONTACT = "contact", _("Rules of contact")
        NO_NUMBER = "no_number", _("No number in use")
        SENDER = "sender", _("The sender did not take the message")

    WAITING = (State.CHOSEN, State.BOOKED)
    ASKED = (State.SENT, State.ANSWERED, State.EXPIRED)

    rule = models.ForeignKey(SurveyRule, models.PROTECT, related_name="asks", verbose_name=_("rule"))
    call_id = models.BigIntegerField(_("call"), unique=True)
    call_started_at = models.DateTimeField(_("time of the call"))
    customer_id = models.BigIntegerField(_("customer"))
    city_id = models.BigIntegerField(_("customer's city"))
    team_id = models.BigIntegerField(_("team"))
    agent_id = models.BigIntegerField(_("agent"))
    campaign_id = models.BigIntegerField(_("campaign"))
    channel = models.CharField(_("channel"), max_length=8, choices=SurveyRule.Channel.choices)
    probability = models.FloatField(_("chance to be chosen"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.CHOSEN)
    reason = models.CharField(_("why not asked"), max_length=10, choices=Reason.choices, blank=True, default="")
    refusal = models.CharField(_("what the rules of contact said"), max_length=300, blank=True, default="")
    chosen_at = models.DateTimeField(_("chosen"))
    try_at = models.DateTimeField(_("next try"))
    sent_at = models.DateTimeField(_("asked"), null=True)
    expires_at = models.DateTimeField(_("can be answered until"), null=True)
    token_digest = models.BinaryField(max_length=32, null=True, editable=False)
    contact_id = models.BigIntegerField(_("contact"), null=True)
    lead_id = models.BigIntegerField(_("lead"), null=True)
    closes_lead = models.BooleanField(_("its lead is closed with it"), default=False, db_default=False)

    objects = SurveyAskQuerySet.as_manager()

    class Meta:
        verbose_name = _("survey of a call")
        constraints = [
            models.UniqueConstraint(fields=["token_digest"], name="survey_token_once"),
            models.CheckConstraint(name="survey_chance", condition=Q(probability__gt=0, probability__lte=1)),
            models.CheckConstraint(
                name="survey_state_is_whole",
                condition=Q(state__in=["chosen", "booked"], reason="", sent_at=None)
                | (Q(state="refused", sent_at=None) & ~Q(reason=""))
                | Q(state__in=["sent", "answered", "expired"], reason="", sent_at__isnull=False, expires_at__isnull=False),
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["customer_id", "sent_at"], name="survey_customer"),
            models.Index(fields=["call_started_at"], name="survey_call_time"),
            models.Index(fields=["try_at"], name="survey_waiting", condition=Q(state="chosen")),
            models.Index(fields=["expires_at"], name="survey_open", condition=Q(state="sent")),
            models.Index(fields=["lead_id"], name="survey_lead", condition=Q(lead_id__isnull=False)),
            models.Index(fields=["id"], name="survey_closes_lead", condition=Q(state="expired", closes_lead=True)),
        ]


class SurveyAnswer(models.Model):
    """What the customer answered, once."""

    PERSONAL_FIELDS = ("words",)

    ask = models.OneToOneField(SurveyAsk, models.PROTECT, related_name="answer", verbose_name=_("survey of a call"))
    score = models.PositiveSmallIntegerField(_("answer from 1 to 5"))
    words = models.TextField(_("in the customer's words"), max_length=500, blank=True, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("written down by"),
        help_text=_("Empty: by the customer."),
        db_index=False,
    )
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("answer of a customer")
        constraints = [models.CheckConstraint(name="survey_score", condition=Q(score__gte=1, score__lte=5))]
