"""Calls as they happened. Facts: written once, with their circumstances, and never changed after wrap-up.

`Call` is partitioned by month on `started_at` (the table body is made in the migration; the key of the table is (id, started_at)).
Whoever points to a call keeps its `call_started_at` too, and reads with both.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from people.models import User
from scripts.models import ScriptQuestion


class CallQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CallQuerySet:
        """A city's calls are those to its customers; who has a role in a team sees the team's, an agent the own ones."""
        scope = user.scope()
        if scope.is_region:
            return self
        return self.filter(Q(city_id__in=scope.city_ids) | Q(team_id__in=scope.led_team_ids) | Q(agent_id=user.pk))


class Call(models.Model):
    """One call, in or out, connected or not, with who, where, what and why as they were at that moment (plain ids)."""

    class Direction(models.TextChoices):
        OUTBOUND = "outbound", _("Outbound")
        INBOUND = "inbound", _("Inbound")

    PERSONAL_FIELDS = ("note",)
    # Set by record_call(): what of the post could not be kept with the call, in sentences.
    left_out: Sequence[str] = ()

    id = models.BigAutoField(primary_key=True)
    started_at = models.DateTimeField(_("started"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())
    direction = models.CharField(_("direction"), max_length=8, choices=Direction.choices, default=Direction.OUTBOUND)

    customer_id = models.BigIntegerField(_("customer"))
    phone_id = models.BigIntegerField(_("number"), null=True)
    city_id = models.BigIntegerField(_("customer's city"))
    agent_id = models.BigIntegerField(_("agent"))
    team_id = models.BigIntegerField(_("team"))
    team_city_id = models.BigIntegerField(_("team's city"), null=True)
    campaign_id = models.BigIntegerField(_("campaign"))
    lead_id = models.BigIntegerField(_("lead"), null=True)
    list_id = models.BigIntegerField(_("list"), null=True)
    source_id = models.BigIntegerField(_("source"), null=True)
    product_id = models.BigIntegerField(_("product"), null=True)
    offer_id = models.BigIntegerField(_("offer"), null=True)
    script_version_id = models.BigIntegerField(_("script version"), null=True)
    experiment_arm_id = models.BigIntegerField(_("experiment arm"), null=True)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    recommended = models.BooleanField(_("product was recommended"), default=False)

    disposition_id = models.BigIntegerField(_("result"))
    connected = models.BooleanField(_("connected"))
    right_party = models.BooleanField(_("right person"), default=False)
    sale = models.BooleanField(_("sale"), default=False)
    refuses_offer = models.BooleanField(_("refuses the offer"), default=False)
    refuses_calls = models.BooleanField(_("refuses calls"), default=False)
    mid_call = models.BooleanField(_("broken off in mid-call"), default=False)
    complaint = models.BooleanField(_("complaint"), default=False)
    bad_number = models.BooleanField(_("number not in use"), default=False)

    ring_seconds = models.PositiveIntegerField(_("ringing, seconds"), default=0)
    talk_seconds = models.PositiveIntegerField(_("talk, seconds"), default=0)
    hold_seconds = models.PositiveIntegerField(_("hold, seconds"), default=0)
    after_call_seconds = models.PositiveIntegerField(_("after-call work, seconds"), default=0)
    step_id = models.BigIntegerField(_("step at which it ended"), null=True)
    reason = models.CharField(_("reason"), max_length=120, blank=True, default="")
    note = models.TextField(_("note"), blank=True, default="")

    objects = CallQuerySet.as_manager()

    class Meta:
        verbose_name = _("call")
        indexes = [
            models.Index(fields=["started_at", "city_id"], name="call_day"),
            models.Index(fields=["customer_id", "started_at"], name="call_customer"),
            models.Index(fields=["agent_id", "started_at"], name="call_agent"),
            BrinIndex(fields=["recorded_at"], name="call_recorded", pages_per_range=32),
            # the newest refusals of a campaign or a city; of the whole region every few calls are one
            models.Index(
                fields=["campaign_id", "started_at"],
                name="call_refused_campaign",
                condition=Q(refuses_offer=True) | Q(mid_call=True),
            ),
            models.Index(
                fields=["city_id", "started_at"],
                name="call_refused_city",
                condition=Q(refuses_offer=True) | Q(mid_call=True),
            ),
            # those of some days are counted by what they were refused for, and the rows of the calls stay where they are
            models.Index(
                fields=["started_at"],
                include=["city_id", "campaign_id", "disposition_id", "step_id", "mid_call", "reason"],
                name="call_refused_day",
                condition=Q(refuses_offer=True) | Q(mid_call=True),
            ),
        ]


class CallKey(models.Model):
    """A call's number in the system it came from: the same number twice is the same call, or a fault when its content differs."""

    system = models.CharField(_("system"), max_length=40)
    external_id = models.CharField(_("number there"), max_length=64)
    content_hash = models.BinaryField(max_length=32)
    call_id = models.BigIntegerField()
    call_started_at = models.DateTimeField()

    class Meta:
        verbose_name = _("number of a call elsewhere")
        constraints = [models.UniqueConstraint(fields=["system", "external_id"], name="call_key_once")]
        indexes = [models.Index(fields=["call_id"], name="call_key_call")]


class Answer(models.Model):
    """An answer of the customer to a question of the script, as recorded in a call."""

    PERSONAL_FIELDS = ("value",)

    call_id = models.BigIntegerField(_("call"))
    call_started_at = models.DateTimeField()
    question = models.ForeignKey(ScriptQuestion, models.PROTECT, related_name="+", verbose_name=_("question"))
    value = models.JSONField(_("answer"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())

    class Meta:
        verbose_name = _("answer")
        constraints = [models.UniqueConstraint(fields=["call_id", "question"], name="answer_once_per_call")]
