"""What an offer did: calls that carried it beside other calls of the same product, campaigns, cities and days. Not randomised, and said so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from pyroaring import BitMap

from campaigns.models import Campaign
from core.templatetags.look import fixed, signed, thousands
from metrics.groups import unite
from metrics.models import LIST_COUNTS, OfferFigures
from metrics.samples import AHEAD, BEHIND, EARLY, FEW_OTHERS, Judged, judge
from metrics.scorecards import Score
from metrics.services.lists import Tally
from people.models import User
from scripts.models import Offer

MOST_DAYS = 92
# the sets that the success rate and the page need
SETS = ("customers_reached", "customers_won")
COLUMNS = ("day", "city_id", "campaign_id", *LIST_COUNTS, *(f"{name}_ids" for name in SETS))


@dataclass(frozen=True)
class Pair:
    """One campaign, or all: the calls with the offer and those without."""

    name: str
    mine: Score
    others: Score


@dataclass(frozen=True)
class Effect:
    """The page of an offer. `both`: customers reached both ways, who count on either side."""

    offer: Offer
    first: date
    last: date
    total: Pair
    campaigns: list[Pair]
    judged: Judged
    days: int
    both: int
    is_cut: bool

    @property
    def headline(self) -> str:
        if not self.total.mine.counts["calls"]:
            return _("No call has carried this offer yet.")
        if not self.total.others.counts["calls"]:
            return _("Every call carried the offer: there is nothing to compare it with.")
        return {
            AHEAD: _("More success with the offer than without it."),
            BEHIND: _("Less success with the offer than without it."),
            EARLY: _("Too early to tell."),
            FEW_OTHERS: _("Too early to tell."),
        }.get(self.judged.state, _("No clear difference."))

    @property
    def words(self) -> str:
        """ "With the offer 2.7 points more; the data fit anything from −0.8 to +6.3." """
        found = self.judged.difference
        if found is None:
            return ""
        told = {
            "points": fixed(100 * abs(found.value), 1),
            "low": signed(100 * found.low, 1),
            "high": signed(100 * found.high, 1),
        }
        if told["points"] == fixed(0, 1):
            return _("Both are level; the data fit anything from %(low)s to %(high)s points.") % told
        if found.value > 0:
            return _("With the offer %(points)s points more; the data fit anything from %(low)s to %(high)s.") % told
        return _("With the offer %(points)s points less; the data fit anything from %(low)s to %(high)s.") % told

    @property
    def more_words(self) -> str:
        told = {"more": thousands(self.judged.more)}
        if self.judged.state == EARLY:
            return _("About %(more)s more customers reached with the offer would tell.") % told
        if self.judged.state == FEW_OTHERS:
            return _("About %(more)s more customers reached without the offer would tell.") % told
        return ""


def effect(offer: Offer, user: User, today: date) -> Effect:
    """In the cities that the user sees, on the last 92 days of its validity at most."""
    last = min(today, offer.valid_to - timedelta(days=1)) if offer.valid_to else today
    first = max(offer.valid_from, last - timedelta(days=MOST_DAYS - 1))
    rows = OfferFigures.objects.using(settings.REPORTS_DATABASE).visible_to(user)
    rows = rows.filter(product_id=offer.product_id, day__range=(first, last)).values_list(*COLUMNS, named=True)
    mine = list(rows.filter(offer_id=offer.pk))
    cells = {_cell(row) for row in mine}
    beside = rows.exclude(offer_id=offer.pk).filter(campaign_id__in={row.campaign_id for row in mine})
    ours, theirs = _by_campaign(mine), _by_campaign(row for row in beside if _cell(row) in cells)
    total = _pair("", _sum(ours.values()), _sum(theirs.values()))
    names = Campaign.objects.visible_to(user).filter(pk__in=ours).order_by("name").values_list("pk", "name")
    return Effect(
        offer, first, last, total, [_pair(name, ours[pk], theirs.get(pk, Tally())) for pk, name in names],
        judge("success_rate", total.mine.counts, total.others.counts),
        days=len({row.day for row in mine}), both=_both(total), is_cut=first > offer.valid_from,
    )  # fmt: skip


def _cell(row: Any) -> tuple[date, int, int]:
    return row.day, row.city_id, row.campaign_id


def _by_campaign(rows: Iterable[Any]) -> dict[int, Tally]:
    """Rows united by their campaign, all sets of one at once: one after the other takes seconds for months of a region."""
    groups: dict[int, list[Any]] = {}
    for row in rows:
        groups.setdefault(row.campaign_id, []).append(row)
    return {pk: _united(found) for pk, found in groups.items()}


def _united(rows: list[Any]) -> Tally:
    counts = [sum(getattr(row, name) for row in rows) for name in LIST_COUNTS]
    sets = {}
    for name in SETS:
        members = [BitMap.deserialize(bytes(data)) for row in rows if (data := getattr(row, f"{name}_ids"))]
        if members:
            sets[name] = unite(members)
    return Tally(counts, sets)


def _sum(tallies: Iterable[Tally]) -> Tally:
    found = Tally()
    for tally in tallies:
        found.add(tally)
    return found


def _pair(name: str, mine: Tally, others: Tally) -> Pair:
    return Pair(name, Score(0, _("With the offer"), tally=mine), Score(0, _("Without it"), tally=others))


def _both(total: Pair) -> int:
    one, other = (side.tally.sets.get("customers_reached") for side in (total.mine, total.others))
    return len(one & other) if one and other else 0
