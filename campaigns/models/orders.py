"""What was sold, what became of it, and opportunities handed to others to close."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from people.models import User
from scripts.models import Offer, Product


class OrderQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> OrderQuerySet:
        scope = user.scope()
        if scope.is_region:
            return self
        return self.filter(Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids) | Q(agent_id=user.pk))


class Order(models.Model):
    """A sale made in a call. Its cohort is the day of that call; later events never move it."""

    class State(models.TextChoices):
        SOLD = "sold", _("Sold")
        CANCELLED = "cancelled", _("Cancelled")
        REINSTATED = "reinstated", _("Reinstated")

    call_id = models.BigIntegerField(_("call"))
    call_started_at = models.DateTimeField(_("sold"))
    customer_id = models.BigIntegerField(_("customer"), db_index=True)
    city_id = models.BigIntegerField(_("customer's city"))
    agent_id = models.BigIntegerField(_("agent"))
    team_id = models.BigIntegerField(_("team"))
    campaign_id = models.BigIntegerField(_("campaign"))
    system = models.CharField(_("system"), max_length=40, default="telemkt")
    number = models.CharField(_("order number"), max_length=64)
    product = models.ForeignKey(Product, models.PROTECT, related_name="+", verbose_name=_("product"))
    offer = models.ForeignKey(Offer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("offer"))
    amount_cents = models.BigIntegerField(_("amount"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.SOLD)
    # what had to be said and whether it was ticked when the order was read back: [{"text": ..., "said": true}]
    read_back = models.JSONField(_("read back"), default=list, blank=True, db_default=[])
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        constraints = [
            models.UniqueConstraint(fields=["system", "number"], name="order_number_once"),
            models.CheckConstraint(name="order_amount_not_negative", condition=Q(amount_cents__gte=0)),
        ]
        indexes = [
            models.Index(fields=["call_started_at", "city_id"], name="order_cohort"),
            models.Index(fields=["call_id"], name="order_call"),
        ]

    def __str__(self) -> str:
        return self.number


class OrderEvent(models.Model):
    """What happened to an order, when it happened and when we heard: sold, cancelled, reinstated. Never changed."""

    class Kind(models.TextChoices):
        SOLD = "sold", _("Sold")
        CANCELLED = "cancelled", _("Cancelled")
        REINSTATED = "reinstated", _("Reinstated")

    order = models.ForeignKey(Order, models.PROTECT, related_name="events", verbose_name=_("order"))
    kind = models.CharField(_("event"), max_length=10, choices=Kind.choices)
    occurred_at = models.DateTimeField(_("happened"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("by"))

    class Meta:
        verbose_name = _("event of an order")
        constraints = [models.UniqueConstraint(fields=["order", "kind", "occurred_at"], name="order_event_once")]
        indexes = [
            models.Index(fields=["recorded_at"], name="order_event_recorded"),
            models.Index(fields=["occurred_at"], name="order_event_occurred"),
        ]
