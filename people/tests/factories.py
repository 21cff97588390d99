"""People and places for tests: `UserFactory(agent=team)`, `UserFactory(role="data")`, `UserFactory(role="city_manager", city=city)`."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import factory

from people.models import City, Membership, Team, User, Zone

LONG_AGO = date(2020, 1, 1)
_numbers = itertools.count(1)


def _next() -> int:
    return next(_numbers)


class ZoneFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Zone
        django_get_or_create = ("name",)

    name = "Asia/Shanghai"


class CityFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = City

    code = factory.LazyFunction(lambda: f"city{_next()}")
    name = factory.LazyAttribute(lambda city: city.code.title())
    zone = factory.SubFactory(ZoneFactory)


class TeamFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Team

    code = factory.LazyFunction(lambda: f"T{_next()}")
    name = factory.LazyAttribute(lambda team: f"Team {team.code}")
    city = factory.SubFactory(CityFactory)


class MembershipFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Membership

    role = Membership.Role.AGENT
    valid_from = LONG_AGO


class UserFactory(factory.django.DjangoModelFactory):
    """`agent=` and `leader=` take a team; `role=` with `city=`, `team=` or neither (the whole region)."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.LazyFunction(lambda: f"person{_next()}")
    display_name = factory.LazyAttribute(lambda user: f"Person {user.username}")

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        agent, leader = kwargs.pop("agent", None), kwargs.pop("leader", None)
        role, city, team = kwargs.pop("role", None), kwargs.pop("city", None), kwargs.pop("team", None)
        user = super()._create(model_class, *args, **kwargs)
        if agent:
            MembershipFactory(user=user, team=agent)
        if leader:
            MembershipFactory(user=user, role=Membership.Role.TEAM_LEADER, team=leader)
        if role:
            MembershipFactory(user=user, role=role, city=city, team=team)
        return user
