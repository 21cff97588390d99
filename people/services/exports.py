"""Files with personal data: from 500 rows in a day on they leave with the consent of a second person."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.models import AuditEvent
from people import rules
from people.models import ExportRequest, Team, User

TWO_PERSONS = 500
OPEN_FOR = timedelta(hours=24)
GROWN = 1.1  # a living list may be so much longer at the download than when it was asked for

State = ExportRequest.State


class PurposeMissing(DomainError):
    """The second person must read what the file is for."""


class DecidedAlready(DomainError):
    """Somebody has approved or refused it meanwhile, or nobody did in time."""


@transaction.atomic
def may_leave_alone(*, rows: int, by: User, at: datetime) -> bool:
    """Whether these rows, with what this person took out alone within a day, stay under the number that needs two.

    The person stays locked to the end of the caller's transaction, in which the audit row is written that the next file is counted with.
    """
    User.objects.select_for_update(of=("self",), no_key=True).get(pk=by.pk)
    # whatever it was called: lists, and workbooks of rows not taken
    taken = AuditEvent.objects.filter(actor_id=by.pk, at__gt=at - OPEN_FOR, detail__alone=True)
    return rows + sum(int(row.get("rows", 0)) for row in taken.values_list("detail", flat=True)) < TWO_PERSONS


@transaction.atomic
def ask_export(
    *, list_name: str, title: str, path: str, query: str, rows: int, purpose: str, by: User, at: datetime,
    by_team: bool = False,
) -> ExportRequest:  # fmt: skip
    """Ask for a file; the same one asked for and not yet decided is that request. Raises PurposeMissing."""
    if not purpose.strip():
        raise PurposeMissing(_("Say what the file is for; whoever approves it reads that."))
    is_region, city_ids = _covers(by, by_team)
    asked, is_new = ExportRequest.objects.get_or_create(
        asked_by=by, list_name=list_name, query=query, state=State.ASKED,
        defaults={
            "asked_at": at, "purpose": purpose.strip()[:200], "title": title[:120], "path": path, "row_count": rows,
            "is_region": is_region, "city_ids": city_ids,
        },
    )  # fmt: skip
    if is_new:
        audit("people.export.asked", asked, by=by, at=at, city_id=_one(city_ids), list=list_name, rows=rows)
    return asked


def _covers(by: User, by_team: bool) -> tuple[bool, list[int]]:
    """Of which cities the file may hold rows: those whose teams or customers this person sees.

    `by_team`: who leads a team sees its rows of every city, as with calls; then the region decides.
    """
    scope = by.scope()
    of_teams = Team.objects.filter(pk__in=scope.team_ids)
    # a team without a city calls in all of them
    is_region = scope.is_region or (by_team and bool(scope.led_team_ids)) or of_teams.filter(city=None).exists()
    cities = scope.city_ids | set(of_teams.exclude(city=None).values_list("city_id", flat=True))
    return is_region, sorted(cities)


def _one(city_ids: list[int]) -> int | None:
    return city_ids[0] if len(city_ids) == 1 else None


@transaction.atomic
def decide_export(*, asked: ExportRequest, approve: bool, by: User, at: datetime) -> ExportRequest:
    """Let the file go, or not. Raises PermissionRefused (also for the own request), DecidedAlready."""
    asked = ExportRequest.objects.select_for_update(of=("self",)).get(pk=asked.pk)
    if asked.asked_by_id == by.pk:
        raise PermissionRefused(_("A second person decides: you cannot approve your own request."))
    if not rules.can_decide_exports(by) or not ExportRequest.objects.visible_to(by).filter(pk=asked.pk).exists():
        raise PermissionRefused(_("Your role does not allow this."))
    if asked.state == State.EXPIRED:
        raise DecidedAlready(_("Nobody decided within 30 days. The file must be asked for anew."))
    if asked.state != State.ASKED:
        raise DecidedAlready(_("This request has been decided already."))
    asked.state, asked.decided_by, asked.decided_at = State.APPROVED if approve else State.REFUSED, by, at
    asked.save(update_fields=["state", "decided_by", "decided_at"])
    audit("people.export.decided", asked, by=by, at=at, city_id=_one(asked.city_ids), approved=approve)
    return asked


@transaction.atomic
def take_export(
    *, list_name: str, query: str, rows: int, by: User, at: datetime, by_team: bool = False
) -> ExportRequest | None:
    """The approval under which this file leaves now, noted; None when there is none in force for so many rows.

    Who sees other cities than when it was asked for needs another one: nobody has decided on their rows.
    """
    open_ones = ExportRequest.objects.filter(
        asked_by=by, list_name=list_name, query=query, state=State.APPROVED, decided_at__gt=at - OPEN_FOR
    )
    approved = open_ones.order_by("-row_count", "-pk").first()
    if approved is None or rows > max(approved.row_count * GROWN, approved.row_count + 10):
        return None
    if _covers(by, by_team) != (approved.is_region, approved.city_ids):
        return None
    ExportRequest.objects.filter(pk=approved.pk).update(downloaded_at=at)
    return approved


def is_open(asked: ExportRequest, at: datetime) -> bool:
    """Whether the one who asked may download now."""
    return asked.state == State.APPROVED and asked.decided_at is not None and asked.decided_at > at - OPEN_FOR
