"""Why not now: where the leads of the running campaigns stand, by the classes of campaigns.funnel. Counts that add up to all of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import connection

from campaigns.funnel import counting
from campaigns.funnel.classes import CALLABLE
from campaigns.models import Campaign

PACE = timedelta(minutes=30)
KEEP_PACE = 10  # seconds

CALLS = """
SELECT campaign_id, city_id, count(*) FROM campaigns_call
WHERE started_at >= %(since)s AND started_at < %(at)s AND campaign_id = ANY(%(campaigns)s) GROUP BY 1, 2"""


@dataclass(frozen=True)
class Counted:
    """The leads of each campaign, and the calls of the last half hour by (campaign, city)."""

    leads: dict[int, counting.Counted] = field(default_factory=dict)
    calls: dict[tuple[int, int], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Funnel(counting.Funnel):
    """`pace`: calls of the last half hour."""

    pace: int = 0

    @property
    def ready(self) -> int:
        return self.counts[CALLABLE]


def counted(at: datetime) -> Counted:
    """Leads of all campaigns in a calling stage; what a user may see of it is cut out by `funnel`."""
    campaigns = list(Campaign.objects.filter(stage__in=Campaign.CALLING).select_related("product").order_by("pk"))
    return Counted(counting.kept(campaigns, at), _calls(campaigns, at))


def _calls(campaigns: list[Campaign], at: datetime) -> dict[tuple[int, int], int]:
    key = "metrics.floor.pace." + ".".join(str(campaign.pk) for campaign in campaigns)
    found = cache.get(key)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(CALLS, {"at": at, "since": at - PACE, "campaigns": [campaign.pk for campaign in campaigns]})
            found = {(campaign, city): calls for campaign, city, calls in cursor.fetchall()}
        cache.set(key, found, KEEP_PACE)
    return found


def funnel(found: Counted, campaigns: Collection[int], cities: Collection[int], at: datetime) -> Funnel:
    """The leads of these campaigns and cities (none named: of all cities)."""
    ours = [counted for pk, counted in found.leads.items() if pk in campaigns]
    cut = counting.cut(ours, cities or None, at=at)
    pace = sum(calls for (pk, city), calls in found.calls.items() if pk in campaigns and (not cities or city in cities))
    return Funnel(cut.counts, cut.frees, cut.finished, cut.at, pace)
