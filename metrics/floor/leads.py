"""Why not now: where the leads of the running campaigns stand. Counts that add up to all of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import connection

from campaigns.models import Campaign, Lead
from core.calendar import business_date
from people.models import City

READY, LATER, PROMISED, HELD, HOURS, OFF = "ready", "later", "promised", "held", "hours", "off"
PACE = timedelta(minutes=30)
# A count is kept as long as keeps counting under a small part of the time, since a million leads take a while.
KEEP_TIMES, KEEP_LEAST, KEEP_MOST = 500, 2, 120

COUNT = """
SELECT l.campaign_id, l.city_id, CASE WHEN l.state = 'done' THEN l.outcome WHEN l.state = 'held' THEN 'held'
    WHEN l.callback_agent_id IS NOT NULL THEN 'promised' WHEN l.ready_at > %(at)s THEN 'later' ELSE 'ready' END AS bucket,
  count(*), min(l.ready_at) FILTER (WHERE l.state = 'open' AND l.ready_at > %(at)s)
FROM campaigns_lead l WHERE l.campaign_id = ANY(%(campaigns)s) GROUP BY 1, 2, 3"""
OPEN_CITIES = """
SELECT c.id, r.cities FROM unnest(%(campaigns)s::bigint[]) c(id)
CROSS JOIN LATERAL campaigns_rules_now(c.id, NULL, %(today)s, %(at)s) r"""
CALLS = """
SELECT campaign_id, city_id, count(*) FROM campaigns_call
WHERE started_at >= %(since)s AND started_at < %(at)s AND campaign_id = ANY(%(campaigns)s) GROUP BY 1, 2"""


@dataclass(frozen=True)
class Counted:
    """Leads by (campaign, city, bucket), the next moment at which one of a bucket comes free, the calls of the last half hour by
    (campaign, city), and when all this was counted."""

    at: datetime
    leads: dict[tuple[int, int, str], int] = field(default_factory=dict)
    frees: dict[tuple[int, int, str], datetime] = field(default_factory=dict)
    calls: dict[tuple[int, int], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Funnel:
    """Counts of the buckets, and when the first of a bucket comes free. `pace`: calls of the last half hour."""

    counts: Counter[str]
    frees: dict[str, datetime]
    pace: int
    at: datetime

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def ready(self) -> int:
        return self.counts[READY]


def counted(at: datetime) -> Counted:
    """Leads of all campaigns in a calling stage; what a user may see of it is cut out by `funnel`."""
    campaigns = list(Campaign.objects.filter(stage__in=Campaign.CALLING).select_related("product").order_by("pk"))
    key = "metrics.floor.leads." + ".".join(
        f"{campaign.pk}{'+' if _is_on(campaign) else '-'}" for campaign in campaigns
    )
    found = cache.get(key)
    if found is None:
        began = time.monotonic()
        found = _count(campaigns, at)
        cache.set(key, found, min(max((time.monotonic() - began) * KEEP_TIMES, KEEP_LEAST), KEEP_MOST))
    return found


def _is_on(campaign: Campaign) -> bool:
    return campaign.is_on and campaign.product.is_on


def _count(campaigns: list[Campaign], at: datetime) -> Counted:
    params = {
        "at": at,
        "since": at - PACE,
        "today": business_date(at),
        "campaigns": [campaign.pk for campaign in campaigns],
    }
    cities_off = set(City.objects.filter(is_on=False).values_list("pk", flat=True))
    on = {campaign.pk: _is_on(campaign) for campaign in campaigns}
    with connection.cursor() as cursor:
        cursor.execute(COUNT, params)
        rows = cursor.fetchall()
        cursor.execute(OPEN_CITIES, params)
        cities = {campaign: set(found or ()) for campaign, found in cursor.fetchall()}
        cursor.execute(CALLS, params)
        found = Counted(at, calls={(campaign, city): calls for campaign, city, calls in cursor.fetchall()})
    for campaign, city, bucket, leads, free in rows:
        key = campaign, city, _bucket(bucket, on[campaign] and city not in cities_off, city in cities.get(campaign, ()))
        found.leads[key] = found.leads.get(key, 0) + leads
        if free is not None:
            found.frees[key] = min(free, found.frees.get(key, free))
    return found


def _bucket(bucket: str, is_on: bool, is_open: bool) -> str:
    """What is ready is callable only where the switches are on and the hours allow."""
    if bucket != READY:
        return bucket
    return OFF if not is_on else READY if is_open else HOURS


def funnel(found: Counted, campaigns: Collection[int], cities: Collection[int]) -> Funnel:
    """The leads of these campaigns and cities (none named: of all cities)."""

    def wanted(campaign: int, city: int) -> bool:
        return campaign in campaigns and (not cities or city in cities)

    counts: Counter[str] = Counter()
    frees: dict[str, datetime] = {}
    for (campaign, city, bucket), leads in found.leads.items():
        if wanted(campaign, city):
            counts[bucket] += leads
            free = found.frees.get((campaign, city, bucket))
            if free is not None:
                frees[bucket] = min(free, frees.get(bucket, free))
    pace = sum(calls for (campaign, city), calls in found.calls.items() if wanted(campaign, city))
    return Funnel(counts, frees, pace, found.at)


ENDS = {Lead.Outcome.WON, Lead.Outcome.REFUSED, Lead.Outcome.EXHAUSTED, Lead.Outcome.SUPPRESSED}
OTHER_ENDS = {Lead.Outcome.BAD_NUMBER, Lead.Outcome.WITHDRAWN, Lead.Outcome.CLOSED}
