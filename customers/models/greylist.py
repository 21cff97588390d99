"""Who is called only under conditions."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q
from django.db.models.functions import Now, TruncDate
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models.people import ANSWERERS, Customer
from people.models import Membership, User


def entered_for(user: User) -> Q:
    """Rows that the user, or somebody who then belonged to one of the user's cities, entered."""
    cities = user.scope().city_ids
    moment = ExpressionWrapper(OuterRef("created_at"), output_field=models.DateTimeField())
    day = TruncDate(moment, tzinfo=timezone.get_default_timezone())
    then = Membership.objects.filter(
        Q(city__in=cities) | Q(team__city__in=cities),
        Q(valid_to=None) | Q(valid_to__gt=day),
        user=OuterRef("created_by"),
        valid_from__lte=day,
    )
    return Q(created_by=user) | Q(Exists(then))


class GreyEntryQuerySet(models.QuerySet):
    def in_force(self, at: datetime) -> GreyEntryQuerySet:
        return self.filter(Q(valid_to=None) | Q(valid_to__gt=at), lifted_at=None)

    def visible_to(self, user: User) -> GreyEntryQuerySet:
        """Of customers whom the user sees; by number what was entered for the user's cities, whoever it belongs to. The region sees all.

        Why somebody is listed is a word about them: of who is locked it is seen by those alone who answer the requests of persons.
        """
        scope = user.scope()
        rows = self
        if not scope.is_region:
            by_number = Q(phone_blind__isnull=False) & entered_for(user)
            rows = self.filter(Q(customer__city__in=scope.city_ids) | by_number)
        return rows if user.has_role(*ANSWERERS) else rows.exclude(customer__is_locked=True)


class GreyEntry(models.Model):
    """A customer, or a number that may not yet be in the pool, who is called only for these purposes, only when the customer asked for it,
    only in these hours of the person's clock, at most so often in so many days, or all of it. Days are of 24 hours, as those of a cap.
    A trigger keeps `Customer.is_greylisted` true while an entry has not been lifted."""

    PERSONAL_FIELDS = ("phone_blind", "reason", "lift_reason")

    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="grey_entries", verbose_name=_("customer")
    )
    phone_blind = models.BinaryField(max_length=16, null=True, blank=True)
    purposes = ArrayField(models.CharField(max_length=16), verbose_name=_("only for these purposes"), default=list)
    callback_only = models.BooleanField(_("only when the customer asked for a call"), default=False)
    from_minute = models.PositiveSmallIntegerField(_("from"), null=True, blank=True)
    to_minute = models.PositiveSmallIntegerField(_("to"), null=True, blank=True)
    most_attempts = models.PositiveSmallIntegerField(_("at most so many attempts"), null=True, blank=True)
    in_days = models.PositiveSmallIntegerField(_("in so many days"), null=True, blank=True)
    valid_to = models.DateTimeField(_("until"), null=True, blank=True)
    reason = models.CharField(_("why"), max_length=200)
    source = models.CharField(_("source"), max_length=80)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("entered by"))
    created_at = models.DateTimeField(_("entered"), db_default=Now())
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("lifted by")
    )
    lift_reason = models.CharField(_("why it was lifted"), max_length=200, blank=True, default="")

    objects = GreyEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry of the greylist")
        constraints = [
            models.CheckConstraint(
                name="grey_entry_names_one",
                condition=Q(customer__isnull=False, phone_blind=None) | Q(customer=None, phone_blind__isnull=False),
            ),
            models.CheckConstraint(
                name="grey_entry_has_condition",
                condition=Q(callback_only=True)
                | Q(purposes__len__gte=1)
                | Q(from_minute__isnull=False)
                | Q(most_attempts__isnull=False),
            ),
            models.CheckConstraint(
                name="grey_entry_hours_are_whole",
                condition=Q(from_minute=None, to_minute=None)
                | Q(
                    from_minute__isnull=False,
                    to_minute__isnull=False,
                    to_minute__gt=F("from_minute"),
                    to_minute__lte=1440,
                ),
            ),
            # a customer's row keeps the last 20 attempts, the newest of them that of the call asked about
            models.CheckConstraint(
                name="grey_entry_attempts_are_whole",
                condition=Q(most_attempts=None, in_days=None)
                | Q(
                    most_attempts__isnull=False,
                    in_days__isnull=False,
                    most_attempts__gte=1,
                    most_attempts__lte=19,
                    in_days__gte=1,
                    in_days__lte=366,
                ),
            ),
            models.CheckConstraint(
                name="grey_entry_lift_is_whole",
                condition=Q(lifted_at=None, lifted_by=None) | Q(lifted_at__isnull=False, lifted_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["phone_blind"], name="grey_entry_phone", condition=Q(phone_blind__isnull=False, lifted_at=None)
            )
        ]

    def __str__(self) -> str:
        return str(self.customer) if self.customer else f"#{self.pk}"

    def in_force_at(self, at: datetime) -> bool:
        """What the queryset's in_force says of this one row."""
        return self.lifted_at is None and (self.valid_to is None or self.valid_to > at)

    @property
    def is_over(self) -> bool:
        """Its last day has passed, by this machine's clock: for showing only."""
        return self.valid_to is not None and self.valid_to <= timezone.now()
