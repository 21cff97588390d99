"""The first working hours of a full run: limits set beforehand, and a sheet of frozen figures at hours 2, 4 and 6."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from people.models import Membership, User
from people.scopes import scope_in

from .forms import QualityForm

Role = Membership.Role
WATCHERS = (Role.QA, Role.SUPERVISOR, Role.CAMPAIGN_MANAGER, Role.CITY_MANAGER, Role.REGIONAL_MANAGER)


class FullRunQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> FullRunQuerySet:
        """Those of campaigns that the user's place covers whole: the figures are those of the whole campaign."""
        if not user.has_role(*WATCHERS):
            return self.none()
        scope = scope_in(user, WATCHERS)
        return self if scope.is_region else self.filter(campaign__city__in=scope.city_ids)


class FullRun(models.Model):
    """The monitoring of one campaign. It begins with the full run and ends with the sheet of hour 6.

    `quarters` are the quarters of an hour since then, finished by `counted_until`, in which the campaign called: their numbers since 1970.
    """

    HOURS = (2, 4, 6)

    campaign = models.OneToOneField(
        Campaign, models.PROTECT, related_name="full_run", verbose_name=_("campaign")
    )  # fmt: skip
    form = models.ForeignKey(QualityForm, models.PROTECT, related_name="+", verbose_name=_("form"))
    picks = models.PositiveSmallIntegerField(_("recordings drawn at each hour"), default=10)
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("prepared by"), db_index=False
    )
    prepared_at = models.DateTimeField(_("prepared"))
    began_at = models.DateTimeField(_("began"), null=True)
    counted_until = models.DateTimeField(null=True)
    quarters = ArrayField(models.BigIntegerField(), default=list)

    objects = FullRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("monitoring of a full run")
        constraints = [
            models.CheckConstraint(name="full_run_picks", condition=Q(picks__gte=1, picks__lte=200)),
            models.CheckConstraint(
                name="full_run_counts_since_it_began",
                condition=Q(began_at=None, counted_until=None, quarters=[])
                | Q(began_at__isnull=False, counted_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.campaign)


class FullRunLimit(models.Model):
    """A share that an indicator is to stay above or below, from 0 to 1; set before the monitoring begins."""

    class Side(models.TextChoices):
        LEAST = "least", _("at least")
        MOST = "most", _("at most")

    run = models.ForeignKey(FullRun, models.PROTECT, related_name="limits")
    indicator = models.CharField(_("indicator"), max_length=40)
    side = models.CharField(_("limit"), max_length=5, choices=Side.choices)
    share = models.FloatField(_("share"))

    class Meta:
        verbose_name = _("limit of a full run")
        constraints = [
            models.UniqueConstraint(fields=["run", "indicator"], name="full_run_limit_once"),
            models.CheckConstraint(name="full_run_limit_share", condition=Q(share__gt=0, share__lt=1)),
        ]

    @property
    def percent(self) -> float:
        return 100 * self.share


class FullRunSheet(models.Model):
    """What stood at a working hour, counted once and never anew, what the limits said, and what a person decided."""

    class Verdict(models.TextChoices):
        PROCEED = "proceed", _("Proceed")
        HOLD = "hold", _("Hold")
        EARLY = "early", _("Too early to tell")

    run = models.ForeignKey(FullRun, models.PROTECT, related_name="sheets")
    hour = models.PositiveSmallIntegerField(_("hour of work"))
    until = models.DateTimeField(_("calls until"))
    since = models.DateTimeField(_("last two hours since"))
    counted_at = models.DateTimeField(_("counted"))
    figures = models.JSONField(_("figures"))
    by_limits = models.CharField(_("the limits say"), max_length=7, choices=Verdict.choices)
    picked = models.PositiveSmallIntegerField(_("recordings drawn"), default=0)
    decision = models.CharField(_("decision"), max_length=7, choices=Verdict.choices, blank=True, default="")
    reason = models.TextField(_("reason"), blank=True, default="")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by"), db_index=False
    )  # fmt: skip
    decided_at = models.DateTimeField(_("decided"), null=True)

    class Meta:
        verbose_name = _("monitoring sheet")
        constraints = [
            models.UniqueConstraint(fields=["run", "hour"], name="full_run_sheet_once"),
            models.CheckConstraint(name="full_run_sheet_hour", condition=Q(hour__in=[2, 4, 6])),
            models.CheckConstraint(
                name="full_run_decision_is_whole",
                condition=Q(decision="", reason="", decided_by=None, decided_at=None)
                | ~Q(decision="")
                & Q(decided_by__isnull=False, decided_at__isnull=False)
                & (Q(decision=F("by_limits")) | ~Q(reason="")),
            ),
        ]
