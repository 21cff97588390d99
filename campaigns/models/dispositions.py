"""The results a call can have. The common ones are the region's; a campaign's own each map to one of them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class DispositionQuerySet(models.QuerySet):
    def common(self) -> DispositionQuerySet:
        return self.filter(campaign=None)

    def for_campaign(self, campaign_id: int) -> DispositionQuerySet:
        """What an agent may choose there: the common ones and the campaign's own, in the order of the panel."""
        return self.filter(Q(campaign=None) | Q(campaign=campaign_id), is_active=True).order_by("position", "id")


class Disposition(models.Model):
    """A result with its class. The flags are copied onto each call, so a later change of class leaves history as it was."""

    class Needs(models.TextChoices):
        NOTHING = "", _("Nothing")
        CALLBACK = "callback", _("Time of the callback")
        ORDER = "order", _("The order")
        REASON = "reason", _("The reason")
        STEP = "step", _("The step of the script")

    class Follow(models.TextChoices):
        """What becomes of the lead."""

        RETRY = "retry", _("Call again by the retry rule")
        CALLBACK = "callback", _("Call back at the time agreed")
        WON = "won", _("Closed as won")
        REFUSED = "refused", _("Closed as refused")
        CLOSED = "closed", _("Closed")

    campaign = models.ForeignKey(
        "campaigns.Campaign",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="own_dispositions",
        verbose_name=_("campaign"),
    )
    maps_to = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("counts as")
    )
    code = models.CharField(_("code"), max_length=40)
    label = models.CharField(_("label"), max_length=80)
    label_zh = models.CharField(_("Chinese label"), max_length=80, blank=True, default="")
    key = models.CharField(_("key on the desk"), max_length=1, blank=True, default="")
    position = models.PositiveSmallIntegerField(_("position"), default=100)
    is_active = models.BooleanField(_("in use"), default=True)
    needs = models.CharField(_("needs"), max_length=8, choices=Needs.choices, blank=True, default="")
    follow = models.CharField(_("what becomes of the lead"), max_length=8, choices=Follow.choices)

    connected = models.BooleanField(_("connected"), default=False)
    right_party = models.BooleanField(_("right person"), default=False)
    sale = models.BooleanField(_("sale"), default=False)
    refuses_offer = models.BooleanField(_("refuses the offer"), default=False)
    refuses_calls = models.BooleanField(_("refuses calls"), default=False)
    mid_call = models.BooleanField(_("broken off in mid-call"), default=False)
    complaint = models.BooleanField(_("complaint"), default=False)
    bad_number = models.BooleanField(_("number not in use"), default=False)

    objects = DispositionQuerySet.as_manager()

    class Meta:
        verbose_name = _("result")
        constraints = [
            models.UniqueConstraint(fields=["code"], name="disposition_common_code", condition=Q(campaign=None)),
            models.UniqueConstraint(fields=["campaign", "code"], name="disposition_campaign_code"),
            models.CheckConstraint(
                name="disposition_own_maps_to_common",
                condition=Q(campaign=None, maps_to=None) | Q(campaign__isnull=False, maps_to__isnull=False),
            ),
            models.CheckConstraint(
                name="disposition_class_makes_sense",
                condition=(
                    Q(connected=True)
                    | Q(
                        right_party=False,
                        sale=False,
                        refuses_offer=False,
                        refuses_calls=False,
                        mid_call=False,
                        complaint=False,
                    )
                )
                & (Q(connected=False) | Q(bad_number=False))
                & ~Q(sale=True, refuses_offer=True),
            ),
        ]

    def __str__(self) -> str:
        from django.utils.translation import get_language

        return self.label_zh if self.label_zh and (get_language() or "").startswith("zh") else self.label
