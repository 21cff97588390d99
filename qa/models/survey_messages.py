"""The outbox of surveys: each text message that a contact was booked for, and what became of it.

A row goes to the sender once at most. To try again is another row, with a contact of its own; while one is on its way or may have
arrived there is no other.
"""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from .surveys import SurveyAsk


class SurveyMessageQuerySet(models.QuerySet):
    """What is open: that it is not settled is said as well, since the index of these rows is found by that."""

    def booked(self) -> SurveyMessageQuerySet:
        return self.filter(state=SurveyMessage.State.BOOKED, settled_at=None)

    def handed_before(self, at: datetime) -> SurveyMessageQuerySet:
        """With the sender since then, and no answer."""
        return self.filter(state=SurveyMessage.State.HANDED, settled_at=None, handed_at__lte=at)


class SurveyMessage(models.Model):
    """Holds neither number nor text: both are made when the message is handed over, and are kept nowhere."""

    class State(models.TextChoices):
        BOOKED = "booked", _("Waits for the sender")
        HANDED = "handed", _("With the sender")
        TAKEN = "taken", _("Taken by the sender")
        NOT_TAKEN = "not_taken", _("Not taken by the sender")
        UNKNOWN = "unknown", pgettext_lazy("message", "Unknown: the sender's answer was lost")
        CALLED_OFF = "called_off", _("Called off before it was handed over")

    ask = models.ForeignKey(SurveyAsk, models.PROTECT, related_name="messages", verbose_name=_("survey of a call"))
    contact_id = models.BigIntegerField(_("contact"))
    booked_at = models.DateTimeField(_("booked"), help_text=_("Also the time of its contact."))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.BOOKED)
    handed_at = models.DateTimeField(_("handed over"), null=True)
    settled_at = models.DateTimeField(_("settled"), null=True)

    objects = SurveyMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message of a survey")
        constraints = [
            models.UniqueConstraint(
                fields=["ask"],
                name="survey_message_once",
                condition=Q(state__in=["booked", "handed", "taken", "unknown"]),
            ),
            models.CheckConstraint(
                name="survey_message_is_whole",
                condition=Q(state="booked", handed_at=None, settled_at=None)
                | Q(state="handed", handed_at__isnull=False, settled_at=None)
                | Q(state="called_off", handed_at=None, settled_at__isnull=False)
                | Q(state__in=["taken", "not_taken", "unknown"], handed_at__isnull=False, settled_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["state", "id"], name="survey_message_open", condition=Q(settled_at=None))]
