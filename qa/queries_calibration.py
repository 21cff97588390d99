"""Reads of calibration sessions. What others answered is read here alone, and only once the session shows it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from people.models import User
from people.scopes import scope_in
from qa.models import (  # fmt: skip
    CalibrationDecision,
    CalibrationSeat,
    CalibrationSession,
    Evaluation,
    EvaluationAnswer,
    FormItem,
    FormVersion,
)
from qa.models.blindness import waiting_calls
from qa.models.evaluations import READERS
from qa.queries import LOCKED


def sessions_shown(user: User) -> QuerySet[CalibrationSession]:
    """With how many score in it (`seat_count`), how many of them have (`done_count`), and how many items are decided."""
    rows = CalibrationSession.objects.visible_to(user).select_related("form", "city", "made_by")
    stays = Q(seats__left_at=None)
    return rows.annotate(
        seat_count=Count("seats", filter=stays, distinct=True),
        done_count=Count("seats", filter=stays & Q(seats__task__evaluation__isnull=False), distinct=True),
        decided_count=Count("decisions", distinct=True),
    ).order_by("-made_at", "-pk")


def seats_of(session: CalibrationSession) -> list[CalibrationSeat]:
    return list(session.seats.select_related("scorer", "task__evaluation").order_by("pk"))


def is_shown(session: CalibrationSession) -> bool:
    """Whether everybody may see all answers: the session is closed, or all who are in it have scored."""
    if session.closed_at:
        return True
    seats = [seat for seat in seats_of(session) if seat.left_at is None]
    return bool(seats) and all(seat.task.evaluation_id for seat in seats)


def is_locked(session: CalibrationSession) -> bool:
    """Whether the customer's data rest; then nobody is shown the answers, the session closed or not."""
    return LOCKED.filter(pk=session.customer_id).exists()


def evaluations_of(session: CalibrationSession) -> list[Evaluation]:
    """Of the session, in the order of its seats."""
    seats = session.seats.filter(left_at=None, task__evaluation__isnull=False).order_by("pk")
    found = Evaluation.objects.in_bulk(list(seats.values_list("task__evaluation", flat=True)))
    return [found[pk] for pk in seats.values_list("task__evaluation", flat=True)]


@dataclass(frozen=True)
class Line:
    """One item: what each scorer answered (None where theirs was another version without these words), and the decision."""

    item: FormItem
    answers: list[EvaluationAnswer | None]
    decision: CalibrationDecision | None

    @property
    def is_split(self) -> bool:
        return len({row.answer for row in self.answers if row}) > 1

    @property
    def said(self) -> str:
        """The answer given most often, which the agreed one is likely to be."""
        found = Counter(row.answer for row in self.answers if row)
        return found.most_common(1)[0][0] if found else self.item.as_item().best


def side_by_side(session: CalibrationSession) -> tuple[list[Evaluation], list[Line]]:
    """The evaluations, and a line for each item of the newest version among them; nothing while the session does not show them,
    or the person is locked."""
    rows = evaluations_of(session) if is_shown(session) and not is_locked(session) else []
    if not rows:
        return [], []
    version = FormVersion.objects.filter(pk__in=[row.version_id for row in rows]).order_by("-number")[0]
    kept = EvaluationAnswer.objects.filter(evaluation__in=rows).select_related("item")
    said = {(answer.evaluation_id, answer.item.asked): answer for answer in kept}
    decided = {row.item.asked: row for row in session.decisions.select_related("item", "decided_by")}
    items = FormItem.objects.filter(stage__version=version).order_by("stage__position", "position")
    return rows, [
        Line(item, [said.get((row.pk, item.asked)) for row in rows], decided.get(item.asked)) for item in items
    ]


def decided_for(user: User, version: FormVersion) -> QuerySet[CalibrationDecision]:
    """Decisions about the words of this version in sessions of the user's places, the newest first; none about a call to be scored blind
    or a locked person."""
    scope = scope_in(user, READERS)
    texts = FormItem.objects.filter(stage__version=version).values("text")
    rows = CalibrationDecision.objects.filter(item__text__in=texts).exclude(session__call_id__in=waiting_calls(user))
    rows = rows.exclude(session__customer_id__in=LOCKED)
    if not user.has_role(*READERS):
        return rows.none()
    if not scope.is_region:
        rows = rows.filter(Q(session__city_id__in=scope.city_ids) | Q(session__team_id__in=scope.led_team_ids))
    return rows.select_related("item").order_by("-decided_at", "-pk")
