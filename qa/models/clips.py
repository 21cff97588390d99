"""The library of best calls: spans cut out of recordings, each with a file and a time of its own."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from people.models import User
from scripts.models import Objection

from .recordings import HEARERS, Recording, Sound, hearing_scope


class ClipQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ClipQuerySet:
        """Clips teach: whoever works in the city hears them, agents too; a wide role that does not listen widens nothing."""
        scope = hearing_scope(user)
        if scope.is_region:
            return self
        held = user.memberships.valid_on(timezone.localdate()).filter(role__in=HEARERS)
        teams = held.filter(team__city__isnull=False).values("team__city")
        return self.filter(Q(city_id__in=scope.city_ids) | Q(team_city_id__in=teams))

    def kept(self) -> ClipQuerySet:
        return self.filter(destroyed_at=None)


class Clip(models.Model):
    """A span of a call worth hearing again. Its bytes are cut in the background and outlive the recording as long as its own date says."""

    class Stage(models.TextChoices):
        OPENING = "opening", _("Opening")
        NEEDS = "needs", _("Finding the need")
        OFFER = "offer", _("Offer")
        OBJECTION = "objection", _("Answer to an objection")
        CLOSING = "closing", _("Closing")
        END = "end", _("End of the call")

    class Consent(models.TextChoices):
        AGREED = "agreed", _("The customer agreed in the call")
        RULES = "rules", _("Allowed by the recording notice")

    class State(models.TextChoices):
        CUTTING = "cutting", _("Being cut")
        READY = "ready", _("Ready")
        BROKEN = "broken", _("Could not be cut")

    PERSONAL_FIELDS = ("title",)

    recording = models.ForeignKey(Recording, models.PROTECT, related_name="clips", verbose_name=_("recording"))
    customer_id = models.BigIntegerField(_("customer"))
    city_id = models.BigIntegerField(_("customer's city"))
    team_city_id = models.BigIntegerField(_("team's city"), null=True)
    title = models.CharField(_("what is good about it"), max_length=120)
    stage = models.CharField(_("stage"), max_length=10, choices=Stage.choices)
    objection = models.ForeignKey(
        Objection, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("objection")
    )
    consent = models.CharField(pgettext_lazy("of a recording", "consent"), max_length=6, choices=Consent.choices)
    from_ms = models.PositiveIntegerField(_("from, milliseconds"))
    until_ms = models.PositiveIntegerField(_("until, milliseconds"))
    sound = models.ForeignKey(Sound, models.PROTECT, null=True, related_name="clips", verbose_name=_("sound"))
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.CUTTING)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("chosen by"), db_index=False
    )
    made_at = models.DateTimeField(_("chosen"))
    keep_until = models.DateTimeField(_("kept until"))
    destroyed_at = models.DateTimeField(_("destroyed"), null=True)

    objects = ClipQuerySet.as_manager()

    class Meta:
        verbose_name = _("clip")
        constraints = [
            models.CheckConstraint(name="clip_span", condition=Q(until_ms__gt=F("from_ms"))),
            models.CheckConstraint(
                name="clip_is_whole",
                condition=Q(destroyed_at=None, state="ready", sound__isnull=False)
                | Q(destroyed_at=None, sound=None) & ~Q(state="ready")
                | Q(destroyed_at__isnull=False, sound=None),
            ),
        ]
        indexes = [
            models.Index(fields=["customer_id"], name="clip_customer"),
            models.Index(fields=["keep_until"], name="clip_overdue", condition=Q(destroyed_at=None)),
        ]
