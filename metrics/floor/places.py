"""The drill path region, city, team and the campaign, as the address of the page names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.http import Http404

from campaigns.models import Campaign, CampaignTeam
from people.models import City, Region, Team, User

REGIONAL = 0  # stands in the address for the teams that belong to no city


@dataclass(frozen=True)
class Place:
    """What is looked at. `teams` are all the user may see (of the campaign chosen); `shown` those of the city or team chosen."""

    region: str
    is_region: bool
    teams: list[Team]
    shown: list[Team]
    city: City | None
    is_regional: bool
    team: Team | None
    campaign: Campaign | None
    campaigns: list[Campaign]
    links: frozenset[tuple[int, int]]
    whole_cities: frozenset[int]

    def covers(self, city_id: int | None) -> bool:
        """Whether all teams of the city are among them; None: the regional teams."""
        return self.is_region or city_id in self.whole_cities

    @property
    def is_indented(self) -> bool:
        """Whether the teams stand under a line of their city."""
        return self.is_region or bool(self.whole_cities)

    @property
    def shown_ids(self) -> list[int]:
        return [team.pk for team in self.shown]

    @cached_property
    def city_ids(self) -> frozenset[int]:
        """Cities whose customers the teams shown call; empty: of every city, when a regional team is among them."""
        if any(team.city_id is None for team in self.shown):
            return frozenset()
        return frozenset(team.city_id for team in self.shown if team.city_id)

    def campaigns_shown(self) -> list[Campaign]:
        """Campaigns in a calling stage that one of the teams shown works on."""
        teams = set(self.shown_ids)
        worked_on = {campaign for campaign, team in self.links if team in teams}
        return [
            campaign for campaign in self.campaigns if campaign.pk in worked_on and self.campaign in (None, campaign)
        ]


def find_place(user: User, asked: Mapping[str, str]) -> Place:
    """The place that the address asks for. A city, team or campaign the user may not see does not exist: Http404."""
    campaigns = list(
        Campaign.objects.visible_to(user)
        .filter(stage__in=Campaign.CALLING)
        .select_related("product")
        .order_by("name", "pk")
    )
    links = frozenset(CampaignTeam.objects.filter(campaign__in=campaigns).values_list("campaign_id", "team_id"))
    campaign = _chosen(campaigns, asked.get("campaign"))
    teams = _teams(user)
    if campaign is not None:
        teams = [team for team in teams if (campaign.pk, team.pk) in links]
    team = _chosen(teams, asked.get("team"))
    city, is_regional = _city(teams, team, asked.get("city"), lone=not user.scope().is_region)
    shown = [row for row in teams if _is_in(row, team, city, is_regional)]
    if team is None and len(teams) == 1 and not user.scope().is_region:
        team = teams[0]
    scope = user.scope()
    return Place(
        str(Region.objects.first() or ""), scope.is_region, teams, shown, city, is_regional, team, campaign, campaigns, links,
        scope.city_ids,
    )  # fmt: skip


def _teams(user: User) -> list[Team]:
    """Active teams that the user may see, by city and name. The teams of a city share one City."""
    found = list(Team.objects.visible_to(user).filter(is_active=True).order_by("city__name", "name", "pk"))
    cities = City.objects.in_bulk({team.city_id for team in found if team.city_id})
    for team in found:
        team.city = cities.get(team.city_id) if team.city_id else None
    return found


def _chosen(rows: list, asked: str | None):
    if not asked:
        return None
    for row in rows:
        if str(row.pk) == asked:
            return row
    raise Http404


def _city(teams: list[Team], team: Team | None, asked: str | None, *, lone: bool) -> tuple[City | None, bool]:
    """The city of the team chosen, else the one asked for, else the only one there is."""
    if team is not None:
        return team.city, team.city is None
    cities = {row.city_id: row.city for row in teams}
    if asked:
        wanted = None if asked == str(REGIONAL) else asked
        for pk, city in cities.items():
            if (pk and str(pk)) == wanted:
                return city, city is None
        raise Http404
    if lone and len(cities) == 1:
        (city,) = cities.values()
        return city, city is None
    return None, False


def _is_in(row: Team, team: Team | None, city: City | None, is_regional: bool) -> bool:
    if team is not None:
        return row.pk == team.pk
    if is_regional:
        return row.city_id is None
    return city is None or row.city_id == city.pk
