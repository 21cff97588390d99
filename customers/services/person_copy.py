"""A person's own data as a file: everything held, numbers whole, for 24 hours and for who wrote it alone.

A workbook; where files prove a consent, an archive with the workbook and these files, since they are the person's data as well.
"""

from __future__ import annotations

import io
import shutil
import zipfile
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
from core.templatetags import look
from core.workbooks import XLSX_TYPE, Workbook
from customers import person_data
from customers.models import NumberUse, PersonRequest
from customers.person_data import Sheet
from customers.services.consent_files import files_of
from customers.services.person_sheets import own_sheets
from customers.services.persons import use_number
from customers.services.requests import Kind, State, settle, take
from people.models import User

FILE_KIND = "customers.person_copy"
KEPT = timedelta(hours=24)
ZIP_TYPE = "application/zip"


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
    evidence = files_of(customer)
    sheets = [*own_sheets(customer, evidence), *person_data.facts_of(customer)]
    audit(
        "customers.request.copied", asked, by=by, at=at, city_id=customer.city_id, customer_id=customer.pk,
        numbers=customer.phones.count(), evidence_files=len(evidence),
    )  # fmt: skip
    asked.file_id = _write(sheets, list(evidence.values()), asked, by, at).pk
    settle(asked, State.DONE, answer=answer, by=by, at=at)
    return asked


def _write(
    sheets: Iterable[Sheet], evidence: list[PrivateFile], asked: PersonRequest, by: User, at: datetime
) -> PrivateFile:
    note = _("Request %(number)s, written by %(name)s on %(moment)s; destroyed after 24 hours") % {
        "number": asked.pk,
        "name": by,
        "moment": look.moment(at),
    }
    workbook = _("request %(number)s.xlsx") % {"number": asked.pk}
    name = _("request %(number)s.zip") % {"number": asked.pk} if evidence else workbook
    with files.writing(
        name=name, kind=FILE_KIND, by=by, at=at, keep_for=KEPT, content_type=ZIP_TYPE if evidence else XLSX_TYPE,
        city_id=asked.customer.city_id,
    ) as draft:  # fmt: skip
        # one person's rows: small enough for memory, and no second file with personal data on the disk
        book = io.BytesIO()
        _fill(book, sheets, note)
        if evidence:
            _pack(draft.path, workbook, book.getvalue(), evidence)
        else:
            draft.write(book.getvalue())
    return draft.row


def _fill(target: io.BytesIO, sheets: Iterable[Sheet], note: str) -> None:
    with Workbook(target) as book:
        for sheet in sheets:
            book.sheet(sheet.title, sheet.columns, sheet.rows, notes=[note])


def _pack(path: Any, workbook: str, book: bytes, evidence: list[PrivateFile]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(workbook, book)
        for row in evidence:
            with files.open_file(row) as source, archive.open(row.name, "w") as target:
                shutil.copyfileobj(source, target)
