"""The counts of the funnel: all leads of some campaigns in their classes, kept for a while, cut for who looks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.core.cache import caches

from campaigns.funnel import classes, standing, statement
from campaigns.funnel.places import Place, places
from campaigns.models import Campaign

# A count that takes longer than DEAR seconds is made anew each minute in the background, as long as somebody asks for it, so that nobody waits
# for it: kept longer than that minute, since who finds none counts himself. The others are kept for a moment only.
DEAR, ASKED_WITHIN = 0.05, 30 * 60
KEEP, KEEP_DEAR = 3, 180
# One that takes longer than SLOW is there for the first who asks, too: unasked it is made anew before it is forgotten, all such counts
# together for at most so many seconds of each minute. What a count took is remembered for a day.
SLOW, OLD, MOST_UNASKED, REMEMBERED = 0.3, timedelta(seconds=100), 6.0, 24 * 3600


@dataclass
class Counted:
    """One campaign's leads by (city, class), when the first of them comes free, calling hours considered, and how many were finished by
    (city, day). `seconds`: what it took; `whole`: what it would take were nothing kept of the leads, 0 when nothing was."""

    at: datetime
    seconds: float = 0
    leads: dict[tuple[int, str], int] = field(default_factory=dict)
    frees: dict[tuple[int, str], datetime] = field(default_factory=dict)
    finished: dict[tuple[int, date], int] = field(default_factory=dict)
    whole: float = 0


@dataclass(frozen=True)
class Funnel:
    """Leads by class; when the first of a class comes free; leads finished by day; when this was counted."""

    counts: Counter[str]
    frees: dict[str, datetime]
    finished: Counter[date]
    at: datetime

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def stock(self) -> int:
        return sum(self.counts[name] for name in classes.STOCK)

    @property
    def next_at(self) -> datetime | None:
        """When the next of those who wait becomes callable; None: none of them does by itself."""
        return min((self.frees[name] for name in classes.WAITING if name in self.frees), default=None)


def kept(campaigns: Sequence[Campaign], at: datetime) -> dict[int, Counted]:
    """The counts of these campaigns as they were some moments ago (each says when); what is missing is counted now."""
    keys = {campaign.pk: key_of(campaign) for campaign in campaigns}
    there = caches["shared"].get_many(keys.values())
    found = {pk: there[key] for pk, key in keys.items() if key in there}
    found |= _counted_anew([campaign for campaign in campaigns if campaign.pk not in found], at)
    dear = {_asked(pk): True for pk, counted in found.items() if counted.seconds >= DEAR}
    if dear:
        caches["shared"].set_many(dear, ASKED_WITHIN)
    return found


def count_again(at: datetime) -> int:
    """Count anew the calling campaigns whose counts take long and were asked for lately, then what is slow or was never counted. Returns
    how many."""
    calling = list(Campaign.objects.filter(stage__in=Campaign.CALLING).select_related("product").order_by("pk"))
    asked = caches["shared"].get_many([_asked(campaign.pk) for campaign in calling])
    wanted = [campaign for campaign in calling if _asked(campaign.pk) in asked]
    done = len(_counted_anew(wanted, at))
    until = time.monotonic() + MOST_UNASKED
    for campaign in _unasked(calling, wanted, at):
        if time.monotonic() >= until:
            break
        done += len(_counted_anew([campaign], at))
    return done


def _unasked(calling: Sequence[Campaign], wanted: Sequence[Campaign], at: datetime) -> list[Campaign]:
    """Of the calling campaigns those nobody asked for lately that are slow, or of which nobody knows, and that were counted a while ago;
    the oldest counts first."""
    others = [campaign for campaign in calling if campaign not in wanted]
    took = caches["shared"].get_many([_took(campaign.pk) for campaign in others])
    kept_ones = caches["shared"].get_many([key_of(campaign) for campaign in others])
    found = []
    for campaign in others:
        counted = kept_ones.get(key_of(campaign))
        is_old = counted is None or counted.at <= at - OLD
        if is_old and took.get(_took(campaign.pk), SLOW) >= SLOW:
            found.append((counted is not None, counted.at if counted else at, campaign.pk, campaign))
    return [campaign for *_order, campaign in sorted(found, key=lambda row: row[:3])]


def _counted_anew(campaigns: Sequence[Campaign], at: datetime) -> dict[int, Counted]:
    fresh = count(campaigns, at)
    for campaign in campaigns:
        counted = fresh[campaign.pk]
        caches["shared"].set(key_of(campaign), counted, KEEP_DEAR if counted.seconds >= DEAR else KEEP)
        caches["shared"].set(_took(campaign.pk), max(counted.seconds, counted.whole), REMEMBERED)
    return fresh


def _asked(campaign_id: int) -> str:
    return f"campaigns.funnel.asked.{campaign_id}"


def _took(campaign_id: int) -> str:
    return f"campaigns.funnel.took.{campaign_id}"


def key_of(campaign: Campaign) -> str:
    """A switch or a stage that changes shows at once."""
    return f"campaigns.funnel.{campaign.pk}.{campaign.stage}.{campaign.is_on:d}{campaign.product.is_on:d}"


def count(campaigns: Sequence[Campaign], at: datetime) -> dict[int, Counted]:
    """All leads of these campaigns by class, exactly, at `at`: each by itself, so that the planner knows how many it joins."""
    if not campaigns:
        return {}
    where: dict[int, list[Place]] = {campaign.pk: [] for campaign in campaigns}
    for place in places(campaigns, at):
        where[place.campaign.pk].append(place)
    return {pk: _counted(ours, at) for pk, ours in where.items()}


def _counted(where: Sequence[Place], at: datetime) -> Counted:
    began, found, by_city = time.monotonic(), Counted(at), {place.city.pk: place for place in where}
    rows, found.whole = _rows(where, at) if where else ([], 0)
    for city, name, ended_on, leads, free_at in rows:
        key = city, name
        found.leads[key] = found.leads.get(key, 0) + leads
        if ended_on is not None:
            found.finished[city, ended_on] = found.finished.get((city, ended_on), 0) + leads
        opens = by_city[city].opens(max(free_at, at)) if free_at is not None and name in classes.WAITING else None
        if opens is not None:
            found.frees[key] = min(opens, found.frees.get(key, opens))
    found.seconds = time.monotonic() - began
    return found


def _rows(where: Sequence[Place], at: datetime) -> tuple[list[statement.Row], float]:
    """And what it would take were nothing kept of the leads."""
    asks = statement.question(where, at)
    is_large = (not asks.prior and standing.is_there(asks.campaign)) or statement.is_large(asks.campaign)
    if asks.prior or not is_large:
        return statement.counted(asks, by_bitmaps=is_large), 0
    return standing.counted(asks)


def cut(found: Iterable[Counted], cities: Collection[int] | None = None, *, at: datetime | None = None) -> Funnel:
    """The leads of these campaigns in these cities (None: in all). `at`: the moment when there is no campaign at all."""
    counts: Counter[str] = Counter()
    frees: dict[str, datetime] = {}
    finished: Counter[date] = Counter()
    moments = []
    for counted in found:
        moments.append(counted.at)
        for (city, name), leads in counted.leads.items():
            if cities is None or city in cities:
                counts[name] += leads
                free = counted.frees.get((city, name))
                if free is not None:
                    frees[name] = min(free, frees.get(name, free))
        for (city, day), leads in counted.finished.items():
            if cities is None or city in cities:
                finished[day] += leads
    oldest = min(moments, default=at)
    assert oldest is not None, "without a campaign the moment must be given"
    return Funnel(counts, frees, finished, oldest)
