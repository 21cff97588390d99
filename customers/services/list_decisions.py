"""The way out of "needs a decision": a person says yes or no to rows, one by one or all of a reason."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from customers import list_rules
from customers.models import LeadList, RowVerdict
from customers.models.list_rows import RowVerdictQuerySet
from customers.services import judging
from customers.services.list_check import count_verdicts
from customers.wording import ACCEPTED, SKIPPED
from people.models import User

Verdict = RowVerdict.Verdict
REGION = "region"


class NotDecidable(DomainError):
    """The list waits for no decision."""


@transaction.atomic
def decide_rows(
    *, lead_list: LeadList, accept: bool, by: User, at: datetime, reason: str = "", rows: list[int] | None = None
) -> int:
    """Yes or no to rows that need a decision: all of them, those of a reason, those numbered. Returns how many.

    Yes adds the number to the known customer, keeps the customer, or moves it to the file's city, as the reason says; rows left to the
    region are judged again with the region's eyes. No sets them aside. Of rows held back for the region, who works for a city decides
    what it was told, and the region about the row itself. Raises NotDecidable, PermissionRefused.
    """
    lead_list = LeadList.objects.select_for_update().get(pk=lead_list.pk)
    if not list_rules.can_work_on_list(by, lead_list):
        raise PermissionRefused(_("Only the data team decides about rows."))
    if lead_list.status != LeadList.Status.CHECKED:
        raise NotDecidable(_("Rows can be decided after the check and before the commit."))
    is_region = list_rules.works_for_region(by)
    waiting = _waiting(lead_list, reason, rows, is_region=is_region)
    if is_region:
        count = (
            _accept(lead_list, waiting, at=at) if accept else waiting.update(verdict=Verdict.INVALID, reason=SKIPPED)
        )
    else:
        count = _decide_as_told(waiting, accept=accept)
    lead_list.counts = count_verdicts(lead_list)
    lead_list.save(update_fields=["counts"])
    audit("customers.list.decided", lead_list, by=by, at=at, accepted=accept, reason=reason, rows=count)
    return count


def _waiting(lead_list: LeadList, reason: str, rows: list[int] | None, *, is_region: bool) -> RowVerdictQuerySet:
    every = RowVerdict.objects.filter(lead_list=lead_list)
    waiting = every.said(is_region, Verdict.UNDECIDED, reason=reason)
    return waiting if rows is None else waiting.filter(row_no__in=rows)


def _accept(lead_list: LeadList, waiting: RowVerdictQuerySet, *, at: datetime) -> int:
    of_region = list(waiting.filter(reason=REGION).values_list("row_no", "told", "told_reason"))
    count = sum(
        waiting.filter(reason=reason).update(verdict=Verdict.UPDATE, reason=accepted)
        for reason, accepted in ACCEPTED.items()
    )
    if not of_region:
        return count
    judging.judge_rows(lead_list, [row_no for row_no, *_told in of_region], at=at, is_region=True)
    _tell_again(lead_list, of_region)
    return count + len(of_region)


def _tell_again(lead_list: LeadList, rows: list[tuple[int, str | None, str | None]]) -> None:
    """What the city was told, or has decided, about these rows stays."""
    by_told: dict[tuple[str | None, str | None], list[int]] = defaultdict(list)
    for row_no, *before in rows:
        by_told[(before[0], before[1])].append(row_no)
    for (told, told_reason), row_nos in by_told.items():
        judged = RowVerdict.objects.filter(lead_list=lead_list, row_no__in=row_nos)
        judged.update(told=told, told_reason=told_reason)


def _decide_as_told(waiting: RowVerdictQuerySet, *, accept: bool) -> int:
    own, held = waiting.filter(told=None), waiting.held()
    if not accept:
        # set aside for the region too, or it could still commit what the city's page says is set aside
        held.filter(verdict=Verdict.UNDECIDED).update(verdict=Verdict.INVALID, reason=SKIPPED)
        return own.update(verdict=Verdict.INVALID, reason=SKIPPED) + held.update(
            told=Verdict.INVALID, told_reason=SKIPPED
        )
    return sum(
        own.filter(reason=reason).update(verdict=Verdict.UPDATE, reason=accepted)
        + held.filter(told_reason=reason).update(told=Verdict.UPDATE, told_reason=accepted)
        for reason, accepted in ACCEPTED.items()
    )
