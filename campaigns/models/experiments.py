"""Experiments: two to four wordings, offers or scenarios of one campaign, told apart by lot."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from people.models import User
from scripts.models import Offer, Scenario, ScriptVersion

from .campaigns import Campaign

MOST_ARMS = 4
MOST_LOOKS = 5


class ExperimentQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ExperimentQuerySet:
        """In a city those of the city's own campaigns: the figures of a regional one tell of other cities."""
        scope = user.scope()
        if scope.is_region:
            return self
        return self.filter(campaign__city__in=scope.city_ids, campaign__in=Campaign.objects.visible_to(user))

    def running(self) -> ExperimentQuerySet:
        return self.filter(state=Experiment.State.RUNNING)


class Experiment(models.Model):
    """A question to the customers of a campaign: which of its arms does best by one indicator, fixed beforehand with the looks.

    A campaign runs one at a time, since a call keeps one arm. It begins as a draft; a trigger lets it begin only when it is whole, and
    from then on its arms stay as they are.
    """

    class Kind(models.TextChoices):
        SCRIPT = "script", _("Script versions")
        OFFER = "offer", _("Offers")
        SCENARIO = "scenario", _("Scenarios")

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")
        DECIDED = "decided", _("Decided")

    class Indicator(models.TextChoices):
        """Keys of the registry of indicators whose denominator is persons."""

        SUCCESS = "success_rate", _("Success rate")
        FINAL_SUCCESS = "final_success_rate", _("Final success rate")
        CANCELLATION = "cancellation_rate", _("Cancellation rate")
        COMPLAINT = "complaint_rate", _("Complaint rate")

    FEWER_IS_BETTER = [Indicator.CANCELLATION, Indicator.COMPLAINT]

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="experiments", verbose_name=_("campaign"))
    name = models.CharField(_("name"), max_length=120)
    question = models.TextField(
        _("what is to be found out, and why"), max_length=1000, blank=True, default="", db_default=""
    )
    kind = models.CharField(_("compares"), max_length=8, choices=Kind.choices, default=Kind.SCRIPT)
    indicator = models.CharField(_("judged by"), max_length=20, choices=Indicator.choices, default=Indicator.SUCCESS)
    usual_percent = models.DecimalField(_("rate as it is now, percent"), max_digits=5, decimal_places=2)
    smallest_points = models.DecimalField(_("smallest difference worth having, points"), max_digits=5, decimal_places=2)
    looks = models.PositiveSmallIntegerField(_("looks"), default=3)
    per_arm = models.PositiveIntegerField(_("persons an arm at the last look"))
    stops_for_harm = models.BooleanField(_("an arm that is clearly worse stops by itself"), default=True)
    seed = models.BigIntegerField(_("seed"))
    complaints_looked_at = models.PositiveSmallIntegerField(
        _("looks at complaints before the figures were ripe"), default=0, db_default=0
    )
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("planned by"))
    created_at = models.DateTimeField(_("planned on"), db_default=Now())
    started_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("started by"))
    started_at = models.DateTimeField(_("started"), null=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("stopped by"))
    ended_at = models.DateTimeField(_("stopped"), null=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    adopted = models.ForeignKey(
        "campaigns.ExperimentArm", models.PROTECT, null=True, related_name="+", verbose_name=_("adopted")
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="", db_default="")

    objects = ExperimentQuerySet.as_manager()

    class Meta:
        verbose_name = _("experiment")
        constraints = [
            models.UniqueConstraint(fields=["campaign"], name="experiment_one_running", condition=Q(state="running")),
            models.CheckConstraint(
                name="experiment_looks_fixed",
                condition=Q(looks__gte=1, looks__lte=MOST_LOOKS) & Q(per_arm__gte=F("looks")),
                violation_error_message=_("There must be at least as many persons an arm as looks."),
            ),
            models.CheckConstraint(
                name="experiment_difference_makes_sense",
                condition=Q(usual_percent__gt=0, usual_percent__lt=100, smallest_points__gt=0),
                violation_error_message=_("A rate lies between 0 and 100 percent, and the difference is above 0."),
            ),
            models.CheckConstraint(
                name="experiment_state_is_whole",
                condition=Q(state="draft", started_at=None, ended_at=None, decided_at=None)
                | Q(state="running", started_at__isnull=False, ended_at=None, decided_at=None)
                | Q(state="stopped", started_at__isnull=False, ended_at__isnull=False, decided_at=None)
                | Q(
                    state="decided",
                    started_at__isnull=False,
                    ended_at__isnull=False,
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="experiment_adopts_when_decided", condition=Q(adopted=None) | Q(state="decided")
            ),
        ]
        indexes = [models.Index(fields=["campaign", "-created_at"], name="experiment_of_campaign")]

    def __str__(self) -> str:
        return self.name

    @property
    def fewer_is_better(self) -> bool:
        return self.indicator in self.FEWER_IS_BETTER


class ExperimentArm(models.Model):
    """One way of the experiment, with its share of the persons in percent. Number 1 is what the others are compared with."""

    class Stop(models.TextChoices):
        NONE = "", _("Not stopped")
        WORSE = "worse", _("Clearly worse")
        COMPLAINTS = "complaints", _("More complaints")

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="arms", verbose_name=_("experiment"))
    number = models.PositiveSmallIntegerField(_("arm"))
    share = models.PositiveSmallIntegerField(_("share, percent"))
    script_version = models.ForeignKey(
        ScriptVersion, models.PROTECT, null=True, related_name="+", verbose_name=_("script version")
    )
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, related_name="+", verbose_name=_("offer"))
    scenario = models.ForeignKey(Scenario, models.PROTECT, null=True, related_name="+", verbose_name=_("scenario"))
    stopped_at = models.DateTimeField(_("stopped"), null=True)
    stopped_for = models.CharField(
        _("stopped because"), max_length=10, choices=Stop.choices, blank=True, default="", db_default=""
    )

    class Meta:
        verbose_name = _("arm of an experiment")
        constraints = [
            models.UniqueConstraint(fields=["experiment", "number"], name="experiment_arm_number"),
            models.UniqueConstraint(fields=["experiment", "script_version"], name="experiment_arm_version_once"),
            models.UniqueConstraint(fields=["experiment", "offer"], name="experiment_arm_offer_once"),
            models.UniqueConstraint(fields=["experiment", "scenario"], name="experiment_arm_scenario_once"),
            models.CheckConstraint(
                name="experiment_arm_counted", condition=Q(number__gte=1, number__lte=MOST_ARMS, share__gte=1)
            ),
            models.CheckConstraint(
                name="experiment_arm_is_one_thing",
                condition=Q(script_version__isnull=False, offer=None, scenario=None)
                | Q(script_version=None, offer__isnull=False, scenario=None)
                | Q(script_version=None, offer=None, scenario__isnull=False),
            ),
            models.CheckConstraint(
                name="experiment_arm_stop_is_whole",
                condition=Q(stopped_at=None, stopped_for="") | Q(stopped_at__isnull=False) & ~Q(stopped_for=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.letter} · {self.thing}"

    @property
    def letter(self) -> str:
        return "ABCD"[self.number - 1]

    @property
    def thing(self) -> ScriptVersion | Offer | Scenario | None:
        return self.script_version or self.offer or self.scenario


class ExperimentPersonQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ExperimentPersonQuerySet:
        return self.filter(experiment__in=Experiment.objects.visible_to(user))


class ExperimentPerson(models.Model):
    """Which arm a person met, for good. `place` counts the agent's persons of the experiment in the order in which they were met; none
    for who has the arm from somebody merged into them."""

    experiment = models.ForeignKey(
        Experiment, models.PROTECT, related_name="persons", verbose_name=_("experiment"), db_index=False
    )
    customer_id = models.BigIntegerField(_("customer"), db_index=True)
    arm = models.ForeignKey(ExperimentArm, models.PROTECT, related_name="persons", verbose_name=_("arm"))
    agent_id = models.BigIntegerField(_("agent"))
    place = models.PositiveIntegerField(_("place among the agent's"), null=True)
    met_at = models.DateTimeField(_("met"), db_default=Now())

    objects = ExperimentPersonQuerySet.as_manager()

    class Meta:
        verbose_name = _("person in an experiment")
        constraints = [
            models.UniqueConstraint(fields=["experiment", "customer_id"], name="experiment_person_once"),
            models.UniqueConstraint(fields=["experiment", "agent_id", "place"], name="experiment_place_once"),
        ]
