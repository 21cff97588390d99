"""A file is received as a lead list, and checked in the background (list_check)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import IO

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.files import destroy, store
from core.jobs import enqueue
from core.models import PrivateFile
from customers import left_scopes, list_rules
from customers.models import LeadList, Source
from customers.models.lists import FIELDS_OF_KNOWN
from customers.reading import formats, limits
from customers.reading.faults import FileFault
from customers.services import judging_scopes
from customers.wording import file_fault_sentence
from people.models import City, User

FILE_KIND = "customers.lead_list"
KEEP_FILE = timedelta(days=7)
DAILY_FILES = 100
DAILY_BYTES = 1024 * limits.MB
OPEN = (LeadList.Status.WAITING, LeadList.Status.CHECKING, LeadList.Status.CHECKED)
TYPES = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv"}


class FileRefused(DomainError):
    """The file is no list that can be taken; `code` is the word of customers.wording.FILE_FAULTS."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class QuotaUsedUp(DomainError):
    """Too many files in one day."""


class ConsentMissing(DomainError):
    """A list needs the basis on which its customers may be called."""


class LeftWrong(DomainError):
    """The earlier list or the campaign whose customers are left out cannot be asked about by this list."""


class FieldsMissing(DomainError):
    """Which values of known customers may change was not said, or said of a list that takes all or none."""


def receive_list(
    *,
    file: IO[bytes],
    file_name: str,
    name: str,
    source: Source,
    city: City | None,
    consent_basis: str,
    by: User,
    at: datetime,
    make_cities: bool = False,
    stated_by: str = "",
    map_first: bool = False,
    known: str = LeadList.Known.UPDATE,
    known_fields: Sequence[str] = (),
    known_days: int | None = None,
    left_list: LeadList | None = None,
    left_campaign_id: int | None = None,
    left_campaign_days: int | None = None,
) -> LeadList:
    """Take a file and have it checked in the background; returns the list, whose `job_id` is the check.

    `known` says what becomes of customers who are known already: their values are taken, some of them (`known_fields`), or they are left
    out; with `known_days` those who came within so many days are left out. Left out is also who is on `left_list`, an earlier list of the same
    city, and who is or was in the campaign `left_campaign_id` (within `left_campaign_days`), of lists of the whole region. With `map_first` it waits, without a job, until somebody has chosen its columns (mappings.confirm_mapping).

    The same bytes for the same source and city, while a list of them is still open, are that list: nothing is stored twice.
    Raises FileRefused (with the sentence), QuotaUsedUp, ConsentMissing, FieldsMissing, LeftWrong, PermissionRefused, DiskFull.
    """
    _check_rights(by, city)
    if not consent_basis.strip():
        raise ConsentMissing(_("Say on what ground these customers may be called."))
    _check_known(known, known_fields)
    _check_left(by, city, left_list, left_campaign_id, left_campaign_days, at)
    kind = examine_file(file)
    _check_quota(by, at)
    stored = store(
        name=os.path.basename(file_name) or "list",
        stream=file,
        kind=FILE_KIND,
        by=by,
        at=at,
        keep_for=KEEP_FILE,
        content_type=TYPES[kind.kind],
        city_id=city.pk if city else None,
        limit=limits.FILE_BYTES,
    )
    wanted = LeadList(
        name=name.strip()[:120] or stored.name[:120],
        source=source,
        city=city,
        file_id=stored.pk,
        sha256=stored.sha256,
        mapping={
            "format": kind.kind,
            "encoding": kind.encoding,
            "delimiter": kind.delimiter,
            "file": stored.name[:120],
        },
        consent_basis=consent_basis.strip()[:200],
        consent_stated_by=(stated_by or str(by))[:80],
        known=known,
        known_fields=sorted(set(known_fields)),
        known_days=known_days,
        left_list=left_list,
        left_campaign_id=left_campaign_id,
        left_campaign_days=left_campaign_days,
        created_by=by,
        created_at=at,
    )
    return _open_list(wanted, stored=stored, make_cities=make_cities, map_first=map_first, by=by, at=at)


def _check_rights(by: User, city: City | None) -> None:
    if not list_rules.can_upload_list(by):
        raise PermissionRefused(_("Only the data team uploads lists."))
    if list_rules.works_for_region(by):
        return
    if city is None or city.pk not in by.scope().city_ids:
        raise PermissionRefused(_("Choose one of your cities for this list."))


def _check_known(known: str, fields: Sequence[str]) -> None:
    if (known == LeadList.Known.FIELDS) != bool(fields) or not set(fields) <= set(FIELDS_OF_KNOWN):
        raise FieldsMissing(_("Name the values that the list may change of customers who are known already."))


def _check_left(
    by: User, city: City | None, earlier: LeadList | None, campaign_id: int | None, days: int | None, at: datetime
) -> None:
    """Who reads a list reads what it leaves out: of an earlier list of the same readers, of a campaign only the region."""
    if earlier is not None:
        _check_earlier(by, city, earlier, at)
    if campaign_id is None:
        if days is not None:
            raise LeftWrong(_("Choose the campaign whose customers are left out."))
        return
    if city is not None or not list_rules.works_for_region(by):
        raise LeftWrong(
            _(
                "Only a list of the whole region leaves out who is in a campaign. One of a city would tell whom other cities know."
            )
        )
    if campaign_id not in dict(left_scopes.choices(left_scopes.CAMPAIGN, by)):
        raise LeftWrong(_("This campaign does not exist."))


def _check_earlier(by: User, city: City | None, earlier: LeadList, at: datetime) -> None:
    if not LeadList.objects.visible_to(by).filter(pk=earlier.pk, status=LeadList.Status.COMMITTED).exists():
        raise LeftWrong(_("Choose an earlier list that is committed."))
    if city is not None and earlier.city_id != city.pk:
        raise LeftWrong(
            _("A list of a city can leave out only who is on earlier lists of the same city. Choose one of those.")
        )
    # what was held back of it is forgotten by then, and what is left out would tell of whom
    if city is not None and (earlier.committed_at or at) < at - judging_scopes.LOOKS_BACK:
        raise LeftWrong(_("Choose an earlier list that was committed within the last year."))


def examine_file(file: IO[bytes]) -> formats.Format:
    """What the file is. Raises FileRefused with the sentence that helps."""
    size = file.seek(0, os.SEEK_END)
    if size > limits.FILE_BYTES:
        raise FileRefused(
            _("The file is larger than %(limit)s MB. Split it into several files.")
            % {"limit": limits.FILE_BYTES // limits.MB},
            "too_large",
        )
    try:
        return formats.examine(file)
    except FileFault as fault:
        raise FileRefused(file_fault_sentence(fault.code, fault.detail), fault.code) from None


def _check_quota(by: User, at: datetime) -> None:
    today = PrivateFile.objects.filter(kind=FILE_KIND, owner_id=by.pk, created_at__gt=at - timedelta(days=1))
    used = today.aggregate(files=Count("id"), size=Sum("size"))
    if used["files"] >= DAILY_FILES or (used["size"] or 0) >= DAILY_BYTES:
        raise QuotaUsedUp(
            _("In one day %(files)s files or %(size)s MB can be uploaded. Go on tomorrow.")
            % {"files": DAILY_FILES, "size": DAILY_BYTES // limits.MB}
        )


@transaction.atomic
def _open_list(
    wanted: LeadList, *, stored: PrivateFile, make_cities: bool, map_first: bool, by: User, at: datetime
) -> LeadList:
    _one_at_a_time(wanted.sha256)
    same = (
        LeadList.objects.visible_to(by)
        .filter(
            sha256=wanted.sha256,
            source=wanted.source,
            city=wanted.city,
            status__in=OPEN,
            known=wanted.known,
            known_fields=wanted.known_fields,
            known_days=wanted.known_days,
            left_list=wanted.left_list,
            left_campaign_id=wanted.left_campaign_id,
            left_campaign_days=wanted.left_campaign_days,
        )
        .order_by("-pk")
        .first()
    )
    if same:
        destroy(private_file=stored, at=at, by=by)
        return same
    wanted.save()
    if not map_first:
        job = enqueue(
            kind="customers.check_list",
            key=str(wanted.pk),
            args={"lead_list": wanted.pk, "make_cities": make_cities},
            city_id=wanted.city_id,
            by=by,
        )
        wanted.job_id = job.pk
        wanted.save(update_fields=["job_id"])
    audit("customers.list.uploaded", wanted, by=by, at=at, source=wanted.source_id, bytes=stored.size)
    return wanted


def _one_at_a_time(sha256: str) -> None:
    """Two uploads of one file at the same moment: the second waits here, and finds the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"customers.list.{sha256}"])
