"""The indicators page, put together from the answers to five questions, however much is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _, ngettext

from campaigns.models import Campaign
from core.means import trend_of_means
from core.stats import Trend, trend
from metrics import naming, queries, registry
from metrics.builds import Builds
from metrics.indicator_page import words
from metrics.indicator_page.frame import Frame, build_frame
from metrics.indicator_page.links import Ways
from metrics.indicator_page.state import State
from metrics.indicator_page.table import Table, build_table
from metrics.indicator_page.warnings import open_alerts
from metrics.queries import Row
from metrics.questions import Period, Question, ask, before, periods, year_before
from people.models import City, Team, User

EXPECTED = "success_rate"  # campaigns say what they expect of it
ALWAYS = {"calls", "inbound_customers"}  # without any of these there is nothing to show
DRILL = {"city": "team", "team": "agent", "agent": "period", "campaign": "city", "period": "city"}


@dataclass
class Card:
    """One figure of the strip, ready for `_parts/stat.html`."""

    label: str
    definition: str
    value: str
    unit: str
    link: str
    change: words.Change | None
    series: list[float | None]
    before: list[float | None]
    expected: float | None
    amount: float | None
    sub: str
    between: str
    young: bool


@dataclass
class Point:
    name: str
    value: float | None
    low: float | None
    high: float | None
    before: float | None
    denominator: int | None


@dataclass
class Board:
    """Everything the page shows."""

    state: State
    user: User
    place: str
    crumbs: list[tuple[str, str]]
    title: str
    cards: list[Card]
    points: list[Point]
    trend_sentence: str
    table: Table
    computed_at: datetime | None
    waiting: bool
    target: float | None
    empty: bool
    choices: dict[str, Any] = field(default_factory=dict)
    frame: Frame | None = None
    alerts: list[str] = field(default_factory=list)


class NotYours(Exception):
    """The address names a place or campaign of which the user may see nothing."""


def build_board(user: User, state: State, today: date) -> Board:
    """Ask and arrange. The queries are as many for one city as for twenty. Raises NotYours."""
    filters = {name: (number,) for name, number in state.filters.items()}
    whole = ask(since=state.since, until=state.until, filters=filters, user=user)
    state = state.told_to(whole.reach)
    other = year_before(state.since, state.until) if state.against == "year" else before(state.since, state.until)
    measures = sorted(state.columns.measures | ALWAYS)
    compared = replace(whole, periods=(Period("total", *other),))
    builds = Builds(whole, compared)
    now, was = queries.total_of(whole, measures, builds=builds), queries.total_of(compared, measures, builds=builds)
    gaps = _gaps(whole, compared, today, builds)
    cut = replace(whole, periods=tuple(periods(state.since, state.until, state.grain)))
    cut_before = replace(whole, periods=tuple(periods(*other, state.grain)))
    course, course_before = _by_period(cut, measures, builds), _by_period(cut_before, measures, builds)
    target = _target(state)
    place = _place(user)
    empty = not now.counts["calls"] and not now.counts["inbound_customers"]
    if empty and not _may_name(user, state):
        raise NotYours
    points = _points(cut, course, course_before, state, today)
    return Board(
        state=state,
        user=user,
        place=place,
        crumbs=_crumbs(state),
        title=_title(state),
        cards=[] if empty else _cards(user, state, now, was, course, course_before, target, today, gaps),
        points=points,
        trend_sentence=_trend_sentence(cut, course, state, today),
        table=build_table(user, whole, state, now, measures, DRILL, course, builds),
        computed_at=builds.of(whole).newest,
        waiting=builds.of(whole).late > 0,
        target=target if state.figure == EXPECTED else None,
        empty=empty,
        choices=_choices(user, state),
        alerts=open_alerts(user),
        frame=build_frame(state, queries.newest_day(whole) if empty else None, today),
    )


def _by_period(question: Question, measures: Sequence[str], builds: Builds) -> list[Row | None]:
    found = {row.period: row for row in queries.rows_of(question, measures, builds=builds)}
    return [found.get(period) for period in question.periods]


def _values(rows: Sequence[Row | None], indicator: registry.Indicator) -> list[float | None]:
    return [None if row is None else row.value(indicator) for row in rows]


def _cards(
    user: User,
    state: State,
    now: Row,
    was: Row,
    course: Sequence[Row | None],
    course_before: Sequence[Row | None],
    target: float | None,
    today: date,
    gaps: int,
) -> list[Card]:
    ways = Ways(user)
    found = []
    for key in state.columns.cards:
        indicator = registry.indicator(key)
        if indicator is None:
            continue
        value, before_value = now.value(indicator), was.value(indicator)
        expected = target if key == EXPECTED else None
        band = indicator.interval(now.counts)
        link = ways.to(indicator.opens, since=state.since, until=state.until, groups=state.filters)
        found.append(
            Card(
                label=str(indicator.label),
                definition=reverse("metrics:definitions") + f"#{key}",
                value=words.bare(indicator, value),
                unit="%" if indicator.unit == registry.PERCENT and value is not None else "",
                link=link if value is not None else "",
                change=None if gaps else words.change(indicator, now.counts, was.counts),
                series=[] if expected else _values(course, indicator),
                before=[] if expected else _values(course_before, indicator),
                expected=expected,
                amount=value if expected else None,
                sub=_sub(indicator, now, before_value, expected, gaps),
                between=_between(indicator, now, band),
                young=indicator.is_young(state.until, today),
            )
        )
    return found


def _between(indicator: registry.Indicator, now: Row, band: tuple[float, float] | None) -> str:
    """The interval of a figure, or that it rests on too little."""
    if now.value(indicator) is None or not indicator.has_interval:
        return ""
    if indicator.is_small(now.counts):
        return _("too few to mean much")
    return words.between(indicator, band) if band else ""


def _gaps(whole: Question, compared: Question, today: date, builds: Builds) -> int:
    """Working days without any data in the period compared with, when it lacks more of them than the period shown."""
    missing = queries.days_without_data(compared, today, builds)
    return missing if missing > queries.days_without_data(whole, today, builds) else 0


def _sub(indicator: registry.Indicator, now: Row, before_value: float | None, expected: float | None, gaps: int) -> str:
    value = now.value(indicator)
    if value is None and "signed_in_seconds" in indicator.measures:
        return _("no signed-in time known")
    was = _("was %(value)s") % {"value": words.written(indicator, before_value)} if before_value is not None else ""
    if was and gaps:
        numbers = {"value": words.written(indicator, before_value), "days": gaps}
        was = (
            ngettext("was %(value)s, %(days)s day without data", "was %(value)s, %(days)s days without data", gaps)
            % numbers
        )
    if expected is None:
        return was
    aim = _("expected %(value)s") % {"value": words.written(indicator, expected)}
    return f"{aim}; {was}" if was else aim


def _points(
    cut: Question, course: Sequence[Row | None], course_before: Sequence[Row | None], state: State, today: date
) -> list[Point]:
    indicator = registry.indicator(state.figure)
    assert indicator is not None
    found = []
    for i, (period, row) in enumerate(zip(cut.periods, course, strict=True)):
        if row is None and period.first > today:
            continue
        old = course_before[i] if i < len(course_before) else None
        band = indicator.interval(row.counts) if row else None
        found.append(
            Point(
                name=words.period_words(period, state.grain),
                value=row.value(indicator) if row else None,
                low=band[0] if band else None,
                high=band[1] if band else None,
                before=old.value(indicator) if old else None,
                denominator=indicator.size(row.counts) if row else None,
            )
        )
    return found


def _trend(indicator: registry.Indicator, rows: Sequence[Row | None]) -> Trend | None:
    """In the figure's unit."""
    if not indicator.is_share:
        return trend_of_means([indicator.mean(row.counts) if row else None for row in rows])
    found = trend([indicator.parts(row.counts) or (0, 0) if row else (0, 0) for row in rows])
    return found and Trend(found.slope * 100, found.low * 100, found.high * 100, found.next * 100, found.periods)


def _trend_sentence(cut: Question, course: Sequence[Row | None], state: State, today: date) -> str:
    """Whether the figure moves by more than chance over its last 8 whole periods, and what the next should bring."""
    indicator = registry.indicator(state.figure)
    assert indicator is not None
    found = _trend(indicator, [row for period, row in zip(cut.periods, course, strict=True) if period.last < today])
    if found is None:
        return _("Too few whole periods to speak of a trend.")
    numbers = {
        "periods": found.periods,
        "slope": words.signed(found.slope, 2),
        "low": words.signed(found.low, 2),
        "high": words.signed(found.high, 2),
        "next": words.written(indicator, found.next),
    }
    if found.is_clear:
        return (
            _(
                "Over the last %(periods)s whole periods the figure moved by %(slope)s points each (%(low)s to %(high)s): more than chance. The next would be %(next)s."
            )
            % numbers
        )
    return (
        _(
            "Over the last %(periods)s whole periods the change of %(slope)s points each (%(low)s to %(high)s) cannot be told from chance."
        )
        % numbers
    )


def _may_name(user: User, state: State) -> bool:
    """Whether all that the address names may be seen by the user; asked only when there are no figures of it."""
    models = {"city": City, "team": Team, "agent": User, "campaign": Campaign}
    return all(models[name].objects.visible_to(user).filter(pk=pk).exists() for name, pk in state.filters.items())


def _target(state: State) -> float | None:
    """The expected success rate of the one campaign chosen."""
    if "campaign" not in state.filters:
        return None
    found = (
        Campaign.objects.filter(pk=state.filters["campaign"]).values_list("target_success_percent", flat=True).first()
    )
    return float(found) if found is not None else None


def _place(user: User) -> str:
    scope = user.scope()
    if scope.is_region or user.is_superuser:
        return _("Region")
    if len(scope.city_ids) == 1:
        return next(iter(naming.page_names("city", scope.city_ids).values()), "")
    return _("All you see")


def _crumbs(state: State) -> list[tuple[str, str]]:
    """The drill path: each filter of a place is a step back."""
    chosen = [name for name in ("city", "team", "agent") if name in state.filters]
    if not chosen:
        return []
    found = [(_("Indicators"), state.url(city=None, team=None, agent=None, by="city"))]
    for i, name in enumerate(chosen[:-1]):
        later = dict.fromkeys(chosen[i + 1 :])
        found.append((_name(name, state), state.url(**{**later, "by": DRILL[name]})))
    return found


def _title(state: State) -> str:
    chosen = [name for name in ("city", "team", "agent") if name in state.filters]
    return _name(chosen[-1], state) if chosen else _("Indicators")


def _name(group: str, state: State) -> str:
    number = state.filters[group]
    return naming.page_names(group, [number]).get(number, f"#{number}")


def _choices(user: User, state: State) -> dict[str, Any]:
    cities = City.objects.visible_to(user)
    return {
        "campaigns": [(one.pk, str(one)) for one in Campaign.objects.visible_to(user).order_by("-pk")[:200]],
        "cities": sorted(((one.pk, one.label) for one in cities), key=lambda pair: pair[1]),
    }
