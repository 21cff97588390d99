"""The table of groups: each row and the total counted at its own level, every figure a link to the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.core.paginator import Page, Paginator

from metrics import naming, queries, registry
from metrics.builds import Builds
from metrics.indicator_page import words
from metrics.indicator_page.links import Ways
from metrics.indicator_page.state import State
from metrics.queries import Key, Row
from metrics.questions import Question
from people.models import User

PAGE = 50
MANY = 300
CHEAP = "calls"


@dataclass
class Head:
    name: str
    label: str
    title: str
    end: bool
    col: str


@dataclass
class Cell:
    """One figure: its link and what it opens, whether it is too small to mean much, its interval when it is the figure looked at, and its
    place beside the whole ("above", "below") with the verdict of it ("good", "bad", "")."""

    text: str
    link: str = ""
    opens: str = ""
    small: bool = False
    end: bool = False
    value: float | None = None
    low: float | None = None
    high: float | None = None
    between: str = ""
    place: str = ""
    verdict: str = ""
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


def build_table(
    user: User,
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
    names, cells = _names(state, rows), Cells(user, state)
    lines = [_line(row, state, names, now, drill, i, cells) for i, row in enumerate(rows)]
    judged = registry.indicator(state.figure)
    return Table(
        by=state.by,
        heads=_heads(state),
        lines=lines,
        total=cells.of(now, {}, None),
        mean=now.value(judged) if judged else None,
        page=page,
        sort=sort,
    )


def _sort(state: State) -> str:
    name = state.sort.removeprefix("-")
    known = {"name", CHEAP, *(column.key for column in state.columns.columns)}
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


def _heads(state: State) -> list[Head]:
    measures = registry.measures()
    blocks = state.columns.blocks
    heads = []
    for block in blocks:
        for column in block:
            indicator = registry.indicator(column.key)
            title = f"{indicator.label}: {indicator.formula}" if indicator else str(measures[column.key].label)
            ends = column is block[-1] and block is not blocks[-1]
            heads.append(Head(column.key, str(column.head), title, ends, "value" if column.key == state.figure else ""))
    return heads


def _line(
    row: Row, state: State, names: Mapping[int, str], now: Row, drill: Mapping[str, str], number: int, cells: Cells
) -> Line:
    if state.by == "period":
        name = words.period_words(row.period, state.grain)
        link = state.url(
            period="custom",
            **{"from": row.period.first.isoformat(), "to": row.period.last.isoformat()},
            grain=None,
            by="city",
            sort=None,
        )
        return Line(name, link, cells.of(row, {}, now), charted=False)
    key = int(row.key[0] or 0)
    link = state.url(**{state.by: key, "by": drill[state.by], "sort": None})
    return Line(names.get(key, f"#{key}"), link, cells.of(row, {state.by: key}, now), charted=number < 24)


class Cells:
    """The figures of a row as the reader may open them."""

    def __init__(self, user: User, state: State) -> None:
        self.state, self.ways, self.measures = state, Ways(user), registry.measures()

    def of(self, row: Row, groups: Mapping[str, int], whole: Row | None) -> list[Cell]:
        """`whole`: the row with which the figure looked at is compared."""
        blocks = self.state.columns.blocks
        found = []
        for block in blocks:
            for column in block:
                cell = self._cell(row, column.key, groups, whole)
                cell.end = column is block[-1] and block is not blocks[-1]
                found.append(cell)
        return found

    def _cell(self, row: Row, key: str, groups: Mapping[str, int], whole: Row | None) -> Cell:
        indicator = registry.indicator(key)
        measure = indicator.opens if indicator else key
        count = row.counts.get(measure)
        cell = _rate(row, indicator, self.state.figure, whole) if indicator else Cell(words.thousands(count))
        chosen = {**self.state.filters, **groups}
        cell.link = self.ways.to(measure, since=row.period.first, until=row.period.last, groups=chosen) if count else ""
        if cell.link and indicator:
            cell.opens = f"{self.measures[measure].label}: {words.thousands(count)}"
        return cell


def _rate(row: Row, indicator: registry.Indicator, figure: str, whole: Row | None) -> Cell:
    value = row.value(indicator)
    cell = Cell(text=words.bare(indicator, value), small=value is not None and indicator.is_small(row.counts))
    if indicator.key != figure:
        return cell
    band = indicator.interval(row.counts)
    cell.strong = True
    if value is not None and band is not None:
        cell.value, (cell.low, cell.high) = value, band
        cell.between = words.between(indicator, band)
        mean = whole.value(indicator) if whole is not None else None
        if mean is not None and not cell.small:
            cell.place = "above" if band[0] > mean else "below" if band[1] < mean else ""
            cell.verdict = words.verdict(indicator, bool(cell.place), cell.place == "above")
    return cell
