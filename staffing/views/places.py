"""Whose agents a coach looks at: of a city, then of a team, or all. Where they are very many, the first city is chosen, and the page says so."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from core.numbers import LARGEST_ID, number_or_none
from people.models import City, Team
from staffing import queries_coaching as queries

MANY = 300  # agents: above it nobody reads all of them at once
EVERYWHERE = "all"


@dataclass(frozen=True)
class Place:
    """`cities` and `teams` may be chosen, `city` and `team` are; `total` is how many agents the user may coach at all."""

    cities: list[City]
    teams: list[Team]
    city: City | None
    team: Team | None
    total: int

    @property
    def filters(self) -> dict[str, int]:
        chosen = {"team": self.team} if self.team else {"team__city": self.city}
        return {name: row.pk for name, row in chosen.items() if row is not None}


def place_of(request: HttpRequest, *, home: Team | None = None) -> Place:
    """As the address names it. `home` is the team whose city is shown when the address names none."""
    teams = queries.teams_coached_by(request.user)
    cities = sorted({team.city for team in teams if team.city}, key=str)
    total = queries.agents_coached_by(request.user).count()
    city = _city(request.GET.get("city", ""), cities)
    asked = number_or_none(request.GET.get("team", ""), LARGEST_ID)
    team = next((row for row in teams if row.pk == asked and city in (None, row.city)), None)
    if city is None and team is None and total > MANY and request.GET.get("city") != EVERYWHERE:
        city = home.city if home else cities[0]
    return Place(cities, [row for row in teams if city in (None, row.city)], city, team, total)


def _city(text: str, cities: list[City]) -> City | None:
    asked = number_or_none(text, LARGEST_ID)
    return next((row for row in cities if row.pk == asked), None)
