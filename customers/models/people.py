"""A customer (one row per human or company), their numbers, consent, tags, and the ledger of contacts."""

from __future__ import annotations

from datetime import UTC, datetime

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.sealed import SealedTextField
from people.models import City, Membership, User

# Who answers the requests of persons, and so sees those whom nobody else sees any more.
ANSWERERS = (Membership.Role.DATA, Membership.Role.REGIONAL_MANAGER, Membership.Role.ADMINISTRATOR)

# before anything this system knows of: "may be called from the beginning"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CustomerQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> CustomerQuerySet:
        """Customers of the cities that the user's role covers whole. Agents and team leaders see customers through calls.

        Who is locked is seen by those who answer the requests of persons, and by nobody else.
        """
        scope = user.scope()
        rows = self if scope.is_region else self.filter(city__in=scope.city_ids)
        return rows if user.has_role(*ANSWERERS) else rows.filter(is_locked=False)


class Customer(models.Model):
    """One human or company in the region's pool.

    The contact budget of all campaigns lies on this row, so that a claim which locks it decides for everybody: `attempts`
    (newest first, the last 20) and `callable_from`, the earliest time the next attempt may be made, written when one is
    reserved. Ids are dense and given in list order, below 2**32: the distinct counts are bitmaps of them.
    """

    class Type(models.TextChoices):
        CONSUMER = "consumer", _("Consumer")
        BUSINESS = "business", _("Business")

    class Gender(models.TextChoices):
        FEMALE = "female", _("Female")
        MALE = "male", _("Male")

    PERSONAL_FIELDS = ("name", "name_sort", "external_id", "attributes", "address")

    # checked once a statement (migration 0011): a list brings 200,000 rows
    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"), db_index=False, db_constraint=False)
    source = models.ForeignKey(
        "customers.Source", models.PROTECT, null=True, verbose_name=_("source"), db_index=False, db_constraint=False
    )
    external_id = models.CharField(_("customer number"), max_length=64, blank=True, default="")
    name = models.CharField(_("name"), max_length=120, blank=True, default="")
    name_sort = models.CharField(_("name for sorting"), max_length=200, blank=True, default="", help_text=_("Pinyin."))
    type = models.CharField(_("type"), max_length=8, choices=Type.choices, blank=True, default="")
    gender = models.CharField(_("gender"), max_length=6, choices=Gender.choices, blank=True, default="")
    age = models.PositiveSmallIntegerField(_("age"), null=True, blank=True)
    address = SealedTextField(_("address"), null=True, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, db_index=False, verbose_name=_("merged into")
    )
    created_at = models.DateTimeField(_("added"), db_default=Now())
    updated_at = models.DateTimeField(_("changed"), db_default=Now())

    # the contact budget
    is_suppressed = models.BooleanField(_("not to be called"), default=False)
    is_locked = models.BooleanField(_("locked"), default=False, db_default=False)
    # kept by triggers of QuietTime and GreyEntry, so that nothing is asked of the many who have none
    has_quiet_times = models.BooleanField(_("has do-not-disturb times"), default=False, db_default=False)
    is_greylisted = models.BooleanField(_("called only under conditions"), default=False, db_default=False)
    # the segments with rules of their own to which the person belongs, as counted (customers.services.segment_rules); NULL: none
    rule_segments = ArrayField(models.BigIntegerField(), verbose_name=_("segments with rules"), null=True)
    callable_from = models.DateTimeField(_("may be called from"), db_default=EPOCH)
    attempts = ArrayField(models.DateTimeField(), verbose_name=_("last attempts"), db_default=[])
    answered_at = models.DateTimeField(_("last spoken to"), null=True, blank=True)
    held_lead_id = models.BigIntegerField(_("lead in somebody's hand"), null=True, blank=True)
    owner_campaign_id = models.BigIntegerField(_("campaign that owns the person"), null=True, blank=True)
    owner_group = models.CharField(
        _("exclusion group of that campaign"), max_length=40, blank=True, default="", db_default=""
    )
    owner_until = models.DateTimeField(_("owned until"), null=True, blank=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], name="customer_number_per_source", condition=~Q(external_id="")
            ),
            models.CheckConstraint(
                name="customer_not_merged_into_itself", condition=Q(merged_into=None) | ~Q(merged_into=F("id"))
            ),
            models.CheckConstraint(name="customer_id_fits_bitmaps", condition=Q(id__lt=2**32)),
        ]
        indexes = [
            models.Index(fields=["city", "name_sort", "id"], name="customer_by_name"),
            # whoever is deleted is looked for here
            models.Index(fields=["merged_into"], name="customer_merged_into", condition=Q(merged_into__isnull=False)),
            # which sets of segments somebody carries, from one to the next: the funnel works out the rules of each once
            models.Index(
                fields=["rule_segments"], name="customer_rule_segments", condition=Q(rule_segments__isnull=False)
            ),
            # serves either alone. A long waiting list, so that the commit of a lead list need not sort its words in; customers.settle_indexes
            # does afterwards
            GinIndex(
                fields=["attributes", "name"],
                opclasses=["jsonb_path_ops", "gin_trgm_ops"],
                name="customer_search",
                fastupdate=True,
                gin_pending_list_limit=262_144,
            ),
        ]

    def __str__(self) -> str:
        """What lists and pages show to everybody: of a locked person the number of the row alone."""
        return f"#{self.pk}" if self.is_locked else self.full_name

    @property
    def full_name(self) -> str:
        """For those who answer the person's requests."""
        return self.name or f"#{self.pk}"


class Phone(models.Model):
    """A number of a customer. The digits rest sealed; the blind index finds the exact number and keeps it unique in the region."""

    PERSONAL_FIELDS = ("sealed", "mask", "blind_index")

    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="phones", verbose_name=_("customer"), db_constraint=False, db_index=False
    )
    blind_index = models.BinaryField(_("blind index"), max_length=16)
    sealed = models.BinaryField(_("sealed number"))
    mask = models.CharField(_("number"), max_length=20)
    prefix = models.CharField(_("prefix"), max_length=3, blank=True, default="")
    is_primary = models.BooleanField(_("first number to dial"), default=True)
    is_dead = models.BooleanField(_("number not in use"), default=False)
    created_at = models.DateTimeField(_("added"), db_default=Now())

    class Meta:
        verbose_name = _("phone number")
        constraints = [
            models.UniqueConstraint(fields=["blind_index"], name="phone_once_in_region"),
            # one index for two things: the numbers of a customer are found by it, and one of them at most is the first to dial
            models.UniqueConstraint(
                F("customer"),
                Case(When(is_primary=True, then=0), default=F("id"), output_field=models.BigIntegerField()),
                name="phone_one_primary",
            ),
        ]

    def __str__(self) -> str:
        return self.mask


class Tag(models.Model):
    """A word shown to the agent when the customer opens, and the key to scenarios."""

    name = models.CharField(_("tag"), max_length=40, unique=True)

    class Meta:
        verbose_name = _("tag")

    def __str__(self) -> str:
        return self.name


class CustomerTag(models.Model):
    PERSONAL_FIELDS = ("tag",)

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="tags", verbose_name=_("customer"))
    tag = models.ForeignKey(Tag, models.PROTECT, verbose_name=_("tag"))
    segment = models.ForeignKey(
        "customers.Segment",
        models.PROTECT,
        null=True,
        related_name="tagged",
        verbose_name=_("segment that it follows"),
        db_index=False,
        help_text=_("Empty: set by hand or by a list, and not taken off with a segment."),
    )
    # what a list alone has said goes with it; rows from before this was kept count as set by hand, and stay
    is_by_hand = models.BooleanField(_("set by hand"), default=True, db_default=True)
    list_ids = ArrayField(models.BigIntegerField(), verbose_name=_("lists that say it"), default=list, db_default=[])
    set_at = models.DateTimeField(_("since"), db_default=Now())

    class Meta:
        verbose_name = _("tag of a customer")
        constraints = [
            models.UniqueConstraint(fields=["customer", "tag"], name="customer_tag_once"),
            models.CheckConstraint(
                name="customer_tag_has_its_ground",
                condition=Q(is_by_hand=True) | Q(segment__isnull=False) | ~Q(list_ids=[]),
            ),
        ]
        indexes = [
            models.Index(
                fields=["segment", "customer"], name="customer_tag_of_segment", condition=Q(segment__isnull=False)
            )
        ]


class ConsentQuerySet(models.QuerySet):
    def in_force(self, at: datetime) -> ConsentQuerySet:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at), given_at__lte=at, withdrawn_at=None)

    def visible_to(self, user: User) -> ConsentQuerySet:
        scope = user.scope()
        return self if scope.is_region else self.filter(customer__city__in=scope.city_ids)


@pghistory.track(
    # what it was before each change: with the row as it is now that is the whole history, and a list's consents are written once
    pghistory.UpdateEvent(row=pghistory.Old),
    level=pgtrigger.Statement,
    append_only=True,
    attrs={"PERSONAL_FIELDS": ("evidence",)},
)
class Consent(models.Model):
    """On what ground a customer may be called: what, when, how, stated by whom. Never deleted; withdrawn."""

    PERSONAL_FIELDS = ("evidence",)

    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="consents", verbose_name=_("customer"), db_constraint=False
    )
    kind = models.CharField(_("kind"), max_length=20, default="marketing_calls")
    basis = models.CharField(_("basis"), max_length=200)
    evidence = models.TextField(_("wording or evidence"), blank=True, default="")
    stated_by = models.CharField(_("stated by"), max_length=80)
    given_at = models.DateTimeField(_("given"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")


class ConsentFile(models.Model):
    """The file that proves a consent; its bytes lie in core's private files."""

    PERSONAL_FIELDS = ("file_id",)

    consent = models.OneToOneField(Consent, models.PROTECT, related_name="file", verbose_name=_("consent"))
    file_id = models.BigIntegerField(_("file"), unique=True)

    class Meta:
        verbose_name = _("evidence of a consent")


class ContactQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> ContactQuerySet:
        scope = user.scope()
        return self if scope.is_region else self.filter(city_id__in=scope.city_ids)


class Contact(models.Model):
    """The ledger: one row per contact of a person, calls and messages alike, over all campaigns, cities and numbers.

    Reserved when a lead is handed out, made when it was dialled, void when it was given back untouched. Partitioned by month on
    `at` (the table body is made in the migration; key of the table is (id, at)), so it points by plain ids.
    """

    class Channel(models.TextChoices):
        CALL = "call", _("Call")
        MESSAGE = "message", _("Message")

    class State(models.TextChoices):
        RESERVED = "reserved", _("Reserved")
        MADE = "made", _("Made")
        VOID = "void", _("Void")

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("at"))
    customer_id = models.BigIntegerField(_("customer"))
    city_id = models.BigIntegerField(_("city"))
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices, default=Channel.CALL)
    is_inbound = models.BooleanField(_("by the customer"), default=False)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.RESERVED)
    campaign_id = models.BigIntegerField(_("campaign"), null=True)
    lead_id = models.BigIntegerField(_("lead"), null=True)
    phone_id = models.BigIntegerField(_("number"), null=True)
    agent_id = models.BigIntegerField(_("agent"), null=True)
    call_id = models.BigIntegerField(_("recorded call"), null=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        indexes = [models.Index(fields=["customer_id", "at"], name="contact_of_person")]
