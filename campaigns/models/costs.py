"""What the work costs, month by month."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from people.models import City, Membership, User
from people.scopes import scope_in

Role = Membership.Role
# Who enters costs, and sees what was entered.
COSTERS = (Role.CAMPAIGN_MANAGER, Role.CITY_MANAGER, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)


class CostQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CostQuerySet:
        """A city's costs, by the roles that enter them and no others. What names no city is the region's to see."""
        scope = scope_in(user, COSTERS)
        return self if scope.is_region else self.filter(city__in=scope.city_ids)

    def standing(self) -> CostQuerySet:
        """Those that count."""
        return self.filter(taken_back_at=None)


class Cost(models.Model):
    """A cost of one month: of a campaign, of a city, of both, or shared. Never changed: what was wrong is taken back, and stays to be seen.

    What names no city or no campaign is shared among those that it leaves open, in the proportion that `spread` says.
    """

    class Kind(models.TextChoices):
        STAFF = "staff", _("Staff")
        TELEPHONY = "telephony", _("Telephony")
        DATA = "data", _("Data")
        TRAINING = "training", _("Recruiting and training")
        INCENTIVE = "incentive", _("Incentives")
        DELIVERY = "delivery", _("Delivery")
        SYSTEM = "system", _("Hardware and software")

    class Spread(models.TextChoices):
        NONE = "", _("not spread: in the whole only")
        CALLS = "calls", _("by outbound calls")
        TALK = "talk_seconds", _("by time spent talking")
        ORDERS = "orders", _("by orders of outbound calls")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    campaign = models.ForeignKey(
        "campaigns.Campaign", models.PROTECT, null=True, blank=True, related_name="costs", verbose_name=_("campaign")
    )
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("city"))
    month = models.DateField(_("month"))
    amount_cents = models.BigIntegerField(_("amount"))
    spread = models.CharField(_("spread"), max_length=12, choices=Spread.choices, blank=True, default="", db_default="")
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(_("entered"), db_default=Now())
    # null: entered before it was kept, or by a system
    entered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("entered by"))
    taken_back_at = models.DateTimeField(_("taken back"), null=True, editable=False)

    objects = CostQuerySet.as_manager()

    class Meta:
        verbose_name = _("cost")
        constraints = [
            models.CheckConstraint(name="cost_month_starts", condition=Q(month__day=1)),
            models.CheckConstraint(
                name="cost_spread_known", condition=Q(spread__in=["", "calls", "talk_seconds", "orders"])
            ),
            models.CheckConstraint(name="cost_above_nothing", condition=Q(amount_cents__gt=0)),
            # what names both leaves nothing open
            models.CheckConstraint(
                name="cost_spread_if_open",
                condition=Q(spread="") | Q(city=None) | Q(campaign=None),
            ),
        ]
        indexes = [models.Index(fields=["month"], name="cost_month", condition=Q(taken_back_at=None))]
