"""Complex sales that somebody else closes."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from people.models import User


class OpportunityQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> OpportunityQuerySet:
        """As the calls they came from."""
        scope = user.scope()
        if scope.is_region:
            return self
        return self.filter(Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids) | Q(agent_id=user.pk))

    def open(self) -> OpportunityQuerySet:
        return self.filter(state=Opportunity.State.OPEN)


class Opportunity(models.Model):
    """A complex sale handed to somebody who closes it; quality and end come back to the agent's result.

    What it came from is kept as it was in the call. `quality`: what whoever closed it says of how well it was prepared.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")

    class Quality(models.TextChoices):
        GOOD = "good", _("Good")
        FAIR = "fair", _("Fair")
        POOR = "poor", _("Poor")

    PERSONAL_FIELDS = ("wish", "reason")

    call_id = models.BigIntegerField(_("call"))
    call_started_at = models.DateTimeField()
    customer_id = models.BigIntegerField(_("customer"))
    city_id = models.BigIntegerField(_("city"))
    agent_id = models.BigIntegerField(_("agent"))
    # null: handed over before they were kept
    team_id = models.BigIntegerField(_("team"), null=True)
    campaign_id = models.BigIntegerField(_("campaign"), null=True)
    closer = models.CharField(_("who closes it"), max_length=120)
    wish = models.CharField(_("what the customer wants"), max_length=400, blank=True, default="", db_default="")
    state = models.CharField(_("state"), max_length=4, choices=State.choices, default=State.OPEN)
    amount_cents = models.BigIntegerField(_("amount"), null=True, blank=True)
    quality = models.CharField(
        _("quality"), max_length=4, choices=Quality.choices, blank=True, default="", db_default=""
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="", db_default="")
    handed_at = models.DateTimeField(_("handed over"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("written down by"))

    objects = OpportunityQuerySet.as_manager()

    class Meta:
        verbose_name = _("opportunity")
        constraints = [
            models.CheckConstraint(
                name="opportunity_end_is_whole",
                condition=Q(state="open", closed_at=None) | (~Q(state="open") & Q(closed_at__isnull=False)),
            ),
            models.CheckConstraint(name="opportunity_state_known", condition=Q(state__in=["open", "won", "lost"])),
            models.CheckConstraint(
                name="opportunity_open_is_bare",
                condition=~Q(state="open") | Q(amount_cents=None, quality="", reason=""),
            ),
            models.CheckConstraint(
                name="opportunity_amount_of_won", condition=Q(amount_cents=None) | Q(amount_cents__gt=0, state="won")
            ),
            models.CheckConstraint(
                name="opportunity_ends_after", condition=Q(closed_at=None) | Q(closed_at__gte=F("handed_at"))
            ),
            models.CheckConstraint(
                name="opportunity_quality_known", condition=Q(quality__in=["", "good", "fair", "poor"])
            ),
            models.UniqueConstraint(fields=["call_id"], name="opportunity_once_a_call"),
        ]
        indexes = [
            models.Index(fields=["handed_at"], name="opportunity_handed"),
            models.Index(fields=["customer_id"], name="opportunity_customer"),
            models.Index(fields=["city_id", "handed_at"], name="opportunity_open", condition=Q(state="open")),
        ]
