"""The table of groups: each row and the total counted at its own level, every count a link to its calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.core.paginator import Page, Paginator
from django.utils.translation import gettext as _

from metrics import naming, queries, registry
from metrics.builds import Builds
from metrics.indicator_page import words
from metrics.indicator_page.links import calls_behind, calls_url
from metrics.indicator_page.state import State
from metrics.queries import Key, Row
from metrics.questions import Question

PAGE = 50
MANY = 300
COUNTS = ("customers_called", "customers_reached", "customers_won", "customers_cancelled")
RATES = ("contact_rate", "success_rate", "cancellation_rate", "final_success_rate")
TIMES = ("mean_talk_seconds", "mean_after_call_seconds", "orders_per_agent_hour")
JUDGED = "success_rate"
CHEAP = "calls"


@dataclass
class Head:
    name: str
    label: str
    title: str
    end: bool


@dataclass
class Cell:
    """One figure: its link, whether it is too small to mean much, and its place beside the whole ("above", "below")."""

    text: str
    link: str = ""
    small: bool = False
    end: bool = False
    value: float | None = None
    low: float | None = None
    high: float | None = None
    place: str = ""
    strong: bool = False

    @property
    def classes(self) -> str:
        marks = (("group-end", self.end), ("strong", self.strong), ("meta", self.small))
        return " ".join(["num", *(name for name, is_so in marks if is_so)])


@dataclass
class Line:
    name: str
    link: str
    cells: list[Cell]
    charted: bool = True


@dataclass
class Table:
    by: str
    heads: list[Head]
    lines: list[Line]
    total: list[Cell]
    mean: float | None
    page: Page
    sort: str
    notes: list[str]


def build_table(
    whole: Question,
    state: State,
    now: Row,
    measures: Sequence[str],
    drill: Mapping[str, str],
    course: Sequence[Row | None],
    builds: Builds,
) -> Table:
    """The rows of one page, sorted over all pages."""
    sort = _sort(state)
    rows, page = _rows(whole, state, measures, sort, course, builds)
    names = _names(state, rows)
    lines = [_line(row, state, names, now, drill, i) for i, row in enumerate(rows)]
    judged = registry.indicator(JUDGED)
    return Table(
        by=state.by,
        heads=_heads(),
        lines=lines,
        total=_cells(now, state, {}, None),
        mean=now.value(judged) if judged else None,
        page=page,
        sort=sort,
        notes=[],
    )


def _sort(state: State) -> str:
    name = state.sort.removeprefix("-")
    known = {"name", CHEAP, *COUNTS, *(found.key for found in registry.indicators())}
    if name in known:
        return state.sort
    return "name" if state.by == "period" else f"-{CHEAP}"


def _rows(
    whole: Question, state: State, measures: Sequence[str], sort: str, course: Sequence[Row | None], builds: Builds
) -> tuple[list[Row], Page]:
    if state.by == "period":
        rows = [row for row in course if row is not None]
        ordered = rows if sort == "name" else _sorted(rows, sort, {})
        page = Paginator(ordered, PAGE).get_page(state.page)
        return list(page.object_list), page
    question = replace(whole, by=(state.by,))
    if sort in (CHEAP, f"-{CHEAP}"):
        keys = queries.largest_groups(question, CHEAP, builds=builds)
        page = Paginator(keys if sort.startswith("-") else keys[::-1], PAGE).get_page(state.page)
        return _rows_of(question, list(page.object_list), measures, builds), page
    rows = queries.rows_of(question, measures, builds=builds)
    names = naming.page_names(state.by) if sort.removeprefix("-") == "name" else {}
    page = Paginator(_sorted(rows, sort, names), PAGE).get_page(state.page)
    return list(page.object_list), page


def _rows_of(question: Question, keys: list[Key], measures: Sequence[str], builds: Builds) -> list[Row]:
    """The rows of these groups, in this order."""
    if not keys:
        return []
    group = question.by[0]
    wanted = tuple(int(key[0] or 0) for key in keys)
    allowed = question.filters.get(group)
    narrowed = wanted if allowed is None else tuple(i for i in wanted if i in allowed)
    rows = queries.rows_of(replace(question, filters={**question.filters, group: narrowed}), measures, builds=builds)
    place = {key: i for i, key in enumerate(keys)}
    return sorted(rows, key=lambda row: place.get(row.key, len(place)))


def _sorted(rows: list[Row], sort: str, names: Mapping[int, str]) -> list[Row]:
    name = sort.removeprefix("-")
    down = sort.startswith("-")
    if name == "name":
        return sorted(
            rows, key=lambda row: names.get(int(row.key[0] or 0), "") if row.key else row.period.label, reverse=down
        )
    indicator = registry.indicator(name)
    known = [(row, row.value(indicator) if indicator else row.counts.get(name)) for row in rows]
    with_value = sorted((pair for pair in known if pair[1] is not None), key=lambda pair: pair[1] or 0, reverse=down)
    return [row for row, _value in (*with_value, *(pair for pair in known if pair[1] is None))]


def _names(state: State, rows: Sequence[Row]) -> Mapping[int, str]:
    if state.by == "period":
        return {}
    return naming.page_names(state.by, [int(row.key[0] or 0) for row in rows])


def _heads() -> list[Head]:
    short = {
        "customers_called": _("Called"),
        "customers_reached": _("Reached"),
        "customers_won": _("Won"),
        "customers_cancelled": _("Cancelled"),
        "contact_rate": _("Contact %"),
        "success_rate": _("Success %"),
        "cancellation_rate": _("Cancelled %"),
        "final_success_rate": _("Final %"),
        "mean_talk_seconds": _("Mean talk"),
        "mean_after_call_seconds": _("After call"),
        "orders_per_agent_hour": _("Orders/hour"),
    }
    measures = registry.measures()
    heads = []
    for names in (COUNTS, RATES, TIMES):
        for name in names:
            indicator = registry.indicator(name)
            title = f"{indicator.label}: {indicator.formula}" if indicator else str(measures[name].label)
            heads.append(Head(name, short[name], title, end=name == names[-1] and names is not TIMES))
    return heads


def _line(row: Row, state: State, names: Mapping[int, str], now: Row, drill: Mapping[str, str], number: int) -> Line:
    if state.by == "period":
        name = words.period_words(row.period, state.grain)
        link = state.url(
            period="custom",
            **{"from": row.period.first.isoformat(), "to": row.period.last.isoformat()},
            grain=None,
            by="city",
            sort=None,
        )
        return Line(name, link, _cells(row, state, {}, now), charted=False)
    key = int(row.key[0] or 0)
    link = state.url(**{state.by: key, "by": drill[state.by], "sort": None})
    return Line(names.get(key, f"#{key}"), link, _cells(row, state, {state.by: key}, now), charted=number < 24)


def _cells(row: Row, state: State, groups: Mapping[str, int], whole: Row | None) -> list[Cell]:
    base = calls_url()
    chosen = {**state.filters, **groups}
    cells = [
        Cell(
            text=words.thousands(row.counts[name]),
            link=calls_behind(name, since=row.period.first, until=row.period.last, groups=chosen, base=base),
            end=name == COUNTS[-1],
        )
        for name in COUNTS
    ]
    for key in (*RATES, *TIMES):
        indicator = registry.indicator(key)
        if indicator is not None:
            cells.append(_rate(row, indicator, whole, end=key == RATES[-1]))
    return cells


def _rate(row: Row, indicator: registry.Indicator, whole: Row | None, end: bool) -> Cell:
    value = row.value(indicator)
    cell = Cell(text=words.bare(indicator, value), small=value is not None and indicator.is_small(row.counts), end=end)
    if indicator.key != JUDGED or whole is None:
        return cell
    band, mean = words.interval(indicator, row.counts), whole.value(indicator)
    cell.strong = True
    if value is not None and band is not None and mean is not None:
        cell.value, (cell.low, cell.high) = value, band
        cell.place = "" if cell.small else "above" if band[0] > mean else "below" if band[1] < mean else ""
    return cell
