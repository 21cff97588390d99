"""Likeness to past buyers: what was learned, which campaign orders its queue by it, and which attributes nobody may use for it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from people.models import City, User
from scripts.models import Product

from .campaigns import Campaign


class ProtectedAttribute(models.Model):
    """An attribute that likeness never uses, anywhere in the region: by its name on the lists, whatever its case."""

    name = models.CharField(_("attribute"), max_length=80, unique=True)
    reason = models.CharField(_("reason"), max_length=200)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("protected attribute")

    def __str__(self) -> str:
        return self.name


class LikenessModelQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> LikenessModelQuerySet:
        """Those of campaigns the user sees; in a city only those that learned from that city: the others tell of other cities."""
        scope = user.scope()
        if scope.is_region:
            return self
        return self.filter(city__in=scope.city_ids, campaign__in=Campaign.objects.visible_to(user))


class LikenessModel(models.Model):
    """What one training found, for the campaign that asked: never changed (a trigger). A refused one says why and has no weights.

    `report`: see campaigns.likeness.judging; beside it the counts of rows that were left out. `weights`: per attribute its levels and
    their weights. `cuts`: nine scores that part the queue into ten. `protected`: the names that were respected. No personal data: a level has at least 20 persons.
    """

    class Scope(models.TextChoices):
        CAMPAIGN = "campaign", _("This campaign's finished leads")
        PRODUCT = "product", _("Finished leads of all campaigns of the product")

    class Refusal(models.TextChoices):
        NONE = "", _("None")
        FEW_ROWS = "few_rows", _("Too few finished leads")
        FEW_BUYERS = "few_buyers", _("Too few buyers")
        NOTHING_KNOWN = "nothing_known", _("No attributes")
        NO_LATER = "no_later", _("No later calls")
        CHANCE = "chance", _("Not better than chance")

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="likeness_models", verbose_name=_("campaign"))
    scope = models.CharField(_("learned from"), max_length=8, choices=Scope.choices)
    product = models.ForeignKey(Product, models.PROTECT, related_name="+", verbose_name=_("product"))
    city = models.ForeignKey(City, models.PROTECT, null=True, verbose_name=_("city"))
    job_id = models.BigIntegerField(unique=True)
    trained_at = models.DateTimeField(_("trained"))
    trained_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("trained by"))
    rows = models.PositiveIntegerField(_("finished leads"))
    buyers = models.PositiveIntegerField(_("buyers"))
    refusal = models.CharField(_("refused"), max_length=13, choices=Refusal.choices, blank=True, default="")
    report = models.JSONField(_("report"), default=dict)
    weights = models.JSONField(_("weights"), default=list)
    cuts = models.JSONField(_("cuts"), default=list)
    protected = models.JSONField(_("protected attributes respected"), default=list)

    objects = LikenessModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("likeness to buyers")
        constraints = [
            models.CheckConstraint(name="likeness_refused_has_no_weights", condition=Q(refusal="") | Q(weights=[])),
        ]
        indexes = [models.Index(fields=["campaign", "-trained_at"], name="likeness_of_campaign")]

    @property
    def is_usable(self) -> bool:
        return not self.refusal


class LikenessUse(models.Model):
    """From then to then a campaign handed out its leads by this model: the switch, with its history. One at a time."""

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="likeness_uses", verbose_name=_("campaign"), db_index=False
    )
    model = models.ForeignKey(LikenessModel, models.PROTECT, related_name="uses", verbose_name=_("model"))
    on_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("switched on by"))
    on_at = models.DateTimeField(_("switched on"), db_default=Now())
    off_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("switched off by"))
    off_at = models.DateTimeField(_("switched off"), null=True)

    class Meta:
        verbose_name = _("use of likeness")
        constraints = [
            models.UniqueConstraint(fields=["campaign"], name="likeness_one_use", condition=Q(off_at=None)),
            models.CheckConstraint(
                name="likeness_off_is_whole",
                condition=Q(off_at=None, off_by=None) | Q(off_at__isnull=False, off_by__isnull=False),
            ),
        ]
