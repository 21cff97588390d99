"""Scorecards of sources and lists: what came, what became of it in calls, what it cost. Rates by the registry, within what the reader may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import QuerySet

from campaigns.models import Campaign
from core.stats import wilson
from customers.list_queries import counts_for, lists_of
from customers.models import LeadList, RowVerdict, Source
from metrics import registry
from metrics.models import ListFigures
from metrics.services.lists import COLUMNS, Tally, tally_of
from people.models import User

RATES = ("contact_rate", "success_rate", "cancellation_rate", "final_success_rate")
COST = "cost_per_order"
Verdict = RowVerdict.Verdict
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Rate:
    """An indicator of one group: its figure in percent, its Wilson interval in percent, and whether its denominator is too small."""

    value: float | None
    low: float | None
    high: float | None
    is_small: bool
    numerator: int
    denominator: int


def rate_of(counts: registry.Counts, key: str) -> Rate:
    """A rate by the registry."""
    found = registry.indicator(key)
    assert found is not None
    above, below = found.parts(counts) or (0, 0)
    value = found.value(counts)
    if value is None:
        return Rate(None, None, None, True, above, below)
    low, high = wilson(max(above, 0), below)
    return Rate(value, 100 * low, 100 * high, found.is_small(counts), above, below)


@dataclass
class Score:
    """One line: a source, a list, or a list in one campaign. `pk` is that of the source, list or campaign."""

    pk: int
    name: str
    source: Source | None = None
    lists: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    cost_cents: int | None = None

    @cached_property
    def counts(self) -> dict[str, int | None]:
        return self.tally.measures() | {"cost_cents": self.cost_cents}

    @property
    def received(self) -> int:
        return sum(self.verdicts.values())

    @property
    def taken(self) -> int:
        """Rows that made a customer or changed one."""
        return self.verdicts[Verdict.NEW] + self.verdicts[Verdict.UPDATE]

    @property
    def called(self) -> int:
        return self.counts["customers_called"] or 0

    @property
    def reached(self) -> int:
        return self.counts["customers_reached"] or 0

    @property
    def contact(self) -> Rate:
        return self.rate("contact_rate")

    @property
    def success(self) -> Rate:
        return self.rate("success_rate")

    def rate(self, key: str) -> Rate:
        return rate_of(self.counts, key)

    @property
    def price(self) -> float | None:
        """Of a row, in currency units."""
        return self.source and self.source.price_cents * registry.SCALE[registry.MONEY]

    @property
    def cost(self) -> float | None:
        """In currency units."""
        return None if self.cost_cents is None else self.cost_cents * registry.SCALE[registry.MONEY]

    @property
    def cost_per_order(self) -> float | None:
        """In currency units; None without a price or an order."""
        found = registry.indicator(COST)
        return found.value(self.counts) if found else None


def source_scores(user: User) -> list[Score]:
    """Every source with its committed lists that the user sees, and the calls to customers in the user's cities that name the source."""
    scores = {source.pk: Score(source.pk, source.name, source) for source in Source.objects.order_by("name")}
    seen: set[int] = set()
    for lead_list in _lists(user):
        seen.add(lead_list.pk)
        _receive(scores[lead_list.source_id], lead_list, user)
    for row in _whole(user).filter(source_id__in=scores):
        if row.list_id is None or row.list_id in seen:
            scores[row.source_id].tally.add(tally_of(row))
    return list(scores.values())


def list_scores(
    user: User, lists: Callable[[QuerySet[LeadList]], QuerySet[LeadList]] = lambda found: found
) -> list[Score]:
    """Each committed list of these that the user sees."""
    scores: dict[int, Score] = {}
    for lead_list in lists(_lists(user)):
        score = scores[lead_list.pk] = Score(lead_list.pk, lead_list.name, lead_list.source)
        _receive(score, lead_list, user)
    for row in _whole(user).filter(list_id__in=scores):
        scores[row.list_id].tally.add(tally_of(row))
    return list(scores.values())


def campaign_scores(user: User, lead_list: LeadList) -> list[Score]:
    """The list in each campaign that called it and that the user sees. What was received and paid is the list's, not a campaign's."""
    names = dict(Campaign.objects.visible_to(user).values_list("pk", "name"))
    tallies = summed(_whole(user).filter(list_id=lead_list.pk, campaign_id__in=names), lambda row: row.campaign_id)
    return [Score(pk, names[pk], lead_list.source, tally=tally) for pk, tally in sorted(tallies.items())]


def summed(rows: Iterable[Any], key: Callable[[Any], K]) -> dict[K, Tally]:
    """Rows united by a key."""
    found: dict[K, Tally] = {}
    for row in rows:
        found.setdefault(key(row), Tally()).add(tally_of(row))
    return found


def _lists(user: User) -> QuerySet[LeadList]:
    return lists_of(user).filter(status__in=LeadList.STORED).select_related("source").order_by("pk")


def _whole(user: User) -> Any:
    """All days together, as named tuples: for thousands of rows half the time of models."""
    found = ListFigures.objects.using(settings.REPORTS_DATABASE).visible_to(user).filter(day=None)
    return found.values_list(*COLUMNS, named=True)


def whole_of_campaign(user: User, campaign_id: int) -> list[Any]:
    """Rows of a campaign, each with city_id, source_id, list_id and what tally_of reads."""
    return list(_whole(user).filter(campaign_id=campaign_id))


def _receive(score: Score, lead_list: LeadList, user: User) -> None:
    """Rows are told as the list's page tells them; all that were received are paid. No price is not a price of nought."""
    verdicts = counts_for(lead_list, user)
    score.lists += 1
    score.verdicts.update(verdicts)
    if lead_list.source.price_cents:
        score.cost_cents = (score.cost_cents or 0) + lead_list.source.price_cents * sum(verdicts.values())
