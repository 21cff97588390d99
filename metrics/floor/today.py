"""What teams did today: the rollup of today, and over it the calls recorded since it was built.

So a board of thousands of agents reads some minutes of calls, not a day of them, and says the same whether or not the rollup has run.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Sum
from pyroaring import BitMap

from core.calendar import day_bounds
from metrics.columns import Level
from metrics.models import DayFigures, HourFigures, Partition, Watermark
from metrics.services.dirty import IN_FLIGHT
from people.models import City

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# From the dial to the recorded result. A call that took longer shows with the next rollup, minutes later, and the index of starts serves.
LATE = timedelta(minutes=10)
KEEP_SECONDS = 600


@dataclass
class Work:
    """What a group did today, outbound: calls are added up, customers are told apart."""

    calls: int = 0
    calls_connected: int = 0
    after_call_seconds: int = 0
    called: BitMap = field(default_factory=BitMap)
    reached: BitMap = field(default_factory=BitMap)
    won: BitMap = field(default_factory=BitMap)

    def add(self, other: Work) -> None:
        self.calls += other.calls
        self.calls_connected += other.calls_connected
        self.after_call_seconds += other.after_call_seconds
        self.called |= other.called
        self.reached |= other.reached
        self.won |= other.won

    @classmethod
    def of(cls, parts: Iterable[Work]) -> Work:
        found = list(parts)
        return cls(
            sum(part.calls for part in found), sum(part.calls_connected for part in found),
            sum(part.after_call_seconds for part in found), BitMap().union(*(part.called for part in found)),
            BitMap().union(*(part.reached for part in found)), BitMap().union(*(part.won for part in found)),
        )  # fmt: skip


@dataclass
class Today:
    """`teams`: work by team; `hours`: calls with a sale by hour of the teams asked for; `agents`: customers won by agent."""

    teams: dict[int, Work]
    hours: Counter[int]
    agents: dict[int, BitMap]


@dataclass(frozen=True)
class Built:
    """Which calls of today the rollup does not hold: of each city those recorded after `since`. `built`: when the rows of a city were
    built that can be taken."""

    since: dict[int, datetime]
    built: dict[int, datetime]

    @property
    def cities(self) -> list[int]:
        return list(self.built)

    @property
    def earliest(self) -> datetime:
        return min(self.since.values(), default=LONG_AGO)


def read_today(
    *, day: date, teams: Sequence[int], shown: Collection[int], agents: Collection[int], campaign_id: int | None = None
) -> Today:
    """Work of `teams`; the hours of those `shown`, the deals of `agents`."""
    built = _built(day)
    found = Today(defaultdict(Work), Counter(), defaultdict(BitMap))
    _rolled_up_teams(found, day, teams, built, campaign_id)
    _rolled_up_hours(found, day, shown, built, campaign_id)
    _rolled_up_agents(found, day, agents, built, campaign_id)
    _since(found, day, teams, shown, built, campaign_id)
    return found


def _built(day: date) -> Built:
    """The last look of the rollup found every city with something new, so a city that is up to date has nothing older than that look.
    A day that waits to be counted anew as a whole is read from its calls."""
    looked = Watermark.objects.filter(pk=1).values_list("scanned_until", flat=True).first()
    elsewhere = looked - IN_FLIGHT if looked else LONG_AGO
    rows = list(Partition.objects.filter(day=day).values_list("city_id", "built_at", "recorded_until"))
    since = dict.fromkeys(City.objects.values_list("pk", flat=True), elsewhere)
    since |= {
        city: LONG_AGO if built is None else built if recorded >= built else max(built, elsewhere)
        for city, built, recorded in rows
    }
    return Built(since, {city: built for city, built, _recorded in rows if built is not None})


def _of(campaign_id: int | None) -> dict[str, int]:
    return {} if campaign_id is None else {"campaign_id": campaign_id}


def _level(plain: int, campaign_id: int | None) -> int:
    return plain + (campaign_id is not None)


def _rolled_up_teams(found: Today, day: date, teams: Sequence[int], built: Built, campaign_id: int | None) -> None:
    rows = DayFigures.objects.filter(
        day=day, level=_level(Level.TEAM, campaign_id), team_id__in=teams, city_id__in=built.cities, **_of(campaign_id)
    ).values_list(
        "team_id", "calls", "calls_connected", "after_call_seconds",
        "customers_called_ids", "customers_reached_ids", "customers_won_ids",
    )  # fmt: skip
    for team, calls, connected, after_call, *sets in rows:
        found.teams[team].add(Work(calls, connected, after_call, *map(_bitmap, sets)))


def _bitmap(data: bytes | memoryview | None) -> BitMap:
    return BitMap() if data is None else BitMap.deserialize(bytes(data))


def _rolled_up_hours(found: Today, day: date, shown: Collection[int], built: Built, campaign_id: int | None) -> None:
    """Kept under the times of the builds: between two of them nothing changes, and a day has thousands of rows."""
    asked = repr((day, sorted(built.built.items()), sorted(shown), campaign_id))
    key = "metrics.floor.hours." + hashlib.sha256(asked.encode()).hexdigest()
    hours = cache.get(key)
    if hours is None:
        rows = HourFigures.objects.filter(
            day=day, city_id__in=built.cities, team_id__in=shown, sales__gt=0, **_of(campaign_id)
        ).values_list("hour")
        hours = dict(rows.annotate(deals=Sum("sales")))
        cache.set(key, hours, KEEP_SECONDS)
    found.hours.update(hours)


def _rolled_up_agents(found: Today, day: date, agents: Collection[int], built: Built, campaign_id: int | None) -> None:
    rows = DayFigures.objects.filter(
        day=day, level=_level(Level.AGENT, campaign_id), agent_id__in=agents, city_id__in=built.cities, customers_won__gt=0,
        **_of(campaign_id),
    )  # fmt: skip
    for agent, won in rows.values_list("agent_id", "customers_won_ids"):
        found.agents[agent] |= _bitmap(won)


SINCE = """
SELECT c.team_id, count(*), count(*) FILTER (WHERE c.connected), coalesce(sum(c.after_call_seconds) FILTER (WHERE c.connected), 0),
  array_agg(c.customer_id), array_agg(c.customer_id) FILTER (WHERE c.connected), array_agg(c.customer_id) FILTER (WHERE c.sale),
  array_agg(c.agent_id) FILTER (WHERE c.sale), array_agg(extract(hour FROM c.started_at AT TIME ZONE %(zone)s)::int) FILTER (WHERE c.sale)
FROM campaigns_call c JOIN unnest(%(cities)s::bigint[], %(since)s::timestamptz[]) b(city, since) ON b.city = c.city_id
WHERE c.started_at >= %(start)s AND c.started_at < %(end)s AND c.recorded_at > %(earliest)s AND c.recorded_at > b.since AND c.direction = 'outbound' AND c.team_id = ANY(%(teams)s)
  AND (%(campaign)s::bigint IS NULL OR c.campaign_id = %(campaign)s)
GROUP BY c.team_id"""


def _since(
    found: Today, day: date, teams: Sequence[int], shown: Collection[int], built: Built, campaign_id: int | None
) -> None:
    start, end = day_bounds(day)
    if built.earliest > start + LATE:
        start = built.earliest - LATE
    params = {
        "zone": settings.TIME_ZONE, "cities": list(built.since), "since": list(built.since.values()), "start": start, "end": end,
        "earliest": built.earliest, "teams": list(teams), "campaign": campaign_id,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(SINCE, params)
        rows = cursor.fetchall()
    wanted = set(shown)
    for team, calls, connected, after_call, called, reached, won, sellers, hours in rows:
        work = Work(calls, connected, after_call, BitMap(called), BitMap(reached or ()), BitMap(won or ()))
        found.teams[team].add(work)
        for agent, customer in zip(sellers or (), won or (), strict=True):
            found.agents[agent].add(customer)
        if team in wanted:
            found.hours.update(hours or ())
