"""Evaluations of calls: what one scorer answered, what it came to when it was submitted, and what the agent says to it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from people.models import Membership, User
from people.scopes import scope_in

from .forms import ANSWERS, FormItem, FormVersion
from .recordings import Recording

Role = Membership.Role
# Whose look at an evaluation is cut to their teams and cities. Agents see their own beside.
READERS = (Role.QA, Role.TRAINER, Role.TEAM_LEADER, Role.SUPERVISOR, Role.CITY_MANAGER, Role.REGIONAL_MANAGER, Role.CAMPAIGN_MANAGER)  # fmt: skip

DRAWN = pgettext_lazy("call", "Drawn")


class EvaluationQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> EvaluationQuerySet:
        """Drafts only to their scorer; submitted ones to who answers for the team or city, and to the agent. What was scored to calibrate is
        its scorer's alone (a session shows it), and of a call that somebody is to score blind they see nobody else's."""
        from .blindness import blind_calls

        scope, others = scope_in(user, READERS), Q(submitted_at__isnull=False) & ~Q(pick=Evaluation.Pick.CALIBRATION)
        seen = Q(agent_id=user.pk) & others | Q(scorer=user)
        if user.has_role(*READERS):
            place = Q() if scope.is_region else Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids)
            seen |= others & place & ~Q(call_id__in=blind_calls(user))
        return self.filter(seen)

    def submitted(self) -> EvaluationQuerySet:
        return self.filter(submitted_at__isnull=False, withdrawn_at=None)

    def at_random(self) -> EvaluationQuerySet:
        """Of calls that were drawn, each call once on a form: where a published evaluation stands, one of the first hours counts no more."""
        published = Evaluation.objects.submitted().filter(
            call_id=OuterRef("call_id"), version__form=OuterRef("version__form"), pick__in=Evaluation.PUBLISHED_PICKS
        )
        twice = Q(Exists(published), pick=Evaluation.Pick.FIRST_HOURS)
        return self.filter(~twice, pick__in=Evaluation.AT_RANDOM)


class Evaluation(models.Model):
    """One call scored once by one person on one version of a form.

    What it came to is kept as it was counted (`definition`) and never counted anew: `raw`, `reported` and `coverage` from 0 to 100.
    Who, where and what are as they were at the call.
    """

    class Pick(models.TextChoices):
        RANDOM = "random", _("Random")
        STRATIFIED = "stratified", _("Random within groups")
        FIRST_HOURS = "first_hours", _("Random in the first hours of a full run")
        RISK = "risk", _("Risk")
        REQUESTED = "requested", _("On request")
        APPEAL = "appeal", _("Appeal")
        CALIBRATION = "calibration", _("Calibration")
        COACHING = "coaching", _("Coaching")

    # Only these feed published scores: what a sampling plan drew, each call by the inverse of the plan's chance. A full run draws from calls that
    # a plan draws from too. Weighed by the chance of one draw alone, such a call would count too much: with chances of 1/2 and 1/4 it is in one
    # of the two samples with 1 - 1/2 * 3/4 = 5/8. That joint chance is not known when a full run's call is scored, since the plan draws after its
    # period is over, and for some calls never; so the published score is the plan's alone, whose chance is exact for every call it looks at.
    PUBLISHED_PICKS = (Pick.RANDOM, Pick.STRATIFIED)
    # these tell what is common among calls without leaning to any; sheets, bulletins and wrap-ups count them, each call as one
    AT_RANDOM = (*PUBLISHED_PICKS, Pick.FIRST_HOURS)

    class Outcome(models.TextChoices):
        PASS = "pass", pgettext_lazy("score", "Passed")
        FAIL = "fail", _("Failed")
        NONE = "", _("Too little applied")

    PERSONAL_FIELDS = ("remark",)

    call_id = models.BigIntegerField(_("call"))
    call_started_at = models.DateTimeField(_("time of the call"))
    customer_id = models.BigIntegerField(_("customer"))
    city_id = models.BigIntegerField(_("customer's city"))
    agent_id = models.BigIntegerField(_("agent"))
    team_id = models.BigIntegerField(_("team"))
    campaign_id = models.BigIntegerField(_("campaign"))
    recording = models.ForeignKey(
        Recording, models.PROTECT, null=True, related_name="evaluations", verbose_name=_("recording")
    )
    version = models.ForeignKey(FormVersion, models.PROTECT, related_name="evaluations", verbose_name=_("form"))
    scorer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("scorer"), db_index=False
    )
    pick = models.CharField(_("chosen by"), max_length=11, choices=Pick.choices)
    probability = models.FloatField(_("probability of the choice"), null=True)
    remark = models.TextField(_("remark"), max_length=2000, blank=True, default="")
    saves = models.PositiveIntegerField(_("saves"), default=0)
    started_at = models.DateTimeField(_("begun"), db_default=Now())

    submitted_at = models.DateTimeField(_("submitted"), null=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True)
    definition = models.CharField(_("definition"), max_length=20, blank=True, default="")
    raw = models.DecimalField(_("score"), max_digits=6, decimal_places=3, null=True)
    reported = models.DecimalField(_("reported score"), max_digits=6, decimal_places=3, null=True)
    outcome = models.CharField(_("outcome"), max_length=4, choices=Outcome.choices, blank=True, default="")
    coverage = models.DecimalField(_("coverage"), max_digits=6, decimal_places=3, null=True)
    # counted with the score, so that figures of a year need not read every answer
    answers_given = models.PositiveSmallIntegerField(_("answers"), default=0, db_default=0)
    answers_na = models.PositiveSmallIntegerField(_("answers that do not apply"), default=0, db_default=0)
    is_grave = models.BooleanField(_("failed by one answer"), default=False, db_default=False)
    accepted_at = models.DateTimeField(_("accepted by the agent"), null=True)

    objects = EvaluationQuerySet.as_manager()

    class Meta:
        verbose_name = _("evaluation")
        constraints = [
            models.UniqueConstraint(
                fields=["call_id", "version", "scorer"],
                name="evaluation_once_per_scorer",
                condition=Q(withdrawn_at=None),
            ),
            models.CheckConstraint(name="evaluation_not_of_oneself", condition=~Q(agent_id=models.F("scorer"))),
            models.CheckConstraint(
                name="evaluation_submitted_is_counted",
                condition=Q(submitted_at=None, coverage=None, raw=None, reported=None, outcome="", definition="")
                | Q(submitted_at__isnull=False, coverage__isnull=False) & ~Q(definition=""),
            ),
            models.CheckConstraint(
                name="evaluation_random_has_probability",
                condition=~Q(pick__in=["random", "stratified"])
                | Q(probability__isnull=False, probability__gt=0, probability__lte=1),
            ),
            models.CheckConstraint(
                name="evaluation_accepted_after_submit",
                condition=Q(accepted_at=None) | Q(submitted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="evaluation_answers_are_whole", condition=Q(answers_na__lte=models.F("answers_given"))
            ),
        ]
        indexes = [
            models.Index(fields=["agent_id", "-call_started_at"], name="evaluation_agent"),
            models.Index(fields=["team_id", "-submitted_at"], name="evaluation_team"),
            models.Index(fields=["city_id", "-submitted_at"], name="evaluation_city"),
            models.Index(fields=["scorer", "-started_at"], name="evaluation_scorer"),
            models.Index(fields=["customer_id"], name="evaluation_customer"),
            models.Index(fields=["campaign_id", "call_started_at"], name="evaluation_campaign"),
            # what published figures are made of (qa.measures)
            models.Index(
                fields=["call_started_at"],
                name="evaluation_of_figures",
                include=[
                    "city_id",
                    "team_id",
                    "agent_id",
                    "campaign_id",
                    "probability",
                    "reported",
                    "answers_given",
                    "answers_na",
                    "is_grave",
                ],
                condition=Q(pick__in=["random", "stratified"], submitted_at__isnull=False, withdrawn_at=None),
            ),
        ]

    @property
    def is_submitted(self) -> bool:
        return self.submitted_at is not None

    @property
    def pick_shown(self) -> str:
        """How the call was chosen; of what was drawn not more than that, so that a scorer does not learn which calls are scored twice."""
        return str(DRAWN) if self.pick in DRAWN_PICKS else self.get_pick_display()


DRAWN_PICKS = (*Evaluation.PUBLISHED_PICKS, Evaluation.Pick.CALIBRATION)


class EvaluationAnswer(models.Model):
    """The answer to one item, with the remark and the span of the recording that show it.

    Which answers an item has is held by a trigger (qa/migrations): yes and no, or points from 0 to its most; and "does not apply".
    """

    PERSONAL_FIELDS = ("remark",)

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="answers", verbose_name=_("evaluation"))
    item = models.ForeignKey(FormItem, models.PROTECT, related_name="+", verbose_name=_("item"))
    answer = models.CharField(_("answer"), max_length=3, choices=ANSWERS)
    remark = models.CharField(_("remark"), max_length=500, blank=True, default="")
    from_ms = models.PositiveIntegerField(_("from, milliseconds"), null=True)
    until_ms = models.PositiveIntegerField(_("until, milliseconds"), null=True)

    class Meta:
        verbose_name = _("answer of an evaluation")
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "item"], name="evaluation_answer_once"),
            models.CheckConstraint(
                name="evaluation_answer_span",
                condition=Q(until_ms=None) | Q(from_ms__isnull=False, until_ms__gt=models.F("from_ms")),
            ),
        ]

    @property
    def answer_shown(self) -> str:
        return self.item.say(self.answer)

    @property
    def is_fatal(self) -> bool:
        return self.item.as_item().is_fatal(self.answer)

    @property
    def kind(self) -> str:
        """For its colour: "best", "partial" (some points), "bad", or "na"."""
        share = self.item.as_item().earned(self.answer)
        return "na" if share is None else "best" if share == 1 else "partial" if share else "bad"

    @property
    def from_seconds(self) -> float | None:
        return None if self.from_ms is None else self.from_ms / 1000

    @property
    def until_seconds(self) -> float | None:
        return None if self.until_ms is None else self.until_ms / 1000


class Appeal(models.Model):
    """The agent does not agree with one item. The answer stays as it was given; the decision stands beside it.

    QA decides first. An answer that was upheld the agent may take to who answers for the place, once: then this row waits anew at level 2,
    and what QA said stays in its FirstRuling.
    """

    LAST_LEVEL = 2

    class Decision(models.TextChoices):
        OPEN = "", _("Waiting")
        UPHELD = "upheld", _("The answer stands")
        OVERTURNED = "overturned", _("The agent is right")

    PERSONAL_FIELDS = ("reason", "ground")

    answer = models.OneToOneField(EvaluationAnswer, models.PROTECT, related_name="appeal", verbose_name=_("answer"))
    reason = models.CharField(_("reason"), max_length=1000)
    appealed_at = models.DateTimeField(_("appealed"))
    due_at = models.DateTimeField(_("to be decided until"))
    level = models.PositiveSmallIntegerField(_("level"), default=1, db_default=1)
    decision = models.CharField(_("decision"), max_length=10, choices=Decision.choices, blank=True, default="")
    right_answer = models.CharField(_("right answer"), max_length=3, choices=ANSWERS, blank=True, default="")
    ground = models.CharField(_("ground of the decision"), max_length=1000, blank=True, default="")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("decided by"),
        db_index=False,
    )
    decided_at = models.DateTimeField(_("decided"), null=True)

    class Meta:
        verbose_name = _("appeal")
        constraints = [
            models.CheckConstraint(
                name="appeal_decision_is_whole",
                condition=Q(decision="", decided_by=None, decided_at=None, right_answer="", ground="")
                | Q(decided_by__isnull=False, decided_at__isnull=False, decision__in=["upheld", "overturned"])
                & ~Q(ground="")
                & ~Q(right_answer=""),
            ),
            models.CheckConstraint(name="appeal_has_two_levels", condition=Q(level__in=[1, 2])),
        ]
        indexes = [models.Index(fields=["due_at"], name="appeal_open", condition=Q(decision=""))]

    @property
    def right_answer_shown(self) -> str:
        return self.answer.item.say(self.right_answer)


class FirstRuling(models.Model):
    """What the agent said first and QA upheld, of an appeal that went further. Evidence: never changed but to forget its words."""

    PERSONAL_FIELDS = ("reason", "ground")

    appeal = models.OneToOneField(Appeal, models.CASCADE, related_name="first", verbose_name=_("appeal"))
    reason = models.CharField(_("reason"), max_length=1000)
    appealed_at = models.DateTimeField(_("appealed"))
    ground = models.CharField(_("ground of the decision"), max_length=1000)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("decided by"), db_index=False
    )
    decided_at = models.DateTimeField(_("decided"))

    class Meta:
        verbose_name = _("first decision of an appeal")
