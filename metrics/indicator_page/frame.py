"""Titles, choices and addresses around the figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from metrics import naming, registry
from metrics.column_sets import column_sets
from metrics.indicator_page.state import PERIODS, State
from metrics.indicator_page.words import range_words
from metrics.indicators import MATURE_DAYS
from metrics.peak import INDICATOR as PEAK_OF
from metrics.registry import Indicator


@dataclass
class Frame:
    """What the template writes beside the figures."""

    range_words: str
    grains: list[tuple[str, str, str]]
    sets: list[tuple[str, str, str]]
    figures: list[tuple[str, str]]
    figure: Indicator
    sized_by: str
    dots_meta: str
    groupings: list[tuple[str, str]]
    period_choices: list[tuple[str, str]]
    group_label: str
    trend_title: str
    dots_title: str
    table_title: str
    xlsx_url: str
    csv_url: str
    whole_url: str
    peak_url: str
    empty_title: str
    empty_text: str
    newest: date | None
    newest_url: str
    newest_action: str
    cancellations_young: bool
    mature_days: int = MATURE_DAYS


def build_frame(state: State, newest: date | None, today: date) -> Frame:
    grains = {"day": _("Day"), "week": _("Week"), "month": _("Month")}
    by_period = {"day": _("%(figure)s by day"), "week": _("%(figure)s by week"), "month": _("%(figure)s by month")}
    tables = {
        "city": _("By city"),
        "team": _("By team"),
        "agent": _("By agent"),
        "campaign": _("By campaign"),
        "period": _("By period"),
    }
    query = state.url(columns=state.columns.key)
    figure = registry.indicator(state.figure)
    assert figure is not None
    words = range_words(state.since, state.until)
    return Frame(
        range_words=words,
        grains=[(key, label, state.url(grain=key)) for key, label in grains.items()],
        sets=[
            (found.key, str(found.label), state.url(columns=found.key, figure=None, sort=None))
            for found in column_sets()
        ],
        figures=[(found.key, str(found.label)) for found in state.columns.figures],
        figure=figure,
        sized_by=str(registry.measures()[figure.sized_by].label),
        dots_meta=_("%(figure)s, 95 %% interval") % {"figure": figure.label},
        groupings=[(key, naming.group_label(key)) for key in tables],
        period_choices=_periods(state),
        group_label=naming.group_label(state.by),
        trend_title=by_period[state.grain] % {"figure": figure.label},
        dots_title=_dots(state.by),
        table_title=tables[state.by],
        xlsx_url=reverse("metrics:indicators-xlsx") + query,
        csv_url=reverse("metrics:indicators-csv") + query,
        whole_url=reverse("metrics:indicators-xlsx") + state.url(columns=None),
        peak_url=reverse("metrics:indicators-peak") + query if state.figure == PEAK_OF else "",
        empty_title=_("Nothing was counted in this period."),
        empty_text=_("No call from %(range)s lies within these filters.") % {"range": words},
        newest=newest,
        newest_url=_newest_url(state, newest),
        newest_action=_("Show the newest figures"),
        cancellations_young="cancellation_rate" in (found.key for found in state.columns.indicators)
        and today < state.until + timedelta(days=MATURE_DAYS),
    )


def _dots(by: str) -> str:
    whole = {
        "city": _("Cities against the whole"),
        "team": _("Teams against the whole"),
        "agent": _("Agents against the whole"),
        "campaign": _("Campaigns against the whole"),
        "period": _("Best agent"),
    }
    return whole[by]


def _periods(state: State) -> list[tuple[str, str]]:
    labels = {
        "days7": _("Last 7 days"),
        "days30": _("Last 30 days"),
        "weeks4": _("Last 4 weeks"),
        "weeks8": _("Last 8 weeks"),
        "month": _("This month"),
        "last_month": _("Last month"),
        "quarter": _("Last 3 months"),
        "year": _("Last 12 months"),
        "campaign": _("Campaign to date"),
        "custom": _("From … to …"),
    }
    return [(key, labels[key]) for key in PERIODS if key != "campaign" or "campaign" in state.filters]


def _newest_url(state: State, newest: date | None) -> str:
    if newest is None:
        return ""
    since = newest - timedelta(days=55)
    return state.url(period="custom", **{"from": since.isoformat(), "to": newest.isoformat()}, grain=None)
