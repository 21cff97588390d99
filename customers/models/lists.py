"""Sources and lead lists, the rows staged from a file, and the verdict of each."""

from __future__ import annotations

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import JSONObject, Now
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from core.sealed import SealedTextField
from customers import left_scopes
from customers.models.people import Customer
from people.models import City, User


class Source(models.Model):
    """Where customers come from; the ground of every comparison of lists."""

    class Kind(models.TextChoices):
        OWN = "own", _("Own customers")
        MARKETING = "marketing", _("Marketing activity")
        BOUGHT = "bought", _("Bought list")

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.OWN)
    supplier = models.CharField(_("supplier"), max_length=120, blank=True, default="")
    price_cents = models.BigIntegerField(_("price per row"), default=0)

    class Meta:
        verbose_name = _("source")
        constraints = [models.CheckConstraint(name="source_price_not_negative", condition=Q(price_cents__gte=0))]

    def __str__(self) -> str:
        return self.name


class ColumnMapping(models.Model):
    """How the columns of a source's files are taken, known again by their headings. Holds no value of any file."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="column_mappings")
    headings_key = models.CharField(max_length=64)
    columns = models.JSONField(help_text=_("(known field, attribute or nothing; name of the attribute) per column"))
    saved_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("saved by"))
    saved_at = models.DateTimeField(_("saved"))

    class Meta:
        verbose_name = _("saved mapping of columns")
        constraints = [models.UniqueConstraint(fields=["source", "headings_key"], name="column_mapping_once")]


class LeadListQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> LeadListQuerySet:
        """Lists of the region for those who work on the whole region; else the own cities' and one's own uploads."""
        scope = user.scope()
        return self if scope.is_region else self.filter(Q(city__in=scope.city_ids) | Q(created_by=user))

    def with_held(self) -> LeadListQuerySet:
        """Each list with `held`: [{told, verdict, n}], the rows of which readers without the region are told something else."""
        held = RowVerdict.objects.filter(lead_list=models.OuterRef("pk"), told__isnull=False).order_by()
        held = held.values("told", "verdict").annotate(n=models.Count("row_no"))
        return self.annotate(held=ArraySubquery(held.values(one=JSONObject(told="told", verdict="verdict", n="n"))))


FIELDS_OF_KNOWN = ["name", "type", "gender", "age", "external_id", "attributes"]


class LeadList(models.Model):
    """A file of customers: uploaded, checked row by row, then committed by a person. Nothing touches customers before."""

    class Known(models.TextChoices):
        UPDATE = "update", _("take what the file says")
        FIELDS = "fields", _("take only some values")
        SKIP = "skip", _("leave them out")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting to be checked")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked, not yet committed")
        COMMITTING = "committing", _("Being committed")
        COMMITTED = "committed", _("Committed")
        FAILED = "failed", _("Could not be read")
        CANCELLED = "cancelled", _("Given up")
        UNDOING = "undoing", _("Being taken back")
        UNDONE = "undone", _("Taken back")

    # the states that a commit has passed through
    STORED = ("committed", "undoing", "undone")

    name = models.CharField(_("name"), max_length=120)
    source = models.ForeignKey(Source, models.PROTECT, verbose_name=_("source"))
    city = models.ForeignKey(
        City,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("city"),
        help_text=_("Empty: the list covers the region, each row names its city."),
    )
    file_id = models.BigIntegerField(_("file"), null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.WAITING)
    fault = models.CharField(
        _("why it could not be read"),
        max_length=40,
        blank=True,
        default="",
        help_text=_("A word; its sentence is in customers.wording."),
    )
    fault_detail = models.JSONField(_("what was seen"), default=dict, blank=True)
    mapping = models.JSONField(_("columns"), default=dict, blank=True)
    counts = models.JSONField(_("rows per verdict"), default=dict, blank=True)
    row_count = models.PositiveIntegerField(_("rows"), default=0)
    job_id = models.BigIntegerField(_("job"), null=True, blank=True)
    consent_basis = models.CharField(_("consent basis"), max_length=200)
    consent_stated_by = models.CharField(_("stated by"), max_length=80)
    known = models.CharField(
        _("customers who are known already"),
        max_length=8,
        choices=Known.choices,
        default=Known.UPDATE,
        db_default=Known.UPDATE,
    )
    known_fields = ArrayField(
        models.CharField(max_length=20),
        default=list,
        db_default=Value([], output_field=ArrayField(models.CharField(max_length=20))),
    )
    known_days = models.PositiveSmallIntegerField(_("leave out who came within the last days"), null=True, blank=True)
    left_list = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("leave out who is on this earlier list"),
        db_index=False,
    )
    left_campaign_id = models.BigIntegerField(_("leave out who is or was in this campaign"), null=True, blank=True)
    left_campaign_days = models.PositiveSmallIntegerField(_("only since so many days"), null=True, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("uploaded by"))
    created_at = models.DateTimeField(_("uploaded"))
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True)
    committed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("committed by")
    )
    committed_at = models.DateTimeField(_("committed"), null=True, blank=True)
    undo_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("taken back by")
    )
    undo_asked_at = models.DateTimeField(_("asked to take back"), null=True, blank=True)
    undo_reason = models.CharField(_("why it was taken back"), max_length=200, blank=True, default="")
    undone_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    objects = LeadListQuerySet.as_manager()

    class Meta:
        verbose_name = _("lead list")
        constraints = [
            models.CheckConstraint(
                name="lead_list_commit_is_whole",
                condition=Q(
                    status__in=["committed", "undoing", "undone"],
                    committed_at__isnull=False,
                    committed_by__isnull=False,
                )
                | (~Q(status__in=["committed", "undoing", "undone"]) & Q(committed_at=None, committed_by=None)),
            ),
            models.CheckConstraint(
                name="lead_list_undo_is_whole",
                condition=Q(status__in=["undoing", "undone"], undo_by__isnull=False, undo_asked_at__isnull=False)
                & ~Q(undo_reason="")
                | ~Q(status__in=["undoing", "undone"]) & Q(undo_by=None, undo_asked_at=None, undo_reason=""),
            ),
            models.CheckConstraint(
                name="lead_list_fields_of_known",
                condition=Q(known="fields", known_fields__len__gt=0, known_fields__contained_by=FIELDS_OF_KNOWN)
                | ~Q(known="fields") & Q(known_fields=[]),
            ),
            models.CheckConstraint(
                name="lead_list_days_of_a_campaign",
                condition=Q(left_campaign_days=None) | Q(left_campaign_id__isnull=False, left_campaign_days__gte=1),
            ),
            models.CheckConstraint(
                name="lead_list_campaign_not_told_to_a_city", condition=Q(left_campaign_id=None) | Q(city=None)
            ),
            models.CheckConstraint(
                name="lead_list_undone_at_its_end",
                condition=Q(status="undone", undone_at__isnull=False) | ~Q(status="undone") & Q(undone_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def known_words(self) -> str:
        """What becomes of customers who are known already; "" when the list simply updates them."""
        told = []
        if self.known == self.Known.SKIP:
            told.append(gettext("Known customers are left out"))
        elif self.known == self.Known.FIELDS:
            names = [
                str(Customer._meta.get_field(name).verbose_name)
                for name in FIELDS_OF_KNOWN
                if name in self.known_fields
            ]
            told.append(gettext("Of known customers only: %(fields)s") % {"fields": ", ".join(names)})
        if self.known_days and self.known != self.Known.SKIP:
            told.append(
                ngettext(
                    "who came within %(n)s day is left out", "who came within %(n)s days is left out", self.known_days
                )
                % {"n": self.known_days}
            )
        if self.left_list is not None:
            told.append(gettext("who is on the list %(name)s is left out") % {"name": self.left_list.name})
        if self.left_campaign_id is not None:
            told.append(self._campaign_words(left_scopes.name_of(left_scopes.CAMPAIGN, self.left_campaign_id)))
        return "; ".join(told)

    def _campaign_words(self, name: str) -> str:
        if self.left_campaign_days is None:
            return gettext("who is or was in the campaign %(name)s is left out") % {"name": name}
        return ngettext(
            "who came into the campaign %(name)s within %(n)s day is left out",
            "who came into the campaign %(name)s within %(n)s days is left out",
            self.left_campaign_days,
        ) % {"name": name, "n": self.left_campaign_days}


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
