"""What this floor holds about a person, as sheets: also by a number alone, and of those who were merged into the person."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from core.models import PrivateFile
from core.sealed import unseal
from core.workbooks import Column
from customers.models import Consent, Contact, Customer, GreyEntry, PersonRequest, QuietTime, Suppression
from customers.person_data import Sheet
from customers.queries import former_ids
from customers.services.greylist import in_words as grey_words
from customers.services.quiet_times import in_words

WIDE = 36


def own_sheets(customer: Customer, files: dict[int, PrivateFile]) -> list[Sheet]:
    """`files`: the evidence files that come along, by consent."""
    persons = [customer.pk, *former_ids(customer.pk)]
    numbers = [bytes(index) for index in customer.phones.values_list("blind_index", flat=True)]
    of_person = Q(customer__in=persons) | Q(phone_blind__in=numbers)
    return [
        Sheet(_("Details"), [Column(_("Field"), 20), Column(_("Value"), WIDE)], _details_of_all(customer, persons)),
        _numbers(customer),
        _consents(persons, files),
        _suppressions(of_person),
        _greylist(of_person),
        _quiet_times(persons),
        _requests(persons),
        _contacts(persons),
    ]


def _numbers(customer: Customer) -> Sheet:
    return Sheet(
        _("Numbers"),
        [Column(_("Number"), 20), _("First"), _("Not in use"), _("Added")],
        [["+" + unseal(row.sealed), row.is_primary, row.is_dead, row.created_at] for row in customer.phones.order_by("pk")],
    )  # fmt: skip


def _consents(persons: list[int], files: dict[int, PrivateFile]) -> Sheet:
    rows = Consent.objects.filter(customer__in=persons).select_related("file").order_by("given_at", "pk")
    return Sheet(
        _("Consents"),
        [Column(_("Ground"), WIDE), _("Stated by"), _("Given"), _("Expires"), _("Withdrawn"), Column(_("Wording or evidence"), WIDE), Column(_("Evidence file"), 24)],
        [
            [row.basis, row.stated_by, row.given_at, row.expires_at, row.withdrawn_at, row.evidence, _file_name(row, files)]
            for row in rows
        ],
    )  # fmt: skip


def _file_name(row: Consent, files: dict[int, PrivateFile]) -> str:
    if row.pk in files:
        return files[row.pk].name
    return _("no longer kept") if hasattr(row, "file") else ""


def _suppressions(of_person: Q) -> Sheet:
    return Sheet(
        _("Do not call"),
        [Column(_("Reason"), WIDE), _("Holds for"), _("From"), _("Until"), Column(_("Note"), WIDE), _("Lifted"), Column(_("Why it was lifted"), WIDE)],
        [
            [row.get_kind_display(), _whom(row), row.valid_from, row.valid_to, row.note, row.lifted_at, row.lift_reason]
            for row in Suppression.objects.filter(of_person).order_by("valid_from", "pk")
        ],
    )  # fmt: skip


def _greylist(of_person: Q) -> Sheet:
    return Sheet(
        _("Greylist"),
        [Column(_("Conditions"), WIDE), _("Holds for"), _("Entered"), _("Until"), Column(_("Why"), WIDE), _("Source"), _("Lifted"), Column(_("Why it was lifted"), WIDE)],
        [
            [grey_words(row), _whom(row), row.created_at, row.valid_to, row.reason, row.source, row.lifted_at, row.lift_reason]
            for row in GreyEntry.objects.filter(of_person).order_by("pk")
        ],
    )  # fmt: skip


def _whom(row: Suppression | GreyEntry) -> str:
    return _("the person") if row.customer_id else _("a number of the person")


def _quiet_times(persons: list[int]) -> Sheet:
    return Sheet(
        _("Do-not-disturb times"),
        [Column(_("Not to be called"), WIDE), _("Until"), _("Stated"), _("How"), _("Stated by"), _("Ended")],
        [
            [in_words(row), row.valid_to, row.stated_on, row.get_way_display(), row.stated_by, row.ended_at]
            for row in QuietTime.objects.filter(customer__in=persons).order_by("pk")
        ],
    )  # fmt: skip


def _requests(persons: list[int]) -> Sheet:
    return Sheet(
        _("Requests"),
        [Column(_("Request"), WIDE), _("Received"), _("State"), _("Decided"), Column(_("Answer"), WIDE), _("Lifted"), Column(_("Why it was lifted"), WIDE)],
        [
            [row.get_kind_display(), row.received_on, row.get_state_display(), row.decided_at, row.answer, row.lifted_at, row.lift_reason]
            for row in PersonRequest.objects.filter(customer__in=persons).order_by("received_on", "pk")
        ],
    )  # fmt: skip


def _contacts(persons: list[int]) -> Sheet:
    return Sheet(
        _("Contacts"),
        [_("Time"), _("Channel"), _("State"), _("From whom")],
        [
            [row.at, row.get_channel_display(), row.get_state_display(), _("the customer") if row.is_inbound else _("us")]
            for row in Contact.objects.filter(customer_id__in=persons).order_by("at", "pk")
        ],
    )  # fmt: skip


def _details_of_all(customer: Customer, persons: list[int]) -> list[list[Any]]:
    """Also what the rows still hold that were merged into the customer."""
    former = Customer.objects.filter(pk__in=persons[1:]).select_related("city", "source").order_by("pk")
    return [line for row in (customer, *former) for line in _details(row)]


def _details(customer: Customer) -> list[list[Any]]:
    source = str(customer.source) if customer.source else ""
    told = [
        (_("Name"), customer.name), (_("City"), customer.city.label), (_("Type"), customer.get_type_display()),
        (_("Gender"), customer.get_gender_display()), (_("Age"), customer.age), (_("Address"), customer.address),
        (_("Source"), source), (_("Customer number"), customer.external_id), (_("Added"), customer.created_at),
        (_("Tags"), ", ".join(customer.tags.order_by("tag__name").values_list("tag__name", flat=True))),
    ]  # fmt: skip
    return [[str(name), value] for name, value in [*told, *customer.attributes.items()] if value not in (None, "")]
