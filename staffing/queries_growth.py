"""Stages and skills of a team or an agent, by month: from submitted evaluations of calls chosen at random."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, F, FloatField, Max, Min, Q, QuerySet, Sum
from django.utils import timezone

from core.calendar import month_start, next_month, range_bounds
from people.models import Team, User
from qa.earning import earned
from qa.models import Evaluation, EvaluationAnswer, FormItem, FormVersion, QualityForm
from qa.models.forms import in_language
from staffing.growth import NOTHING, Part, Point, moved, point_of

AGENTS = 200


@dataclass(frozen=True)
class Row:
    """A stage or a skill at each date. `is_changed`: its items are not the same at all dates."""

    name: str
    points: list[Point]
    is_changed: bool

    @property
    def moved(self) -> str:
        return moved(self.points[0], self.points[-1])


@dataclass(frozen=True)
class Column:
    """A date: its month, how many calls were scored, and on which versions of the form."""

    first: date
    calls: int
    versions: list[int]

    @property
    def last(self) -> date:
        return next_month(self.first) - timedelta(days=1)


@dataclass(frozen=True)
class Growth:
    columns: list[Column]
    stages: list[Row]
    skills: list[Row]

    @property
    def is_empty(self) -> bool:
        return not any(column.calls for column in self.columns)

    @property
    def has_new_version(self) -> bool:
        return len({tuple(column.versions) for column in self.columns if column.versions}) > 1


def scored(user: User, months: Sequence[date], **who: int) -> QuerySet[Evaluation]:
    """What growth is counted from: `who` is agent_id or team_id, as they were at the call."""
    within = Q(pk=None)
    for month in months:
        start, end = bounds(month)
        within |= Q(call_started_at__gte=start, call_started_at__lt=end)
    seen = Evaluation.objects.visible_to(user).submitted().filter(pick__in=Evaluation.PUBLISHED_PICKS)
    return seen.filter(within, **who)


def span_scored(user: User, since: date, **who: int) -> list[date]:
    """The first and the last month with scored calls since then; one month when there is but one, none without any."""
    seen = Evaluation.objects.visible_to(user).submitted().filter(pick__in=Evaluation.PUBLISHED_PICKS, **who)
    found = seen.filter(call_started_at__gte=bounds(since)[0]).aggregate(
        first=Min("call_started_at"), last=Max("call_started_at")
    )
    return sorted({month_start(timezone.localdate(at)) for at in found.values() if at is not None})


def bounds(month: date) -> tuple[datetime, datetime]:
    return range_bounds(month, next_month(month) - timedelta(days=1))


def form_of(rows: QuerySet[Evaluation]) -> int | None:
    """The form on which most of these calls were scored."""
    counted = rows.order_by().values_list("version__form").annotate(n=Count("pk")).order_by("-n", "version__form")
    return next((form for form, _n in counted[:1]), None)


def growth(rows: QuerySet[Evaluation], form: int, months: Sequence[date]) -> Growth:
    """The dates ascending, side by side. Three queries, however many calls."""
    rows = rows.filter(version__form=form)
    found = [_Counted() for _month in months]
    numbers = {month: number for number, month in enumerate(months)}
    _count(rows, numbers, found)
    versions = {pk for one in found for pk in one.versions}
    items = _items(versions)
    known = dict(FormVersion.objects.filter(pk__in=versions).values_list("pk", "number"))
    columns = [
        Column(month, len(one.calls), sorted(known[pk] for pk in one.versions))
        for month, one in zip(months, found, strict=True)
    ]
    return Growth(columns, _stages(found, items), _skills(found, items))


class _Counted:
    """One date: parts by stage and by skill, and what they were scored on."""

    def __init__(self) -> None:
        self.stages: dict[str, dict[int, list[Part]]] = defaultdict(lambda: defaultdict(list))
        self.skills: dict[str, dict[int, list[Part]]] = defaultdict(lambda: defaultdict(list))
        self.calls: set[int] = set()
        self.versions: set[int] = set()


def _count(rows: QuerySet[Evaluation], numbers: dict[date, int], found: list[_Counted]) -> None:
    of_call = {
        "of": F("evaluation"), "at": F("evaluation__call_started_at"), "p": F("evaluation__probability"),
        "version": F("evaluation__version"), "stage": F("item__stage__name"), "skill": F("item__competency"),
    }  # fmt: skip
    answers = EvaluationAnswer.objects.filter(evaluation__in=rows).order_by().values(**of_call)
    applied = ~Q(answer="na")
    sums = answers.annotate(
        possible=Sum("item__weight", filter=applied),
        earned=Sum(F("item__weight") * earned(), output_field=FloatField()),
        n=Count("pk", filter=applied),
    )
    for row in sums:
        month = timezone.localdate(row["at"]).replace(day=1)
        one = found[numbers[month]]
        one.calls.add(row["of"])
        one.versions.add(row["version"])
        part = Part(1 / (row["p"] or 1), float(row["possible"] or 0), float(row["earned"] or 0), row["n"])
        one.stages[row["stage"]][row["of"]].append(part)
        if row["skill"]:
            one.skills[row["skill"]][row["of"]].append(part)


def _point(parts: dict[int, list[Part]] | None) -> Point:
    """The parts of one call added first: a call is one observation."""
    if not parts:
        return NOTHING
    return point_of(
        Part(of[0].weight, sum(p.possible for p in of), sum(p.earned for p in of), sum(p.answers for p in of))
        for of in parts.values()
    )


@dataclass(frozen=True)
class _Item:
    version: int
    stage: str
    stage_zh: str
    place: int
    skill: str
    asks: tuple[str, str, str, int | None]


def _items(versions: set[int]) -> list[_Item]:
    rows = (
        FormItem.objects.filter(stage__version__in=versions)
        .select_related("stage")
        .order_by("stage__version", "stage__position", "position")
    )
    return [
        _Item(
            row.stage.version_id,
            row.stage.name,
            row.stage.name_zh,
            row.stage.position,
            row.competency,
            (row.text, str(row.weight), row.good, row.most_points),
        )
        for row in rows
    ]


def _stages(found: list[_Counted], items: list[_Item]) -> list[Row]:
    """In the order of the newest version; a stage of another name is another stage."""
    order = {item.stage: (item.place, item.stage_zh) for item in items}
    names = sorted({name for one in found for name in one.stages}, key=lambda name: order[name][0])
    return [
        Row(
            in_language(name, order[name][1]),
            [_point(one.stages.get(name)) for one in found],
            _is_changed(found, [item for item in items if item.stage == name]),
        )
        for name in names
    ]


def _skills(found: list[_Counted], items: list[_Item]) -> list[Row]:
    return [
        Row(
            str(label),
            [_point(one.skills.get(skill)) for one in found],
            _is_changed(found, [item for item in items if item.skill == skill]),
        )
        for skill, label in FormItem.Competency.choices
        if skill and any(skill in one.skills for one in found)
    ]


def _is_changed(found: list[_Counted], items: list[_Item]) -> bool:
    """Whether the dates were scored on other items, or with other weights."""
    asked = {
        frozenset((i.version in one.versions) and i.asks for i in items) - {False} for one in found if one.versions
    }
    return len(asked) > 1


# -- of whom -----------------------------------------------------------------------------------------------------------


def agents_scored(user: User, months: Sequence[date], team: int) -> list[User]:
    """Who has scored calls of the team in these months, by name."""
    ids = (
        scored(user, months, team_id=team)
        .order_by()
        .values("agent_id")
        .annotate(n=Max("pk"))
        .values_list("agent_id", flat=True)
    )
    return sorted(User.objects.filter(pk__in=list(ids[:AGENTS])), key=str)


def teams_shown(user: User) -> list[Team]:
    return sorted(Team.objects.visible_to(user).filter(is_active=True), key=str)


def agent_shown(user: User, pk: int) -> User | None:
    """The agent, when it is oneself or the user may read an evaluation of theirs, or may see them now."""
    if pk == user.pk:
        return user
    may = Evaluation.objects.visible_to(user).filter(agent_id=pk).exists()
    people = User.objects.all() if may else User.objects.visible_to(user)
    return people.filter(pk=pk).first()


def forms_shown() -> list[QualityForm]:
    return list(QualityForm.objects.order_by("code"))
