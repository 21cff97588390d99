"""The way out of "needs a decision": a person says yes or no to rows, one by one or all of a reason."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from customers import list_rules
from customers.models import LeadList, RowVerdict
from customers.services import judging
from customers.services.list_check import count_verdicts
from customers.wording import ACCEPTED
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
    region are judged again with the region's eyes. No sets them aside. Raises NotDecidable, PermissionRefused.
    """
    lead_list = LeadList.objects.select_for_update().get(pk=lead_list.pk)
    if not list_rules.can_work_on_list(by, lead_list):
        raise PermissionRefused(_("Only the data team decides about rows."))
    if lead_list.status != LeadList.Status.CHECKED:
        raise NotDecidable(_("Rows can be decided after the check and before the commit."))
    waiting = _waiting(lead_list, reason, rows)
    count = (
        _accept(lead_list, waiting, by=by, at=at)
        if accept
        else waiting.update(verdict=Verdict.INVALID, reason="skipped")
    )
    lead_list.counts = count_verdicts(lead_list)
    lead_list.save(update_fields=["counts"])
    audit("customers.list.decided", lead_list, by=by, at=at, accepted=accept, reason=reason, rows=count)
    return count


def _waiting(lead_list: LeadList, reason: str, rows: list[int] | None) -> QuerySet[RowVerdict]:
    waiting = RowVerdict.objects.filter(lead_list=lead_list, verdict=Verdict.UNDECIDED)
    if reason:
        waiting = waiting.filter(reason=reason)
    return waiting if rows is None else waiting.filter(row_no__in=rows)


def _accept(lead_list: LeadList, waiting: QuerySet[RowVerdict], *, by: User, at: datetime) -> int:
    count = 0
    of_region = list(waiting.filter(reason=REGION).values_list("row_no", flat=True))
    for reason, accepted in ACCEPTED.items():
        count += waiting.filter(reason=reason).update(verdict=Verdict.UPDATE, reason=accepted)
    if of_region:
        if not list_rules.works_for_region(by):
            raise PermissionRefused(_("The data team of the region decides about these rows."))
        judging.judge_rows(lead_list, of_region, at=at, is_region=True)
    return count + len(of_region)
