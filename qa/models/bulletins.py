"""The hourly bulletin of a campaign to its floor, who has seen it, and the words noted for it while listening."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from core.calendar import business_date, day_bounds
from people.models import Team, User
from people.scopes import scope_in

from .full_run import WATCHERS
from .recordings import Recording


class Suggestion(models.Model):
    """Words worth passing on, heard in a call; never with personal data, so they outlive the recording."""

    class Kind(models.TextChoices):
        TACTFUL = "tactful", _("Tactful words")
        CUSTOMER = "customer", _("A customer's suggestion")

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="suggestions", verbose_name=_("campaign"))
    recording = models.ForeignKey(
        Recording, models.PROTECT, related_name="suggestions", verbose_name=_("recording"), db_index=False
    )
    at_ms = models.PositiveIntegerField(_("at, milliseconds"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    words = models.CharField(_("words"), max_length=300)
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("noted by"), db_index=False
    )
    noted_at = models.DateTimeField(_("noted"))

    class Meta:
        verbose_name = _("words heard")
        constraints = [models.CheckConstraint(name="suggestion_has_words", condition=~Q(words=""))]
        indexes = [models.Index(fields=["campaign", "-noted_at"], name="suggestion_of_campaign")]

    def __str__(self) -> str:
        return self.words


class BulletinQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> BulletinQuerySet:
        """Drafts and sent ones, of campaigns that the user's place covers whole."""
        if not user.has_role(*WATCHERS):
            return self.none()
        scope = scope_in(user, WATCHERS)
        return self if scope.is_region else self.filter(campaign__city__in=scope.city_ids)

    def newest_sent(self, at: datetime) -> BulletinQuerySet:
        """Of each campaign the newest that was sent on the day of `at`."""
        start, end = day_bounds(business_date(at))
        rows = self.filter(sent_at__gte=start, sent_at__lt=end)
        return rows.order_by("campaign", "-sent_at", "-pk").distinct("campaign").select_related("campaign")

    def for_agent(self, user: User, at: datetime) -> BulletinQuerySet:
        """The newest of the day of each campaign that the agent's team works on, with `is_seen`."""
        team = user.team_at(at)
        rows = self.filter(campaign__team_links__team=team.pk) if team else self.none()
        seen = BulletinSeen.objects.filter(bulletin=OuterRef("pk"), agent=user)
        return rows.newest_sent(at).annotate(is_seen=Exists(seen))

    def on_floor(self, user: User, at: datetime) -> BulletinQuerySet:
        """The newest of the day of each campaign that teams of the user work on."""
        campaigns = Campaign.objects.visible_to(user).filter(team_links__team__in=Team.objects.visible_to(user))
        return self.filter(campaign__in=campaigns.values("pk")).newest_sent(at)


class Bulletin(models.Model):
    """What the floor is told at an hour of the day. `figures` are counted once, when it is composed; sent, nothing changes any more."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="bulletins", verbose_name=_("campaign"))
    hour = models.DateTimeField(_("hour"))
    figures = models.JSONField(_("figures"))
    composed_at = models.DateTimeField(_("composed"))
    composed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("composed by"), db_index=False
    )  # fmt: skip
    suggestions = models.JSONField(_("words heard"), default=list)
    text = models.TextField(_("text"), max_length=2000, blank=True, default="")
    sent_at = models.DateTimeField(_("sent"), null=True)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("sent by"), db_index=False
    )  # fmt: skip

    objects = BulletinQuerySet.as_manager()

    class Meta:
        verbose_name = _("bulletin")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "hour"], name="bulletin_once_an_hour"),
            models.CheckConstraint(
                name="bulletin_sent_is_whole",
                condition=Q(sent_at=None, sent_by=None) | Q(sent_at__isnull=False, sent_by__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["campaign", "-sent_at"], name="bulletin_sent", condition=Q(sent_at__isnull=False))]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.campaign} · {timezone.localtime(self.hour):%H:%M}"


class BulletinSeen(models.Model):
    """An agent has read a bulletin; kept once."""

    bulletin = models.ForeignKey(Bulletin, models.PROTECT, related_name="seen", verbose_name=_("bulletin"))
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("agent"), db_index=False
    )
    seen_at = models.DateTimeField(_("seen at"))

    class Meta:
        verbose_name = _("bulletin seen")
        constraints = [models.UniqueConstraint(fields=["bulletin", "agent"], name="bulletin_seen_once")]
