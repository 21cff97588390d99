"""What was counted. Rollups hold counts and sets of customers, never rates; pages, files and the API divide through the registry.

Rows point by plain ids, like the facts they were counted from.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from campaigns.models import Experiment
from metrics.columns import COUNTS, SETS
from people.models import User


class InCitiesQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> InCitiesQuerySet:
        """Rows of the cities that the user's role covers whole; rows of the region only for the region."""
        scope = user.scope()
        return self if scope.is_region else self.filter(city_id__in=scope.city_ids)


class InTeamsQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> InTeamsQuerySet:
        """Rows of the user's cities, of the teams led, and the own ones."""
        scope = user.scope()
        if scope.is_region:
            return self
        return self.filter(Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids) | Q(agent_id=user.pk))


class Partition(models.Model):
    """One business day of one city: the unit in which day figures are built and replaced.

    The calls have marks of their own: a late cancellation asks for the orders to be counted again, not for millions of calls.
    """

    day = models.DateField(_("business day"))
    city_id = models.BigIntegerField(_("customer's city"))
    recorded_until = models.DateTimeField(_("newest fact recorded"))
    built_at = models.DateTimeField(_("computed"), null=True)
    calls_recorded_until = models.DateTimeField(_("newest call recorded"), null=True)
    calls_counted_at = models.DateTimeField(_("calls counted"), null=True)
    lists_counted_at = models.DateTimeField(_("counted by lists"), null=True)
    offers_counted_at = models.DateTimeField(_("counted by offers"), null=True)
    rows = models.PositiveIntegerField(_("rows"), default=0)

    objects = InCitiesQuerySet.as_manager()

    class Meta:
        verbose_name = _("day of a city")
        constraints = [models.UniqueConstraint(fields=["day", "city_id"], name="metrics_partition_once")]
        indexes = [models.Index(fields=["recorded_until"], name="metrics_partition_recorded")]


class Watermark(models.Model):
    """Until when recorded facts were looked through for days that must be built again."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    scanned_until = models.DateTimeField(_("looked through until"), null=True)
    # apart, because its days are known only to the job that works on them: it moves when they are all built
    activity_until = models.DateTimeField(_("activity built until"), null=True)

    class Meta:
        verbose_name = _("mark of the rollup")
        constraints = [models.CheckConstraint(name="metrics_watermark_only_one", condition=Q(id=1))]


class Stale(models.Model):
    """A sum over days that no longer says what its days say. Written with the day's rows; readers go to the days meanwhile.

    `keys` null: every row of it; else only these [level, team, agent, campaign].
    """

    class Kind(models.TextChoices):
        DAY = "day", _("Day")
        WEEK = "week", _("Week")
        MONTH = "month", _("Month")

    kind = models.CharField(_("kind"), max_length=5, choices=Kind.choices)
    start = models.DateField(_("first day"))
    city_id = models.BigIntegerField(_("city"), null=True, help_text=_("Empty: the region."))
    keys = models.JSONField(_("rows"), null=True)

    objects = InCitiesQuerySet.as_manager()

    class Meta:
        verbose_name = _("sum to be built again")
        constraints = [
            models.UniqueConstraint(F("kind"), F("start"), Coalesce(F("city_id"), 0), name="metrics_stale_once")
        ]


class Figures(models.Model):
    """Counts and sets of one group of calls, orders and cancellations; see metrics.columns for which."""

    level = models.SmallIntegerField(_("level"))
    city_id = models.BigIntegerField(_("customer's city"), null=True)
    team_id = models.BigIntegerField(_("team"), null=True)
    agent_id = models.BigIntegerField(_("agent"), null=True)
    campaign_id = models.BigIntegerField(_("campaign"), null=True)

    objects = InTeamsQuerySet.as_manager()

    class Meta:
        abstract = True


for _name in COUNTS:
    models.BigIntegerField(default=0).contribute_to_class(Figures, _name)
for _name in SETS:
    models.IntegerField(default=0).contribute_to_class(Figures, _name)
for _name in SETS:
    models.BinaryField(null=True).contribute_to_class(Figures, f"{_name}_ids")


class DayFigures(Figures):
    """One business day of one group."""

    day = models.DateField(_("business day"))

    class Meta:
        verbose_name = _("figures of a day")
        indexes = [
            models.Index(fields=["day", "city_id"], name="metrics_day_city"),
            models.Index(fields=["level", "day"], name="metrics_day_level"),
            models.Index(fields=["agent_id", "day"], name="metrics_day_agent", condition=Q(agent_id__isnull=False)),
            models.Index(
                fields=["team_id", "day"], name="metrics_day_team", condition=Q(agent_id=None, team_id__isnull=False)
            ),
        ]


class PeriodFigures(Figures):
    """One ISO week or calendar month of one group: the unions of its days."""

    kind = models.CharField(_("kind"), max_length=5, choices=Stale.Kind.choices)
    start = models.DateField(_("first day"))

    class Meta:
        verbose_name = _("figures of a week or month")
        indexes = [
            models.Index(fields=["kind", "start", "city_id"], name="metrics_period_city"),
            models.Index(fields=["level", "kind", "start"], name="metrics_period_level"),
            models.Index(
                fields=["agent_id", "kind", "start"], name="metrics_period_agent", condition=Q(agent_id__isnull=False)
            ),
        ]


LIST_COUNTS = ("calls", "calls_connected", "orders", "orders_cancelled")
LIST_SETS = ("customers_called", "customers_reached", "customers_won", "customers_cancelled")


class ListFigures(models.Model):
    """Outbound calls of one list in one campaign and city: of one business day, or, without a day, of all its days together.

    List and source are those that the calls themselves carry; calls of no list have none. Beside the other rollups, because no page
    cuts lists by agent, and no page of agents by list: as one more part of their key it would make every one of their rows many.
    """

    day = models.DateField(_("business day"), null=True)
    city_id = models.BigIntegerField(_("customer's city"))
    campaign_id = models.BigIntegerField(_("campaign"))
    source_id = models.BigIntegerField(_("source"), null=True)
    list_id = models.BigIntegerField(_("list"), null=True)

    objects = InCitiesQuerySet.as_manager()

    class Meta:
        verbose_name = _("figures of a list")
        constraints = [
            models.UniqueConstraint(
                fields=["day", "city_id", "campaign_id", "source_id", "list_id"],
                name="metrics_list_once",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["city_id", "list_id", "campaign_id"], name="metrics_list_days"),
            models.Index(fields=["list_id"], name="metrics_list_whole", condition=Q(day=None)),
            models.Index(fields=["campaign_id"], name="metrics_list_campaign", condition=Q(day=None)),
        ]


for _name in LIST_COUNTS:
    models.BigIntegerField(default=0).contribute_to_class(ListFigures, _name)
for _name in LIST_SETS:
    models.BinaryField(null=True).contribute_to_class(ListFigures, f"{_name}_ids")


class OfferFigures(models.Model):
    """Outbound calls of a product that has offers, of one business day, city and campaign: by the offer that they carried, or none."""

    day = models.DateField(_("business day"))
    city_id = models.BigIntegerField(_("customer's city"))
    campaign_id = models.BigIntegerField(_("campaign"))
    product_id = models.BigIntegerField(_("product"))
    offer_id = models.BigIntegerField(_("offer"), null=True)

    objects = InCitiesQuerySet.as_manager()

    class Meta:
        verbose_name = _("figures of an offer")
        constraints = [
            models.UniqueConstraint(
                fields=["day", "city_id", "campaign_id", "product_id", "offer_id"],
                name="metrics_offer_once",
                nulls_distinct=False,
            )
        ]
        indexes = [models.Index(fields=["product_id", "day"], name="metrics_offer_product")]


for _name in LIST_COUNTS:
    models.BigIntegerField(default=0).contribute_to_class(OfferFigures, _name)
for _name in LIST_SETS:
    models.BinaryField(null=True).contribute_to_class(OfferFigures, f"{_name}_ids")


class HourFigures(models.Model):
    """Calls of one hour of the region's clock, of the finest group. Counts of calls: they add up, customers are not told apart."""

    day = models.DateField(_("business day"))
    hour = models.SmallIntegerField(_("hour"))
    city_id = models.BigIntegerField(_("customer's city"))
    team_id = models.BigIntegerField(_("team"))
    agent_id = models.BigIntegerField(_("agent"))
    campaign_id = models.BigIntegerField(_("campaign"))
    calls = models.IntegerField(_("calls"))
    calls_connected = models.IntegerField(_("calls connected"))
    sales = models.IntegerField(_("calls with a sale"))
    inbound_calls = models.IntegerField(_("inbound calls"))
    inbound_sales = models.IntegerField(_("inbound calls with a sale"))
    talk_seconds = models.BigIntegerField(_("talk, seconds"))

    objects = InTeamsQuerySet.as_manager()

    class Meta:
        verbose_name = _("figures of an hour")
        indexes = [models.Index(fields=["day", "city_id"], name="metrics_hour_city")]


class CancellationDay(models.Model):
    """Cancellations and reinstatements by the day they happened, whenever the sale was. The cohort figures are elsewhere."""

    day = models.DateField(_("business day"))
    city_id = models.BigIntegerField(_("customer's city"))
    team_id = models.BigIntegerField(_("team"))
    agent_id = models.BigIntegerField(_("agent"))
    campaign_id = models.BigIntegerField(_("campaign"))
    cancellations = models.IntegerField(_("cancellations"))
    reinstatements = models.IntegerField(_("reinstatements"))

    objects = InTeamsQuerySet.as_manager()

    class Meta:
        verbose_name = _("cancellations that came on a day")
        indexes = [models.Index(fields=["day", "city_id"], name="metrics_cancellation_day")]


class AgentTime(models.Model):
    """Signed-in time by state, of a day or a month. City is the city of the team: a customer's cannot be told from waiting."""

    kind = models.CharField(_("kind"), max_length=5, choices=Stale.Kind.choices)
    start = models.DateField(_("first day"))
    level = models.SmallIntegerField(_("level"))
    city_id = models.BigIntegerField(_("team's city"), null=True)
    team_id = models.BigIntegerField(_("team"), null=True)
    agent_id = models.BigIntegerField(_("agent"), null=True)
    campaign_id = models.BigIntegerField(_("campaign"), null=True)
    signed_in_seconds = models.BigIntegerField(_("signed in, seconds"))
    handling_seconds = models.BigIntegerField(_("talking and after call, seconds"))
    waiting_seconds = models.BigIntegerField(_("waiting, reading and dialling, seconds"))
    away_seconds = models.BigIntegerField(_("away, seconds"))

    objects = InTeamsQuerySet.as_manager()

    class Meta:
        verbose_name = _("agents' time")
        indexes = [
            models.Index(fields=["level", "kind", "start"], name="metrics_time_level"),
            models.Index(fields=["kind", "start"], name="metrics_time_start"),
        ]


class ExperimentLookQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ExperimentLookQuerySet:
        return self.filter(experiment__in=Experiment.objects.visible_to(user))


class ExperimentLook(models.Model):
    """A look at an experiment, frozen: what had been counted by then, and what it said of every arm beside the first.

    `counts`: {arm: {measure: persons}}; `verdicts`: {arm: see metrics.trials}; keys of JSON are texts.
    """

    experiment = models.ForeignKey(
        Experiment, models.PROTECT, related_name="looks_taken", verbose_name=_("experiment"), db_index=False
    )
    number = models.PositiveSmallIntegerField(_("look"))
    taken_at = models.DateTimeField(_("taken"), db_default=Now())
    counts = models.JSONField(_("figures"), default=dict)
    verdicts = models.JSONField(_("what it said"), default=dict)

    objects = ExperimentLookQuerySet.as_manager()

    class Meta:
        verbose_name = _("look at an experiment")
        constraints = [models.UniqueConstraint(fields=["experiment", "number"], name="metrics_look_once")]

    def of_arms(self) -> dict[int, str]:
        """{arm: what this look said}"""
        return {int(arm): said for arm, said in self.verdicts.items()}


class Alert(models.Model):
    """Something a person should look at, found by a check. One open alert per kind and key; settled when the check passes again."""

    class Kind(models.TextChoices):
        SUMS_DIFFER = "sums_differ", _("The parts do not add up to the whole.")
        DAY_DIFFERS = "day_differs", _("A day counted again differs from what is stored.")
        DEFAULT_PARTITION = "default_partition", _("Calls lie outside of every month that was made.")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    key = models.CharField(_("what"), max_length=120)
    city_id = models.BigIntegerField(_("city"), null=True)
    detail = models.JSONField(_("figures"), default=dict)
    raised_at = models.DateTimeField(_("found"), db_default=Now())
    settled_at = models.DateTimeField(_("settled"), null=True)

    objects = InCitiesQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], name="metrics_alert_once_open", condition=Q(settled_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"
