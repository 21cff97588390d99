"""Leads (a customer to be called within one campaign), the lists they come from, and promises to call back."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from pyroaring import BitMap

from customers.models import Customer, LeadList, Segment, Source
from people.models import City, User

from .campaigns import Campaign


class ListAllocation(models.Model):
    """A list given to a campaign: its customers become leads there."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="allocations", verbose_name=_("campaign"))
    lead_list = models.ForeignKey(LeadList, models.PROTECT, related_name="allocations", verbose_name=_("list"))
    priority = models.SmallIntegerField(_("priority"), default=5)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))
    job_id = models.BigIntegerField(null=True)
    lead_count = models.PositiveIntegerField(_("leads made"), default=0)
    left_out = models.JSONField(_("left out, by reason"), default=dict, blank=True)

    class Meta:
        verbose_name = _("allocation of a list")
        constraints = [models.UniqueConstraint(fields=["campaign", "lead_list"], name="allocation_once")]


class SegmentAllocationQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> SegmentAllocationQuerySet:
        """Of campaigns and of segments that the user sees."""
        return self.filter(campaign__in=Campaign.objects.visible_to(user), segment__in=Segment.objects.visible_to(user))


class SegmentAllocation(models.Model):
    """A segment given to a campaign, as it was counted: its customers become leads there. Counted anew it can be given again.

    With `most` only so many of them, by lot (campaigns_draw of `seed`) or by name; the next so many are another allocation.
    """

    class Order(models.TextChoices):
        RANDOM = "random", _("By lot")
        NAME = "name", _("By name")

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="segment_allocations", verbose_name=_("campaign")
    )
    segment = models.ForeignKey(Segment, models.PROTECT, related_name="allocations", verbose_name=_("segment"))
    counted_at = models.DateTimeField(_("as counted"))
    priority = models.SmallIntegerField(_("priority"), default=5)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))
    job_id = models.BigIntegerField(null=True)
    customer_count = models.PositiveIntegerField(_("customers of the segment"))
    most = models.PositiveIntegerField(_("at most"), null=True, help_text=_("Empty: everybody."))
    order = models.CharField(_("who of them"), max_length=6, choices=Order.choices, default=Order.RANDOM)
    seed = models.BigIntegerField(_("seed"), null=True, help_text=_("The lots can be drawn again by it."))
    lead_count = models.PositiveIntegerField(_("leads made"), default=0)
    left_out = models.JSONField(_("left out, by reason"), default=dict, blank=True)

    objects = SegmentAllocationQuerySet.as_manager()

    class Meta:
        verbose_name = _("allocation of a segment")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "segment", "counted_at"], name="segment_allocation_once", condition=Q(most=None)
            ),
            models.CheckConstraint(
                name="segment_allocation_limit_is_whole",
                condition=Q(most=None, seed=None) | Q(most__gte=1, seed__isnull=False),
            ),
            models.CheckConstraint(
                name="segment_allocation_never_too_many", condition=Q(most=None) | Q(lead_count__lte=F("most"))
            ),
        ]


class SegmentDraw(models.Model):
    """Who of a segment is drawn for an allocation of so many, while their leads are made (a roaring bitmap); gone when they are."""

    PERSONAL_FIELDS = ("bitmap",)

    allocation = models.OneToOneField(
        SegmentAllocation,
        models.PROTECT,
        primary_key=True,
        related_name="draw",
        verbose_name=_("allocation of a segment"),
    )
    bitmap = models.BinaryField(_("customers"))

    class Meta:
        verbose_name = _("customers drawn of a segment")

    @property
    def ids(self) -> BitMap:
        return BitMap.deserialize(bytes(self.bitmap))


class ListSample(models.Model):
    """Of an allocated list only so many customers, drawn by lot, may be called until somebody decides about the rest.

    A customer's lot is campaigns_draw(seed, customer): anybody can draw it again. In the sample are those whose lot is not above
    `cut`; a trigger refuses leads of the list for anybody else while the sample is tried or when it was stopped.
    """

    class State(models.TextChoices):
        TRIED = "tried", _("Only the sample is called")
        RELEASED = "released", _("The rest is called too")
        STOPPED = "stopped", _("Stopped after the sample")

    allocation = models.OneToOneField(
        ListAllocation, models.PROTECT, related_name="sample", verbose_name=_("allocation of a list")
    )
    size = models.PositiveIntegerField(_("customers in the sample"))
    seed = models.BigIntegerField(_("seed"))
    cut = models.BigIntegerField(_("highest lot in the sample"), null=True, help_text=_("Empty: not drawn yet."))
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.TRIED)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("sample of a list")
        constraints = [
            models.CheckConstraint(name="sample_has_somebody", condition=Q(size__gte=1)),
            models.CheckConstraint(
                name="sample_decision_is_whole",
                condition=Q(state="tried", decided_by=None, decided_at=None, reason="")
                | Q(state="released", decided_by__isnull=False, decided_at__isnull=False, cut__isnull=False)
                | Q(state="stopped", decided_by__isnull=False, decided_at__isnull=False) & ~Q(reason=""),
            ),
        ]


class LeadQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> LeadQuerySet:
        scope = user.scope()
        if scope.is_region:
            return self
        return self.filter(
            Q(city__in=scope.city_ids) | Q(agent=user) | Q(callback_agent=user) | Q(last_team_id__in=scope.led_team_ids)
        )

    def held_by(self, user: User) -> LeadQuerySet:
        """The lead in the user's hand: only held leads have an agent (a constraint), and the index is by agent."""
        return self.filter(agent=user)


class Lead(models.Model):
    """A customer to be called within one campaign.

    `ready_at` = the later of `due_at` and the person's `callable_from` when it was last written: the claim's index walks it,
    the claim judges the person anew. Open leads are handed out, highest priority first, then by `ready_at`.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Waiting to be called")
        HELD = "held", _("With an agent")
        DONE = "done", _("Finished")

    class Outcome(models.TextChoices):
        NONE = "", _("None yet")
        WON = "won", _("Won")
        REFUSED = "refused", _("Refused")
        EXHAUSTED = "exhausted", _("Attempts used up")
        BAD_NUMBER = "bad_number", _("Number not in use")
        SUPPRESSED = "suppressed", _("Not to be called")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        MERGED = "merged", _("Merged with another customer")
        CLOSED = "closed", _("Closed")

    campaign = models.ForeignKey(Campaign, models.PROTECT, verbose_name=_("campaign"), db_index=False)
    customer = models.ForeignKey(
        Customer, models.PROTECT, verbose_name=_("customer"), db_index=False, related_name="leads"
    )
    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"), db_index=False)
    lead_list = models.ForeignKey(LeadList, models.PROTECT, null=True, verbose_name=_("list"), db_index=False)
    source = models.ForeignKey(Source, models.PROTECT, null=True, verbose_name=_("source"), db_index=False)
    # asked for by a data request and made by it; no list has brought it then
    data_request = models.ForeignKey(
        "campaigns.DataRequest",
        models.PROTECT,
        null=True,
        related_name="leads",
        verbose_name=_("data request"),
        db_index=False,
    )
    priority = models.SmallIntegerField(_("priority"), default=5)
    due_at = models.DateTimeField(_("due"))
    ready_at = models.DateTimeField(_("ready"))
    state = models.CharField(_("state"), max_length=4, choices=State.choices, default=State.OPEN)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, blank=True, default="")
    agent = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("with"), db_index=False)
    held_at = models.DateTimeField(_("handed out"), null=True)
    lease_until = models.DateTimeField(_("returns at"), null=True)
    dialled_at = models.DateTimeField(_("dialled"), null=True)
    # The person's callable_from before this hold: put back when the lead is given back undialled.
    callable_before = models.DateTimeField(null=True, editable=False)
    callback_agent = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("callback promised by"), db_index=False
    )
    attempts_made = models.PositiveSmallIntegerField(_("attempts"), default=0)
    last_disposition = models.ForeignKey(
        "campaigns.Disposition",
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("last result"),
        db_index=False,
    )
    last_call_at = models.DateTimeField(_("last called"), null=True)
    last_team_id = models.BigIntegerField(_("team that called last"), null=True)
    created_at = models.DateTimeField(_("made"), db_default=Now())
    # While the campaign goes by likeness: its place within the list's priority (0 to 9, likest 9), that priority, and by which switching
    # on. `priority` is then 10 + 10 * listed + likeness, above all that is not yet ordered so; switching off puts the listed one back.
    likeness = models.SmallIntegerField(_("likeness to buyers"), null=True, editable=False)
    listed_priority = models.SmallIntegerField(_("priority of the list"), null=True, editable=False)
    likeness_use_id = models.BigIntegerField(null=True, editable=False)

    objects = LeadQuerySet.as_manager()

    class Meta:
        verbose_name = _("lead")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "customer"], name="lead_once_per_campaign"),
            models.UniqueConstraint(fields=["customer"], name="lead_one_hand_per_person", condition=Q(state="held")),
            # Held leads are those with an agent. The index says so by the agent, so that a look-up by agent can use no other index of
            # held leads: with few of them known to the planner it would read through all.
            models.UniqueConstraint(fields=["agent"], name="lead_one_per_agent", condition=Q(agent__isnull=False)),
            models.CheckConstraint(
                name="lead_hold_is_whole",
                condition=Q(state="held", agent__isnull=False, held_at__isnull=False, lease_until__isnull=False)
                | (~Q(state="held") & Q(agent=None, held_at=None, lease_until=None, dialled_at=None)),
            ),
            models.CheckConstraint(
                name="lead_done_has_outcome",
                condition=Q(state="done") & ~Q(outcome="") | ~Q(state="done") & Q(outcome=""),
            ),
            models.CheckConstraint(
                name="lead_likeness_is_whole",
                condition=Q(likeness=None, listed_priority=None, likeness_use_id=None)
                | Q(
                    likeness__isnull=False,
                    likeness__range=(0, 9),
                    listed_priority__isnull=False,
                    likeness_use_id__isnull=False,
                    priority=10 + 10 * F("listed_priority") + F("likeness"),
                ),
            ),
        ]
        indexes = [
            models.Index(
                F("campaign"),
                F("city"),
                F("priority").desc(),
                F("ready_at"),
                name="lead_queue",
                condition=Q(state="open"),
            ),
            # the first city of an agent of the region
            models.Index(
                F("campaign"), F("priority").desc(), F("ready_at"), name="lead_region_queue", condition=Q(state="open")
            ),
            models.Index(
                fields=["callback_agent", "ready_at"],
                name="lead_callbacks",
                condition=Q(state="open", callback_agent__isnull=False),
            ),
            # of any state: a customer who is deleted is looked for here
            models.Index(fields=["customer"], name="lead_of_person"),
            models.Index(fields=["lease_until"], name="lead_leases", condition=Q(state="held")),
            models.Index(fields=["lead_list"], name="lead_by_list"),
            models.Index(
                fields=["data_request", "state"], name="lead_by_request", condition=Q(data_request__isnull=False)
            ),
        ]

    @property
    def tenth(self) -> int | None:
        """Its place by likeness within the priority of its list: 1 for the tenth most like past buyers, None when not ordered so."""
        return None if self.likeness is None else 10 - self.likeness


class CallbackQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CallbackQuerySet:
        return self.filter(lead__in=Lead.objects.visible_to(user))


class Callback(models.Model):
    """A promise to a customer to call again at a time. One open promise per lead."""

    class State(models.TextChoices):
        PROMISED = "promised", _("Promised")
        KEPT = "kept", _("Kept")
        LATE = "late", _("Kept late")
        DROPPED = "dropped", _("No longer wanted")

    class Handed(models.TextChoices):
        BY_HAND = "by_hand", _("Handed over by hand")
        ABSENT = "absent", _("Agent not at the desk")

    lead = models.ForeignKey(Lead, models.PROTECT, related_name="callbacks", verbose_name=_("lead"))
    agent = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("promised by"))
    due_at = models.DateTimeField(_("promised for"))
    note = models.CharField(_("note"), max_length=300, blank=True, default="")
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PROMISED)
    call_id = models.BigIntegerField(_("call in which it was promised"), null=True)
    call_started_at = models.DateTimeField(null=True)
    kept_at = models.DateTimeField(_("called back"), null=True, blank=True)
    created_at = models.DateTimeField(_("promised"), db_default=Now())
    # The last hand-over, so that both desks can tell it; all of them stand in the trail.
    handed_from = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("taken over from"),
        db_index=False,
    )
    handed_at = models.DateTimeField(_("handed over"), null=True, editable=False)
    handed_why = models.CharField(
        _("why handed over"),
        max_length=8,
        choices=Handed.choices,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )

    PERSONAL_FIELDS = ("note",)

    objects = CallbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("callback")
        constraints = [
            models.UniqueConstraint(fields=["lead"], name="callback_one_open_per_lead", condition=Q(state="promised")),
            models.CheckConstraint(
                name="callback_hand_over_is_whole",
                condition=Q(handed_from=None, handed_at=None, handed_why="")
                | Q(handed_from__isnull=False, handed_at__isnull=False) & ~Q(handed_why=""),
            ),
        ]
        indexes = [
            models.Index(fields=["agent", "due_at"], name="callback_board", condition=Q(state="promised")),
            models.Index(fields=["due_at"], name="callback_day", include=["agent", "state"]),
            # the open promises of a city in their order: by the day alone, years of kept ones would be read past
            models.Index(fields=["due_at"], name="callback_open", condition=Q(state="promised")),
            # what went away from an agent, told on the desk
            models.Index(
                fields=["handed_from"],
                name="callback_handed",
                condition=Q(state="promised", handed_from__isnull=False),
            ),
        ]
