"""Call history of another dialer: a file, its rows as staged, and what was decided about each."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from people.models import User


class CallImportQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CallImportQuerySet:
        """Those who work on the whole region see all imports, others their own."""
        return self if user.scope().is_region else self.filter(created_by=user)


class CallImport(models.Model):
    """A file of calls: read, judged row by row, then imported. Nothing touches calls before that."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting to be checked")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked, not yet imported")
        IMPORTING = "importing", _("Being imported")
        PARTLY = "partly", _("Partly imported")
        IMPORTED = "imported", _("Imported")
        FAILED = "failed", _("Could not be read")
        CANCELLED = "cancelled", _("Given up")

    name = models.CharField(_("name"), max_length=120)
    system = models.CharField(_("dialer"), max_length=40, default="dialer")
    file_id = models.BigIntegerField(_("file"), null=True, blank=True)
    mapping = models.JSONField(_("format and columns"), default=dict, blank=True)
    creates_missing = models.BooleanField(
        _("make what is missing"),
        default=False,
        help_text=_(
            "Campaigns, products, teams, agents and customers that are not known yet are made; otherwise their rows are rejected."
        ),
    )
    imports_at_once = models.BooleanField(_("import without asking again"), default=False)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.WAITING)
    fault = models.TextField(_("why it could not be read"), blank=True, default="")
    fault_detail = models.JSONField(default=dict, blank=True)
    counts = models.JSONField(_("rows per verdict"), default=dict, blank=True)
    row_count = models.PositiveIntegerField(_("rows"), default=0)
    made = models.JSONField(_("what was made"), default=dict, blank=True)
    job_id = models.BigIntegerField(_("job"), null=True, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("uploaded by"))
    created_at = models.DateTimeField(_("uploaded"))
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True)
    imported_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("imported by")
    )
    imported_at = models.DateTimeField(_("imported"), null=True, blank=True)

    objects = CallImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import of calls")
        indexes = [models.Index(fields=["-created_at"], name="call_import_newest")]

    def __str__(self) -> str:
        return self.name


class StagedCall(models.Model):
    """One row of a file, cleaned. Filled by COPY from the reading process; gone some days after the import.

    Rows with a fault keep their cells as they came, sealed, for the workbook of rejected rows.
    """

    PERSONAL_FIELDS = ("phone_blind", "phone_sealed", "phone_mask", "phone_prefix", "cells")

    call_import = models.ForeignKey(CallImport, models.CASCADE, related_name="rows", db_index=False)
    row_no = models.PositiveIntegerField(_("row"))
    external_id = models.CharField(max_length=64, blank=True, default="")
    campaign = models.CharField(max_length=40, blank=True, default="")
    agent = models.CharField(max_length=30, blank=True, default="")
    team = models.CharField(max_length=30, blank=True, default="")
    phone_blind = models.BinaryField(max_length=16, null=True)
    phone_sealed = models.BinaryField(null=True)
    phone_mask = models.CharField(max_length=20, blank=True, default="")
    phone_prefix = models.CharField(max_length=3, blank=True, default="")
    direction = models.CharField(max_length=8, blank=True, default="")
    started_at = models.DateTimeField(null=True)
    result = models.CharField(max_length=40, blank=True, default="")
    talk_seconds = models.IntegerField(default=0)
    after_call_seconds = models.IntegerField(default=0)
    order_number = models.CharField(max_length=64, blank=True, default="")
    product = models.CharField(max_length=40, blank=True, default="")
    amount_cents = models.BigIntegerField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    content_hash = models.BinaryField(max_length=32, null=True)
    fault = models.CharField(_("fault"), max_length=40, blank=True, default="")
    fault_detail = models.CharField(max_length=200, blank=True, default="")
    cells = models.BinaryField(_("cells as they came, sealed"), null=True)

    class Meta:
        verbose_name = _("staged call")
        constraints = [models.UniqueConstraint(fields=["call_import", "row_no"], name="staged_call_once")]


class CallVerdict(models.Model):
    """What was decided about a row, with everything it names already looked up."""

    class Verdict(models.TextChoices):
        NEW = "new", _("New")
        CANCELLATION = "cancellation", _("Cancellation of a known sale")
        UNCHANGED = "unchanged", _("Unchanged")
        CONFLICT = "conflict", _("Known with other content")
        INVALID = "invalid", _("Invalid")

    call_import = models.ForeignKey(CallImport, models.CASCADE, related_name="verdicts", db_index=False)
    row_no = models.PositiveIntegerField(_("row"))
    verdict = models.CharField(_("verdict"), max_length=12, choices=Verdict.choices)
    fault = models.CharField(_("reason"), max_length=40, blank=True, default="")
    campaign_id = models.BigIntegerField(null=True)
    agent_id = models.BigIntegerField(null=True)
    team_id = models.BigIntegerField(null=True)
    phone_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    disposition_id = models.BigIntegerField(null=True)
    product_id = models.BigIntegerField(null=True)
    attempt = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("verdict of a staged call")
        constraints = [models.UniqueConstraint(fields=["call_import", "row_no"], name="call_verdict_once")]
        indexes = [models.Index(fields=["call_import", "verdict", "row_no"], name="call_verdict_list")]
