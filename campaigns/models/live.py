"""A call that goes on, from the dial to its result. What the telephone knows lies here, so that any web process can answer for it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from people.models import User

from .leads import Lead


class LiveCallQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> LiveCallQuerySet:
        return self.filter(lead__in=Lead.objects.visible_to(user))

    def unsettled(self) -> LiveCallQuerySet:
        """Dialled, and its result not yet recorded."""
        return self.filter(settled_at=None)


class LiveCall(models.Model):
    """One dialled call of a held lead. `will_*` is what the simulated telephone has drawn; a handset leaves it empty and the
    agent says when somebody answered."""

    class Outcome(models.TextChoices):
        UNKNOWN = "", _("Not known")
        ANSWERED = "answered", _("Answered")
        NO_ANSWER = "no_answer", _("No answer")
        BUSY = "busy", _("Busy")
        SWITCHED_OFF = "switched_off", _("Switched off")
        INVALID_NUMBER = "invalid_number", _("Invalid number")

    lead = models.ForeignKey(Lead, models.PROTECT, related_name="live_calls", verbose_name=_("lead"))
    agent = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("agent"), db_index=False)
    phone_id = models.BigIntegerField(_("number"))
    adapter = models.CharField(_("telephone"), max_length=10)
    placed_at = models.DateTimeField(_("dialled"))
    outcome = models.CharField(_("outcome"), max_length=14, choices=Outcome.choices, blank=True, default="")
    answered_at = models.DateTimeField(_("answered"), null=True)
    ends_at = models.DateTimeField(_("ends by itself"), null=True)
    hung_up_at = models.DateTimeField(_("hung up by the agent"), null=True)
    revealed_at = models.DateTimeField(_("number revealed"), null=True)
    reveal_reason = models.CharField(_("reason"), max_length=120, blank=True, default="")
    settled_at = models.DateTimeField(_("result recorded"), null=True)

    objects = LiveCallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call that goes on")
        constraints = [
            models.UniqueConstraint(fields=["lead"], name="live_call_one_per_lead", condition=Q(settled_at=None)),
            models.CheckConstraint(
                name="live_call_answer_is_whole", condition=Q(answered_at=None) | Q(outcome="answered")
            ),
        ]
        indexes = [models.Index(fields=["agent", "placed_at"], name="live_call_agent")]
