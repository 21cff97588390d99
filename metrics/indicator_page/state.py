"""What the address of the indicators page says: range, grain, grouping, filters, order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from core.calendar import month_start, week_start
from core.numbers import number_or_none
from metrics.column_sets import ColumnSet, column_set, column_sets
from metrics.questions import GROUPS, Reach

PERIODS = ("days7", "days30", "weeks4", "weeks8", "month", "last_month", "quarter", "year", "campaign", "custom")
GRAIN_OF = {"days7": "day", "days30": "day", "weeks4": "day", "month": "day", "last_month": "day", "year": "month"}
GRAINS = ("day", "week", "month")
BY = ("city", "team", "agent", "campaign", "period")
AGAINST = ("before", "year")


@dataclass(frozen=True)
class State:
    """One view of the figures. `figure`: the indicator that the course and the comparison show. `faults`: what of the address could not
    be read, in words."""

    period: str
    since: date
    until: date
    grain: str
    by: str
    against: str
    columns: ColumnSet
    figure: str
    filters: Mapping[str, int]
    sort: str
    page: int
    query: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def told_to(self, reach: Reach) -> State:
        """The state with the columns that somebody of this reach reads."""
        columns = self.columns.told_to(reach)
        figure = self.figure if self.figure in {found.key for found in columns.figures} else columns.figure
        return replace(self, columns=columns, figure=figure)

    def url(self, **changes: Any) -> str:
        """The address with some parts changed; None takes a part out, and another view starts at the first page."""
        query = {name: value for name, value in self.query.items() if name != "page"}
        for name, value in changes.items():
            query.pop(name, None)
            if value is not None and value != "":
                query[name] = str(value)
        return "?" + urlencode(query)


def read_state(query: Mapping[str, str], today: date) -> State:
    """The state that an address asks for. What cannot be read is replaced by the usual, and said in `faults`."""
    faults: list[str] = []
    since, until = _day(query, "from", faults), _day(query, "to", faults)
    filters = {name: number for name in GROUPS if (number := _number(query.get(name, ""))) is not None}
    period = _one_of(query.get("period", ""), PERIODS, "custom" if since and until else "weeks4")
    if period == "custom" and not (since and until):
        period = "weeks4"
    if period == "custom" and since and until and until < since:
        faults.append(_("The last day lies before the first: the two were exchanged."))
        since, until = until, since
    if period != "custom" or since is None or until is None:
        since, until = preset(period, today, filters.get("campaign"))
    columns = column_set(query.get("columns", "")) or column_sets()[0]
    return State(
        period=period,
        since=since,
        until=until,
        grain=_one_of(query.get("grain", ""), GRAINS, _usual_grain(period, since, until)),
        by=_one_of(query.get("by", ""), BY, "city"),
        against=_one_of(query.get("against", ""), AGAINST, "before"),
        columns=columns,
        figure=_one_of(query.get("figure", ""), tuple(found.key for found in columns.figures), columns.figure),
        filters=filters,
        sort=query.get("sort", ""),
        page=_number(query.get("page", "")) or 1,
        query={name: value for name, value in query.items() if value},
        faults=faults,
    )


def preset(period: str, today: date, campaign: int | None) -> tuple[date, date]:
    """First and last day of a named period."""
    if period == "days7":
        return today - timedelta(days=6), today
    if period == "days30":
        return today - timedelta(days=29), today
    if period == "month":
        return month_start(today), today
    if period == "last_month":
        last = month_start(today) - timedelta(days=1)
        return month_start(last), last
    if period == "quarter":
        return _months_back(today, 2), today
    if period == "year":
        return _months_back(today, 11), today
    if period == "campaign" and campaign is not None:
        return _campaign_start(campaign, today), today
    return week_start(today) - timedelta(weeks=7 if period == "weeks8" else 3), today


def _months_back(today: date, count: int) -> date:
    first = month_start(today)
    for _month in range(count):
        first = month_start(first - timedelta(days=1))
    return first


def _campaign_start(campaign: int, today: date) -> date:
    """The first day on which the campaign has figures."""
    from metrics.columns import Level
    from metrics.models import PeriodFigures

    rows = PeriodFigures.objects.filter(kind="month", level=Level.REGION_CAMPAIGN, campaign_id=campaign)
    first = rows.order_by("start").values_list("start", flat=True).first()
    return min(first or month_start(today), month_start(today))


def _usual_grain(period: str, since: date, until: date) -> str:
    if period in GRAIN_OF:
        return GRAIN_OF[period]
    length = (until - since).days
    return "day" if length <= 31 else "week" if length <= 200 else "month"


def _day(query: Mapping[str, str], name: str, faults: list[str]) -> date | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        faults.append(_("%(text)s is not a date; write it as 2026-11-22.") % {"text": text[:20]})
        return None
    return found if date(1971, 1, 1) <= found <= date(9000, 1, 1) else None


def _number(text: str) -> int | None:
    return number_or_none(text)


def _one_of(text: str, allowed: tuple[str, ...], usual: str) -> str:
    return text if text in allowed else usual
