"""A call that goes on, from the dial to its result. What the telephone knows lies here, so that any web process can answer for it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from people.models import User

from .leads import Lead


class LiveCallQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> LiveCallQuerySet:
        return self.filter(lead__in=Lead.objects.visible_to(user))

    def unsettled(self) -> LiveCallQuerySet:
        """Dialled, and its result not yet recorded."""
        return self.filter(settled_at=None)


class LiveCall(models.Model):
    """One call of a held lead, dialled or come in. `will_*` is what the simulated telephone has drawn; a handset leaves it empty and the
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
    # null: a caller whose number belongs to nobody whom this desk may see
    phone_id = models.BigIntegerField(_("number"), null=True)
    adapter = models.CharField(_("telephone"), max_length=10)
    placed_at = models.DateTimeField(_("dialled"))
    outcome = models.CharField(_("outcome"), max_length=14, choices=Outcome.choices, blank=True, default="")
    answered_at = models.DateTimeField(_("answered"), null=True)
    ends_at = models.DateTimeField(_("ends by itself"), null=True)
    hung_up_at = models.DateTimeField(_("hung up by the agent"), null=True)
    revealed_at = models.DateTimeField(_("number revealed"), null=True)
    reveal_reason = models.CharField(_("reason"), max_length=120, blank=True, default="")
    settled_at = models.DateTimeField(_("result recorded"), null=True)
    is_inbound = models.BooleanField(_("by the customer"), default=False, db_default=False)
    # how the lead had ended before the customer called in; "" when it was still to be called
    ended_before = models.CharField(
        _("outcome before"), max_length=10, choices=Lead.Outcome.choices, blank=True, default="", db_default=""
    )

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


class InboundCallQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> InboundCallQuerySet:
        return self.filter(agent=user)


class InboundCall(models.Model):
    """A call that came in to an agent's desk, from its first ring to its result: one per agent, gone when it is over.

    `customer` is whom the number belongs to, when the agent may serve that person; otherwise the caller is not known. From the moment
    the agent has said for whom and about which campaign the call is, `lead` is in the agent's hand and a LiveCall goes on beside it.
    """

    PERSONAL_FIELDS = ("mask", "sealed", "blind_index")

    agent = models.OneToOneField(User, models.PROTECT, related_name="+", verbose_name=_("agent"))
    adapter = models.CharField(_("telephone"), max_length=10)
    blind_index = models.BinaryField(_("blind index"), max_length=16)
    sealed = models.BinaryField(_("sealed number"))
    mask = models.CharField(_("number"), max_length=20)
    customer = models.ForeignKey(
        Customer, models.CASCADE, null=True, related_name="+", verbose_name=_("customer"), db_constraint=False
    )
    lead = models.OneToOneField(
        Lead, models.CASCADE, null=True, related_name="inbound_call", verbose_name=_("lead"), db_constraint=False
    )
    placed_at = models.DateTimeField(_("rang"))
    answered_at = models.DateTimeField(_("answered"), null=True)
    ends_at = models.DateTimeField(_("ends by itself"), null=True)
    hung_up_at = models.DateTimeField(_("hung up by the agent"), null=True)

    objects = InboundCallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call that came in")

    def as_live(self) -> LiveCall:
        """The same call as telephones and desks know one; not saved."""
        return LiveCall(
            agent_id=self.agent_id,
            adapter=self.adapter,
            placed_at=self.placed_at,
            outcome=LiveCall.Outcome.ANSWERED if self.answered_at else "",
            answered_at=self.answered_at,
            ends_at=self.ends_at,
            hung_up_at=self.hung_up_at,
            is_inbound=True,
        )
