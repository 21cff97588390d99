"""When a person does not want to be called."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from customers.models.people import Customer
from customers.models.requests import PersonRequest
from people.models import User


class QuietTimeQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> QuietTimeQuerySet:
        """Of customers whom the user sees: of who is locked, by those alone who answer the requests of persons."""
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def standing(self, at: datetime) -> QuietTimeQuerySet:
        """Those that hold, though it may not be their hour just now."""
        return self.filter(Q(valid_to=None) | Q(valid_to__gt=at), ended_at=None)


class QuietTime(models.Model):
    """A customer's wish not to be called at these times of the week, by the clock of the customer's own city. Never deleted but with the
    person; ended.

    Minutes of the local day from `from_minute` on, up to and without `to_minute`; one that is not later lies on the day after. `days`: on
    which it begins, 1 is Monday. A trigger keeps `Customer.has_quiet_times` true while a wish has not been ended.
    """

    PERSONAL_FIELDS = ("days", "from_minute", "to_minute", "stated_by")

    Way = PersonRequest.Way

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="quiet_times", verbose_name=_("customer"))
    days = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("days"))
    from_minute = models.PositiveSmallIntegerField(_("from"))
    to_minute = models.PositiveSmallIntegerField(_("to"))
    valid_to = models.DateTimeField(_("until"), null=True, blank=True)
    stated_on = models.DateField(_("stated"))
    way = models.CharField(_("how"), max_length=10, choices=PersonRequest.Way.choices)
    stated_by = models.CharField(_("stated by"), max_length=80)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("entered by"))
    created_at = models.DateTimeField(_("entered"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("ended by")
    )

    objects = QuietTimeQuerySet.as_manager()

    class Meta:
        verbose_name = _("do-not-disturb time")
        constraints = [
            models.CheckConstraint(
                name="quiet_time_has_days",
                condition=Q(days__len__gte=1, days__contained_by=[1, 2, 3, 4, 5, 6, 7]),
            ),
            models.CheckConstraint(
                name="quiet_time_within_a_day",
                condition=Q(from_minute__lt=1440, to_minute__gte=1, to_minute__lte=1440)
                & ~Q(from_minute=F("to_minute")),
            ),
            models.CheckConstraint(
                name="quiet_time_end_is_whole",
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} {self.days} {self.from_minute}"

    def holds_at(self, at: datetime) -> bool:
        """What the queryset's standing() says of this one row."""
        return self.ended_at is None and (self.valid_to is None or self.valid_to > at)
