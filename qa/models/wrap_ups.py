"""What a campaign came to: one report with figures frozen as they were counted, which never changes once it is finished."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from people.models import User
from people.scopes import scope_in

from .full_run import WATCHERS


class WrapUpQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> WrapUpQuerySet:
        """Those of campaigns that the user's place covers whole: the figures are those of the whole campaign."""
        if not user.has_role(*WATCHERS):
            return self.none()
        scope = scope_in(user, WATCHERS)
        return self if scope.is_region else self.filter(campaign__city__in=scope.city_ids)

    def of_kind(self, campaign: Campaign) -> WrapUpQuerySet:
        """Finished ones of other campaigns for the same product or of the same kind, the newest first."""
        alike = Q(campaign__product=campaign.product_id) | Q(
            campaign__type=campaign.type, campaign__purpose=campaign.purpose
        )
        found = self.filter(alike, finished_at__isnull=False).exclude(campaign=campaign.pk)
        return found.order_by("-finished_at", "-pk")


class WrapUp(models.Model):
    """The wrap-up of one campaign. A draft is made anew as often as wanted; a trigger keeps the finished one as it is.

    `content` is what was counted and collected at `made_at`; `digest` is the sha256 of it and of the words.
    """

    campaign = models.OneToOneField(
        Campaign, models.PROTECT, related_name="wrap_up", verbose_name=_("campaign")
    )  # fmt: skip
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by"), db_index=False
    )
    made_at = models.DateTimeField(_("made"))
    content = models.JSONField(_("content"))
    keep = models.TextField(_("what to keep"), max_length=4000, blank=True, default="")
    change = models.TextField(_("what to change"), max_length=4000, blank=True, default="")
    digest = models.CharField(_("digest"), max_length=64)
    finished_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("finished by"), db_index=False
    )  # fmt: skip
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = WrapUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("wrap-up of a campaign")
        constraints = [
            models.CheckConstraint(name="wrap_up_digest", condition=Q(digest__regex="^[0-9a-f]{64}$")),
            models.CheckConstraint(
                name="wrap_up_finish_is_whole",
                condition=Q(finished_at=None, finished_by=None)
                | Q(finished_at__isnull=False, finished_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.campaign)

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None
