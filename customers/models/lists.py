"""Sources and lead lists."""

from __future__ import annotations

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import JSONObject
from django.utils.translation import gettext, gettext_lazy as _, ngettext

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
        from .list_rows import RowVerdict  # the rows know their list

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
