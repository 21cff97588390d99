"""What the script and its helpers have to do with a call: what is noted while it runs, the path that was walked, what was shown and used."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from people.models import User
from scripts.models import ObjectionAnswer, Scenario

from .leads import Lead


class DeskDraft(models.Model):
    """What an agent has noted in the call in hand: one row per held lead, of this hold only; gone with the result or the release.

    `version` counts the changes: of two windows the one that is ahead wins. `writer` is the window that wrote it, so that a repeat of
    the same post is known. `content` is what campaigns.guide reads and writes.
    """

    PERSONAL_FIELDS = ("content",)

    # no constraint: leads of a list that is taken back go by one statement, and what is left of them here goes the day after
    lead = models.OneToOneField(
        Lead,
        models.CASCADE,
        primary_key=True,
        db_constraint=False,
        related_name="desk_draft",
        verbose_name=_("lead"),
    )
    agent = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("agent"), db_index=False)
    held_at = models.DateTimeField(_("handed out"))
    version = models.PositiveIntegerField(_("version"))
    writer = models.CharField(_("window"), max_length=40, blank=True, default="")
    content = models.JSONField(_("what was noted"), default=dict)
    saved_at = models.DateTimeField(_("kept"))

    class Meta:
        verbose_name = _("notes of a call in hand")


class CallPathQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CallPathQuerySet:
        """As calls are: those to a city's customers, and those of one's teams."""
        scope = user.scope()
        if scope.is_region:
            return self
        return self.filter(Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids))


class CallPath(models.Model):
    """The steps of the script that a call walked, in order, with the seconds at each: one compact row per call instead of ten.

    A step that was come back to stands there twice. `left_step_id` is where the conversation ended; `end` what it ended with.
    """

    class End(models.TextChoices):
        SOLD = "sold", _("Sold")
        MID_CALL = "mid_call", _("Broken off in mid-call")
        REFUSED = "refused", _("Refused")
        OTHER = "other", _("Otherwise")

    call_id = models.BigIntegerField(_("call"), primary_key=True)
    call_started_at = models.DateTimeField(_("started"))
    script_version_id = models.BigIntegerField(_("script version"))
    campaign_id = models.BigIntegerField(_("campaign"))
    city_id = models.BigIntegerField(_("customer's city"))
    team_id = models.BigIntegerField(_("team"))
    step_ids = ArrayField(models.BigIntegerField(), verbose_name=_("steps"))
    seconds = ArrayField(models.PositiveIntegerField(), verbose_name=_("seconds at each"))
    left_step_id = models.BigIntegerField(_("step at which it ended"))
    end = models.CharField(_("ended with"), max_length=8, choices=End.choices)

    objects = CallPathQuerySet.as_manager()

    class Meta:
        verbose_name = _("path of a call through its script")
        constraints = [
            models.CheckConstraint(
                name="call_path_is_whole", condition=Q(step_ids__len__gte=1) & Q(step_ids__len=models.F("seconds__len"))
            )
        ]
        indexes = [
            # the newest of a version that a reader sees: all, or those of a campaign, a city, a team
            models.Index(fields=["script_version_id", "-call_started_at"], name="call_path_version"),
            models.Index(fields=["script_version_id", "campaign_id", "-call_started_at"], name="call_path_campaign"),
            models.Index(fields=["script_version_id", "city_id", "-call_started_at"], name="call_path_city"),
            models.Index(fields=["script_version_id", "team_id", "-call_started_at"], name="call_path_team"),
            BrinIndex(fields=["call_started_at"], name="call_path_age", pages_per_range=32),
        ]


class AnswerUse(models.Model):
    """An answer to an objection that was shown in a call, whether it helped (nobody said: empty), and what the call came to."""

    call_id = models.BigIntegerField(_("call"))
    call_started_at = models.DateTimeField()
    answer = models.ForeignKey(
        ObjectionAnswer, models.PROTECT, related_name="+", verbose_name=_("answer"), db_index=False
    )
    step_id = models.BigIntegerField(_("step"), null=True)
    helped = models.BooleanField(_("helped"), null=True)
    sale = models.BooleanField(_("sale"), default=False)
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    class Meta:
        verbose_name = _("use of an answer")
        constraints = [models.UniqueConstraint(fields=["call_id", "answer"], name="answer_use_once_per_call")]
        indexes = [models.Index(fields=["answer", "call_started_at"], name="answer_use_when")]


class ScenarioUse(models.Model):
    """What an agent said of a scenario that was proposed in a call: used or not, and what the call came to."""

    call_id = models.BigIntegerField(_("call"))
    call_started_at = models.DateTimeField()
    scenario = models.ForeignKey(Scenario, models.PROTECT, related_name="+", verbose_name=_("scenario"), db_index=False)
    used = models.BooleanField(_("used"))
    sale = models.BooleanField(_("sale"), default=False)
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    class Meta:
        verbose_name = _("use of a scenario")
        constraints = [models.UniqueConstraint(fields=["call_id", "scenario"], name="scenario_use_once_per_call")]
        indexes = [models.Index(fields=["scenario", "call_started_at"], name="scenario_use_when")]
