"""Sampling plans, what was drawn by them, and where there was too little to draw from.

A plan never changes: another rule is another plan. So every figure leads to the rule, the seed and the probability behind it.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from people.models import City, User
from people.scopes import scope_in

from .evaluations import READERS, Evaluation
from .forms import QualityForm
from .work import ScoringTask


class SamplingPlanQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> SamplingPlanQuerySet:
        """Plans of the whole region and those of the cities that the user answers for in quality."""
        if not user.has_role(*READERS):
            return self.none()
        scope = scope_in(user, READERS)
        return self if scope.is_region else self.filter(Q(city=None) | Q(city__in=scope.city_ids))

    def on(self) -> SamplingPlanQuerySet:
        return self.filter(ended_at=None)

    def sharing_calls(self, *, form: int, city: int | None, campaign: int | None) -> SamplingPlanQuerySet:
        """Those on the form that draw from some of the calls that a plan of this city and campaign (None: of all) draws from."""
        rows = self.filter(form=form)
        if city is not None:
            rows = rows.filter(Q(city=None) | Q(city=city))
        return rows if campaign is None else rows.filter(Q(campaign=None) | Q(campaign=campaign))


class SamplingPlan(models.Model):
    """So many calls of each agent and period, drawn at random: from all calls that were answered and can be heard, spread evenly over the
    groups named in `strata`. New agents and those with a complaint have more of theirs drawn."""

    class Period(models.TextChoices):
        DAY = "day", _("daily")
        WEEK = "week", _("weekly")
        MONTH = "month", _("monthly")

    class Stratum(models.TextChoices):
        CAMPAIGN = "campaign", _("campaign")
        RESULT = "result", _("result")
        LENGTH = "length", _("length of the call")
        HOUR = "hour", _("hour")

    name = models.CharField(_("name"), max_length=80)
    form = models.ForeignKey(QualityForm, models.PROTECT, related_name="+", verbose_name=_("form"))
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("city"))
    campaign = models.ForeignKey(
        Campaign, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("campaign")
    )
    period = models.CharField(_("period"), max_length=5, choices=Period.choices, default=Period.WEEK)
    picks = models.PositiveSmallIntegerField(_("calls of each agent"), default=3)
    strata = ArrayField(
        models.CharField(max_length=8, choices=Stratum.choices), verbose_name=_("spread over"), blank=True, default=list
    )
    new_days = models.PositiveSmallIntegerField(_("an agent is new for, days"), default=90)
    new_picks = models.PositiveSmallIntegerField(_("more of a new agent"), default=2)
    complaint_days = models.PositiveSmallIntegerField(_("a complaint counts for, days"), default=30)
    complaint_picks = models.PositiveSmallIntegerField(_("more after a complaint"), default=2)
    least_seconds = models.PositiveSmallIntegerField(_("talk of at least, seconds"), default=20)
    blind = models.BooleanField(_("without the agent's name"), default=True)
    due_days = models.PositiveSmallIntegerField(_("to be scored within, days"), default=7)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by"), db_index=False
    )
    made_at = models.DateTimeField(_("made"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("ended by"),
        db_index=False,
    )

    objects = SamplingPlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("sampling plan")
        constraints = [
            models.UniqueConstraint(fields=["name"], name="sampling_plan_name_once", condition=Q(ended_at=None)),
            models.CheckConstraint(name="sampling_plan_picks", condition=Q(picks__gte=1, picks__lte=50)),
            models.CheckConstraint(
                name="sampling_plan_more", condition=Q(new_picks__lte=50, complaint_picks__lte=50)
            ),
            models.CheckConstraint(
                name="sampling_plan_days",
                condition=Q(new_days__lte=730, complaint_days__lte=730, due_days__gte=1, due_days__lte=90),
            ),
            models.CheckConstraint(
                name="sampling_plan_end_is_whole",
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name

    @property
    def strata_words(self) -> str:
        words = dict(self.Stratum.choices)
        return ", ".join(str(words[name]) for name in self.strata)


class SampleDraw(models.Model):
    """What a plan drew for one period [starts_on, ends_on), once. Plan, seed and calls give the same picks again."""

    plan = models.ForeignKey(SamplingPlan, models.PROTECT, related_name="draws", verbose_name=_("sampling plan"))
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"))
    seed = models.CharField(_("seed"), max_length=32)
    drawn_at = models.DateTimeField(_("drawn"))
    agents = models.PositiveIntegerField(_("agents"), default=0)
    calls = models.PositiveIntegerField(_("calls drawn from"), default=0)

    class Meta:
        verbose_name = _("draw of a sampling plan")
        constraints = [
            models.UniqueConstraint(fields=["plan", "starts_on"], name="sample_draw_once"),
            models.CheckConstraint(name="sample_draw_has_days", condition=Q(ends_on__gt=F("starts_on"))),
        ]


class SamplePick(models.Model):
    """One call drawn: from `of_calls` calls of its agent `picked` were drawn, each with the probability of `task`.

    `replaces` is the pick whose recording had gone before it was scored.
    """

    draw = models.ForeignKey(SampleDraw, models.PROTECT, related_name="picks", verbose_name=_("draw"))
    task = models.ForeignKey(ScoringTask, models.PROTECT, related_name="picks", verbose_name=_("task"))
    agent_id = models.BigIntegerField(_("agent"))
    call_id = models.BigIntegerField(_("call"))
    stratum = models.CharField(_("group"), max_length=80, blank=True, default="")
    is_new = models.BooleanField(_("new agent"), default=False)
    after_complaint = models.BooleanField(_("after a complaint"), default=False)
    pick = models.CharField(_("chosen by"), max_length=11, choices=Evaluation.Pick.choices)
    of_calls = models.PositiveIntegerField(_("calls drawn from"))
    picked = models.PositiveIntegerField(_("of these drawn"))
    probability = models.FloatField(_("probability of the choice"))
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="replaced_by", verbose_name=_("instead of")
    )

    class Meta:
        verbose_name = _("call drawn")
        constraints = [
            models.UniqueConstraint(fields=["draw", "call_id"], name="sample_pick_once"),
            models.CheckConstraint(
                name="sample_pick_probability",
                condition=Q(picked__gte=1, of_calls__gte=F("picked"), probability__gt=0, probability__lte=1),
            ),
        ]
        indexes = [models.Index(fields=["draw", "agent_id"], name="sample_pick_agent")]


class SampleGapQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> SampleGapQuerySet:
        if not user.has_role(*READERS):
            return self.none()
        scope = scope_in(user, READERS)
        return self if scope.is_region else self.filter(city_id__in=scope.city_ids)


class SampleGap(models.Model):
    """An agent of whom fewer calls could be drawn than the plan asks for."""

    class Why(models.TextChoices):
        NO_CALLS = "no_calls", _("no call that was answered")
        NO_RECORDING = "no_recording", _("calls without a recording")
        FEW_CALLS = "few_calls", _("too few calls")

    draw = models.ForeignKey(SampleDraw, models.PROTECT, related_name="gaps", verbose_name=_("draw"))
    agent_id = models.BigIntegerField(_("agent"))
    city_id = models.BigIntegerField(_("city"), null=True)
    wanted = models.PositiveIntegerField(_("asked for"))
    drawn = models.PositiveIntegerField(_("drawn"))
    why = models.CharField(_("why"), max_length=12, choices=Why.choices)

    objects = SampleGapQuerySet.as_manager()

    class Meta:
        verbose_name = _("gap of a draw")
        constraints = [
            models.UniqueConstraint(fields=["draw", "agent_id"], name="sample_gap_once"),
            models.CheckConstraint(name="sample_gap_is_short", condition=Q(drawn__lt=F("wanted"))),
        ]
