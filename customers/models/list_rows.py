"""The rows of a lead list: as they were staged from its file, repaired, judged, and held back."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.sealed import SealedTextField
from people.models import City, User

from .lists import LeadList, Source


class StagedRow(models.Model):
    """One row of a file, cleaned, as it would be stored. Filled by COPY from the reading process; gone some days after the commit.

    Rows with a fault keep their cells as they were, sealed, for the workbook of rejected rows.
    """

    PERSONAL_FIELDS = (
        "name",
        "name_sort",
        "external_id",
        "attributes",
        "phone_sealed",
        "phone_mask",
        "phone_blind",
        "cells",
    )

    # rows come by COPY, thousands at a time, and only for a list that is there: a check of each costs as much as the rows themselves
    lead_list = models.ForeignKey(LeadList, models.CASCADE, related_name="rows", db_index=False, db_constraint=False)
    row_no = models.PositiveIntegerField(_("row"))
    external_id = models.CharField(max_length=64, blank=True, default="")
    name = models.CharField(max_length=120, blank=True, default="")
    name_sort = models.CharField(max_length=200, blank=True, default="")
    phone_blind = models.BinaryField(max_length=16, null=True)
    phone_sealed = models.BinaryField(null=True)
    phone_mask = models.CharField(max_length=20, blank=True, default="")
    city_id = models.BigIntegerField(null=True)
    type = models.CharField(max_length=8, blank=True, default="")
    gender = models.CharField(max_length=6, blank=True, default="")
    age = models.PositiveSmallIntegerField(null=True)
    attributes = models.JSONField(default=dict)
    fault = models.CharField(_("fault"), max_length=40, blank=True, default="")
    fault_detail = models.CharField(max_length=200, blank=True, default="")
    cells = models.BinaryField(_("cells as they came, sealed"), null=True)

    class Meta:
        verbose_name = _("staged row")
        constraints = [models.UniqueConstraint(fields=["lead_list", "row_no"], name="staged_row_once")]


class ListRepairQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ListRepairQuerySet:
        return self.filter(lead_list__in=LeadList.objects.visible_to(user))


class ListRepair(models.Model):
    """One repair of a row, or of all rows with one fault, before the commit; the last that stands can be undone."""

    lead_list = models.ForeignKey(LeadList, models.CASCADE, related_name="repairs")
    row_no = models.PositiveIntegerField(_("row"), null=True, help_text=_("Empty: all rows with the fault."))
    fault = models.CharField(_("fault"), max_length=40, blank=True, default="")
    rows = models.PositiveIntegerField(_("rows"))
    decided = models.JSONField(
        default=list, help_text=_("(row, verdict, reason, told, told reason) of what people had decided before.")
    )
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))
    undone_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("undone by"))
    undone_at = models.DateTimeField(_("undone"), null=True)

    objects = ListRepairQuerySet.as_manager()

    class Meta:
        verbose_name = _("repair of a list")
        constraints = [
            models.CheckConstraint(
                name="list_repair_undone_by_somebody",
                condition=Q(undone_by=None, undone_at=None) | Q(undone_by__isnull=False, undone_at__isnull=False),
            )
        ]


class RepairedRow(models.Model):
    """What stood in a staged row before a repair: the evidence of it, and what its undoing puts back."""

    PERSONAL_FIELDS = ("before",)

    repair = models.ForeignKey(ListRepair, models.CASCADE, related_name="before", db_index=False)
    row_no = models.PositiveIntegerField(_("row"))
    before = SealedTextField(_("line as it was staged"))

    class Meta:
        verbose_name = _("row before its repair")
        constraints = [models.UniqueConstraint(fields=["repair", "row_no"], name="repaired_row_once")]


class RowVerdictQuerySet(models.QuerySet):
    def said(self, is_region: bool, *verdicts: str, reason: str = "") -> RowVerdictQuerySet:
        """Rows with one of these verdicts, and this reason, as a reader with or without the region is told."""
        own, told = {"verdict__in": verdicts}, {"told__in": verdicts}
        if reason:
            own, told = own | {"reason": reason}, told | {"told_reason": reason}
        return self.filter(**own) if is_region else self.filter(Q(told=None, **own) | Q(**told))

    def stayed(self, is_region: bool, reason: str = "") -> RowVerdictQuerySet:
        """Rows of which something was left when the list was taken back, as a reader with or without the region is told."""
        found = self.filter(stays=reason) if reason else self.filter(stays__isnull=False)
        return found if is_region else found.filter(told=None)

    def held(self) -> RowVerdictQuerySet:
        """Rows of which readers without the region are told something else."""
        return self.filter(told__isnull=False)


class RowVerdict(models.Model):
    """What was decided about a row, and after the commit the evidence of which list brought which customer."""

    class Verdict(models.TextChoices):
        NEW = "new", _("New")
        UPDATE = "update", _("Update")
        UNCHANGED = "unchanged", _("Unchanged")
        DUPLICATE = "duplicate", _("Duplicate in file")
        SUPPRESSED = "suppressed", _("Suppressed")
        INVALID = "invalid", _("Invalid")
        LEFT = "left", _("Known, left out")
        UNDECIDED = "undecided", _("Needs a decision")

    PERSONAL_FIELDS = ("before",)

    lead_list = models.ForeignKey(
        LeadList, models.CASCADE, related_name="verdicts", db_index=False, db_constraint=False
    )
    row_no = models.PositiveIntegerField(_("row"))
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict.choices)
    reason = models.CharField(_("reason"), max_length=40, blank=True, default="")
    customer_id = models.BigIntegerField(
        _("customer"), null=True, help_text=_("Of a new row: the id that its customer gets at the commit.")
    )
    before = models.JSONField(_("values before the update"), null=True)
    told = models.CharField(  # noqa: DJ001  null: nearly always, and costs nothing then
        _("verdict told without the region"), max_length=10, choices=Verdict.choices, null=True, editable=False,
        help_text=_("What readers without the region see in place of the verdict; empty: the verdict itself."),
    )  # fmt: skip
    told_reason = models.CharField(max_length=40, null=True, editable=False)  # noqa: DJ001
    stays = models.CharField(  # noqa: DJ001  null: nearly always, and costs nothing then
        _("why it stays"), max_length=20, null=True, editable=False,
        help_text=_("Of a list taken back: why what the row brought was left; a word, its sentence is in customers.staying."),
    )  # fmt: skip

    objects = RowVerdictQuerySet.as_manager()

    class Meta:
        verbose_name = _("row verdict")
        constraints = [models.UniqueConstraint(fields=["lead_list", "row_no"], name="row_verdict_once")]
        # most rows are new or unchanged: who wants those reads in the order of rows
        indexes = [
            models.Index(
                fields=["lead_list", "verdict", "row_no"],
                name="row_verdict_left_out",
                condition=~Q(verdict__in=["new", "unchanged"]),
            ),
            models.Index(fields=["lead_list", "row_no"], name="row_verdict_told", condition=Q(told__isnull=False)),
            models.Index(fields=["lead_list", "row_no"], name="row_verdict_stays", condition=Q(stays__isnull=False)),
            # who else names a customer; new rows, by far the most, are not in it
            models.Index(
                fields=["customer_id"],
                name="row_verdict_of_known",
                condition=Q(verdict__in=["update", "unchanged"]),
            ),
        ]

    def said_to(self, is_region: bool) -> tuple[str, str]:
        """Verdict and reason as a reader with or without the region is told."""
        if is_region or self.told is None:
            return self.verdict, self.reason
        return self.told, self.told_reason or ""


class HeldRowQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> HeldRowQuerySet:
        """The region's alone: that a row was held back says that another city knows its number."""
        return self if user.scope().is_region else self.none()


class HeldRow(models.Model):
    """What a city has committed of a person whom another city knows: its next list with the same person is told against this."""

    PERSONAL_FIELDS = ("phone_blind", "external_id", "name", "attributes")

    city = models.ForeignKey(City, models.PROTECT, related_name="+")
    source = models.ForeignKey(Source, models.PROTECT, related_name="+")
    phone_blind = models.BinaryField(max_length=16)
    external_id = models.CharField(max_length=64, blank=True, default="")
    name = models.CharField(max_length=120, blank=True, default="")
    type = models.CharField(max_length=8, blank=True, default="")
    gender = models.CharField(max_length=6, blank=True, default="")
    age = models.PositiveSmallIntegerField(null=True)
    attributes = models.JSONField(default=dict)
    first_kept_at = models.DateTimeField(db_default=Now())
    kept_at = models.DateTimeField(db_index=True)
    list_ids = ArrayField(
        models.BigIntegerField(),
        default=list,
        db_default=Value([], output_field=ArrayField(models.BigIntegerField())),
        help_text=_("Lists whose commit would have stored it."),
    )

    objects = HeldRowQuerySet.as_manager()

    class Meta:
        verbose_name = _("row held back")
        constraints = [models.UniqueConstraint(fields=["phone_blind", "city"], name="held_row_once")]
