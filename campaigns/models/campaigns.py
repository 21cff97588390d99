"""A campaign, the gates before its stages, who works on it, and when it calls again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import RulePack
from people.models import City, Team, User
from scripts.models import Offer, Product, Script, ScriptVersion

if TYPE_CHECKING:
    from .experiments import ExperimentArm


class CampaignQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CampaignQuerySet:
        """Campaigns of the whole region, and those of the cities and teams that the user's role covers or works in."""
        scope = user.scope()
        if scope.is_region:
            return self
        own_teams = user.memberships.valid_on(timezone.localdate()).filter(team__isnull=False).values("team")
        worked_on = CampaignTeam.objects.filter(
            Q(team__in=own_teams) | Q(team__in=scope.team_ids) | Q(team__city__in=scope.city_ids)
        )
        return self.filter(
            Q(city__in=scope.city_ids)
            | Q(city=None) & ~Q(stage=Campaign.Stage.PLANNED)
            | Q(pk__in=worked_on.values("campaign"))
        )


class Campaign(models.Model):
    """A planned effort: these customers, this product and offer, this script, from then to then."""

    class Type(models.TextChoices):
        SALES = "sales", _("Sales")
        SURVEY = "survey", _("Survey")
        CARE = "care", _("Care")

    class Purpose(models.TextChoices):
        ACQUISITION = "acquisition", _("Acquisition")
        CROSS_SELL = "cross_sell", _("Cross-sell")
        UP_SELL = "up_sell", _("Up-sell")
        RETENTION = "retention", _("Retention")
        WIN_BACK = "win_back", _("Win-back")
        SERVICE = "service", _("Service")
        LEAD_GENERATION = "lead_generation", _("Lead generation")

    class Direction(models.TextChoices):
        OUTBOUND = "outbound", _("Outbound")
        INBOUND = "inbound", _("Inbound")

    class Stage(models.TextChoices):
        PLANNED = "planned", _("Planned")
        SCRIPT_REVIEW = "script_review", _("Script review")
        TRIAL = "trial", _("Trial call")
        RUNNING = "running", _("Full run")
        WRAP_UP = "wrap_up", _("Wrap-up")
        CLOSED = "closed", _("Closed")
        HISTORY = "history", _("History of another system")

    class Telephony(models.TextChoices):
        SIMULATOR = "simulator", _("Simulated telephone")
        HANDSET = "handset", _("Agent's own handset")

    # the arm of an experiment that a person meets; set on copies by services.arms
    arm: ExperimentArm | None = None

    CALLING = [Stage.TRIAL, Stage.RUNNING]
    ORDER = [Stage.PLANNED, Stage.SCRIPT_REVIEW, Stage.TRIAL, Stage.RUNNING, Stage.WRAP_UP, Stage.CLOSED]

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    city = models.ForeignKey(
        City, models.PROTECT, null=True, blank=True, verbose_name=_("city"), help_text=_("Empty: the whole region.")
    )
    type = models.CharField(_("type"), max_length=8, choices=Type.choices, default=Type.SALES)
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose.choices, default=Purpose.CROSS_SELL)
    direction = models.CharField(_("direction"), max_length=8, choices=Direction.choices, default=Direction.OUTBOUND)
    product = models.ForeignKey(Product, models.PROTECT, related_name="campaigns", verbose_name=_("product"))
    offer = models.ForeignKey(
        Offer, models.PROTECT, null=True, blank=True, related_name="campaigns", verbose_name=_("offer")
    )
    script = models.ForeignKey(
        Script, models.PROTECT, null=True, blank=True, related_name="campaigns", verbose_name=_("script")
    )
    script_version = models.ForeignKey(
        ScriptVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        verbose_name=_("script version in force"),
    )
    stage = models.CharField(_("stage"), max_length=14, choices=Stage.choices, default=Stage.PLANNED)
    is_on = models.BooleanField(_("may call"), default=True)
    telephony = models.CharField(_("telephone"), max_length=10, choices=Telephony.choices, default=Telephony.SIMULATOR)
    packs = models.ManyToManyField(RulePack, blank=True, related_name="campaigns", verbose_name=_("rule packs"))
    exclusion_group = models.CharField(
        _("exclusion group"),
        max_length=40,
        blank=True,
        default="",
        help_text=_("A person called by one campaign of a group is left alone by the others."),
    )
    precedence = models.PositiveSmallIntegerField(
        _("precedence"),
        default=0,
        db_default=0,
        help_text=_(
            "Of two campaigns of one exclusion group that want a person, the one with the higher number is served first."
        ),
    )
    starts_on = models.DateField(_("starts"), null=True, blank=True)
    ends_on = models.DateField(_("ends"), null=True, blank=True)
    target_customers = models.PositiveIntegerField(_("customers to be won"), null=True, blank=True)
    target_success_percent = models.DecimalField(
        _("expected success rate, percent"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    target_contact_percent = models.DecimalField(
        _("expected contact rate, percent"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    lease_seconds = models.PositiveIntegerField(_("seconds after which an unanswered lead returns"), default=900)
    after_call_limit_seconds = models.PositiveIntegerField(_("limit of after-call work, seconds"), default=90)
    preview_limit_seconds = models.PositiveSmallIntegerField(
        _("seconds to read a customer before dialling"),
        null=True,
        blank=True,
        validators=[MinValueValidator(5), MaxValueValidator(900)],
        help_text=_("The desk counts them down, then it dials. Empty: no limit."),
    )
    stock_alert_days = models.PositiveSmallIntegerField(
        _("warn when the callable leads last less than, working days"), default=2, db_default=2
    )
    # kept by the verbs of experiments: without one the desk asks nothing
    has_experiment = models.BooleanField(_("an experiment is running"), default=False, db_default=False, editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("planned by"))
    created_at = models.DateTimeField(_("planned on"), db_default=Now())

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        constraints = [
            models.CheckConstraint(
                name="campaign_ends_after_start",
                condition=Q(ends_on=None) | Q(starts_on=None) | Q(ends_on__gte=F("starts_on")),
            ),
            models.CheckConstraint(
                name="campaign_script_version_has_script", condition=Q(script_version=None) | Q(script__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.code


class CampaignTeamQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CampaignTeamQuerySet:
        return self.filter(campaign__in=Campaign.objects.visible_to(user))


class CampaignTeam(models.Model):
    """A team that works on a campaign. Teams of a city are handed customers of that city; regional teams all."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="team_links", verbose_name=_("campaign"))
    team = models.ForeignKey(Team, models.PROTECT, related_name="campaign_links", verbose_name=_("team"))

    objects = CampaignTeamQuerySet.as_manager()

    class Meta:
        verbose_name = _("team of a campaign")
        constraints = [models.UniqueConstraint(fields=["campaign", "team"], name="campaign_team_once")]


class Gate(models.Model):
    """The checkpoint before a stage: the campaign enters it only once this is passed, or overridden by two persons with a reason."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Not yet decided")
        PASSED = "passed", _("Passed")
        REFUSED = "refused", _("Sent back")
        OVERRIDDEN = "overridden", _("Overridden")

    # decided by a review with a list, not by one button
    REVIEWED = (Campaign.Stage.TRIAL, Campaign.Stage.RUNNING)

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="gates", verbose_name=_("campaign"))
    stage = models.CharField(_("stage it guards"), max_length=14, choices=Campaign.Stage.choices)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PENDING)
    reason = models.TextField(_("reason"), blank=True, default="")
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    second_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("second person")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    class Meta:
        verbose_name = _("gate")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "stage"], name="gate_once_per_stage"),
            models.CheckConstraint(
                name="gate_decision_is_whole",
                condition=Q(status="pending", decided_at=None)
                | Q(status__in=["passed", "refused"], decided_at__isnull=False, decided_by__isnull=False)
                | (
                    Q(status="overridden", decided_at__isnull=False, second_by__isnull=False)
                    & ~Q(reason="")
                    & ~Q(second_by=F("decided_by"))
                ),
            ),
        ]

    @property
    def is_reviewed(self) -> bool:
        return self.stage in self.REVIEWED


class RetryRule(models.Model):
    """After this result, call again after this delay, at most this often; then the lead is exhausted."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="retry_rules", verbose_name=_("campaign"))
    disposition = models.ForeignKey("campaigns.Disposition", models.PROTECT, related_name="+", verbose_name=_("result"))
    delay_minutes = models.PositiveIntegerField(_("delay, minutes"))
    most_attempts = models.PositiveSmallIntegerField(_("most attempts"))

    class Meta:
        verbose_name = _("retry rule")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "disposition"], name="retry_rule_once"),
            models.CheckConstraint(
                name="retry_rule_positive", condition=Q(most_attempts__gte=1) & Q(delay_minutes__gte=1)
            ),
        ]
