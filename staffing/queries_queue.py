"""Whom to coach: the agents of a coach by name, with what speaks for each. The choice is the coach's, so nothing is ranked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Case, CharField, Count, F, Max, Min, Q, When
from django.utils import timezone

from core.stats import wilson
from metrics import queries as figures, registry
from people.models import Membership, Team, User
from qa.earning import is_fatal
from qa.models import Appeal, Evaluation, EvaluationAnswer
from staffing.growth import NOTHING, Part, Point, moved, point_of
from staffing.models import CoachingSession
from staffing.queries_coaching import agents_coached_by

DAYS = 90  # of figures
HALF = DAYS // 2  # "stagnating" compares the younger half of them with the older
FAILED_DAYS = 30
NEW_DAYS = 90
UNCOACHED_DAYS = 60
LEAST_REACHED = 30

ROOM, NEW, FAILED, STAGNATING, UNCOACHED = WHYS = ("room", "new", "failed", "stagnating", "uncoached")


@dataclass(frozen=True)
class Line:
    """One agent: `score` of calls chosen at random, `won` of `reached` customers, what speaks for coaching, and when it was."""

    agent: User
    team: Team
    score: Point = NOTHING
    won: int = 0
    reached: int = 0
    whys: frozenset[str] = field(default_factory=frozenset)
    last_at: datetime | None = None
    next_at: datetime | None = None

    @property
    def success(self) -> float | None:
        return self.won / self.reached if self.reached else None

    @property
    def success_interval(self) -> tuple[float, float]:
        return wilson(self.won, self.reached)

    @property
    def reached_is_small(self) -> bool:
        return self.reached < LEAST_REACHED


@dataclass(frozen=True)
class Scores:
    """Of the whole span, and of its older and younger half."""

    whole: Point = NOTHING
    older: Point = NOTHING
    younger: Point = NOTHING

    @property
    def stagnates(self) -> bool:
        """Enough calls in both halves, and no rise that could be told from chance."""
        return moved(self.older, self.younger) in ("", "down")


def queue(user: User, at: datetime, *, why: str = "", **place: int) -> list[Line]:
    """All of a place (team or team__city; none: wherever the user coaches), by name. As many queries for one agent as for thousands."""
    members = list(agents_coached_by(user).filter(**place))
    ids = [row.user_id for row in members]
    scored, won = _scored(user, ids, at), _success(user, ids, timezone.localdate(at))
    scores = {
        pk: Scores(point_of([*old, *young]), point_of(old), point_of(young)) for pk, (old, young) in scored.items()
    }
    common = point_of([part for halves in scored.values() for half in halves for part in half])
    behind = _behind({pk: one.whole for pk, one in scores.items()}, common, won)
    failed, since, met = _failed(user, ids, at), _agent_since(ids), _met(user, ids, at)
    lines = []
    for row in members:
        pk = row.user_id
        one, (sold, reached), (last, following) = scores.get(pk, Scores()), won.get(pk, (0, 0)), met.get(pk, (None, None))  # fmt: skip
        told = {
            ROOM: pk in behind, NEW: since[pk] > timezone.localdate(at) - timedelta(days=NEW_DAYS), FAILED: pk in failed,
            STAGNATING: one.stagnates, UNCOACHED: following is None and (last is None or last < at - timedelta(days=UNCOACHED_DAYS)),
        }  # fmt: skip
        whys = frozenset(name for name, is_so in told.items() if is_so)
        if not why or why in whys:
            lines.append(Line(row.user, row.team, one.whole, sold, reached, whys, last, following))
    return lines


def _scored(user: User, ids: Collection[int], at: datetime) -> dict[int, tuple[list[Part], list[Part]]]:
    """{agent: (calls of the older half, calls of the younger half)}."""
    seen = Evaluation.objects.visible_to(user).submitted().filter(
        agent_id__in=ids, pick__in=Evaluation.PUBLISHED_PICKS, reported__isnull=False,
        call_started_at__gte=at - timedelta(days=DAYS), call_started_at__lt=at,
    )  # fmt: skip
    rows = (
        seen.order_by()
        .values_list("pk", "agent_id", "call_started_at", "reported", "probability")
        .annotate(n=Count("answers", filter=~Q(answers__answer="na")))
    )
    turn = at - timedelta(days=HALF)
    parts: dict[int, tuple[list[Part], list[Part]]] = defaultdict(lambda: ([], []))
    for _pk, agent, when, reported, chance, answers in rows:
        parts[agent][when >= turn].append(Part(1 / (chance or 1), 100.0, float(reported), answers))
    return parts


def _success(user: User, ids: Collection[int], today: date) -> dict[int, tuple[int, int]]:
    """{agent: (customers won, reached)} from the rollups."""
    rate = registry.indicator("success_rate")
    if not ids or rate is None:
        return {}
    question = figures.ask(since=today - timedelta(days=DAYS), until=today, by=("agent",), filters={"agent": ids}, user=user)  # fmt: skip
    rows = figures.rows_of(question, sorted(rate.measures))
    return {int(row.key[0] or 0): parts for row in rows if (parts := rate.parts(row.counts)) is not None}


def _behind(scores: Mapping[int, Point], common: Point, won: Mapping[int, tuple[int, int]]) -> set[int]:
    """Whose whole interval lies under what all of these agents together come to, in the score or in the success rate. `common`: the score of
    all their calls, each by its weight as in the scores of the agents."""
    known = {pk: point for pk, point in scores.items() if point.share is not None and not point.is_small}
    sold, reached = (sum(parts[n] for parts in won.values()) for n in (0, 1))
    rate = sold / reached if reached else 0
    low_scores = {pk for pk, point in known.items() if point.high < (common.share or 0)}
    return low_scores | {pk for pk, (k, n) in won.items() if n >= LEAST_REACHED and wilson(k, n)[1] < rate}


def _failed(user: User, ids: Collection[int], at: datetime) -> set[int]:
    """Who failed a call by one grave answer of late, unless an appeal decided for one that does not fail it."""
    seen = Evaluation.objects.visible_to(user).submitted().filter(
        agent_id__in=ids, call_started_at__gte=at - timedelta(days=FAILED_DAYS)
    )  # fmt: skip
    decided = When(appeal__decision=Appeal.Decision.OVERTURNED, then=F("appeal__right_answer"))
    told = EvaluationAnswer.objects.annotate(told=Case(decided, default=F("answer"), output_field=CharField()))
    return set(told.filter(is_fatal("told"), evaluation__in=seen).values_list("evaluation__agent_id", flat=True))


def _agent_since(ids: Collection[int]) -> dict[int, date]:
    rows = Membership.objects.filter(user__in=ids, role=Membership.Role.AGENT).values_list("user")
    return dict(rows.annotate(since=Min("valid_from")))


def _met(user: User, ids: Iterable[int], at: datetime) -> dict[int, tuple[datetime | None, datetime | None]]:
    """{agent: (last session that both signed, next one planned)}."""
    signed = Q(coach_signed_at__isnull=False, agent_signed_at__isnull=False)
    ahead = Q(cancelled_at=None, planned_at__gte=at) & ~signed
    rows = CoachingSession.objects.visible_to(user).filter(agent__in=ids).order_by().values_list("agent")
    found = rows.annotate(last=Max("planned_at", filter=signed), following=Min("planned_at", filter=ahead))
    return {pk: (last, following) for pk, last, following in found}
