"""Data requests: a campaign asks the data team for customers; somebody else decides; a job makes the leads; the use ends at a day."""

from __future__ import annotations

from collections.abc import Iterable

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from pyroaring import BitMap

from customers.models import Segment
from people.models import City, User

from .campaigns import Campaign


class DataRequestQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> DataRequestQuerySet:
        """A city's requests; those of the region draw on customers of all cities and are the region's alone."""
        scope = user.scope()
        return self if scope.is_region else self.filter(city__in=scope.city_ids)

    def waiting(self) -> DataRequestQuerySet:
        return self.filter(state=DataRequest.State.ASKED)


class DataRequest(models.Model):
    """Customers asked for, for a campaign: how many, who, what agents may see of them, until when. Kept for ever: it records the use.

    `conditions` are those of a segment (customers.conditions), as they stood when it was asked for: what was approved is what is
    drawn. `fields` says what the desk shows, {"name": "shown", "attribute:ARPU": "masked"}; what is not named is not shown.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("Waits for a second person")
        APPROVED = "approved", _("Approved, being filled")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        FULFILLED = "fulfilled", _("Fulfilled")
        CLOSED = "closed", _("Closed early")
        ENDED = "ended", _("Ended at its date")

    class Order(models.TextChoices):
        RANDOM = "random", _("By lot")
        NEWEST = "newest", _("Newest customers first")

    IN_USE = [State.APPROVED, State.FULFILLED]
    OVER = [State.CLOSED, State.ENDED]
    # why the nightly job ended it; whoever closes it early writes a sentence
    UNDECIDED, LAST_DAY = "undecided", "last_day"
    ENDS = {UNDECIDED: _("Nobody decided before the last day of use."), LAST_DAY: _("The last day of use has passed.")}

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="data_requests", verbose_name=_("campaign"))
    city = models.ForeignKey(
        City, models.PROTECT, null=True, blank=True, verbose_name=_("city"), help_text=_("Empty: the whole region.")
    )
    wanted = models.PositiveIntegerField(_("customers asked for"))
    conditions = models.JSONField(_("conditions"))
    segment = models.ForeignKey(
        Segment, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("segment")
    )
    order = models.CharField(_("who of them"), max_length=6, choices=Order.choices, default=Order.RANDOM)
    fields = models.JSONField(_("fields on the desk"), default=dict, blank=True)
    needed_on = models.DateField(_("needed by"))
    use_until = models.DateField(_("last day of use"))
    reason = models.CharField(_("why"), max_length=500)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked for"))
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.ASKED)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    answer = models.CharField(_("why it was refused"), max_length=500, blank=True, default="")
    seed = models.BigIntegerField(_("seed"), help_text=_("The lots can be drawn again by it."))
    job_id = models.BigIntegerField(null=True)
    fulfilled_at = models.DateTimeField(_("fulfilled"), null=True)
    lead_count = models.PositiveIntegerField(_("leads made"), default=0)
    left_out = models.JSONField(_("left out, by reason"), default=dict, blank=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("ended by"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    end_reason = models.CharField(_("why it ended"), max_length=500, blank=True, default="")
    withdrawn_count = models.PositiveIntegerField(_("open leads withdrawn"), default=0)

    objects = DataRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("data request")
        constraints = [
            models.CheckConstraint(name="data_request_asks_somebody", condition=Q(wanted__gte=1)),
            models.CheckConstraint(name="data_request_ends_after", condition=Q(use_until__gte=F("needed_on"))),
            models.CheckConstraint(name="data_request_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="data_request_two_persons", condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by"))
            ),
            models.CheckConstraint(
                name="data_request_decided_whole",
                condition=Q(decided_by=None, decided_at=None) & Q(state__in=["asked", "withdrawn", "ended"])
                | Q(decided_by__isnull=False, decided_at__isnull=False)
                & Q(state__in=["approved", "refused", "fulfilled", "closed", "ended"]),
            ),
            models.CheckConstraint(
                name="data_request_refusal_says_why",
                condition=Q(state="refused") & ~Q(answer="") | ~Q(state="refused") & Q(answer=""),
            ),
            models.CheckConstraint(
                name="data_request_filled_whole",
                condition=Q(state="fulfilled", fulfilled_at__isnull=False)
                | Q(state__in=["closed", "ended"])
                | Q(state="approved", fulfilled_at=None)
                | Q(state__in=["asked", "refused", "withdrawn"], fulfilled_at=None, lead_count=0),
            ),
            models.CheckConstraint(
                name="data_request_ended_whole",
                condition=Q(state__in=["asked", "approved", "refused", "fulfilled"], ended_by=None, ended_at=None, end_reason="")
                | Q(state="withdrawn", ended_by=F("asked_by"), ended_at__isnull=False)
                | Q(state="closed", ended_by__isnull=False, ended_at__isnull=False) & ~Q(end_reason="")
                | Q(state="ended", ended_by=None, ended_at__isnull=False) & ~Q(end_reason=""),
            ),
            models.CheckConstraint(name="data_request_never_too_many", condition=Q(lead_count__lte=F("wanted"))),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["state", "-asked_at"], name="data_request_waiting"),
            models.Index(fields=["use_until"], name="data_request_ends", condition=Q(ended_at=None)),
        ]
        triggers = [pgtrigger.Protect(name="data_request_stays", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return str(_("Data request %(number)s") % {"number": self.pk})

    @property
    def why_ended(self) -> str:
        """In the reader's language, as far as the system ended it."""
        return str(self.ENDS.get(self.end_reason, self.end_reason))


class DataRequestDraw(models.Model):
    """Whom a request has drawn, while its leads are made (ids as a roaring bitmap); gone when they are."""

    PERSONAL_FIELDS = ("bitmap",)

    request = models.OneToOneField(
        DataRequest, models.PROTECT, primary_key=True, related_name="draw", verbose_name=_("data request")
    )
    bitmap = models.BinaryField(_("customers"))

    class Meta:
        verbose_name = _("customers drawn for a data request")

    @property
    def ids(self) -> BitMap:
        return BitMap.deserialize(bytes(self.bitmap))

    @staticmethod
    def packed(ids: Iterable[int]) -> bytes:
        found = BitMap(ids)
        found.run_optimize()
        return bytes(found.serialize())
