"""The demo's costs: what each city pays for its people and lines, and what the region shares, of every month with calls."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from campaigns.models import Campaign, Cost
from campaigns.services.costs import enter_cost
from core.calendar import business_date, month_start
from telemkt.demo.accounts import People

MONTHS = 3
A_HEAD, A_LINE = 5_800_00, 420_00
SYSTEM, TRAINING, PRIZES = 68_000_00, 24_000_00, 15_000_00


def make_costs(people: People, campaign: Campaign, at: datetime) -> None:
    """`campaign`: the one that runs; its prizes are its own."""
    keeper, month = people.by_role["regional_manager"], month_start(business_date(at))
    for _n in range(MONTHS):
        _of_cities(people, month, at)
        for kind, cents, spread, note in (
            (Cost.Kind.SYSTEM, SYSTEM, Cost.Spread.CALLS, "呼叫平台与坐席终端"),
            (Cost.Kind.TRAINING, TRAINING, Cost.Spread.TALK, "新人招聘与岗前培训"),
        ):
            enter_cost(kind=kind, month=month, amount_cents=cents, spread=spread, note=note, by=keeper, at=at)
        month = month_start(month - timedelta(days=1))
    enter_cost(
        kind=Cost.Kind.INCENTIVE, month=month_start(business_date(at)), amount_cents=PRIZES, campaign=campaign, spread=Cost.Spread.ORDERS, note="月度竞赛奖金",
        by=keeper, at=at,
    )  # fmt: skip


def _of_cities(people: People, month: date, at: datetime) -> None:
    for city in people.cities:
        agents = sum(len(people.agents[team.pk]) for team in people.teams if team.city_id == city.pk)
        for kind, cents in ((Cost.Kind.STAFF, A_HEAD), (Cost.Kind.TELEPHONY, A_LINE)):
            if agents:
                enter_cost(
                    kind=kind, month=month, amount_cents=cents * agents, city=city, spread=Cost.Spread.TALK, by=people.by_role["regional_manager"], at=at
                )  # fmt: skip
