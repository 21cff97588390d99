"""Erasing a person changes no figure."""

from datetime import timedelta

import pytest

from core.clock import database_now
from customers.models import Customer
from customers.services.erasing import erase
from customers.services.requests import open_request
from customers.tests.factories import CustomerFactory
from metrics.models import DayFigures
from metrics.services import dirty
from metrics.tests.factories import DAY, make_call, make_sale, roll_up
from people.tests.factories import CityFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


def figures() -> list[dict]:
    return list(DayFigures.objects.order_by("day", "level", "pk").values())


def without_ids(rows: list[dict]) -> list[dict]:
    return [{name: value for name, value in row.items() if name not in ("id", "built_at")} for row in rows]


def test_the_figures_of_a_day_counted_again_after_an_erasing_are_what_they_were(settings):
    settings.ORDER_KEPT_DAYS = 30
    city = CityFactory()
    where = {"city_id": city.pk, "team_id": TeamFactory(city=city).pk, "agent_id": UserFactory().pk}
    customer = CustomerFactory(city=city)
    make_sale(DAY, customer_id=customer.pk, talk_seconds=60, **where)
    make_call(DAY, customer_id=CustomerFactory(city=city).pk, **where)
    roll_up()
    before = without_ids(figures())
    assert before
    at = database_now()
    asked = open_request(customer=customer, kind="erase", way="phone", by=UserFactory(role="qa"), at=at)

    erase(asked=asked, by=UserFactory(role="data"), at=at)
    assert Customer.objects.get(pk=customer.pk).name == ""
    dirty.mark_range(since=DAY, until=DAY + timedelta(days=1), at=at)
    assert roll_up()

    assert without_ids(figures()) == before
