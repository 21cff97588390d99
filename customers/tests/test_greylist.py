"""The greylist next to the do-not-call list: entered by number or on the person's page, lifted, marked, seen by who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from core.models import AuditEvent
from core.phones import clean_phone
from core.sealed import blind_index
from customers.models import Customer, GreyEntry, QuietTime
from customers.services import contacts, greylist, quiet_times
from customers.tests.factories import CustomerFactory, PhoneFactory
from people.tests.factories import CityFactory, MembershipFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
A = "19100007541"


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
    return CustomerFactory(city=city, number=A)


def add(by, **more):
    wish = {"purposes": ["service"], "callback_only": False, "reason": "asked for", "source": "letter"}
    return greylist.add_grey_entry(by=by, at=AT, **wish | more)


def text(answer):
    return answer.content.decode()


def test_an_entry_is_kept_with_why_and_whence_and_marks_the_person(customer, data):
    row = add(data, customer=customer, purposes=["service", "retention"])

    assert (row.purposes, row.reason, row.source, row.created_by) == (
        ["retention", "service"],
        "asked for",
        "letter",
        data,
    )
    assert Customer.objects.get(pk=customer.pk).is_greylisted
    assert AuditEvent.objects.filter(action="customers.grey_entry.added", detail__customer_id=customer.pk).count() == 1
    assert greylist.in_words(row) == "only for Retention, Service"


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"purposes": []}, greylist.GreyEntryIncomplete),
        ({"purposes": ["gossip"]}, greylist.GreyEntryIncomplete),
        ({"reason": " "}, greylist.GreyEntryIncomplete),
        ({"source": ""}, greylist.GreyEntryIncomplete),
        ({"customer": None}, greylist.GreyEntryIncomplete),
        ({"number": A}, greylist.GreyEntryIncomplete),
        ({"valid_to": AT}, greylist.EndsBeforeItBegins),
        ({"opens": "09:00"}, greylist.GreyEntryIncomplete),
        ({"opens": "9", "closes": "12:00"}, greylist.GreyEntryIncomplete),
        ({"opens": "12:00", "closes": "12:00"}, greylist.GreyEntryIncomplete),
        ({"opens": "22:00", "closes": "06:00"}, greylist.GreyEntryIncomplete),
        ({"most_attempts": 2}, greylist.GreyEntryIncomplete),
        ({"in_days": 7}, greylist.GreyEntryIncomplete),
        ({"most_attempts": 0, "in_days": 7}, greylist.GreyEntryIncomplete),
        ({"most_attempts": 21, "in_days": 7}, greylist.GreyEntryIncomplete),
        ({"most_attempts": 2, "in_days": 367}, greylist.GreyEntryIncomplete),
    ],
)
def test_what_an_entry_does_not_say_is_refused(customer, data, wrong, refusal):
    with pytest.raises(refusal):
        add(data, **{"customer": customer} | wrong)

    assert not GreyEntry.objects.exists()


def test_it_is_lifted_once_and_with_a_reason(customer, data):
    row = add(data, customer=customer)
    with pytest.raises(greylist.GreyEntryIncomplete):
        greylist.lift_grey_entry(entry=row, by=data, at=AT, reason=" ")

    greylist.lift_grey_entry(entry=row, by=data, at=AT, reason="settled")

    assert not Customer.objects.get(pk=customer.pk).is_greylisted
    with pytest.raises(greylist.AlreadyLifted):
        greylist.lift_grey_entry(entry=row, by=data, at=AT, reason="settled")


def test_a_number_marks_its_owner_and_the_mark_stays_while_another_entry_stands(customer, data):
    by_number, by_row = add(data, number=A), add(data, customer=customer)
    assert Customer.objects.get(pk=customer.pk).is_greylisted

    greylist.lift_grey_entry(entry=by_row, by=data, at=AT, reason="settled")
    assert Customer.objects.get(pk=customer.pk).is_greylisted
    greylist.lift_grey_entry(entry=by_number, by=data, at=AT, reason="settled")

    assert not Customer.objects.get(pk=customer.pk).is_greylisted


def test_a_listed_number_that_comes_into_the_pool_later_is_marked_by_the_nightly_sweep(data):
    add(data, number="19100008888")
    owner = CustomerFactory()
    PhoneFactory(customer=owner, number="19100008888", is_primary=False)
    assert not Customer.objects.get(pk=owner.pk).is_greylisted

    assert greylist.mark_all() == 1

    assert Customer.objects.get(pk=owner.pk).is_greylisted


def test_without_a_campaign_the_list_only_warns_and_with_one_it_blocks(customer, data):
    add(data, customer=customer)
    customer.refresh_from_db()
    rules = contacts.rules_for(pack_ids=[], on=AT.date())

    def judged(**more):
        reasons = contacts.why_not(customer=customer, rules=rules, at=AT, **more)
        return [reason.severity for reason in reasons if reason.code == "grey"]

    assert judged() == ["warn"]
    assert judged(purpose="cross_sell") == ["block"]
    assert judged(purpose="service") == []


def test_hours_and_attempts_are_conditions_of_their_own_and_said_in_words(customer, data):
    row = add(data, customer=customer, purposes=[], opens="09:00", closes="12:30", most_attempts=2, in_days=7)

    assert (row.from_minute, row.to_minute, row.most_attempts, row.in_days) == (540, 750, 2, 7)
    assert greylist.in_words(row) == "only from 09:00 to 12:30; at most 2 attempts in 7 days"
    detail = AuditEvent.objects.get(action="customers.grey_entry.added").detail
    assert (detail["opens"], detail["closes"], detail["most_attempts"], detail["in_days"]) == ("09:00", "12:30", 2, 7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"purposes": []},
        {"phone_blind": b"x"},
        {"customer": None},
        {"from_minute": 600},
        {"from_minute": 600, "to_minute": 600},
        {"from_minute": 600, "to_minute": 1441},
        {"most_attempts": 2},
        {"most_attempts": 0, "in_days": 2},
    ],
)
def test_the_database_refuses_an_entry_without_a_condition_or_with_two_names(customer, data, wrong):
    row = {"customer": customer, "purposes": ["service"], "reason": "x", "source": "x", "created_by": data}

    with pytest.raises(IntegrityError), transaction.atomic():
        GreyEntry.objects.create(**row | wrong)


# ---------------------------------------------------------------- pages


def test_a_number_is_entered_listed_and_lifted(client, customer):
    client.force_login(UserFactory(role="data"))
    posted = {
        "number": A,
        "purposes": ["service"],
        "until": "2099-12-31",
        "reason": "court",
        "source": "letter of 3 May",
    }

    assert client.post(reverse("customers:grey-entry-new"), posted).url == reverse("customers:greylist")

    row = GreyEntry.objects.get()
    assert bytes(row.phone_blind) == blind_index(clean_phone(A))
    listed = text(client.get(reverse("customers:greylist"), {"state": "in_force"}))
    assert "only for Service" in listed
    assert "letter of 3 May" in listed
    assert A not in listed
    page = reverse("customers:grey-entry", args=[row.pk])
    assert "court" in text(client.get(page))
    client.post(reverse("customers:grey-entry-lift", args=[row.pk]), {"reason": "court again"})
    assert "court again" in text(client.get(page))
    assert client.post(reverse("customers:grey-entry-lift", args=[row.pk]), {"reason": "x"}).status_code == 422


def test_a_customer_is_entered_on_the_own_page(client, data, customer):
    url = reverse("customers:customer-grey-add", args=[customer.pk])
    wrong = client.post(url, {"reason": "x", "source": "x"})
    assert wrong.status_code == 422
    assert "Choose a condition" in text(wrong)

    client.post(url, {"callback_only": "on", "reason": "wants to call first", "source": "phone"})

    page = text(client.get(reverse("customers:customer", args=[customer.pk])))
    assert "only when the customer asked for a call" in page
    assert "wants to call first" in page


def test_hours_and_attempts_are_entered_on_the_pages_and_the_faults_are_told_there(client, data, customer):
    url = reverse("customers:customer-grey-add", args=[customer.pk])
    said = {"reason": "complained", "source": "phone"}
    assert "Say both" in text(client.post(url, {**said, "most_attempts": "2"}))
    assert "must end after they begin" in text(client.post(url, {**said, "opens": "12:00", "closes": "09:00"}))

    client.post(url, {**said, "opens": "18:00", "closes": "20:00", "most_attempts": "1", "in_days": "3"})

    words = "only from 18:00 to 20:00; at most 1 attempt in 3 days"
    row = GreyEntry.objects.get()
    assert words in text(client.get(reverse("customers:customer", args=[customer.pk])))
    assert words in text(client.get(reverse("customers:greylist")))
    assert words in text(client.get(reverse("customers:grey-entry", args=[row.pk])))


def test_another_city_sees_neither_the_entry_nor_numbers_of_nobody(client, data):
    elsewhere = UserFactory(role="data", city=CityFactory())
    of_stranger, of_number = add(data, customer=CustomerFactory()), add(elsewhere, number="19100008888")

    assert "Nobody is on the greylist." in text(client.get(reverse("customers:greylist")))
    for row in (of_stranger, of_number):
        assert client.get(reverse("customers:grey-entry", args=[row.pk])).status_code == 404
        assert client.post(reverse("customers:grey-entry-lift", args=[row.pk]), {"reason": "x"}).status_code == 404


def test_quality_reads_the_list_and_changes_nothing_and_agents_do_not_see_it(client, customer, data, city):
    row = add(data, customer=customer)
    client.force_login(UserFactory(role="qa", city=city))
    assert client.get(reverse("customers:grey-entry", args=[row.pk])).status_code == 200
    assert client.post(reverse("customers:grey-entry-lift", args=[row.pk]), {"reason": "x"}).status_code == 403
    assert client.get(reverse("customers:grey-entry-new")).status_code == 403

    client.force_login(UserFactory(agent=TeamFactory(city=city)))
    assert client.get(reverse("customers:greylist")).status_code == 403


def test_the_author_and_the_authors_city_lift_what_was_entered_by_number_whoever_it_belongs_to(client, data, city):
    CustomerFactory(number="19100008888")  # of another city
    known, unknown = add(data, number="19100008888"), add(data, number="19100009999")
    colleague = UserFactory(role="campaign_manager", city=city)

    shown = []
    for user, row in ((data, known), (colleague, unknown)):
        client.force_login(user)
        page = text(client.get(reverse("customers:grey-entry", args=[row.pk])))
        shown.append(page.split("<tbody>")[1].split("</tbody>")[0])
        assert text(client.get(reverse("customers:greylist"))).count("a number") >= 2
        answer = client.post(reverse("customers:grey-entry-lift", args=[row.pk]), {"reason": "mistyped"})
        assert answer.status_code == 302

    assert shown[0] == shown[1]
    assert not GreyEntry.objects.filter(lifted_at=None).exists()
    assert not Customer.objects.filter(is_greylisted=True).exists()


def test_what_somebody_entered_for_a_city_stays_with_it_when_they_go_elsewhere(client, city):
    mover = UserFactory(role="data", city=city)
    row = add(mover, number="19100008888")
    today = timezone.localdate()
    mover.memberships.update(valid_to=today + timedelta(days=1))
    new = CityFactory()
    MembershipFactory(user=mover, role="data", city=new, valid_from=today + timedelta(days=1))

    def sees(user):
        client.force_login(user)
        return client.get(reverse("customers:grey-entry", args=[row.pk])).status_code == 200

    assert [sees(UserFactory(role="data", city=place)) for place in (city, new, None)] == [True, False, True]


def test_the_customers_page_says_what_another_citys_number_binds_and_not_why(client, data, customer):
    elsewhere = UserFactory(role="data", city=CityFactory(), display_name="Somebody Else")
    add(elsewhere, number=A, reason="a word of theirs", source="their letter")
    add(data, number=A, purposes=["retention"], reason="a word of ours")

    page = text(client.get(reverse("customers:customer", args=[customer.pk])))

    assert "only for Service" in page
    assert "a word of ours" in page
    assert not {word for word in ("a word of theirs", "their letter", "Somebody Else") if word in page}


def test_entries_of_who_is_locked_are_seen_by_those_who_answer_alone(client, data, customer, city):
    row = add(data, customer=customer, reason="Mr Sun asked")
    quiet_times.add_quiet_time(
        customer=customer, days=[1], begins="09:00", ends="10:00", stated_on=AT.date(), way="phone", stated_by="Sun", by=data, at=AT,
    )  # fmt: skip
    Customer.objects.filter(pk=customer.pk).update(is_locked=True)
    clerk = UserFactory(role="supervisor", city=city)
    client.force_login(clerk)

    assert "Mr Sun" not in text(client.get(reverse("customers:greylist")))
    assert client.get(reverse("customers:grey-entry", args=[row.pk])).status_code == 404
    assert not QuietTime.objects.visible_to(clerk).exists()
    assert QuietTime.objects.visible_to(data).exists()
    client.force_login(data)
    assert "Mr Sun" in text(client.get(reverse("customers:grey-entry", args=[row.pk])))


@pytest.mark.parametrize("entries", [1, 3])
def test_the_list_runs_the_same_queries_however_long(client, data, city, entries, django_assert_max_num_queries):
    for _n in range(entries):
        add(data, customer=CustomerFactory(city=city))

    with django_assert_max_num_queries(14):
        client.get(reverse("customers:greylist"))
