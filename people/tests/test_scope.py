from datetime import date, timedelta

import pytest
from django.utils import timezone

from people.models import City, Team, User
from people.tests.factories import CityFactory, MembershipFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_city_role_covers_the_city_and_its_teams_and_nothing_of_another():
    own, other = TeamFactory(), TeamFactory()
    manager = UserFactory(role="city_manager", city=own.city)

    scope = manager.scope()

    assert (scope.is_region, scope.city_ids, scope.team_ids) == (False, {own.city_id}, {own.pk})
    assert list(City.objects.visible_to(manager)) == [own.city]
    assert list(Team.objects.visible_to(manager)) == [own]
    assert other.pk not in scope.team_ids


def test_a_region_role_covers_everything():
    TeamFactory()
    manager = UserFactory(role="regional_manager")

    assert manager.scope().is_region
    assert City.objects.visible_to(manager).count() == 1


def test_an_agent_covers_no_city_and_no_team():
    agent = UserFactory(agent=TeamFactory())

    assert (agent.scope().city_ids, agent.scope().team_ids, agent.is_agent) == (set(), set(), True)
    assert not City.objects.visible_to(agent).exists()


def test_an_agent_who_leads_a_team_is_no_mere_agent():
    team = TeamFactory()
    leader = UserFactory(agent=team, leader=team)

    assert leader.scope().team_ids == {team.pk}
    assert not leader.is_agent


def test_nobody_covers_anything_without_a_membership():
    TeamFactory()
    stranger = UserFactory()

    assert not stranger.scope().roles
    assert not City.objects.visible_to(stranger).exists()
    assert list(User.objects.visible_to(stranger)) == [stranger]


def test_a_role_begins_on_its_day_and_is_over_on_the_day_named_as_its_end():
    today = timezone.localdate()
    city = CityFactory()
    person = UserFactory()
    MembershipFactory(user=person, role="city_manager", city=city, valid_from=today - timedelta(days=9), valid_to=today)
    MembershipFactory(user=person, role="data", city=city, valid_from=today + timedelta(days=1))

    assert not person.scope().roles

    person = User.objects.get(pk=person.pk)
    assert person.scope(timezone.now() - timedelta(days=1)).roles == {"city_manager"}


def test_a_superuser_is_an_administrator_of_the_region():
    root = UserFactory(is_superuser=True)

    assert root.scope().is_region
    assert root.has_role("administrator")


def test_a_city_manager_sees_the_people_of_the_city_only():
    own, other = TeamFactory(), TeamFactory()
    manager = UserFactory(role="city_manager", city=own.city)
    mine = UserFactory()
    MembershipFactory(user=mine, role="data", city=own.city, valid_from=date(2024, 1, 1))
    UserFactory(agent=other)

    assert set(User.objects.visible_to(manager)) == {manager, mine}


def test_whoever_left_the_city_or_the_team_is_seen_no_more():
    today = timezone.localdate()
    team = TeamFactory()
    manager, leader = UserFactory(role="city_manager", city=team.city), UserFactory(leader=team)
    gone = UserFactory()
    MembershipFactory(user=gone, team=team, valid_from=today - timedelta(days=9), valid_to=today)
    MembershipFactory(user=gone, role="data", city=team.city, valid_from=today - timedelta(days=9), valid_to=today)

    assert set(User.objects.visible_to(manager)) == {manager, leader}
    assert set(User.objects.visible_to(leader)) == {leader}


def test_the_teams_led_are_those_of_todays_roles_in_a_team_and_not_those_of_the_city():
    today = timezone.localdate()
    checked, led, past = TeamFactory(), TeamFactory(), TeamFactory()
    regional = TeamFactory(city=None)
    person = UserFactory(agent=regional, leader=led, role="qa", team=checked)
    MembershipFactory(user=person, role="city_manager", city=past.city)
    MembershipFactory(user=person, role="team_leader", team=past, valid_from=today - timedelta(days=9), valid_to=today)

    scope = person.scope()

    assert scope.led_team_ids == {checked.pk, led.pk}
    assert scope.team_ids == {checked.pk, led.pk, past.pk}
