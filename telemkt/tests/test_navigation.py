"""Everybody finds their own pages, and no link is dead."""

from types import SimpleNamespace

import pytest

from people.models import Membership, Scope
from telemkt import navigation

pytestmark = pytest.mark.urls("telemkt.tests.pages_for_navigation")


def person(*roles):
    scope = Scope(is_region=False, city_ids=frozenset(), team_ids=frozenset(), roles=frozenset(roles))
    return SimpleNamespace(is_authenticated=True, is_superuser=False, scope=lambda: scope)


def urls(user, path="/"):
    return [item.url for group in navigation.groups_for(user, path) for item in group.items]


def test_an_agent_finds_the_desk_and_nothing_of_others():
    assert urls(person("agent")) == ["/desk/"]


def test_the_data_team_finds_lists_and_imports():
    assert urls(person("data")) == ["/indicators/", "/calls/", "/campaigns/", "/lists/", "/calls/import/"]


def test_two_roles_find_the_pages_of_both_once():
    assert urls(person("agent", "supervisor")) == ["/desk/", "/floor/", "/indicators/", "/calls/", "/campaigns/"]


def test_a_page_that_is_not_mounted_is_left_out_with_its_empty_group():
    groups = navigation.groups_for(person("administrator"), "/")

    assert [item.url for group in groups for item in group.items] == ["/calls/import/", "/people/users/"]
    assert all(group.items for group in groups)


def test_only_the_nearest_entry_is_marked():
    groups = navigation.groups_for(person("data"), "/calls/import/7/")

    assert [item.url for group in groups for item in group.items if item.current] == ["/calls/import/"]


@pytest.mark.parametrize(
    ("roles", "home"),
    [
        (["agent"], "/desk/"),
        (["supervisor"], "/floor/"),
        (["regional_manager", "administrator"], "/indicators/"),
        (["data"], "/lists/"),
        (["qa"], "/calls/"),
        (["administrator"], "/people/users/"),
        ([], "/account/"),
    ],
)
def test_the_day_starts_where_the_first_role_works(roles, home):
    assert navigation.home_for(person(*roles)) == home


def test_a_home_that_is_not_mounted_gives_way_to_the_next():
    assert navigation.home_for(person("trainer")) == "/indicators/"


def test_every_role_has_a_name_and_a_home():
    roles = set(Membership.Role.values)

    assert set(navigation.ROLE_NAMES) == roles
    assert {role for role, _names in navigation.HOMES} == roles
