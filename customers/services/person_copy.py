"""A person's own data as a file: everything held, numbers whole, for 24 hours and for who wrote it alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core import files
from core.access import id_of
from core.audit import audit
from core.clock import database_now
from core.models import PrivateFile
from core.sealed import unseal
from core.templatetags import look
from core.workbooks import XLSX_TYPE, Column, Workbook
from customers import person_data
from customers.models import Contact, Customer, NumberUse, PersonRequest
from customers.person_data import Sheet
from customers.queries import former_ids
from customers.services.greylist import in_words as grey_words
from customers.services.persons import use_number
from customers.services.quiet_times import in_words
from customers.services.requests import Kind, State, settle, take
from people.models import User

FILE_KIND = "customers.person_copy"
KEPT = timedelta(hours=24)
WIDE = 36


def may_download(user: Any, private_file: PrivateFile) -> bool:
    """Whoever wrote it, until its time is over; the sweep that takes the bytes away comes at night."""
    return private_file.owner_id == id_of(user) and private_file.keep_until > database_now()


files.register_kind(FILE_KIND, may_download=may_download)


@transaction.atomic
def write_copy(*, asked: PersonRequest, by: User, at: datetime, answer: str = "") -> PersonRequest:
    """Write the file and end the request. Each whole number counts against the day's quota; the audit row stands before the first byte.

    Raises PermissionRefused, AnsweredAlready, OtherRequest, QuotaUsedUp, DiskFull.
    """
    asked = take(asked, by=by, kind=Kind.COPY)
    customer = asked.customer
    for _number in customer.phones.all():
        use_number(kind=NumberUse.Kind.REVEAL, by=by, at=at)
    sheets = [*_own_sheets(customer), *person_data.facts_of(customer)]
    audit(
        "customers.request.copied", asked, by=by, at=at, city_id=customer.city_id, customer_id=customer.pk,
        numbers=customer.phones.count(),
    )  # fmt: skip
    asked.file_id = _write(sheets, asked, by, at).pk
    settle(asked, State.DONE, answer=answer, by=by, at=at)
    return asked


def _write(sheets: Iterable[Sheet], asked: PersonRequest, by: User, at: datetime) -> PrivateFile:
    note = _("Request %(number)s, written by %(name)s on %(moment)s; destroyed after 24 hours") % {
        "number": asked.pk,
        "name": by,
        "moment": look.moment(at),
    }
    name = _("request %(number)s.xlsx") % {"number": asked.pk}
    city_id = asked.customer.city_id
    with files.writing(
        name=name, kind=FILE_KIND, by=by, at=at, keep_for=KEPT, content_type=XLSX_TYPE, city_id=city_id
    ) as draft, Workbook(draft.path) as book:  # fmt: skip
        for sheet in sheets:
            book.sheet(sheet.title, sheet.columns, sheet.rows, notes=[note])
    return draft.row


def _own_sheets(customer: Customer) -> list[Sheet]:
    return [
        Sheet(_("Details"), [Column(_("Field"), 20), Column(_("Value"), WIDE)], _details_of_all(customer)),
        Sheet(
            _("Numbers"),
            [Column(_("Number"), 20), _("First"), _("Not in use"), _("Added")],
            [["+" + unseal(row.sealed), row.is_primary, row.is_dead, row.created_at] for row in customer.phones.order_by("pk")],
        ),
        Sheet(
            _("Consents"),
            [Column(_("Ground"), WIDE), _("Stated by"), _("Given"), _("Expires"), _("Withdrawn"), Column(_("Wording or evidence"), WIDE), _("Evidence file")],
            [
                [row.basis, row.stated_by, row.given_at, row.expires_at, row.withdrawn_at, row.evidence, _("kept") if hasattr(row, "file") else ""]
                for row in customer.consents.select_related("file").order_by("given_at", "pk")
            ],
        ),
        Sheet(
            _("Do not call"),
            [Column(_("Reason"), WIDE), _("From"), _("Until"), _("Lifted"), Column(_("Note"), WIDE)],
            [
                [row.get_kind_display(), row.valid_from, row.valid_to, row.lifted_at, row.note]
                for row in customer.suppressions.order_by("valid_from", "pk")
            ],
        ),
        Sheet(
            _("Greylist"),
            [Column(_("Conditions"), WIDE), _("Until"), Column(_("Why"), WIDE), _("Source"), _("Lifted")],
            [
                [grey_words(row), row.valid_to, row.reason, row.source, row.lifted_at]
                for row in customer.grey_entries.order_by("pk")
            ],
        ),
        Sheet(
            _("Do-not-disturb times"),
            [Column(_("Not to be called"), WIDE), _("Until"), _("Stated"), _("Stated by"), _("Ended")],
            [
                [in_words(row), row.valid_to, row.stated_on, row.stated_by, row.ended_at]
                for row in customer.quiet_times.order_by("pk")
            ],
        ),
        Sheet(
            _("Requests"),
            [Column(_("Request"), WIDE), _("Received"), _("State"), _("Decided"), Column(_("Answer"), WIDE)],
            [
                [row.get_kind_display(), row.received_on, row.get_state_display(), row.decided_at, row.answer]
                for row in customer.requests.order_by("pk")
            ],
        ),
        Sheet(
            _("Contacts"),
            [_("Time"), _("Channel"), _("State"), _("From whom")],
            [
                [row.at, row.get_channel_display(), row.get_state_display(), _("the customer") if row.is_inbound else _("us")]
                for row in Contact.objects.filter(customer_id=customer.pk).order_by("at", "pk")
            ],
        ),
    ]  # fmt: skip


def _details_of_all(customer: Customer) -> list[list[Any]]:
    """Also what the rows still hold that were merged into the customer."""
    former = Customer.objects.filter(pk__in=former_ids(customer.pk)).select_related("city", "source").order_by("pk")
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
