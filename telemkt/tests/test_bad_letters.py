"""No page breaks when an address is filled with what no column can hold: NULs, digits that are none, numbers without end."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from people.models import Membership
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from telemkt.tests.test_guards import URLS

APPS = ("core", "people", "customers", "scripts", "campaigns", "metrics", "qa", "staffing", "telemkt")
ASKED = re.compile(r'\bGET(?:\.get|\.getlist)?[(\[]\s*"(\w+)"')
# what filters and forms of lists are called when the name stands in a declaration and not beside GET
DECLARED = {"city", "team", "campaign", "product", "since", "until", "status", "state", "kind", "list", "source", "agent", "from", "to", "day", "sort", "text", "segment", "name"}  # fmt: skip
# these end the session or answer for as long as somebody listens
NOT_ASKED = {"people:logout"}
PLAIN = [
    (name, path)
    for name, path in URLS
    if not re.search(r"/(?:1|x|0{8}-[-0-9]+)(?:/|$)", path) and name not in NOT_ASKED
]


def names_asked() -> set[str]:
    found = set(DECLARED)
    for app in APPS:
        for file in Path(settings.BASE_DIR, app).rglob("*.py"):
            if "tests" not in file.parts:
                found |= set(ASKED.findall(file.read_text(encoding="utf-8")))
    return found


@pytest.fixture
def somebody(db) -> Client:
    """One person with every role, so that hardly a page is closed."""
    city = CityFactory()
    team = TeamFactory(city=city)
    user = UserFactory(is_superuser=True)
    for role in Membership.Role.values:
        place = {Membership.Role.AGENT: {"team": team}, Membership.Role.TEAM_LEADER: {"team": team}}.get(
            role, {"city": city} if role == Membership.Role.CITY_MANAGER else {}
        )
        Membership.objects.create(user=user, role=role, valid_from="2020-01-01", **place)
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def status_of(client: Client, path: str, asked: dict[str, str]) -> int:
    answer = client.get(path, asked)
    if answer.streaming:
        list(answer.streaming_content)  # read to its end a file is closed
    return answer.status_code


@pytest.mark.parametrize(
    "value", ["\0", "²", "9" * 5000, "-1", "99999999999999999999", "2026-13-45", "9999-12-31", "0001-01-01", "a\0b c"]
)
def test_no_list_breaks_on_bad_letters_in_its_address(somebody, value):
    asked = dict.fromkeys(names_asked(), value)

    answers = {name: status_of(somebody, path, asked) for name, path in PLAIN}

    assert {name: status for name, status in answers.items() if status >= 500} == {}
    assert list(answers.values()).count(200) > 20 or "\0" in value
