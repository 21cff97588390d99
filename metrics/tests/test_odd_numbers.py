"""Addresses whose numbers are none: a page or the API answers, and nothing breaks."""

from __future__ import annotations

import pytest
from django.urls import reverse

from people.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ODD = ["²", "٣", "9" * 19, "1" * 5000, "-1", "seven"]
LISTS = [
    ("metrics:indicators", "city"),
    ("metrics:indicators", "team"),
    ("metrics:indicators", "page"),
    ("metrics:scorecards", "page"),
    ("metrics:floor", "team"),
    ("metrics:floor", "city"),
    ("metrics:floor-panels", "hour"),
    ("api:experiment-list", "campaign"),
    ("api:scorecard-list", "source"),
]


@pytest.mark.parametrize(("name", "field"), LISTS)
def test_a_number_that_is_none_breaks_nothing(client, name, field):
    client.force_login(UserFactory(role="regional_manager"))

    assert {client.get(reverse(name), {field: value}).status_code for value in ODD} <= {200, 302, 400, 404}
