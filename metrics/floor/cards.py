"""The agents of the place, one card each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.calendar import business_date
from metrics.floor.addresses import DEALS, Look, calls_url
from metrics.floor.expectation import Expectation
from metrics.floor.judge import verdict
from metrics.floor.people import Now
from metrics.floor.places import Place
from metrics.floor.today import Today
from people.models import User

MOST_AGENTS = 60  # of a whole city or region; a team is shown whole


@dataclass(frozen=True)
class Card:
    """One agent. `now` is None for an agent who is not signed in."""

    agent_id: int
    name: str
    url: str
    deals: int
    expected: float | None
    now: Now | None

    @property
    def kind(self) -> str:
        """How the bar is drawn."""
        return "low" if verdict(self.deals, self.expected) == "bad" else ""


def read_cards(
    place: Place, look: Look, listed: Sequence[Now], absent: Sequence[User], today: Today, names: Mapping[int, str],
    expectation: Expectation, at: datetime,
) -> list[Card]:  # fmt: skip
    campaign = place.campaign.pk if place.campaign else None
    each = {team: expectation.of_one_agent(at, team, campaign) for team in {one.team_id for one in listed}}

    def card(agent: int, now: Now | None, expected: float | None) -> Card:
        url = calls_url(business_date(at), agent=agent, campaign=campaign)
        return Card(agent, names.get(agent, ""), url, len(today.agents.get(agent, ())), expected, now)

    cards = [card(one.agent_id, one, each[one.team_id]) for one in listed]
    cards += [card(agent.pk, None, None) for agent in absent]
    if look.order == DEALS:
        cards.sort(key=lambda one: (-one.deals, one.now is None, one.name))
    return cards if place.team else cards[:MOST_AGENTS]
