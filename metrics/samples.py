"""A sample of a bought list beside the other sources of its campaign: buy, do not buy, or how many more calls it takes to know."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from campaigns.models import Campaign, ListSample
from core.stats import Difference, difference, sample_per_arm
from core.templatetags.look import fixed, signed, thousands
from customers.models import LeadList, Source
from metrics import registry
from metrics.scorecards import Rate, Score, rate_of, summed, whole_of_campaign
from metrics.services.lists import Tally
from people.models import User

JUDGED = ("contact_rate", "success_rate")
# the smallest difference worth knowing: a fifth of the others' rate, as 8 to 9.6 percent
A_FIFTH = 0.2

AHEAD, BEHIND, ALIKE, EARLY, FEW_OTHERS, NOTHING = "ahead", "behind", "alike", "early", "few_others", "nothing"
BUY, DO_NOT_BUY, MIXED, TOO_EARLY = "buy", "do_not_buy", "mixed", "too_early"


@dataclass(frozen=True)
class Judged:
    """One rate of the sample against the others'. `more`: observations, of the rate's denominator, that are still needed on the side that lacks them."""

    key: str
    label: Any
    sample: Rate
    others: Rate
    difference: Difference | None
    state: str
    more: int = 0

    @property
    def words(self) -> str:
        """ "The sample is ahead by 2.7 points; the data fit anything from −0.8 to +6.3." """
        if self.difference is None:
            return _("Nothing to compare yet.")
        value, low, high = self.difference.value, self.difference.low, self.difference.high
        told = {"points": fixed(100 * abs(value), 1), "low": signed(100 * low, 1), "high": signed(100 * high, 1)}
        if told["points"] == fixed(0, 1):
            return _("The sample is level with the others; the data fit anything from %(low)s to %(high)s.") % told
        if value > 0:
            return _("The sample is ahead by %(points)s points; the data fit anything from %(low)s to %(high)s.") % told
        return _("The sample is behind by %(points)s points; the data fit anything from %(low)s to %(high)s.") % told

    @property
    def more_words(self) -> str:
        told = {"more": thousands(self.more)}
        if self.state == FEW_OTHERS:
            return _("Too early: the other sources have too few. About %(more)s more of theirs are needed.") % told
        if self.state != EARLY:
            return ""
        if self.key == "contact_rate":
            return _("Too early: about %(more)s more customers called.") % told
        return _("Too early: about %(more)s more customers reached.") % told


def judge(key: str, sample: registry.Counts, others: registry.Counts) -> Judged:
    """Compare one rate. A difference counts when its Newcombe interval leaves out nought and neither denominator is too small to show."""
    found = registry.indicator(key)
    assert found is not None
    one, other = rate_of(sample, key), rate_of(others, key)
    differs = difference(one.numerator, one.denominator, other.numerator, other.denominator)
    state, more = _state(one, other, differs, found.least)
    return Judged(key, found.label, one, other, differs, state, more)


def _state(one: Rate, other: Rate, differs: Difference | None, least: int) -> tuple[str, int]:
    if differs is None:
        return NOTHING, 0
    if differs.is_clear and not one.is_small and not other.is_small:
        return (AHEAD if differs.value > 0 else BEHIND), 0
    needed = needed_per_arm(one.value or 0.0, other.value or 0.0)
    if needed is None:
        return NOTHING, 0
    needed = max(needed, least)
    if needed > one.denominator:
        return EARLY, needed - one.denominator
    if needed > other.denominator:
        return FEW_OTHERS, needed - other.denominator
    return ALIKE, 0


def needed_per_arm(percent: float, other_percent: float) -> int | None:
    """Observations an arm to tell the two rates apart, 5 %, power 80 %; at least a difference of a fifth of the other. None when both are nought."""
    p, base = percent / 100, other_percent / 100
    if abs(p - base) < A_FIFTH * base:
        p = base * (1 + A_FIFTH) if base * (1 + A_FIFTH) < 1 else base * (1 - A_FIFTH)
    return None if p == base else sample_per_arm(p, base)


@dataclass(frozen=True)
class Comparison:
    """The page of a sample: the sample, the others together and each by itself, both rates judged, and what follows."""

    sample: ListSample
    mine: Score
    together: Score
    others: list[Score]
    judged: list[Judged]
    verdict: str
    more_calls: int

    @property
    def headline(self) -> str:
        if self.verdict == BUY and all(found.state == ALIKE for found in self.judged):
            return _("Buy, if the price is no higher: the list is as good as the other sources.")
        if self.verdict == TOO_EARLY and self.more_calls:
            return _("Too early: about %(more)s more calls are needed.") % {"more": thousands(self.more_calls)}
        return {
            BUY: _("Buy: the list is better than the other sources."),
            DO_NOT_BUY: _("Do not buy: the list is worse than the other sources."),
            MIXED: _("Better in one rate and worse in the other: let the cost per order decide."),
            TOO_EARLY: _("Too early: there is nothing to compare with yet."),
        }[self.verdict]

    @property
    def is_too_small(self) -> bool:
        """Whether the sample ends before the answer can be known."""
        left = self.sample.size - self.mine.called
        short = [found.more for found in self.judged if found.state == EARLY and found.key == "contact_rate"]
        return self.verdict == TOO_EARLY and bool(short) and min(short) > left


def compare(sample: ListSample, user: User) -> Comparison:
    """The sample's customers and those of the campaign's other sources, of the cities in which the sample has been called, when it
    has been, and the user may look."""
    allocation = sample.allocation
    rows = whole_of_campaign(user, allocation.campaign_id)
    mine = [row for row in rows if row.list_id == allocation.lead_list_id]
    cities = {row.city_id for row in mine}
    theirs = [
        row for row in rows if row.source_id != allocation.lead_list.source_id and (not cities or row.city_id in cities)
    ]
    names = dict(Source.objects.values_list("pk", "name"))
    by_source = summed(theirs, lambda row: row.source_id or 0)
    others = [Score(pk, names.get(pk) or _("No source"), tally=tally) for pk, tally in by_source.items()]
    one = Score(allocation.lead_list_id, allocation.lead_list.name, allocation.lead_list.source, tally=_united(mine))
    whole = Score(0, _("Other sources together"), tally=_united(theirs))
    judged = [judge(key, one.counts, whole.counts) for key in JUDGED]
    verdict = _verdict(judged)
    more = _more_calls(judged, one) if verdict == TOO_EARLY else 0
    return Comparison(sample, one, whole, sorted(others, key=lambda other: other.name), judged, verdict, more)


def _united(rows: list[Any]) -> Tally:
    return summed(rows, lambda row: None).get(None) or Tally()


def _verdict(judged: list[Judged]) -> str:
    states = [found.state for found in judged]
    if AHEAD in states and BEHIND in states:
        return MIXED
    if BEHIND in states:
        return DO_NOT_BUY
    if AHEAD in states or all(state == ALIKE for state in states):
        return BUY
    return TOO_EARLY


def _more_calls(judged: list[Judged], sample: Score) -> int:
    """Calls until the first of the rates can be told: customers still to be called, each as often as so far."""
    each = registry.indicator("calls_per_customer")
    often = (each.value(sample.counts) if each else None) or 1.0
    found = []
    for one in judged:
        if one.state != EARLY:
            continue
        customers = float(one.more)
        if one.key == "success_rate":
            reached = sample.rate("contact_rate").value or 0.0
            if not reached:
                continue
            customers = customers * 100 / reached
        found.append(math.ceil(customers * often))
    return min(found, default=0)


def samples_of(user: User) -> Any:
    """Samples of lists and campaigns that the user sees."""
    return ListSample.objects.filter(
        allocation__campaign__in=Campaign.objects.visible_to(user),
        allocation__lead_list__in=LeadList.objects.visible_to(user),
    ).select_related("allocation__campaign", "allocation__lead_list__source", "by", "decided_by")
