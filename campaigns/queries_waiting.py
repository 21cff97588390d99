"""What a team's open leads wait for. Asked by every empty desk every 15 seconds, so counted once a minute and no further than a cap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from django.db import connection

from campaigns.models import Campaign, Lead
from core.calendar import business_date
from customers.models import ContactRule
from customers.services import contacts, packs
from people.models import City, Team, User

# Of one campaign, city and priority no more leads are counted than this: "500 or more" tells an agent as much as the number.
MOST = 500
KEPT = 512

# Every lane (campaign, city, priority) is one stretch of the claim's index lead_queue: counted from its head, and its next lead found by a probe.
LEAD = "FROM campaigns_lead x WHERE x.campaign_id = c.id AND x.city_id = t.id AND x.state = 'open'"
SHARED = f"{LEAD} AND x.priority = lane.priority AND x.callback_agent_id IS NULL"
LANES = f"""
SELECT c.id, t.id, sum(found.ready), sum(found.waiting), min(found.next_at), bool_or(%(most)s IN (found.ready, found.waiting))
FROM unnest(%(campaigns)s::bigint[]) AS c(id) CROSS JOIN unnest(%(cities)s::bigint[]) AS t(id)
CROSS JOIN LATERAL generate_series((SELECT min(x.priority)::int {LEAD}), (SELECT max(x.priority)::int {LEAD})) AS lane(priority)
CROSS JOIN LATERAL (SELECT
    (SELECT count(*) FROM (SELECT 1 {SHARED} AND x.ready_at <= %(at)s LIMIT %(most)s) counted) AS ready,
    (SELECT count(*) FROM (SELECT 1 {SHARED} AND x.ready_at > %(at)s LIMIT %(most)s) counted) AS waiting,
    (SELECT min(x.ready_at) {SHARED} AND x.ready_at > %(at)s) AS next_at
    OFFSET 0) found
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Queue:
    """Open leads of a campaign in a city: those that are due, those that wait for their time, and when the next of these is due."""

    campaign_id: int
    city_id: int
    ready: int = 0
    waiting: int = 0
    next_at: datetime | None = None
    is_capped: bool = False


@dataclass(frozen=True)
class TeamQueues:
    """What an empty desk of the team needs to say why. `rules` are the rows of each calling campaign, loaded once."""

    campaigns: list[Campaign]
    calling: list[Campaign]
    queues: list[Queue]
    cities: dict[int, City]
    rules: dict[int, list[ContactRule]]

    def is_stopped(self, queue: Queue) -> bool:
        """Is the city switched off, or its time zone not known?"""
        city = self.cities.get(queue.city_id)
        return city is None or not city.is_on or city.zone is None

    def opening(self, queue: Queue, at: datetime) -> tuple[bool, datetime | None]:
        """Is it a calling hour there now, and if not, when is the next one? (None: never.)"""
        city = self.cities.get(queue.city_id)
        if city is None or not city.is_on:
            return False, None
        campaign = next(one for one in self.calling if one.pk == queue.campaign_id)
        rules = contacts.combine(
            self.rules[campaign.pk], city_id=city.pk, campaign_id=campaign.pk, product_id=campaign.product_id
        )
        zone = city.zone.name if city.zone else None
        if contacts.is_open(zone, rules, at):
            return True, None
        return False, contacts.next_allowed(zone, rules, at)


@dataclass(frozen=True)
class Counted:
    queues: list[Queue]
    cities: dict[int, City]
    rules: dict[int, list[ContactRule]]


def of_team(team: Team, *, at: datetime) -> TeamQueues:
    """The team's campaigns as they are, and its queues as they were at the beginning of this minute; promises of single agents left out.

    Kept per process: each web process counts once a minute, however many agents of the team ask. Handing out leads does not use it.
    """
    campaigns = list(Campaign.objects.filter(team_links__team=team).select_related("product").order_by("name"))
    calling = [c for c in campaigns if c.is_on and c.product.is_on and c.stage in Campaign.CALLING]
    kept = _counted(tuple(c.pk for c in calling), team.city_id, at.replace(second=0, microsecond=0))
    return TeamQueues(campaigns, calling, kept.queues, kept.cities, kept.rules)


def forget() -> None:
    """Count anew when asked next."""
    _counted.cache_clear()


@lru_cache(maxsize=KEPT)
def _counted(campaign_ids: tuple[int, ...], city_id: int | None, minute: datetime) -> Counted:
    cities = City.objects.select_related("zone").in_bulk([city_id] if city_id else None)
    rules = {c.pk: _rules(c, minute) for c in Campaign.objects.filter(pk__in=campaign_ids)}
    return Counted(_queues(campaign_ids, cities, minute), cities, rules)


def _rules(campaign: Campaign, at: datetime) -> list[ContactRule]:
    bound = list(campaign.packs.values_list("pk", flat=True))
    return list(packs.rules_in_force(pack_ids=bound, on=business_date(at)))


def _queues(campaigns: Iterable[int], cities: Iterable[int], at: datetime) -> list[Queue]:
    asked = {"campaigns": list(campaigns), "cities": list(cities), "at": at, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(LANES, asked)
        return [Queue(c, t, int(r), int(w), n, capped) for c, t, r, w, n, capped in cursor.fetchall()]


def own_promises(agent: User, queues: TeamQueues, *, at: datetime) -> list[Queue]:
    """The open leads promised by this agent, in the team's calling campaigns and cities: few, and found by their own index."""
    found: dict[tuple[int, int], Queue] = {}
    rows = Lead.objects.filter(
        callback_agent=agent, state=Lead.State.OPEN, campaign__in=queues.calling, city__in=list(queues.cities)
    )
    for campaign_id, city_id, ready_at in rows.values_list("campaign_id", "city_id", "ready_at").order_by("ready_at")[
        :MOST
    ]:
        queue = found.get((campaign_id, city_id), Queue(campaign_id, city_id))
        if ready_at > at:
            queue = replace(queue, waiting=queue.waiting + 1, next_at=queue.next_at or ready_at)
        else:
            queue = replace(queue, ready=queue.ready + 1)
        found[campaign_id, city_id] = queue
    return list(found.values())
