"""Reads of the work of scorers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Count, Q, QuerySet

from people.models import User
from qa.models import Evaluation, ScoringTask

NEVER = datetime.max.replace(tzinfo=UTC)


def next_task(user: User, *, passed: Collection[int] = ()) -> ScoringTask | None:
    """What is due first of the person's own and of what anybody of the place may take, without the tasks passed over."""
    own = ScoringTask.objects.open_of(user).on_a_form_in_force().exclude(pk__in=passed).in_order().first()
    anybody = ScoringTask.objects.open_to_anybody(user).on_a_form_in_force().exclude(pk__in=passed).in_order().first()
    found = [task for task in (own, anybody) if task is not None]
    return min(found, key=_place) if found else None


def _place(task: ScoringTask) -> tuple[datetime, int, int]:
    return task.due_at or NEVER, task.lot, task.pk


def queue_shown(user: User) -> QuerySet[ScoringTask]:
    """The person's own and what anybody may take, in order."""
    return ScoringTask.objects.open_for(user).on_a_form_in_force().select_related("form").in_order()


@dataclass(frozen=True)
class Load:
    """What waits for one person, what of it is late, and what they have done since midnight."""

    waiting: int
    overdue: int
    done: int


def load_of(user: User, *, since: datetime, at: datetime) -> Load:
    told = queue_shown(user).order_by().aggregate(waiting=Count("pk"), overdue=Count("pk", filter=Q(due_at__lt=at)))
    done = Evaluation.objects.submitted().filter(scorer=user, started_at__gte=since).count()
    return Load(told["waiting"], told["overdue"], done)


def is_blind(evaluation: Evaluation) -> bool:
    """Whether its scorer is not to know whose call it is, until it is submitted. A draft taken back tells as little as long as the call is
    still to be scored."""
    if evaluation.is_submitted:
        return False
    rows = ScoringTask.objects.open().filter(call_id=evaluation.call_id, form=evaluation.version.form_id)
    return rows.filter(scorer=evaluation.scorer_id, blind=True).exists()
