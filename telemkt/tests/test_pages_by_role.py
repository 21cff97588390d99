"""Every role opens every page of its own navigation, and finds the pages of other roles closed."""

import pytest
from django.test import Client
from django.urls import reverse

from people.models import Membership
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from telemkt import navigation

Role = Membership.Role
PAGES = {page.name: page for _label, pages in navigation.GROUPS for page in pages}
NAMES = sorted({*PAGES, *(page.badge for page in PAGES.values() if page.badge)})
HOMES = sorted({name for _role, names in navigation.HOMES for name in names})

# Lists that a role may read, cut to its scope, although its navigation does not lead there: it comes to their rows from a page of its
# own, as from a call to its order, or from an upload to its job. What is not named here is refused.
OWN_WORK = {"core:jobs"}
FACTS = {"campaigns:calls", "campaigns:orders", "campaigns:campaigns", "campaigns:callbacks"}
FIGURES = {"metrics:indicators", "metrics:definitions"}
PLANS = {
    "scripts:products",
    "scripts:scripts",
    "scripts:objections",
    "scripts:phrases",
    "scripts:scenarios",
    "scripts:maps",
}
REFUSALS = {"campaigns:refusals"}
CLIPS = {"qa:clips"}
WORDING = {"scripts:outdated", "scripts:words"}
PERSONS = {"customers:customers", "customers:suppressions"}
LISTS = {"customers:lists", "customers:sources"}
PLACES = {"people:users", "people:teams", "people:cities"}
MAY_READ_TOO: dict[str, set[str]] = {
    "agent": OWN_WORK | FIGURES | PLANS | {"campaigns:calls", "campaigns:orders"},
    "team_leader": OWN_WORK | PLANS,
    "supervisor": OWN_WORK | PLANS | {"customers:rules"},
    "data": PLANS | {"campaigns:orders"},
    "campaign_manager": CLIPS | OWN_WORK | PLANS | {"customers:sources"},
    "qa": OWN_WORK | PLANS | PERSONS | {"campaigns:orders", "customers:rules"},
    "trainer": OWN_WORK | PLANS | {"campaigns:campaigns"},
    "city_manager": CLIPS | REFUSALS | OWN_WORK | PLANS | PERSONS | PLACES | {"campaigns:callbacks", "customers:rules"},
    "regional_manager": CLIPS
    | REFUSALS
    | OWN_WORK
    | PLANS
    | WORDING
    | PERSONS
    | LISTS
    | PLACES
    | {"campaigns:callbacks"},
    "administrator": REFUSALS | FACTS | FIGURES | PLANS | WORDING | PERSONS | LISTS,
}


@pytest.mark.parametrize("name", sorted({*NAMES, *HOMES}))
def test_every_entry_of_the_navigation_is_mounted(name):
    assert navigation.url_of(name), f"{name} is no page"


def person_in(role: str):
    city = CityFactory()
    team = TeamFactory(city=city)
    if role in (Role.AGENT, Role.TEAM_LEADER):
        return UserFactory(role=role, team=team)
    return UserFactory(role=role, city=city if role in (Role.CITY_MANAGER, Role.SUPERVISOR) else None)


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(person_in(role))
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_a_role_opens_every_page_of_its_navigation(role):
    client = client_of(role)
    own = [page for page in PAGES.values() if role in page.roles]

    answers = {page.name: client.get(reverse(page.name)).status_code for page in own}
    badges = {page.badge: client.get(reverse(page.badge)).status_code for page in own if page.badge}

    assert answers == dict.fromkeys(answers, 200)
    assert badges == dict.fromkeys(badges, 200)
    assert own


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_a_role_is_refused_the_pages_of_others(role):
    client = client_of(role)
    others = [page.name for page in PAGES.values() if role not in page.roles]

    open_ones = {name for name in others if client.get(reverse(name)).status_code == 200}

    assert open_ones <= MAY_READ_TOO.get(role, set()), f"{role} reads {open_ones - MAY_READ_TOO.get(role, set())}"


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_the_day_begins_on_a_page_that_opens(role):
    response = client_of(role).get("/", follow=True)

    assert response.status_code == 200
    assert response.redirect_chain
