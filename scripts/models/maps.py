"""The guidance map: what we like to say against what customers like to hear."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from people.models import User
from scripts.campaign_side import campaigns_seen

from .products import Product


class GuidanceMapQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> GuidanceMapQuerySet:
        """Those of products, and of the campaigns that the user sees."""
        return self.filter(Q(campaign_id=None) | Q(campaign_id__in=campaigns_seen(user)))


class GuidanceMap(models.Model):
    """One of a product (`campaign_id` empty) or of a campaign; archived with it and offered to the next of its kind."""

    product = models.ForeignKey(Product, models.PROTECT, related_name="maps", verbose_name=_("product"))
    campaign_id = models.BigIntegerField(_("campaign"), null=True, blank=True)
    title = models.CharField(_("title"), max_length=160)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by"), db_index=False
    )
    made_at = models.DateTimeField(_("made"), db_default=Now())
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)

    objects = GuidanceMapQuerySet.as_manager()

    class Meta:
        verbose_name = _("guidance map")
        constraints = [
            models.UniqueConstraint(
                fields=["product", "campaign_id"],
                name="guidance_map_open_once",
                condition=Q(archived_at=None),
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return self.title


class GuidanceCard(models.Model):
    class Quadrant(models.TextChoices):
        """domain.md, section 5: who likes to say it, who likes to hear it."""

        STRENGTH = "strength", _("We like to say it, customers like to hear it")
        DUTY = "duty", _("We must say it, customers do not care for it")
        LEAVE_OUT = "leave_out", _("Neither: leave it out")
        WEAK_POINT = "weak_point", _("We do not like to say it, customers want to hear it")

    class Kind(models.TextChoices):
        OBJECTION = "objection", _("Objection")
        SELLING_POINT = "selling_point", _("Selling point")
        MANDATORY = "mandatory", _("Mandatory statement")
        OWN = "own", _("Own words")

    map = models.ForeignKey(GuidanceMap, models.CASCADE, related_name="cards", verbose_name=_("map"))
    quadrant = models.CharField(_("quadrant"), max_length=10, choices=Quadrant.choices)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    kind = models.CharField(_("kind"), max_length=13, choices=Kind.choices, default=Kind.OWN)
    text = models.CharField(_("text"), max_length=300)
    note = models.CharField(_("how to say it"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("card of a guidance map")

    def __str__(self) -> str:
        return self.text
