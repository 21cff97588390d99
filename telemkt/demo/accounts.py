"""The demo's people: cities, teams, agents, and one account per role."""

from __future__ import annotations

import secrets
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from django.contrib.auth.hashers import make_password

from people.models import City, Membership, Region, Team, User, Zone
from telemkt.demo import words

Role = Membership.Role


@dataclass
class People:
    """Who works in the demo; `agents` by team, in the order of their codes."""

    cities: list[City]
    teams: list[Team]
    agents: dict[int, list[User]] = field(default_factory=dict)
    accounts: list[dict[str, str]] = field(default_factory=list)
    by_role: dict[str, User] = field(default_factory=dict)
    hashes: dict[int, Future[str]] = field(default_factory=dict)

    def set_passwords(self) -> None:
        """Store the passwords, whose slow hashes were computed beside the rest."""
        for user in self.by_role.values():
            user.password = self.hashes[user.pk].result()
            user.save(update_fields=["password"])


def make_people(today: date, rng: Random) -> People:
    """Region, six cities with two teams of five agents each, and an account per role with a password of its own."""
    since = today - timedelta(days=400)
    Region.objects.update_or_create(pk=1, defaults={"name": words.REGION, "name_zh": words.REGION_ZH})
    zone, _ = Zone.objects.get_or_create(name="Asia/Shanghai")
    cities = [
        City.objects.get_or_create(code=code, defaults={"name": name, "name_zh": name_zh, "zone": zone})[0]
        for code, name, name_zh, *_rest in words.CITIES
    ]
    teams = [
        Team.objects.get_or_create(
            code=f"{city.code}-{letter}", defaults={"name": f"{city.name_zh}{name}", "city": city}
        )[0]
        for city in cities
        for letter, name in words.TEAMS
    ]
    people = People(cities, teams)
    _make_agents(people, since, rng)
    _make_accounts(people, since, rng)
    return people


def person_name(rng: Random) -> str:
    return rng.choice(words.SURNAMES) + rng.choice(words.GIVEN)


def _make_agents(people: People, since: date, rng: Random) -> None:
    """Agents cannot sign in, but for the one whose account is printed."""
    users = [
        User(
            username=f"{team.code}-{number:02d}".lower(), code=f"{team.code.replace('-', '')}{number:02d}", language=User.Language.CHINESE,
            display_name=person_name(rng), password=make_password(None),
        )
        for team in people.teams
        for number in range(1, 6)
    ]  # fmt: skip
    User.objects.bulk_create(users)
    Membership.objects.bulk_create(
        Membership(user=user, role=Role.AGENT, team=people.teams[place // 5], valid_from=since)
        for place, user in enumerate(users)
    )
    for place, team in enumerate(people.teams):
        people.agents[team.pk] = users[place * 5 : place * 5 + 5]


def _make_accounts(people: People, since: date, rng: Random) -> None:
    foshan = next(city for city in people.cities if city.code == "FS")
    team = next(team for team in people.teams if team.code == "FS-A")
    places = {
        Role.TEAM_LEADER: {"team": team},
        Role.SUPERVISOR: {"city": foshan},
        Role.CITY_MANAGER: {"city": foshan},
    }
    agent = people.agents[team.pk][0]
    agent.username = "agent"
    hashing = ThreadPoolExecutor(1)
    _account(people, Role.AGENT, agent, hashing)
    for role in Role:
        if role == Role.AGENT:
            continue
        login = {Role.ADMINISTRATOR: "admin", Role.DATA: "data"}.get(role, role.value)
        user = User(username=login, display_name=person_name(rng))
        _account(people, role, user, hashing)
        Membership.objects.create(user=user, role=role, valid_from=since, **places.get(role, {}))
    hashing.shutdown(wait=False)


def _account(people: People, role: str, user: User, hashing: Executor) -> None:
    password = secrets.token_urlsafe(9)
    user.password = make_password(None)
    user.save()
    people.hashes[user.pk] = hashing.submit(make_password, password)
    people.by_role[str(role)] = user
    people.accounts.append({"role": str(role), "login": user.username, "password": password, "language": user.language})
