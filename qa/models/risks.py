"""What customers of a campaign might complain of: listed before the trial call, owned by somebody, cleared with a reason."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from people.models import User


class ComplaintRiskQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ComplaintRiskQuerySet:
        """Whoever sees the campaign sees what it risks."""
        return self.filter(campaign__in=Campaign.objects.visible_to(user).values("pk"))

    def open(self) -> ComplaintRiskQuerySet:
        return self.filter(cleared_at=None)


class ComplaintRisk(models.Model):
    """One thing that could be complained of. It is never deleted: once cleared, it stays with the reason and who gave it."""

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="complaint_risks", verbose_name=_("campaign"), db_index=False
    )
    words = models.CharField(_("what could be complained of"), max_length=300)
    cause = models.CharField(_("where it was seen"), max_length=200, blank=True, default="")
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("person in charge"))
    added_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("added by"), db_index=False
    )
    added_at = models.DateTimeField(_("added"))
    cleared_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("cleared by"), db_index=False
    )
    cleared_at = models.DateTimeField(_("cleared"), null=True)
    cleared_why = models.CharField(_("why it is cleared"), max_length=500, blank=True, default="")

    objects = ComplaintRiskQuerySet.as_manager()

    class Meta:
        verbose_name = _("complaint risk")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "words"], name="risk_open_once_per_words", condition=Q(cleared_at=None)
            ),
            models.CheckConstraint(name="risk_says_what", condition=~Q(words="")),
            models.CheckConstraint(
                name="risk_clearing_is_whole",
                condition=Q(cleared_at=None, cleared_by=None, cleared_why="")
                | Q(cleared_at__isnull=False, cleared_by__isnull=False) & ~Q(cleared_why=""),
            ),
        ]
        indexes = [models.Index(fields=["campaign", "added_at"], name="risk_of_campaign")]
