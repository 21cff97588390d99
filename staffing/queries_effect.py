"""What came of a session, read for staffing.coaching_effect: the agent and uncoached agents of the city, before and after it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, Sum
from django.utils import timezone

from metrics import queries as figures, registry
from people.models import Team
from qa.earning import earned
from qa.models import Evaluation, EvaluationAnswer
from staffing.coaching_effect import Course, Effect, effect_of
from staffing.models import CoachingSession

DAYS = 60  # before, and at most after
NOTHING = Course(0, 0, 0, 0)


@dataclass(frozen=True)
class Shown:
    own: Course
    judged: Effect


def effect(session: CoachingSession, at: datetime) -> Shown:
    """Of the item agreed, else of the success rate. Whoever had a session in these days is no peer."""
    teams = list(Team.objects.filter(city=session.city_id).values_list("pk", flat=True))
    courses = _of_item(session, teams, at) if session.aim_id else _of_success(session, teams, at)
    span = timedelta(days=DAYS)
    coached = CoachingSession.objects.filter(
        planned_at__gte=session.planned_at - span, planned_at__lte=session.planned_at + span, cancelled_at=None
    )
    apart = {session.agent_id, *coached.values_list("agent_id", flat=True)}
    own = courses.get(session.agent_id, NOTHING)
    return Shown(own, effect_of(own, [course for pk, course in courses.items() if pk not in apart]))


def _of_item(session: CoachingSession, teams: list[int], at: datetime) -> dict[int, Course]:
    """Of calls chosen at random. The same words on another version of the form are the same item."""
    turn, aim = session.planned_at, session.aim
    assert aim is not None
    sheets = Evaluation.objects.submitted().filter(
        team_id__in=teams, pick__in=Evaluation.PUBLISHED_PICKS, version__form=aim.stage.version.form_id,
        call_started_at__gte=turn - timedelta(days=DAYS), call_started_at__lt=min(at, turn + timedelta(days=DAYS)),
    )  # fmt: skip
    rows = EvaluationAnswer.objects.filter(evaluation__in=sheets, item__text=aim.text).exclude(answer="na").order_by()
    before = Q(evaluation__call_started_at__lt=turn)
    found = rows.values_list("evaluation__agent_id").annotate(
        a=Sum(earned(), filter=before, default=0.0), b=Count("pk", filter=before),
        c=Sum(earned(), filter=~before, default=0.0), d=Count("pk", filter=~before),
    )  # fmt: skip
    return {agent: Course(*counts) for agent, *counts in found}


def _of_success(session: CoachingSession, teams: list[int], at: datetime) -> dict[int, Course]:
    """Customers won of those reached, from the rollups; the day of the session itself is neither before nor after."""
    day, rate = timezone.localdate(session.planned_at), registry.indicator("success_rate")
    until = min(timezone.localdate(at), day + timedelta(days=DAYS))
    spans = [(day - timedelta(days=DAYS), day - timedelta(days=1)), (day + timedelta(days=1), until)]
    counted: dict[int, list[tuple[int, int]]] = defaultdict(lambda: [(0, 0), (0, 0)])
    for place, (since, last) in enumerate(spans):
        if rate is None or last < since:
            continue
        question = figures.ask(since=since, until=last, by=("agent",), filters={"team": teams})
        for row in figures.rows_of(question, sorted(rate.measures), keep=False):
            counted[int(row.key[0] or 0)][place] = rate.parts(row.counts) or (0, 0)
    return {agent: Course(*before, *after) for agent, (before, after) in counted.items()}
