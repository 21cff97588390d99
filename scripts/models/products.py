"""What is sold by phone, and the incentives of this channel."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Product(models.Model):
    """Something sold by phone. `is_on` off stops every campaign that sells it at once."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True, default="")
    suits = models.TextField(_("who it suits"), blank=True, default="", db_default="")
    price_cents = models.BigIntegerField(_("price"), null=True, blank=True)
    selling_points = models.TextField(
        _("selling points"), blank=True, default="", help_text=_("One per line, short and clear.")
    )
    mandatory_statements = models.TextField(
        _("mandatory statements"), blank=True, default="", help_text=_("One per line.")
    )
    is_larger_plan = models.BooleanField(_("a larger plan (else an add-on)"), default=True)
    is_on = models.BooleanField(_("may be sold"), default=True)

    class Meta:
        verbose_name = _("product")
        constraints = [
            models.CheckConstraint(
                name="product_price_not_negative", condition=Q(price_cents=None) | Q(price_cents__gte=0)
            )
        ]

    def __str__(self) -> str:
        return self.name


class OfferQuerySet(models.QuerySet):
    def valid_on(self, day: date) -> OfferQuerySet:
        return self.filter(Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gt=day)))


class Offer(models.Model):
    """An incentive of this channel only, so that its effect can be measured."""

    WRITTEN_FIELDS = ("code", "name", "terms", "price_cents", "valid_from", "valid_to")

    product = models.ForeignKey(Product, models.PROTECT, related_name="offers", verbose_name=_("product"))
    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    terms = models.TextField(_("terms"), blank=True, default="")
    price_cents = models.BigIntegerField(_("price"), null=True, blank=True)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("until"), null=True, blank=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        constraints = [
            models.CheckConstraint(
                name="offer_ends_after_start", condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from"))
            ),
            models.CheckConstraint(
                name="offer_price_not_negative", condition=Q(price_cents=None) | Q(price_cents__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.name
