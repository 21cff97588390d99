"""Who did what for how long."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from people.models import Team, User


class AgentStateQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> AgentStateQuerySet:
        scope = user.scope()
        return self if scope.is_region else self.filter(Q(team__in=scope.team_ids) | Q(agent=user))

    def current(self) -> AgentStateQuerySet:
        return self.filter(ended_at=None)


class AgentState(models.Model):
    """A stretch of an agent's shift in one state. At most one is open per agent; the log of all is the signed-in time."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        PREVIEW = "preview", _("Reading the lead")
        DIALLING = "dialling", _("Dialling")
        TALKING = "talking", _("Talking")
        AFTER_CALL = "after_call", _("After call")
        AWAY = "away", _("Away")

    agent = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("agent"), db_index=False)
    team = models.ForeignKey(Team, models.PROTECT, related_name="+", verbose_name=_("team"), db_index=False)
    campaign_id = models.BigIntegerField(_("campaign"), null=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    reason = models.CharField(_("reason"), max_length=40, blank=True, default="")
    began_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    # The last sign of life of the desk page; null for states that other systems report.
    seen_at = models.DateTimeField(null=True, editable=False)

    objects = AgentStateQuerySet.as_manager()

    class Meta:
        verbose_name = _("agent state")
        constraints = [
            models.UniqueConstraint(fields=["agent"], name="agent_state_one_open", condition=Q(ended_at=None)),
            models.CheckConstraint(
                name="agent_state_ends_after_begin", condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at"))
            ),
        ]
        indexes = [
            models.Index(fields=["team"], name="agent_state_floor", condition=Q(ended_at=None)),
            models.Index(fields=["agent", "began_at"], name="agent_state_day"),
            models.Index(fields=["began_at"], name="agent_state_began"),
        ]


class LeadSkipQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> LeadSkipQuerySet:
        scope = user.scope()
        return self if scope.is_region else self.filter(Q(team__in=scope.team_ids) | Q(agent=user))


class LeadSkip(models.Model):
    """A lead that an agent put away undialled, and why: written with the giving back, never changed."""

    agent = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("agent"), db_index=False)
    team = models.ForeignKey(Team, models.PROTECT, null=True, related_name="+", verbose_name=_("team"), db_index=False)
    lead = models.ForeignKey("campaigns.Lead", models.PROTECT, related_name="skips", verbose_name=_("lead"))
    campaign = models.ForeignKey(
        "campaigns.Campaign", models.PROTECT, related_name="+", verbose_name=_("campaign"), db_index=False
    )
    reason = models.CharField(_("reason"), max_length=120)
    at = models.DateTimeField(_("skipped"))

    # agents write it by hand
    PERSONAL_FIELDS = ("reason",)

    objects = LeadSkipQuerySet.as_manager()

    class Meta:
        verbose_name = _("skip")
        indexes = [
            models.Index(fields=["agent", "at"], name="lead_skip_agent"),
            # the reasons that a team gave in some days, without its other skips
            models.Index(fields=["team", "at"], name="lead_skip_team", include=["agent", "reason"]),
            BrinIndex(fields=["at"], name="lead_skip_age", pages_per_range=32),
        ]
