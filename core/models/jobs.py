"""Background work as rows: PostgreSQL holds the work, Redis only rings the bell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.access import sees_everything


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: Any) -> JobQuerySet:
        """Administrators see every job, everybody else the jobs they started."""
        if sees_everything(user):
            return self
        return self.filter(created_by_id=user.pk)

    def open(self) -> JobQuerySet:
        return self.filter(state__in=Job.OPEN_STATES)

    def dead(self) -> JobQuerySet:
        return self.filter(state=Job.State.DEAD)

    def claimable(self, at: datetime) -> JobQuerySet:
        """Waiting and due, or left behind by a worker whose lease ran out."""
        return self.filter(
            Q(state__in=[Job.State.QUEUED, Job.State.FAILED], not_before__lte=at)
            | Q(state=Job.State.RUNNING, lease_until__lt=at)
        )


class Job(models.Model):
    """One piece of background work. `args` hold ids only, never personal data."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Will try again")
        DEAD = "dead", _("Gave up")
        BLOCKED = "blocked", _("Waiting for another job")
        CANCELLED = "cancelled", _("Stopped")

    class Queue(models.TextChoices):
        FAST = "fast", _("Fast")
        BULK = "bulk", _("Bulk")

    OPEN_STATES = ("queued", "running", "failed", "blocked")
    FINAL_STATES = ("done", "dead", "cancelled")

    kind = models.CharField(_("kind"), max_length=100)
    key = models.CharField(
        _("key"),
        max_length=200,
        help_text=_("The same work asked for twice is one job: unique with the kind."),
    )
    queue = models.CharField(_("queue"), max_length=8, choices=Queue.choices, default=Queue.BULK)
    city_id = models.IntegerField(_("city"), null=True, blank=True)
    args = models.JSONField(_("arguments"), default=dict)

    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    not_before = models.DateTimeField(_("not before"), db_default=Now())
    waits_for = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="followers",
    )
    token = models.BigIntegerField(
        _("token"),
        default=0,
        help_text=_("Counts the claims; work with an older token cannot commit."),
    )
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts without progress"), default=0)
    claims = models.PositiveIntegerField(_("claims since asked for"), default=0)
    max_attempts = models.PositiveIntegerField(_("most attempts"), default=5)
    rung_at = models.DateTimeField(_("rung at"), null=True, blank=True)

    cursor = models.JSONField(_("cursor"), default=dict)
    done = models.BigIntegerField(_("done"), default=0)
    total = models.BigIntegerField(_("total"), null=True, blank=True)
    result = models.JSONField(_("result"), default=dict)
    last_error = models.TextField(_("last error"), blank=True, default="")

    created_by_id = models.BigIntegerField(_("started by"), null=True, blank=True)
    created_by_name = models.CharField(_("name of who started it"), max_length=150, blank=True, default="")
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    cancel_requested_at = models.DateTimeField(_("stop asked at"), null=True, blank=True)
    cancel_requested_by_id = models.BigIntegerField(_("stop asked by"), null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="job_once_per_key"),
            models.CheckConstraint(
                name="job_running_has_a_lease",
                condition=Q(state="running", lease_until__isnull=False)
                | (~Q(state="running") & Q(lease_until__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["not_before", "id"],
                name="job_due",
                condition=Q(state__in=["queued", "failed"]),
            ),
            models.Index(fields=["lease_until"], name="job_lease", condition=Q(state="running")),
            models.Index(fields=["-created_at"], name="job_newest"),
            models.Index(fields=["created_by_id", "-created_at"], name="job_of_person"),
            models.Index(fields=["finished_at"], name="job_dead", condition=Q(state="dead")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN_STATES

    @property
    def is_final(self) -> bool:
        return self.state in self.FINAL_STATES

    @property
    def is_cancelling(self) -> bool:
        return self.cancel_requested_at is not None and self.is_open

    @property
    def percent(self) -> float | None:
        """Share done, 0 to 100; None while the total is not known."""
        if not self.total:
            return None
        return min(100.0, self.done * 100 / self.total)

    def seconds_left(self, at: datetime) -> float | None:
        """Time left at the pace so far; None before there is a pace."""
        if self.state != self.State.RUNNING or not self.total or not self.done or not self.started_at:
            return None
        spent = (at - self.started_at).total_seconds()
        return max(0.0, spent * (self.total - self.done) / self.done)


class ScheduleRun(models.Model):
    """One due time of one schedule. The unique key makes two schedulers, a dead one and daylight saving harmless."""

    kind = models.CharField(max_length=100)
    slot = models.CharField(
        max_length=40,
        help_text="Business date of a daily job, start of the interval of others.",
    )
    due_at = models.DateTimeField()
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "slot"], name="schedule_once_per_slot")]

    def __str__(self) -> str:
        return f"{self.kind} {self.slot}"
