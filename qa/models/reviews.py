"""A review of a checkpoint: its list, what the machine and QA said to each item, and the verdict with what stood then."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from campaigns.models import Campaign, CampaignTeam, Gate
from campaigns.rules import GATE_READERS
from people.models import User
from people.scopes import scope_in
from scripts.models import ScriptVersion

from .forms import QualityForm


def campaigns_of_gates(user: User) -> models.QuerySet[Campaign]:
    """Campaigns of which the user reads how their checkpoints stand: where a role is held that reads them, and not where another one is."""
    seen, scope = Campaign.objects.visible_to(user), scope_in(user, GATE_READERS)
    if user.is_superuser or scope.is_region:
        return seen
    if not scope.roles:
        return seen.none()
    worked_on = CampaignTeam.objects.filter(Q(team__in=scope.team_ids) | Q(team__city__in=scope.city_ids))
    return seen.filter(Q(city=None) | Q(city__in=scope.city_ids) | Q(pk__in=worked_on.values("campaign")))


class GateReviewQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> GateReviewQuerySet:
        """Of the campaigns whose checkpoints the user reads."""
        return self.filter(gate__campaign__in=campaigns_of_gates(user).values("pk"))

    def open(self) -> GateReviewQuerySet:
        return self.filter(closed_at=None)


class GateReview(models.Model):
    """One round of one checkpoint. Once closed it never changes: the database refuses it.

    `evidence` is what stood at the verdict: script version, items, counts, rates. `form`: on which trial recordings are scored.
    """

    class Verdict(models.TextChoices):
        PASS = "pass", _("Pass the gate")
        BACK = "back", _("Send back")
        EARLY = "early", _("Too early for rates")
        OVERRIDDEN = "overridden", _("Overridden by two persons")

    gate = models.ForeignKey(Gate, models.PROTECT, related_name="reviews", verbose_name=_("gate"))
    form = models.ForeignKey(
        QualityForm, models.PROTECT, null=True, related_name="+", verbose_name=_("form"), db_index=False
    )
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("opened by"), db_index=False
    )
    opened_at = models.DateTimeField(_("opened"))
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict.choices, blank=True, default="")
    reason = models.TextField(_("reason"), blank=True, default="")
    more_calls = models.PositiveIntegerField(_("more calls until rates can be judged"), null=True)
    script_version = models.ForeignKey(
        ScriptVersion, models.PROTECT, null=True, related_name="+", verbose_name=_("script version"), db_index=False
    )
    evidence = models.JSONField(_("what stood at the verdict"), null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("closed by"), db_index=False
    )  # fmt: skip
    closed_at = models.DateTimeField(_("closed"), null=True)

    objects = GateReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("review of a checkpoint")
        constraints = [
            models.UniqueConstraint(fields=["gate"], name="gate_review_open_once", condition=Q(closed_at=None)),
            models.CheckConstraint(
                name="gate_review_verdict_is_whole",
                condition=Q(verdict="", reason="", more_calls=None, script_version=None, evidence=None, closed_by=None, closed_at=None)
                | ~Q(verdict="") & Q(evidence__isnull=False, closed_by__isnull=False, closed_at__isnull=False),
            ),
            models.CheckConstraint(name="gate_review_back_says_why", condition=~Q(verdict="back") | ~Q(reason="")),
        ]  # fmt: skip

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class GateReviewItem(models.Model):
    """One line of the list: filled by the machine where it can (`found` is what it saw), by QA where it must."""

    class Kind(models.TextChoices):
        MACHINE = "machine", _("Machine")
        QA = "qa", _("QA")

    class Result(models.TextChoices):
        OPEN = "open", pgettext_lazy("item of a review", "open")
        OK = "ok", _("in order")
        FAILED = "failed", _("not in order")

    review = models.ForeignKey(GateReview, models.PROTECT, related_name="items")
    position = models.PositiveSmallIntegerField()
    key = models.CharField(_("item"), max_length=20)
    kind = models.CharField(_("filled by"), max_length=7, choices=Kind.choices)
    result = models.CharField(_("result"), max_length=6, choices=Result.choices, default=Result.OPEN)
    found = models.JSONField(_("what the machine saw"), default=dict)
    remark = models.CharField(_("remark"), max_length=500, blank=True, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("by"), db_index=False
    )
    at = models.DateTimeField(_("at"), null=True)

    class Meta:
        verbose_name = _("item of a review")
        constraints = [
            models.UniqueConstraint(fields=["review", "key"], name="gate_review_item_once"),
            models.CheckConstraint(
                name="gate_review_item_is_whole",
                condition=Q(kind="machine", by=None, remark="", at__isnull=False)
                | Q(kind="qa", result="open", by=None, at=None, remark="")
                | Q(kind="qa", result__in=["ok", "failed"], by__isnull=False, at__isnull=False),
            ),
            models.CheckConstraint(
                name="gate_review_item_failed_says_what", condition=~Q(kind="qa", result="failed") | ~Q(remark="")
            ),
        ]
