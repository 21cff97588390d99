"""Segments: customers told apart by conditions, with the strategy that is meant for them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from pyroaring import BitMap

from people.models import City, User

from .people import Tag


class SegmentQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> SegmentQuerySet:
        """A city's segments; those of the region count customers of all cities and are the region's alone."""
        scope = user.scope()
        return self if scope.is_region else self.filter(city__in=scope.city_ids)

    def live(self) -> SegmentQuerySet:
        return self.filter(archived_at=None)


class Segment(models.Model):
    """Customers of a city or the region that meet `conditions` (customers.conditions), as counted at `counted_at`."""

    class Refresh(models.TextChoices):
        ON_DEMAND = "on_demand", _("When somebody asks")
        DAILY = "daily", _("Every night")
        WEEKLY = "weekly", _("Every Monday night")

    name = models.CharField(_("name"), max_length=80)
    city = models.ForeignKey(
        City, models.PROTECT, null=True, blank=True, verbose_name=_("city"), help_text=_("Empty: the whole region.")
    )
    owner = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("owner"))
    conditions = models.JSONField(_("conditions"))
    description = models.CharField(_("description"), max_length=300, blank=True, default="")
    strategy = models.TextField(_("strategy"), blank=True, default="")
    target = models.PositiveIntegerField(_("target, customers"), null=True, blank=True)
    refresh = models.CharField(_("counted anew"), max_length=10, choices=Refresh.choices, default=Refresh.ON_DEMAND)
    tag = models.ForeignKey(
        Tag, models.PROTECT, null=True, blank=True, related_name="segments", verbose_name=_("tag that follows it")
    )
    count = models.PositiveIntegerField(_("customers"), null=True, blank=True)
    counted_at = models.DateTimeField(_("counted"), null=True, blank=True)
    job_id = models.BigIntegerField(null=True, blank=True)
    marked_at = models.DateTimeField(
        _("customers marked"),
        null=True,
        blank=True,
        help_text=_("Since then its rules of contact reach its customers."),
    )
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    created_at = models.DateTimeField(_("made"), db_default=Now())

    objects = SegmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment")
        constraints = [
            models.UniqueConstraint(
                fields=["name", "city"],
                name="segment_name_once",
                condition=Q(archived_at=None),
                nulls_distinct=False,
            ),
            # two rules for one tag would take it off each other's customers
            models.UniqueConstraint(
                fields=["tag", "city"],
                name="segment_tag_once",
                condition=Q(archived_at=None, tag__isnull=False),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="segment_count_is_whole",
                condition=Q(count=None, counted_at=None) | Q(count__isnull=False, counted_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SegmentMembers(models.Model):
    """Who is in a segment, as a roaring bitmap of customer ids (they are dense and below 2**32).

    One value instead of a row per member: 5,000,000 members are at most 600 kB in place of some 400 MB with its index, a new count
    replaces the old one at once, and what came and went is a difference of two sets. A page reads its 50 ids out of the middle.
    """

    PERSONAL_FIELDS = ("bitmap",)

    segment = models.OneToOneField(
        Segment, models.CASCADE, primary_key=True, related_name="members", verbose_name=_("segment")
    )
    bitmap = models.BinaryField(_("customers"))

    class Meta:
        verbose_name = _("customers of a segment")

    @property
    def ids(self) -> BitMap:
        return BitMap.deserialize(bytes(self.bitmap))

    @staticmethod
    def packed(ids: Iterable[int]) -> bytes:
        found = ids if isinstance(ids, BitMap) else BitMap(ids)
        found.run_optimize()
        return bytes(found.serialize())
