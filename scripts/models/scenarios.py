"""Scenarios: a picture of life with the product, proposed on the desk to customers whom its conditions meet."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .knowledge import Article
from .products import Product


class Scenario(models.Model):
    """`conditions` on tags and attributes, as customers.conditions writes them; {} meets everybody."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PILOT = "pilot", _("Being tried")
        IN_USE = "in_use", _("In use")
        DROPPED = "dropped", _("Dropped")

    name = models.CharField(_("name"), max_length=80)
    moment = models.CharField(_("moment"), max_length=120, blank=True, default="")
    picture = models.TextField(_("the picture, in words"), max_length=2000)
    lines = models.TextField(_("lines to say"), blank=True, default="", max_length=2000)
    sms_text = models.CharField(_("text of the message"), max_length=500, blank=True, default="")
    conditions = models.JSONField(_("conditions"), default=dict, blank=True)
    product = models.ForeignKey(Product, models.PROTECT, related_name="scenarios", verbose_name=_("product that fits"))
    article = models.ForeignKey(
        Article, models.PROTECT, null=True, blank=True, related_name="scenarios", verbose_name=_("article")
    )
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.DRAFT)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("written by"), db_index=False
    )
    written_at = models.DateTimeField(_("written"), db_default=Now())

    class Meta:
        verbose_name = _("scenario")
        constraints = [models.UniqueConstraint(fields=["product", "name"], name="scenario_name_per_product")]

    def __str__(self) -> str:
        return self.name
