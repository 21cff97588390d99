"""The demo: believable, whole, and only in an empty system."""

import itertools
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import numpy as np
import pytest
from django.db import connection
from django.db.models import Count, F

from campaigns.models import Call, Campaign, Lead, Order
from core.clock import database_now
from customers.models import Customer, Phone
from people.models import Membership, User
from staffing.models import CoachingSession
from telemkt.demo import history, live, make
from telemkt.demo.accounts import make_people

NOW = datetime(2026, 3, 4, 7, 0, tzinfo=UTC)  # a Wednesday, 15:00 in Shanghai
TODAY = date(2026, 3, 4)


def crew(size=4):
    return history.Crew(list(range(size)), [1.0] * size, 1.0)


def test_nobody_works_on_a_sunday_but_today():
    slots = history.agent_days(crew(), TODAY, NOW, np.random.default_rng(1))

    days = {(datetime.fromtimestamp(slot[0], UTC) + timedelta(hours=8)).weekday() for slot in slots}
    assert 6 not in days


def test_an_agent_makes_between_120_and_180_calls_a_day_on_the_mean():
    slots = history.agent_days(crew(), TODAY, NOW, np.random.default_rng(1))

    per_day = Counter(
        (slot[1], int((slot[0] + 8 * 3600) // 86400)) for slot in slots if slot[0] < NOW.timestamp() - 86400
    )
    assert 120 <= sum(per_day.values()) / len(per_day) <= 180


def test_one_agent_is_never_in_two_calls():
    slots = history.agent_days(crew(1), TODAY, NOW, np.random.default_rng(1))

    assert all(later[0] >= earlier[0] + sum(earlier[3:6]) - 1 for earlier, later in itertools.pairwise(slots))


def test_no_customer_is_called_more_often_than_the_rules_allow():
    pool, calls = history.Pool(10**6), {"A": history.Calls()}
    slots = history.agent_days(crew(), TODAY, NOW, np.random.default_rng(1))

    history.play(crew(), slots, lambda start, place: ("A", pool), calls, lambda start: 1.0, np.random.default_rng(2))

    for times in pool.leads.times:
        assert all(later - earlier >= 2 * history.HOUR for earlier, later in itertools.pairwise(times))
        assert all(times[n + 2] - times[n] >= history.DAY for n in range(len(times) - 2))


def test_cancellations_come_late_and_never_before_the_sale():
    sold = np.full(1000, NOW.timestamp() - 50 * history.DAY)

    when = history.cancellations(sold, NOW.timestamp(), np.random.default_rng(3))

    cancelled = when[when > 0]
    assert 100 <= len(cancelled) <= 170  # 14 %, less those that have not come yet
    assert cancelled.min() >= sold[0] + history.DAY
    assert cancelled.max() < NOW.timestamp()


@pytest.mark.django_db
def test_every_role_gets_an_account_and_the_agents_one_starts_in_chinese():
    people = make_people(TODAY, Random(1))
    people.set_passwords()

    assert {account["role"] for account in people.accounts} == set(Membership.Role.values)
    agent = next(account for account in people.accounts if account["role"] == "agent")
    assert agent["language"] == "zh-hans"
    assert User.objects.get(username=agent["login"]).check_password(agent["password"])


@pytest.mark.django_db
def test_a_demo_is_refused_where_somebody_is_at_work():
    User.objects.create(username="somebody")

    with pytest.raises(make.NotEmpty):
        make.make_demo(at=database_now())


@pytest.fixture
def small(monkeypatch):
    """Three days instead of sixty."""
    monkeypatch.setattr(history, "DAYS", 3)
    monkeypatch.setattr(make, "SPARE", {"HOME-500": 5, "CARE-TRY": 5})


@pytest.mark.django_db
def test_the_tables_fit_together(small, settings, tmp_path):
    settings.TELEMKT_HOME = tmp_path
    people = make.make_demo(at=database_now())
    accounts = json.loads(make.write_accounts(people).read_text())

    assert len(accounts) == 10
    assert (len(people.cities), len(people.teams), sum(map(len, people.agents.values()))) == (6, 12, 60)
    assert set(Campaign.objects.values_list("stage", flat=True)) == {"script_review", "running", "wrap_up", "trial"}
    assert Customer.objects.count() == Phone.objects.count() == Lead.objects.count()
    assert not Phone.objects.exclude(mask__startswith="190").exists()
    assert Order.objects.count() == Call.objects.filter(sale=True).count()
    assert not Call.objects.filter(started_at__gt=database_now()).exists()
    assert sorted(row.state for row in CoachingSession.objects.all()) == ["planned", "signed", "viewed"]
    # keys are not checked while the demo is written: they hold all the same
    for table, column, target in [
        ("campaigns_lead", "customer_id", "customers_customer"), ("campaigns_lead", "lead_list_id", "customers_leadlist"),
        ("campaigns_call", "lead_id", "campaigns_lead"), ("campaigns_call", "agent_id", "people_user"),
        ("campaigns_order", "product_id", "scripts_product"), ("customers_phone", "customer_id", "customers_customer"),
    ]:  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT count(*) FROM {table} t LEFT JOIN {target} x ON x.id = t.{column} WHERE x.id IS NULL"
            )
            assert cursor.fetchone()[0] == 0, (table, column)
    attempts = Call.objects.values("lead_id").annotate(made=Count("pk"))
    assert {row["lead_id"]: row["made"] for row in attempts} == dict(
        Lead.objects.filter(attempts_made__gt=0).values_list("pk", F("attempts_made"))
    )


@pytest.mark.django_db
def test_the_demos_agents_work_through_the_services_of_the_desk(small, settings):
    settings.SIMULATOR_SPEED = 1000
    make.make_demo(at=database_now())
    rng = Random(5)
    players = live.cast(database_now(), rng)[:6]
    before = Call.objects.count()
    at = database_now()

    for _ in range(80):
        at += timedelta(seconds=45)
        live.play(players, at=at, rng=rng)

    assert Call.objects.count() > before
    assert not User.objects.filter(pk__in=[player.user.pk for player in players], username="agent").exists()
