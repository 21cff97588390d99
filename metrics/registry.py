"""The indicators: one definition for pages, files, API, bulletins and whatever else shows a figure. The one place that divides.

An indicator is a sum of measures over a sum of measures. Measures are counted by the rollup (metrics.columns), by the logs beside
it (metrics.measures), or by an app above that registers its own in its `measures.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol

from django.utils.translation import gettext_lazy as _

from campaigns.rules import can_read_calls
from core.means import Mean
from core.stats import wilson
from metrics.columns import COUNTS, SETS

Counts = Mapping[str, int | None]
PERCENT, SECONDS, MONEY, RATIO, COUNT, PER_HOUR = "percent", "seconds", "money", "ratio", "count", "per_hour"
# from cents to currency units, from a second to an hour
SCALE = {PERCENT: 100.0, SECONDS: 1.0, MONEY: 0.01, RATIO: 1.0, PER_HOUR: 3600.0}


@dataclass(frozen=True)
class Indicator:
    """A figure with its definition. `numerator` and `denominator` are measures, each with its sign: ("won", "-cancelled").

    `hangs_on` is the date by which a fact falls into a period. Under `least` in the denominator pages grey the figure; files
    never do. `matures_days`: so long after the period the figure still moves by itself. `behind`: the measure whose rows the figure
    opens, when it is not the first of the numerator.
    """

    key: str
    label: Any
    formula: Any
    tells: Any
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    hangs_on: Any
    unit: str = PERCENT
    better: str = "up"
    least: int = 30
    matures_days: int = 0
    version: int = 1
    is_share: bool = True
    places: int = 1
    behind: str = ""

    @property
    def opens(self) -> str:
        """The measure whose rows lie behind the figure."""
        return self.behind or self.numerator[0]

    @property
    def sized_by(self) -> str:
        """The measure that counts the observations; "" for counts."""
        return self.denominator[0] if self.denominator else ""

    @property
    def has_interval(self) -> bool:
        return self.is_share

    @property
    def measures(self) -> set[str]:
        return {name.lstrip("-") for name in (*self.numerator, *self.denominator)}

    def parts(self, counts: Counts) -> tuple[int, int] | None:
        """Numerator and denominator; None when a measure is not known at this level."""
        above, below = _sum(self.numerator, counts), _sum(self.denominator, counts)
        return None if above is None or below is None else (above, below)

    def value(self, counts: Counts) -> float | None:
        """The figure in its unit (percent, seconds, currency units, a ratio, a count); None when the denominator is 0 or not known."""
        above = _sum(self.numerator, counts)
        if not self.denominator:
            return above
        below = _sum(self.denominator, counts)
        return None if above is None or not below else above * SCALE[self.unit] / below

    def is_small(self, counts: Counts) -> bool:
        """Whether the denominator is too small to show the figure as if it meant much."""
        parts = self.parts(counts)
        return parts is None or (bool(self.denominator) and parts[1] < self.least)

    def interval(self, counts: Counts) -> tuple[float, float] | None:
        """The 95 % interval in the figure's unit, of shares Wilson's; None where there is nothing to judge, as where more are counted above than
        below: what is read at once may be ahead of a rollup."""
        parts = self.parts(counts)
        if not self.is_share or parts is None or parts[1] <= 0 or not 0 <= parts[0] <= parts[1]:
            return None
        low, high = wilson(parts[0], parts[1])
        return low * SCALE[self.unit], high * SCALE[self.unit]

    def mean(self, counts: Counts) -> Mean | None:
        """The figure as a mean of weighted observations; None for shares of whole counts, which core.stats judges."""
        return None

    def size(self, counts: Counts) -> int | None:
        """How many observations the figure rests on."""
        return counts.get(self.sized_by)

    def is_young(self, until: date, today: date) -> bool:
        """Whether the period is so recent that the figure will still move by itself."""
        return bool(self.matures_days) and today < until + timedelta(days=self.matures_days)


def _sum(names: tuple[str, ...], counts: Counts) -> int | None:
    if len(names) == 1:
        return counts.get(names[0])
    total = 0
    for name in names:
        is_less = name[0] == "-"
        value = counts.get(name[1:] if is_less else name)
        if value is None:
            return None
        total += -value if is_less else value
    return total


@dataclass(frozen=True)
class Rows:
    """The list of the rows that a count was made of: its page, what its address says beside days and groups, who may open it.

    The list is as long as the count is high, for whoever sees all of the rows. `days` and `groups`: how the address names the first and last
    day, and those of the groups that it names otherwise than figures do.
    """

    page: str
    query: Mapping[str, str]
    may_open: Callable[[Any], bool]
    days: tuple[str, str] = ("from", "to")
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measure:
    """Something counted. `is_set`: distinct customers, which do not add up. `for_agent`: whether an agent who sees the own calls alone reads it;
    what customers said of them in confidence is for who answers for the agent."""

    key: str
    label: Any
    is_set: bool = False
    rows: Rows | None = None
    for_agent: bool = True


class Source(Protocol):
    """Where measures outside of the rollup come from. `makes_rows`: whether it alone gives a group a row of its own; else what
    falls into no group with calls or time is counted in the total only. `absent`: what a group has of which it says nothing, None for
    what is not known."""

    name: str
    makes_rows: bool
    absent: int | None
    measures: tuple[Measure, ...]

    def read(self, question: Any) -> Mapping[tuple[int, tuple[int | None, ...]], Mapping[str, int]]:
        """{(number of the period, group): {measure: count}} for a metrics.questions.Question."""


_indicators: dict[str, Indicator] = {}
_measures: dict[str, Measure] = {}
_sources: dict[str, Source] = {}


def register(*found: Indicator) -> None:
    """Add indicators. Every measure they name must be registered before they are first read."""
    _indicators.update({indicator.key: indicator for indicator in found})


def register_source(source: Source) -> None:
    """Add measures together with the place they are read from."""
    _sources[source.name] = source
    _measures.update({measure.key: measure for measure in source.measures})


def indicators() -> list[Indicator]:
    """All indicators in the order of pages and files."""
    return list(_indicators.values())


def indicator(key: str) -> Indicator | None:
    return _indicators.get(key)


def is_for_agent(key: str) -> bool:
    """Whether an agent alone reads this indicator or measure: only if all that it is made of."""
    found = indicator(key)
    return all(_measures[name].for_agent for name in (found.measures if found else {key}))


def measures() -> dict[str, Measure]:
    return dict(_measures)


def sources_for(names: Iterable[str]) -> list[Source]:
    """The sources, beside the rollup, that are needed for these measures."""
    wanted = set(names)
    return [source for source in _sources.values() if wanted & {measure.key for measure in source.measures}]


def _own(key: str, label: Any, **drill: str) -> None:
    rows = Rows("campaigns:calls", drill, can_read_calls) if drill else None
    _measures[key] = Measure(key, label, is_set=key in SETS, rows=rows)


OUT = {"direction": "outbound"}
_own("calls", _("Calls"), **OUT)
_own("calls_connected", _("Calls connected"), **OUT, connected="1")
_own("talk_seconds", _("Talk, seconds"), **OUT, connected="1")
_own("after_call_seconds", _("After-call work, seconds"), **OUT, connected="1")
_own("inbound_calls", _("Inbound calls"), direction="inbound")
_own("inbound_calls_connected", _("Inbound calls connected"), direction="inbound", connected="1")
_own("inbound_talk_seconds", _("Inbound talk, seconds"), direction="inbound", connected="1")
_own("inbound_after_call_seconds", _("Inbound after-call work, seconds"), direction="inbound", connected="1")
_own("orders", _("Orders"), **OUT, sale="1")
_own("orders_cancelled", _("Orders cancelled"))
_own("orders_larger_plan", _("Orders of a larger plan, not cancelled"))
_own("amount_cents", _("Amount of orders, cents"), **OUT, sale="1")
_own("final_amount_cents", _("Amount of orders not cancelled, cents"))
_own("customers_called", _("Customers called"), **OUT, customers="called")
_own("customers_reached", _("Customers reached"), **OUT, customers="reached")
_own("calls_right_party", _("Calls with the customer in person"))
_own("customers_won", _("Customers won"), **OUT, customers="won")
_own("customers_cancelled", _("Customers who cancelled"), **OUT, customers="cancelled")
_own("inbound_customers", _("Inbound customers"), direction="inbound", customers="called")
_own("inbound_won", _("Inbound customers won"), direction="inbound", customers="won")
_own("customers_recommended", _("Customers to whom it was recommended"))
_own("customers_accepted", _("Customers who accepted a recommendation"))
_own("customers_complained", _("Customers who complained"), **OUT, customers="complained")
assert set(_measures) == {*COUNTS, *SETS}

BY_CALL, BY_SALE, BY_WORK, BY_EVENT = _("the call"), _("the sale"), _("the day of work"), _("the day it came")
BY_LEAD, BY_HANDOVER = _("the day the lead was made"), _("the day it was handed over")
BY_COST = _("the sale; costs by the days of their month")
