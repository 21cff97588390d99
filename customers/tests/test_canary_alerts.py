"""A canary that was called or found in a file: administrators are told until they have settled it; and nothing of its row gives it away."""

from __future__ import annotations

from datetime import UTC, datetime
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail
from django.urls import reverse

from core.clock import database_now
from core.jobs import run_inline
from core.models import AuditEvent, Job
from customers.models import CanaryCall, Customer
from customers.services import canary_alerts
from customers.services.canaries import place_canary, report_canary_call, settle_canary_call
from customers.tests.factories import ConsentFactory, CustomerFactory, SourceFactory
from customers.tests.test_lists import A, B, check, rows_file
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
ALERTS = reverse("customers:canary-alerts")


@pytest.fixture
def boss():
    return UserFactory(role="administrator", email="boss@example.org")


@pytest.fixture
def city():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def canary(boss, city):
    return place_canary(number=A, name="林静", city=city, alert_to=boss, by=boss, at=AT)


@pytest.fixture
def post(settings):
    settings.EMAIL_HOST = "mail.example.org"
    settings.ALERT_EMAILS = ["safety@example.org"]


def called(canary, by, at=AT):
    return report_canary_call(number=A, called_at=at, by=by, at=at)


def text(answer):
    return answer.content.decode()


# ---------------------------------------------------------------- on the first page


def test_the_first_page_of_an_administrator_says_it_until_it_is_settled(client, canary, boss):
    client.force_login(boss)
    assert text(client.get(ALERTS)).strip() == ""
    call = called(canary, boss)

    assert f'hx-get="{ALERTS}"' in text(client.get(reverse("people:users")))
    assert f'hx-get="{ALERTS}"' not in text(client.get(reverse("people:teams")))
    assert reverse("customers:canary", args=[canary.pk]) in text(client.get(ALERTS))

    settle_canary_call(call=call, finding="a test of ours", by=boss, at=AT)
    assert text(client.get(ALERTS)).strip() == ""


@pytest.mark.parametrize("role", ["data", "regional_manager", "supervisor"])
def test_nobody_else_is_told(client, canary, boss, role):
    called(canary, boss)
    client.force_login(UserFactory(role=role))

    assert client.get(ALERTS).status_code == 403


def test_the_first_page_of_the_data_team_asks_for_no_alerts(client):
    client.force_login(UserFactory(role="data"))

    assert ALERTS not in text(client.get(reverse("customers:lists")))


def test_an_administrator_with_an_earlier_role_is_told_where_their_day_starts(client, canary, boss):
    from people.tests.factories import MembershipFactory

    MembershipFactory(user=boss, role="data")
    client.force_login(boss)

    assert f'hx-get="{ALERTS}"' in text(client.get(reverse("customers:lists")))


# ---------------------------------------------------------------- by e-mail


def test_each_administrator_with_an_address_gets_one_letter_without_personal_data(canary, boss, post):
    boss.language = "zh-hans"
    boss.save(update_fields=["language"])
    UserFactory(role="administrator", email="")
    UserFactory(role="administrator", email="left@example.org", is_active=False)
    UserFactory(role="data", email="data@example.org")
    called(canary, boss)
    job = Job.objects.get(kind="customers.write_alert")

    run_inline(job.pk)

    assert [letter.to for letter in mail.outbox] == [["safety@example.org"], ["boss@example.org"]]
    assert "A canary customer was called." in mail.outbox[0].body
    assert "A canary customer was called." not in mail.outbox[1].body  # in the administrator's language
    for letter in mail.outbox:
        written = letter.subject + letter.body
        assert not {word for word in ("林静", A, "7541", f"#{canary.customer_id}") if word in written}
    assert "canary" not in f"{job.kind} {job.key} {job.args}"


def test_a_bad_address_does_not_keep_the_letter_from_the_others(canary, boss, post, monkeypatch):
    good = UserFactory(role="administrator", email="good@example.org")
    called(canary, boss)
    sent = []

    def send(subject, body, sender, to):
        if to in (["boss@example.org"], ["safety@example.org"]):
            raise SMTPRecipientsRefused({to[0]: (550, b"no such person")})
        sent.extend(to)

    monkeypatch.setattr(canary_alerts, "send_mail", send)

    job = Job.objects.get(kind="customers.write_alert")
    run_inline(job.pk)

    job.refresh_from_db()
    assert sent == [good.email]
    assert (job.state, job.result) == ("done", {"written": 1, "refused_letters": 2})


def test_a_letter_that_was_written_is_not_written_again(canary, boss, post):
    called(canary, boss)
    job = Job.objects.get(kind="customers.write_alert")
    Job.objects.filter(pk=job.pk).update(cursor={"after": boss.pk - 1})

    run_inline(job.pk)

    assert [letter.to for letter in mail.outbox] == [["boss@example.org"]]


def test_without_a_mail_server_nobody_is_written_to(canary, boss):
    called(canary, boss)

    assert not Job.objects.filter(kind="customers.write_alert").exists()


# ---------------------------------------------------------------- in a file that came in


def test_a_canary_in_an_uploaded_list_is_an_alert_once_and_the_uploader_learns_nothing(
    client, canary, boss, city, post
):
    data, source = UserFactory(role="data"), SourceFactory(name="bank")

    lists = [check(rows_file(["E1", "林静", number, "Foshan", 30, ""]), data, source) for number in (A, B)]

    call = CanaryCall.objects.get()
    assert (call.canary, call.lead_list, call.reported_by, call.settled_at) == (canary, lists[0], data, None)
    event = AuditEvent.objects.get(action="customers.canary.found")
    assert (event.actor_id, event.detail["lead_list_id"]) == (None, lists[0].pk)
    assert Job.objects.filter(kind="customers.write_alert").count() == 1
    client.force_login(boss)
    assert "uploaded list" in text(client.get(ALERTS))
    assert lists[0].name in text(client.get(reverse("customers:canary", args=[canary.pk])))
    client.force_login(data)
    assert not {
        page
        for page in ("customers:lists", "core:jobs")
        if {"canary", "notice by e-mail"} & set(text(client.get(reverse(page))).lower().split())
    }


# ---------------------------------------------------------------- looks


def test_a_canary_has_source_consents_and_columns_as_the_neighbours_who_came_last(boss, city):
    source = SourceFactory(name="bank")
    for number, own in ((1, "first@x.cn"), (2, "second@x.cn")):
        neighbour = CustomerFactory(
            city=city, source=source, consent=False, gender="female", age=33 + number, type="consumer",
            attributes={"plan": "5G", "mail": own}, created_at=AT,
        )  # fmt: skip
        ConsentFactory(customer=neighbour, basis="form on the web", stated_by="bank", evidence="I agree", given_at=AT)
        ConsentFactory(customer=neighbour, basis="call", stated_by="Chen", evidence=f"said by {own}", given_at=AT)
    CustomerFactory(source=SourceFactory(name="of another city"))

    made = Customer.objects.get(
        pk=place_canary(number=A, name="林静", city=city, alert_to=boss, by=boss, at=database_now()).customer_id
    )

    assert (made.source, made.gender, made.age, made.created_at) == (source, "female", 35, AT)
    assert made.attributes == {"plan": "5G"}  # the mail address is one person's
    consents = list(made.consents.order_by("pk").values_list("basis", "stated_by", "evidence", "given_at"))
    assert consents == [("form on the web", "bank", "I agree", AT), ("call", "Chen", "", AT)]


def test_a_canary_of_a_chosen_source_looks_like_those_of_the_source_and_alone_like_nobody(boss, city):
    wanted, other = SourceFactory(), SourceFactory()
    CustomerFactory(city=city, source=wanted, age=50)
    CustomerFactory(city=city, source=other, age=20)
    places = {"name": "林静", "alert_to": boss, "by": boss, "at": AT}

    of_source = place_canary(number=A, city=city, source=wanted, **places).customer
    alone = place_canary(number=B, city=CityFactory(), source=wanted, **places).customer

    assert (of_source.source, of_source.age) == (wanted, 50)
    assert (alone.source, alone.age, alone.consents.count()) == (wanted, None, 0)
