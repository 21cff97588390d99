"""Which columns stand together: sets for the page of indicators, its files and the API. Apps above register theirs, as they do indicators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from metrics import registry
from metrics.questions import Reach
from metrics.registry import Indicator


@dataclass(frozen=True)
class Column:
    """A measure or an indicator by its key, under the short words of its head."""

    key: str
    head: Any


Block = tuple[Column, ...]


@dataclass(frozen=True)
class ColumnSet:
    """`cards`: the indicators of the strip. `blocks`: columns of the table, block by block. `figure`: the one that the course and the
    comparison of groups show unless another is chosen. `counted` and `note`: what readers must know, above and under the table; `for_agent`
    the same two for who reads the own calls alone, where they would speak of columns that are not shown then."""

    key: str
    label: Any
    figure: str
    cards: tuple[str, ...]
    blocks: tuple[Block, ...]
    counted: Any
    note: Any
    for_agent: tuple[Any, Any] | None = None

    def told_to(self, reach: Reach) -> ColumnSet:
        """The set without what an agent alone does not read."""
        if not reach.is_agent_alone:
            return self
        blocks = (tuple(column for column in block if registry.is_for_agent(column.key)) for block in self.blocks)
        cards = tuple(key for key in self.cards if registry.is_for_agent(key))
        counted, note = self.for_agent or (self.counted, self.note)
        return replace(self, blocks=tuple(filter(None, blocks)), cards=cards, counted=counted, note=note)

    @property
    def columns(self) -> Iterator[Column]:
        return (column for block in self.blocks for column in block)

    @property
    def counts(self) -> list[str]:
        """Columns that are measures."""
        return [column.key for column in self.columns if registry.indicator(column.key) is None]

    @property
    def indicators(self) -> list[Indicator]:
        """Columns that are indicators, in their order."""
        return [found for column in self.columns if (found := registry.indicator(column.key)) is not None]

    @property
    def figures(self) -> list[Indicator]:
        """Those that can be judged by an interval."""
        return [found for found in self.indicators if found.has_interval]

    @property
    def measures(self) -> set[str]:
        """Everything that must be counted to show the set."""
        cards = [found for key in self.cards if (found := registry.indicator(key)) is not None]
        needed = {name for found in (*cards, *self.indicators) for name in found.measures}
        return needed | set(self.counts) | {found.opens for found in (*cards, *self.indicators)}


_sets: dict[str, ColumnSet] = {}


def register_columns(found: ColumnSet) -> None:
    _sets[found.key] = found


def extend_columns(key: str, *, cards: tuple[str, ...] = (), block: Block = ()) -> None:
    """Put what a higher app counts behind the columns of a set."""
    known = _sets[key]
    _sets[key] = replace(known, cards=(*known.cards, *cards), blocks=(*known.blocks, block))


def column_sets() -> list[ColumnSet]:
    """All sets in the order of the page; the first is the usual one."""
    return list(_sets.values())


def column_set(key: str) -> ColumnSet | None:
    return _sets.get(key)


register_columns(
    ColumnSet(
        "sales",
        _("Calls and sales"),
        figure="success_rate",
        cards=(
            "contact_rate",
            "success_rate",
            "cancellation_rate",
            "final_success_rate",
            "final_deals",
            "orders_per_agent_hour",
        ),
        blocks=(
            (
                Column("customers_called", _("Called")),
                Column("customers_reached", _("Reached")),
                Column("customers_won", _("Won")),
                Column("customers_cancelled", _("Cancelled")),
            ),
            (
                Column("contact_rate", _("Contact %")),
                Column("success_rate", _("Success %")),
                Column("cancellation_rate", _("Cancelled %")),
                Column("final_success_rate", _("Final %")),
            ),
            (
                Column("mean_talk_seconds", _("Mean talk")),
                Column("mean_after_call_seconds", _("After call")),
                Column("orders_per_agent_hour", _("Orders/hour")),
            ),
        ),
        counted=_("customers, counted at the level of the row"),
        note=_(
            "▲ ▼ only where the whole interval lies off the rate of all. A customer counts once per row, whatever the number of calls; so rows need not add up to the total."
        ),
    )
)
register_columns(
    ColumnSet(
        "economics",
        _("Cost and return"),
        figure="final_success_rate",
        cards=(
            "return_on_cost",
            "cost_per_order",
            "revenue_per_order",
            "orders_per_agent_hour",
            "cancellation_rate",
            "final_success_rate",
        ),
        blocks=(
            (
                Column("orders", _("Orders")),
                Column("orders_cancelled", _("Cancelled")),
                Column("cancellation_rate", _("Cancelled %")),
                Column("final_success_rate", _("Final %")),
            ),
            (
                Column("revenue_per_order", _("Revenue/order")),
                Column("cost_per_order", _("Cost/order")),
                Column("return_on_cost", _("Return %")),
            ),
            (
                Column("opportunities_handed", _("Opportunities")),
                Column("opportunity_close_rate", _("Won %")),
                Column("opportunity_quality", _("Prepared %")),
                Column("closing_cycle", _("Days to end")),
            ),
            (Column("orders_per_agent_hour", _("Orders/hour")),),
        ),
        counted=_("orders by the day of their sale, costs by the days of their month"),
        note=_(
            "Costs are entered by month, of a city, of a campaign, or shared by a stated key; teams and agents have none. Where nothing is entered there is no figure."
        ),
    )
)
