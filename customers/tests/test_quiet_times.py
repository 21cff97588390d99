"""Do-not-disturb times on the person's page: entered, ended, shown, forgotten with the person."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from core.clock import database_now
from core.models import AuditEvent
from customers.models import Customer, QuietTime
from customers.retention import forget_quiet_times
from customers.services import contacts, quiet_times
from customers.services.quiet_times import in_words
from customers.tests.factories import CustomerFactory
from people.tests.factories import CityFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
# a Thursday, 11:00 in China
AT = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def data(client, city):
    user = UserFactory(role="data", city=city)
    client.force_login(user)
    return user


@pytest.fixture
def customer(city):
    return CustomerFactory(city=city)


def add(customer, by, **more):
    wish = {
        "days": [5, 4],
        "begins": "12:00",
        "ends": "14:00",
        "stated_on": date(2026, 11, 1),
        "way": "phone",
        "stated_by": "herself",
    }
    return quiet_times.add_quiet_time(customer=customer, by=by, at=AT, **wish | more)


def text(answer):
    return answer.content.decode()


def test_a_wish_is_kept_with_its_evidence_and_marks_the_person(customer, data):
    row = add(customer, data, last_day=date(2026, 12, 31))

    assert (row.days, row.from_minute, row.to_minute) == ([4, 5], 720, 840)
    assert row.valid_to == datetime(2026, 12, 31, 16, 0, tzinfo=UTC)  # midnight in China
    assert (row.way, row.stated_by, row.created_by) == ("phone", "herself", data)
    assert Customer.objects.get(pk=customer.pk).has_quiet_times
    assert AuditEvent.objects.filter(action="customers.quiet_time.added", detail__customer_id=customer.pk).count() == 1


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"days": []}, quiet_times.QuietTimeIncomplete),
        ({"days": [8]}, quiet_times.QuietTimeIncomplete),
        ({"begins": "noon"}, quiet_times.QuietTimeIncomplete),
        ({"ends": "12:00"}, quiet_times.QuietTimeIncomplete),
        ({"begins": "24:00", "ends": "00:00"}, None),
        ({"stated_by": " "}, quiet_times.QuietTimeIncomplete),
        ({"way": "gossip"}, quiet_times.QuietTimeIncomplete),
        ({"stated_on": date(2026, 11, 20)}, quiet_times.QuietTimeIncomplete),
        ({"last_day": date(2026, 11, 18)}, quiet_times.EndsBeforeItBegins),
        ({"last_day": date(2026, 11, 19)}, None),
    ],
)
def test_what_a_wish_does_not_say_or_cannot_mean_is_refused(customer, data, wrong, refusal):
    if refusal is None:
        assert add(customer, data, **wrong)
        return

    with pytest.raises(refusal):
        add(customer, data, **wrong)

    assert not QuietTime.objects.exists()


def test_the_same_wish_is_not_entered_twice_and_not_ended_twice(customer, data):
    row = add(customer, data)
    with pytest.raises(quiet_times.StandsAlready):
        add(customer, data)

    quiet_times.end_quiet_time(quiet_time=row, by=data, at=AT)

    with pytest.raises(quiet_times.AlreadyEnded):
        quiet_times.end_quiet_time(quiet_time=row, by=data, at=AT)
    assert not Customer.objects.get(pk=customer.pk).has_quiet_times
    assert AuditEvent.objects.filter(action="customers.quiet_time.ended").count() == 1


def test_the_mark_stays_while_another_wish_stands_and_goes_with_the_last(customer, data):
    one, other = add(customer, data), add(customer, data, begins="18:00", ends="20:00")
    quiet_times.end_quiet_time(quiet_time=one, by=data, at=AT)
    assert Customer.objects.get(pk=customer.pk).has_quiet_times

    other.delete()

    assert not Customer.objects.get(pk=customer.pk).has_quiet_times


@pytest.mark.parametrize(
    "wrong", [{"days": []}, {"days": [9]}, {"to_minute": 720}, {"to_minute": 1441}, {"from_minute": 1440}]
)
def test_the_database_refuses_what_is_no_time_of_the_week(customer, data, wrong):
    row = {"days": [1], "from_minute": 720, "to_minute": 840, "stated_on": AT, "way": "phone", "stated_by": "x"} | wrong

    with pytest.raises(IntegrityError), transaction.atomic():
        QuietTime.objects.create(customer=customer, created_by=data, **row)


def test_it_reads_in_words(customer, data):
    assert in_words(add(customer, data)) == "Thu, Fri from 12:00 to 14:00"
    assert (
        in_words(add(customer, data, begins="22:00", ends="07:00")) == "Thu, Fri from 22:00 to 07:00 of the day after"
    )
    assert (
        in_words(add(customer, data, days=range(1, 8), begins="18:00", ends="00:00")) == "every day from 18:00 to 24:00"
    )


def test_the_reason_against_a_call_says_until_when(customer, data):
    add(customer, data)
    customer.refresh_from_db()
    noon = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)

    rules = contacts.rules_for(pack_ids=[], on=noon.date())
    found = {reason.code: reason for reason in contacts.why_not(customer=customer, rules=rules, at=noon, callback=True)}

    assert found["quiet"].until == datetime(2026, 11, 19, 6, 0, tzinfo=UTC)
    assert found["quiet"].blocks


# ---------------------------------------------------------------- the page


WISH = {
    "days": ["1", "2"],
    "begins": "12:00",
    "ends": "14:00",
    "stated_on": "2026-11-01",
    "way": "letter",
    "stated_by": "the son",
}


def test_a_wish_is_entered_and_ended_on_the_persons_page(client, data, customer):
    page = reverse("customers:customer", args=[customer.pk])
    assert "No wish about times is known." in text(client.get(page))

    client.post(reverse("customers:quiet-time-add", args=[customer.pk]), WISH)
    row = QuietTime.objects.get()
    shown = text(client.get(page))
    for part in ("Mon, Tue from 12:00 to 14:00", "the son", "By letter"):
        assert part in shown

    client.post(reverse("customers:quiet-time-end", args=[customer.pk, row.pk]))
    row.refresh_from_db()
    assert row.ended_by == data
    answer = client.post(reverse("customers:quiet-time-end", args=[customer.pk, row.pk]), follow=True)
    assert "This wish was ended before." in text(answer)


def test_what_is_wrong_is_said_on_the_form(client, data, customer):
    answer = client.post(reverse("customers:quiet-time-add", args=[customer.pk]), WISH | {"ends": "12:00"})

    assert answer.status_code == 422
    assert "It ends when it begins." in text(answer)


def test_another_city_and_another_persons_wish_are_not_found(client, data, customer):
    stranger = CustomerFactory()
    row = add(stranger, data)

    assert client.post(reverse("customers:quiet-time-add", args=[stranger.pk]), WISH).status_code == 404
    assert client.post(reverse("customers:quiet-time-end", args=[stranger.pk, row.pk])).status_code == 404
    assert client.post(reverse("customers:quiet-time-end", args=[customer.pk, row.pk])).status_code == 404


def test_quality_enters_a_wish_and_ends_none_and_agents_do_neither(client, city, customer):
    client.force_login(UserFactory(role="qa", city=city))
    client.post(reverse("customers:quiet-time-add", args=[customer.pk]), WISH)
    row = QuietTime.objects.get()
    assert client.post(reverse("customers:quiet-time-end", args=[customer.pk, row.pk])).status_code == 403

    client.force_login(UserFactory(agent=TeamFactory(city=city)))
    assert client.post(reverse("customers:quiet-time-add", args=[customer.pk]), WISH).status_code in (403, 404)


def test_the_page_of_a_person_asks_the_same_number_of_questions_however_many_wishes(
    client, data, customer, django_assert_max_num_queries
):
    url = reverse("customers:customer", args=[customer.pk])
    add(customer, data)
    client.get(url)
    with django_assert_max_num_queries(60) as one:
        client.get(url)
    for hour in (15, 17):
        add(customer, data, begins=f"{hour}:00", ends=f"{hour + 1}:00")

    with django_assert_max_num_queries(len(one.captured_queries)):
        client.get(url)


def test_who_was_not_called_for_three_years_is_forgotten_with_the_wishes(customer, data):
    add(customer, data)
    assert forget_quiet_times(database_now()) == 0
    Customer.objects.update(created_at=datetime(2020, 1, 1, tzinfo=UTC))

    assert forget_quiet_times(database_now()) == 1
    assert not Customer.objects.get(pk=customer.pk).has_quiet_times
