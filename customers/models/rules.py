"""Rules of contact as data, and who must not be called. Both are read inside the claim."""

from __future__ import annotations

from datetime import date, datetime

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from people.models import City, User

from .people import Customer


class RulePack(models.Model):
    """A set of rules that campaigns bind: a country's, a trade's, the demo's. Of several bound, the strictest wins."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=120)
    simulator_only = models.BooleanField(_("only with the simulated telephone"), default=False)

    class Meta:
        verbose_name = _("rule pack")

    def __str__(self) -> str:
        return self.code


class ContactRuleQuerySet(models.QuerySet):
    def in_force(self, day: date) -> ContactRuleQuerySet:
        return self.filter(Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gt=day)))

    def visible_to(self, user: User) -> ContactRuleQuerySet:
        """Rules of everywhere are read by all; those of one city by who sees that city."""
        scope = user.scope()
        return self if scope.is_region else self.filter(Q(city=None) | Q(city__in=scope.city_ids))


class ContactRule(models.Model):
    """One rule. `value` by key: hours {"days": [1..7], "opens": "09:00", "closes": "20:00"}, several rows allowed per pack;
    cap {"most": 2, "hours": 24}; gap {"minutes": 120}; answered_per_day {"most": 1}; refusal_rest {"days": 90}; consent {"needed": true}; register_age {"days": 30}.
    Without city, campaign and product it applies to whatever binds the pack; with a segment to nobody but its customers as they were counted,
    and then it only narrows what holds for everybody."""

    class Key(models.TextChoices):
        HOURS = "hours", _("Calling hours, local time of the called party")
        CAP = "cap", _("Most attempts per person")
        GAP = "gap", _("Gap between attempts")
        ANSWERED = "answered_per_day", _("Answered sales calls per day")
        REFUSAL_REST = "refusal_rest", _("Rest of a product after its refusal")
        CONSENT = "consent", _("Consent needed")
        REGISTER_AGE = "register_age", _("Age of the do-not-call register")

    class Severity(models.TextChoices):
        BLOCK = "block", _("Block")
        WARN = "warn", _("Warn")
        LOG = "log", _("Log")

    pack = models.ForeignKey(RulePack, models.PROTECT, related_name="rules", verbose_name=_("pack"))
    key = models.CharField(_("rule"), max_length=20, choices=Key.choices)
    value = models.JSONField(_("value"))
    severity = models.CharField(_("severity"), max_length=5, choices=Severity.choices, default=Severity.BLOCK)
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, verbose_name=_("city"))
    campaign_id = models.BigIntegerField(_("campaign"), null=True, blank=True)
    product_id = models.BigIntegerField(_("product"), null=True, blank=True)
    segment = models.ForeignKey(
        "customers.Segment", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("segment")
    )
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("until"), null=True, blank=True)
    basis = models.CharField(_("basis"), max_length=200, blank=True, default="")
    supersedes = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("version before")
    )
    changed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))

    objects = ContactRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("rule of contact")
        constraints = [
            models.CheckConstraint(
                name="contact_rule_ends_after_start", condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from"))
            ),
            # the others are of products and registers, and say nothing of a person
            models.CheckConstraint(
                name="contact_rule_of_segment",
                condition=Q(segment=None) | Q(key__in=["hours", "cap", "gap", "answered_per_day", "consent"]),
            ),
            # a customer's row keeps the last 20 attempts, the newest of them that of the call asked about
            models.CheckConstraint(name="contact_rule_cap_is_kept", condition=~Q(key="cap") | Q(value__most__lte=19)),
        ]
        indexes = [models.Index(fields=["pack", "key"], name="contact_rule_pack")]

    def __str__(self) -> str:
        return f"{self.pack} {self.get_key_display()}"


class RuleChangeQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> RuleChangeQuerySet:
        """As the rules themselves: what holds everywhere is read by all, what holds in one city by who sees that city."""
        scope = user.scope()
        return self if scope.is_region else self.filter(Q(city=None) | Q(city__in=scope.city_ids))

    def waiting(self) -> RuleChangeQuerySet:
        return self.filter(state=RuleChange.State.ASKED)


class RuleChange(models.Model):
    """A new rule, another value or the end of one, proposed by one person and decided by another. Nothing else writes a rule.

    A tightening may be `at_once`: its version is written with the proposal and the second person confirms it afterwards.
    """

    class Kind(models.TextChoices):
        ADD = "add", _("New rule")
        CHANGE = "change", _("Another value")
        END = "end", _("End of a rule")

    class State(models.TextChoices):
        ASKED = "asked", _("Waits for a second person")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices)
    rule = models.ForeignKey(
        ContactRule, models.PROTECT, null=True, blank=True, related_name="changes", verbose_name=_("version before")
    )
    pack = models.ForeignKey(RulePack, models.PROTECT, related_name="changes", verbose_name=_("pack"))
    key = models.CharField(_("rule"), max_length=20, choices=ContactRule.Key.choices)
    value = models.JSONField(_("value"))
    severity = models.CharField(_("severity"), max_length=5, choices=ContactRule.Severity.choices)
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, verbose_name=_("city"))
    campaign_id = models.BigIntegerField(_("campaign"), null=True, blank=True)
    product_id = models.BigIntegerField(_("product"), null=True, blank=True)
    segment = models.ForeignKey(
        "customers.Segment", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("segment")
    )
    holds_from = models.DateField(_("holds from"))
    basis = models.CharField(_("basis"), max_length=200, blank=True, default="")
    reason = models.CharField(_("why"), max_length=200)
    at_once = models.BooleanField(_("at once"), default=False)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("proposed by"))
    asked_at = models.DateTimeField(_("proposed"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.ASKED)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    answer = models.CharField(_("why it was refused"), max_length=200, blank=True, default="")
    made = models.OneToOneField(
        ContactRule, models.PROTECT, null=True, blank=True, related_name="change", verbose_name=_("version written")
    )

    objects = RuleChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of a rule")
        constraints = [
            models.CheckConstraint(
                name="rule_change_two_persons", condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by"))
            ),
            models.CheckConstraint(
                name="rule_change_decided_whole",
                condition=Q(state="asked", decided_by=None, decided_at=None)
                | Q(state="withdrawn", decided_by=None, decided_at__isnull=False)
                | Q(state__in=["approved", "refused"], decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="rule_change_of_a_rule",
                condition=Q(kind="add", rule=None) | Q(kind__in=["change", "end"], rule__isnull=False),
            ),
            # a version comes out of an approval, or of a tightening that took effect at once; an end writes none
            models.CheckConstraint(
                name="rule_change_written",
                condition=Q(made=None, kind="end")
                | Q(made=None, at_once=False, state__in=["asked", "refused", "withdrawn"])
                | Q(made__isnull=False, kind__in=["add", "change"]) & (Q(state="approved") | Q(at_once=True)),
            ),
            models.CheckConstraint(
                name="rule_change_cap_is_kept", condition=~Q(state="asked", key="cap") | Q(value__most__lte=19)
            ),
            models.UniqueConstraint(fields=["rule"], condition=Q(state="asked"), name="rule_change_waits_once"),
        ]
        indexes = [models.Index(fields=["state", "-asked_at"], name="rule_change_waiting")]

    def __str__(self) -> str:
        return f"{self.pack} {self.get_key_display()}"


class SuppressionQuerySet(models.QuerySet):
    def in_force(self, at: datetime) -> SuppressionQuerySet:
        return self.filter(Q(valid_from__lte=at) & (Q(valid_to=None) | Q(valid_to__gt=at)), lifted_at=None)

    def visible_to(self, user: User) -> SuppressionQuerySet:
        scope = user.scope()
        return self if scope.is_region else self.filter(customer__city__in=scope.city_ids)


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    level=pgtrigger.Statement,  # row triggers made a bulk insert seven times slower
    append_only=True,
    attrs={"PERSONAL_FIELDS": ("phone_blind", "note", "lift_reason")},
)
class Suppression(models.Model):
    """Somebody not to be called: a customer, or a number that may not yet be in the pool. Without campaign and product: by nobody."""

    class Kind(models.TextChoices):
        REFUSAL = "refusal", _("Asked not to be called")
        OFFER_REFUSED = "offer_refused", _("Refused the offer")
        COMPLAINT = "complaint", _("Complaint being looked into")
        REGISTER = "register", _("Do-not-call register")
        WRONG_PERSON = "wrong_person", _("Wrong person")
        MANUAL = "manual", _("Entered by hand")
        LOCKED = "locked", _("Locked at the person's request")

    PERSONAL_FIELDS = ("phone_blind", "note", "lift_reason")

    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="suppressions", verbose_name=_("customer")
    )
    phone_blind = models.BinaryField(max_length=16, null=True, blank=True)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    campaign_id = models.BigIntegerField(_("campaign"), null=True, blank=True)
    product_id = models.BigIntegerField(_("product"), null=True, blank=True)
    valid_from = models.DateTimeField(_("from"))
    valid_to = models.DateTimeField(_("until"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    source = models.CharField(_("source"), max_length=80, blank=True, default="")
    call_id = models.BigIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("entered by"))
    created_at = models.DateTimeField(_("entered"), db_default=Now())
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("lifted by")
    )
    lift_reason = models.CharField(_("why it was lifted"), max_length=200, blank=True, default="")

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        verbose_name = _("suppression")
        constraints = [
            models.CheckConstraint(
                name="suppression_names_somebody", condition=Q(customer__isnull=False) | Q(phone_blind__isnull=False)
            ),
            models.CheckConstraint(
                name="suppression_lift_is_whole",
                condition=Q(lifted_at=None, lifted_by=None) | Q(lifted_at__isnull=False, lifted_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["customer"], name="suppression_customer", condition=Q(lifted_at=None)),
            models.Index(
                fields=["phone_blind"], name="suppression_phone", condition=Q(phone_blind__isnull=False, lifted_at=None)
            ),
            models.Index(fields=["call_id"], name="suppression_of_call", condition=Q(call_id__isnull=False)),
            models.Index(
                fields=["valid_to"], name="suppression_ends", condition=Q(valid_to__isnull=False, lifted_at=None)
            ),
        ]

    def in_force_at(self, at: datetime) -> bool:
        """What the queryset's in_force says of this one row."""
        ended = self.valid_to is not None and self.valid_to <= at
        return self.lifted_at is None and self.valid_from <= at and not ended

    @property
    def is_over(self) -> bool:
        """Its last day has passed, by this machine's clock: for showing only."""
        return self.valid_to is not None and self.valid_to <= timezone.now()
