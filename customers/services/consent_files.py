"""The evidence of a consent as a file: a signed page, a picture of it, or the recorded words. Private, known by its content, never shown inline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import IO, Any

from django.db.models import Q
from django.utils.translation import gettext as _

from core import files
from core.errors import DomainError
from core.models import PrivateFile
from customers import rules
from customers.models import Consent, ConsentFile, Customer
from customers.queries import former_ids, was_erased
from people.models import User

FILE_KIND = "customers.consent"
MOST = 20 * 1024 * 1024
# as long as the longest duty to keep the proof of a sale that the consent led to: ten years from the end of an insurance of some years
KEEP = timedelta(days=15 * 365)
# what a file begins with, at which byte, and what it is then called
KINDS = (
    ("application/pdf", "pdf", 0, (b"%PDF-",)),
    ("image/png", "png", 0, (b"\x89PNG\r\n\x1a\n",)),
    ("image/jpeg", "jpg", 0, (b"\xff\xd8\xff",)),
    ("audio/wav", "wav", 8, (b"WAVEfmt ",)),
    ("audio/mpeg", "mp3", 0, (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")),
    ("audio/mp4", "m4a", 4, (b"ftypM4A ",)),
    ("audio/ogg", "ogg", 0, (b"OggS",)),
)


class EvidenceRefused(DomainError):
    """The file is no evidence that can be kept."""


def may_download(user: Any, private_file: PrivateFile) -> bool:
    """Who may enter consents, of customers whom they see; of who was erased, who answers the requests of persons."""
    if not rules.can_change_customers(user):
        return False
    own = Q(consents__file__file_id=private_file.pk)
    customer = Customer.objects.visible_to(user).filter(own).first()
    return customer is not None and (rules.can_answer_requests(user) or not was_erased(customer))


files.register_kind(FILE_KIND, may_download=may_download)


def keep_evidence(*, consent: Consent, file: IO[bytes], by: User, at: datetime) -> ConsentFile:
    """Part of the entering of a consent. The name that the file came with is not kept: it may hold a name or a number.

    Raises EvidenceRefused, DiskFull.
    """
    content_type, ending = _kind_of(file)
    if file.seek(0, 2) > MOST:
        raise EvidenceRefused(_("The evidence is larger than %(limit)s MB.") % {"limit": MOST // 1024 // 1024})
    file.seek(0)
    stored = files.store(
        name=f"consent-{consent.pk}.{ending}", stream=file, kind=FILE_KIND, by=by, at=at, keep_for=KEEP,
        content_type=content_type, city_id=consent.customer.city_id, limit=MOST,
    )  # fmt: skip
    return ConsentFile.objects.create(consent=consent, file_id=stored.pk)


def files_of(customer: Customer) -> dict[int, PrivateFile]:
    """The evidence files of the person that are still there, by consent; also of those who were merged into the person."""
    persons = [customer.pk, *former_ids(customer.pk)]
    by_file = dict(
        ConsentFile.objects.filter(consent__customer__in=persons).order_by("pk").values_list("file_id", "consent_id")
    )
    rows = PrivateFile.objects.ready().filter(pk__in=by_file).order_by("pk")
    return {by_file[row.pk]: row for row in rows if files.path_of(row).exists()}


def _kind_of(file: IO[bytes]) -> tuple[str, str]:
    file.seek(0)
    start = file.read(32)
    for content_type, ending, place, marks in KINDS:
        if start[place:].startswith(marks):
            return content_type, ending
    raise EvidenceRefused(_("Evidence is a PDF, a picture (PNG, JPEG) or a recording (WAV, MP3, M4A, OGG)."))
