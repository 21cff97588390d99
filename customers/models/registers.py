"""Do-not-call registers: files of numbers that an authority or a trade body keeps."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from people.models import User


class RegisterQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> RegisterQuerySet:
        """A register holds for the whole region: whoever may read suppressions reads that it is there, and none of its numbers."""
        return self

    def whole(self) -> RegisterQuerySet:
        """Those that have taken effect whole, by which the age of what we hold is counted."""
        return self.filter(status=Register.Status.APPLIED, is_whole=True)


class Register(models.Model):
    """One edition of a register: every number of it is not called. The next edition of the same source replaces it."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting to be read")
        READING = "reading", _("Being taken in")
        APPLIED = "applied", _("In force")
        FAILED = "failed", _("Not taken in")

    source = models.CharField(_("source"), max_length=60)
    dated_on = models.DateField(_("date of the register"))
    is_whole = models.BooleanField(_("whole, or the last part"), default=True)
    may_shrink = models.BooleanField(_("may be much smaller than the one before"), default=False)
    file_id = models.BigIntegerField(_("file"), null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    mapping = models.JSONField(default=dict, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.WAITING)
    fault = models.CharField(_("why it was not taken in"), max_length=40, blank=True, default="")
    fault_detail = models.JSONField(default=dict, blank=True)
    number_count = models.PositiveIntegerField(_("numbers"), default=0)
    fault_count = models.PositiveIntegerField(_("rows without a number"), default=0)
    added_count = models.PositiveIntegerField(_("newly not called"), default=0)
    lifted_count = models.PositiveIntegerField(_("lifted"), default=0)
    job_id = models.BigIntegerField(_("job"), null=True, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("uploaded by"))
    created_at = models.DateTimeField(_("uploaded"))
    applied_at = models.DateTimeField(_("in force since"), null=True, blank=True)

    objects = RegisterQuerySet.as_manager()

    class Meta:
        verbose_name = _("do-not-call register")
        constraints = [
            models.CheckConstraint(
                name="register_applied_is_whole",
                condition=Q(status="applied", applied_at__isnull=False) | (~Q(status="applied") & Q(applied_at=None)),
            ),
            # two editions of one source at work would lift each other's numbers
            models.UniqueConstraint(
                fields=["source"], condition=Q(status__in=["waiting", "reading"]), name="register_one_at_a_time"
            ),
        ]
        indexes = [
            models.Index(
                fields=["-dated_on"], name="register_newest", condition=Q(status="applied", is_whole=True)
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.source} {self.dated_on.isoformat()}"

    def age_on(self, day: date) -> int:
        """Days since the date of the register."""
        return (day - self.dated_on).days


class RegisterRetirementQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> RegisterRetirementQuerySet:
        """As the registers themselves."""
        return self

    def standing(self) -> RegisterRetirementQuerySet:
        return self.filter(ended_at=None)


class RegisterRetirement(models.Model):
    """A source whose registers are not kept up any more: from then on none of them counts for the age of what we hold, until it is used
    again. Its numbers stay suppressed."""

    source = models.CharField(_("source"), max_length=60)
    reason = models.CharField(_("why"), max_length=200)
    retired_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("retired by"))
    retired_at = models.DateTimeField(_("retired"))
    end_reason = models.CharField(_("why it is used again"), max_length=200, blank=True, default="")
    ended_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("used again by")
    )
    ended_at = models.DateTimeField(_("used again"), null=True, blank=True)

    objects = RegisterRetirementQuerySet.as_manager()

    class Meta:
        verbose_name = _("retirement of a source of registers")
        constraints = [
            models.UniqueConstraint(fields=["source"], condition=Q(ended_at=None), name="register_retired_once"),
            models.CheckConstraint(
                name="register_retirement_end_is_whole",
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.source


class RegisterNumber(models.Model):
    """A number of a register that is being taken in; gone when the register, or the last part of it, is in force. NULL: a row without one."""

    PERSONAL_FIELDS = ("phone_blind",)

    register = models.ForeignKey(Register, models.CASCADE, related_name="staged")
    phone_blind = models.BinaryField(max_length=16, null=True)

    class Meta:
        indexes = [models.Index(fields=["register", "phone_blind"], name="register_number_staged")]
