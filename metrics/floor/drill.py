"""Cities and their teams, one line each, at their own level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from core.calendar import business_date
from metrics import registry
from metrics.floor.addresses import Look, address_of, calls_url, city_key
from metrics.floor.expectation import Expectation
from metrics.floor.judge import verdict
from metrics.floor.people import Crew
from metrics.floor.places import Place
from metrics.floor.today import Today, Work
from people.models import City, Team


@dataclass(frozen=True)
class Row:
    """A line of the drill table. `scale`: the length of its bars."""

    label: str
    url: str
    calls_url: str
    close_url: str
    is_team: bool
    is_open: bool
    is_chosen: bool
    crew: Crew
    deals: int
    expected: float | None
    success: float | None
    scale: float

    @property
    def against(self) -> float | None:
        return None if self.expected is None else self.deals - self.expected

    @property
    def verdict(self) -> str:
        return verdict(self.deals, self.expected)


def counts_of(work: Work) -> dict[str, int | None]:
    """Measures of the registry, as far as the floor needs them."""
    return {
        "calls": work.calls, "calls_connected": work.calls_connected, "after_call_seconds": work.after_call_seconds,
        "customers_called": len(work.called), "customers_reached": len(work.reached), "customers_won": len(work.won),
    }  # fmt: skip


def value_of(key: str, counts: Mapping[str, int | None]) -> float | None:
    found = registry.indicator(key)
    return found.value(counts) if found else None


def crew_of(crews: Mapping[int, Crew], teams: set[int]) -> Crew:
    whole = Crew()
    for team in teams:
        if team in crews:
            whole.add(crews[team])
    return whole


def drill(
    place: Place, look: Look, today: Today, crews: Mapping[int, Crew], expectation: Expectation, at: datetime
) -> tuple[list[Row], Row | None]:
    """Cities, the teams of the one that is open under it; and the sum when there is more than one city."""
    cities: dict[int | None, list[Team]] = {}
    for team in place.teams:
        cities.setdefault(team.city_id, []).append(team)
    is_lone = len(cities) == 1
    chosen = place.team.city_id if place.team else place.city.pk if place.city else None
    has_chosen = bool(place.team or place.city or place.is_regional)
    campaign = place.campaign.pk if place.campaign else None
    figures = _Figures(today, crews, expectation.by_team(at, campaign) if expectation.days else None, campaign, at)
    city_scale = max((figures.length({team.pk for team in teams}) for teams in cities.values()), default=0)
    team_scale = max((figures.length({team.pk}) for team in place.teams), default=0)
    rows = []
    for city_id, teams in sorted(cities.items(), key=lambda item: item[0] is None):
        is_open = is_lone or (has_chosen and city_id == chosen)
        key = city_key(city_id)
        if place.covers(city_id):
            rows.append(figures.row(
                {team.pk for team in teams}, city_scale, label=_name_of(teams[0].city),
                url=address_of(place, look, city=key, team=""), behind={"city": city_id} if city_id else {},
                close_url=address_of(place, look, city="", team="") if is_open and not is_lone else "", is_open=is_open,
                is_chosen=is_open and place.team is None and has_chosen,
            ))  # fmt: skip
        for team in teams if is_open else ():
            rows.append(figures.row(
                {team.pk}, team_scale, label=str(team), url=address_of(place, look, city="", team=str(team.pk)),
                is_team=True, behind={"team": team.pk},
                is_chosen=place.team is not None and place.team.pk == team.pk,
            ))  # fmt: skip
    whole = {team.pk for team in place.teams}
    total = None if is_lone or not whole else figures.row(whole, 0, label=place.region or _("Together"))
    return rows, total


def _name_of(city: City | None) -> str:
    return str(city) if city else _("Regional teams")


@dataclass(frozen=True)
class _Figures:
    today: Today
    crews: Mapping[int, Crew]
    expected: Mapping[int, float] | None
    campaign: int | None
    at: datetime

    def until_now(self, teams: set[int]) -> float | None:
        return None if self.expected is None else sum(self.expected.get(team, 0.0) for team in teams)

    def length(self, teams: set[int]) -> float:
        deals = sum(len(self.today.teams[team].won) for team in teams)
        return max(deals, self.until_now(teams) or 0) * 1.2

    def row(
        self, teams: set[int], scale: float, *, label: str, url: str = "", close_url: str = "", is_team: bool = False,
        is_open: bool = False, is_chosen: bool = False, behind: Mapping[str, int] | None = None,
    ) -> Row:  # fmt: skip
        work = Work.of(self.today.teams[team] for team in teams)
        expected = self.until_now(teams)
        calls = {"customers": "won", "direction": "outbound", "campaign": self.campaign, **(behind or {})}
        return Row(
            label, url, calls_url(business_date(self.at), **calls) if behind else "", close_url, is_team, is_open, is_chosen, crew_of(self.crews, teams), len(work.won), expected,
            value_of("success_rate", counts_of(work)), scale or self.length(teams),
        )  # fmt: skip
