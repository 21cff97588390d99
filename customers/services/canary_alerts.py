"""A made-up customer was called, or stood in a file that came in: who is to know hears of it, and nobody else."""

from __future__ import annotations

from datetime import date, datetime
from smtplib import SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from core.audit import audit
from core.calendar import business_date
from core.jobs import Run, enqueue
from customers.models import Canary, CanaryCall, LeadList, Phone, StagedRow
from people.models import Membership, User

KIND = "customers.write_alert"


def announce(call: CanaryCall) -> None:
    """By e-mail where that is set up; in any case it stands on the first page of every administrator until it is settled.

    The data team sees the list of jobs: neither kind nor key of the job says what it is about.
    """
    if settings.EMAIL_HOST:
        enqueue(kind=KIND, key=str(call.pk), args={"call": call.pk}, queue="fast")


def write_alert(run: Run) -> dict[str, Any]:
    """One letter to each administrator with an address, in their language, and one to the addresses of the house. It names no customer, no
    number and no file. Whoever has got it gets it no second time, unless the worker dies between the letter and its note."""
    call, refused = CanaryCall.objects.get(pk=run.args["call"]), 0
    if "after" not in run.cursor:
        refused += sum(not _write(call, address, settings.LANGUAGE_CODE) for address in settings.ALERT_EMAILS)
        with run.chunk(cursor={"after": 0}):
            pass
    for user in _administrators(business_date(run.now())).filter(pk__gt=run.cursor["after"]).order_by("pk"):
        was_written = _write(call, user.email, user.language)
        refused += not was_written
        with run.chunk(done=int(was_written), cursor={"after": user.pk}):
            pass
    return {"written": run.done, "refused_letters": refused}


def _write(call: CanaryCall, to: str, language: str) -> bool:
    """Whether the letter was taken: a bad address must not keep it from the others."""
    with translation.override(language):
        said = (
            _("A canary customer stood in an uploaded list.")
            if call.lead_list_id
            else _("A canary customer was called.")
        )
        after = _(
            "A file with personal data may have got out. Sign in to telemkt and open Canary customers to look into it."
        )
        try:
            send_mail(_("telemkt: an alert to look into"), f"{said}\n\n{after}\n", None, [to])
        except SMTPRecipientsRefused:
            return False
    return True


def _administrators(today: date) -> QuerySet[User]:
    """Those who may know of canaries today, and can be written to."""
    named = Membership.objects.valid_on(today).filter(role=Membership.Role.ADMINISTRATOR).values("user")
    return User.objects.filter(Q(pk__in=named) | Q(is_superuser=True), is_active=True).exclude(email="")


def note_list(lead_list: LeadList, *, at: datetime) -> int:
    """Made-up customers in an uploaded list: it was made of a file that had left here. Whoever uploaded it learns nothing of it; the same
    list read again is the same alert. Returns how many are new."""
    index_of = {
        bytes(index): canary
        for index, canary in Phone.objects.filter(customer__canary__isnull=False).values_list(
            "blind_index", "customer__canary"
        )
    }
    if not index_of:
        return 0
    rows = StagedRow.objects.filter(lead_list=lead_list, phone_blind__in=list(index_of))
    found = {index_of[index] for index in {bytes(one or b"") for one in rows.values_list("phone_blind", flat=True)}}
    new = 0
    for canary in Canary.objects.filter(pk__in=found).order_by("pk"):
        call, is_new = CanaryCall.objects.get_or_create(
            canary=canary, lead_list=lead_list,
            defaults={"called_at": lead_list.created_at, "reported_by": lead_list.created_by, "reported_at": at},
        )  # fmt: skip
        if is_new:
            new += 1
            audit("customers.canary.found", call, by=None, at=at, canary_id=canary.pk, lead_list_id=lead_list.pk)
            announce(call)
    return new
