"""What was to be expected of today: the mean of the same weekdays of the last four weeks, hour by hour.

Where there are fewer than two such days, the mean of the last ten days with calls. It hardly changes during a day, so it is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.core.cache import cache
from django.db.models import Count, Sum
from django.utils import timezone

from metrics.columns import Level
from metrics.models import DayFigures, HourFigures, Partition

WEEKS, FEWEST_DAYS, OTHER_DAYS = 4, 2, 10
KEEP_SECONDS = 900
HOURS = 24


@dataclass(frozen=True)
class Expectation:
    """Sums over `days`, by team and campaign, campaign 0 for all of the team's: `deals` by hour; `customers` called, reached and won,
    each day's own. `agents`: how many agents of a team called, days added up."""

    days: tuple[date, ...] = ()
    is_same_weekday: bool = False
    deals: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    customers: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    agents: dict[int, int] = field(default_factory=dict)

    def by_hour(self, teams: Collection[int], campaign_id: int | None) -> list[float] | None:
        """Mean deals of each of the 24 hours; None without days to go by."""
        if not self.days:
            return None
        known = [self.deals[key] for team in teams if (key := (team, campaign_id or 0)) in self.deals]
        return [sum(hour) / len(self.days) for hour in zip([0] * HOURS, *known, strict=True)]

    def until(self, at: datetime, teams: Collection[int], campaign_id: int | None) -> float | None:
        """Mean deals by this time of day; the running hour counts by the part of it that has passed."""
        hours = self.by_hour(teams, campaign_id)
        return None if hours is None else passed(hours, at)

    def by_team(self, at: datetime, campaign_id: int | None) -> dict[int, float]:
        """`until` of every team that ever sold anything."""
        local, days = timezone.localtime(at), len(self.days)
        part, wanted = (local.minute * 60 + local.second) / 3600, campaign_id or 0
        return {
            team: (sum(hours[: local.hour]) + hours[local.hour] * part) / days
            for (team, campaign), hours in self.deals.items()
            if campaign == wanted
        }

    def sums(self, teams: Collection[int], campaign_id: int | None) -> tuple[int, int, int]:
        """Customers called, reached, won of these days."""
        rows = [self.customers.get((team, campaign_id or 0), (0, 0, 0)) for team in teams]
        called, reached, won = (sum(column) for column in zip(*rows, strict=True)) if rows else (0, 0, 0)
        return called, reached, won

    def of_one_agent(self, at: datetime, team: int, campaign_id: int | None) -> float | None:
        """Mean deals of one agent of the team by this time of day."""
        whole, present = self.until(at, {team}, campaign_id), self.agents.get(team, 0)
        return None if whole is None or not present else whole * len(self.days) / present


def passed(hours: list[float], at: datetime) -> float:
    """The part of the hours' sum that lies before `at`."""
    local = timezone.localtime(at)
    return sum(hours[: local.hour]) + hours[local.hour] * (local.minute * 60 + local.second) / 3600


def expectation_for(day: date) -> Expectation:
    """What to expect of a day, of every team; kept for some minutes."""
    days, same = basis(day)
    key = f"metrics.floor.expectation.{day}.{len(days)}.{days[-1] if days else ''}"
    found = cache.get(key)
    if found is None:
        found = _read(days, same)
        cache.set(key, found, KEEP_SECONDS)
    return found


def basis(day: date) -> tuple[tuple[date, ...], bool]:
    """The days to go by, newest first, and whether they are the same weekday."""
    known = list(
        Partition.objects.filter(day__gte=day - timedelta(weeks=WEEKS), day__lt=day, rows__gt=0)
        .values_list("day", flat=True).distinct().order_by("-day")
    )  # fmt: skip
    same = [other for other in known if other.weekday() == day.weekday()]
    return (tuple(same), True) if len(same) >= FEWEST_DAYS else (tuple(known[:OTHER_DAYS]), False)


def _read(days: tuple[date, ...], same: bool) -> Expectation:
    if not days:
        return Expectation()
    return Expectation(days, same, _deals(days), _customers(days), _agents(days))


def _deals(days: tuple[date, ...]) -> dict[tuple[int, int], list[int]]:
    rows = HourFigures.objects.filter(day__in=days, sales__gt=0).values_list("team_id", "campaign_id", "hour")
    found: dict[tuple[int, int], list[int]] = {}
    for team, campaign, hour, deals in rows.annotate(deals=Sum("sales")):
        for key in ((team, campaign), (team, 0)):
            found.setdefault(key, [0] * HOURS)[hour] += deals
    return found


def _customers(days: tuple[date, ...]) -> dict[tuple[int, int], tuple[int, int, int]]:
    rows = DayFigures.objects.filter(day__in=days, level__in=[Level.TEAM, Level.TEAM_CAMPAIGN])
    sums = rows.values_list("team_id", "campaign_id").annotate(
        called=Sum("customers_called"), reached=Sum("customers_reached"), won=Sum("customers_won")
    )
    return {(team, campaign or 0): (called, reached, won) for team, campaign, called, reached, won in sums}


def _agents(days: tuple[date, ...]) -> dict[int, int]:
    """Agents who called, by team, days added up. An agent with customers in two cities has two rows a day and is one."""
    rows = DayFigures.objects.filter(day__in=days, level=Level.AGENT).values_list("team_id", "day")
    present: Counter[int] = Counter()
    for team, _day, agents in rows.annotate(agents=Count("agent_id", distinct=True)):
        present[team] += agents
    return dict(present)
