"""Leads, costs and opportunities: figures counted by hand."""

from datetime import date
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from campaigns.models import AgentState, Cost, Lead, Opportunity
from campaigns.tests.factories import CustomerFactory, LeadFactory
from core.calendar import days
from core.clock import database_now
from core.jobs import enqueue, run_inline
from metrics import ledgers, queries, registry
from metrics.models import DayFigures
from metrics.questions import ask
from metrics.services import activity
from metrics.tests import factories as f
from people.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
DAY = f.DAY  # 4 March 2026
NEW = ("utilisation", "list_penetration", "opportunity_close_rate", "cost_per_order", "return_on_cost", "closing_cycle")


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()


@pytest.fixture
def foshan():
    return f.place("Foshan")


@pytest.fixture
def zhuhai():
    return f.place("Zhuhai")


@pytest.fixture
def campaign():
    return f.campaign()


def value(key, by=(), place=(), since=DAY, until=DAY, **more):
    """The figure of one group, of the total without `by`."""
    found = queries.figures(since=since, until=until, by=by, **more)
    row = next(row for row in found.rows if row.key == tuple(place)) if by else found.total
    return row.value(registry.indicator(key))


def lead(campaign, city, day, attempts=0):
    found = LeadFactory(campaign=campaign, customer=CustomerFactory(city=city), attempts_made=attempts)
    Lead.objects.filter(pk=found.pk).update(created_at=f.at(day))


def sale(place, campaign, customer, day=DAY):
    city, team, agent = place
    return f.make_sale(
        day, customer_id=customer, city_id=city.pk, team_id=team.pk, agent_id=agent.pk, campaign_id=campaign.pk
    )


def test_utilisation_is_the_time_in_calls_and_after_them_of_all_the_time_signed_in(foshan):
    """2 hours talking and half an hour after calls of 5 signed in: 50 %."""
    _city, team, agent = foshan
    for state, begin, end in (("waiting", 9, 10), ("talking", 10, 12), ("away", 12, 13)):
        AgentState.objects.create(
            agent=agent, team=team, state=state, began_at=f.at(DAY, begin), ended_at=f.at(DAY, end)
        )
    for state, begin, end in (("after_call", (13, 0), (13, 30)), ("preview", (13, 30), (14, 0))):
        AgentState.objects.create(
            agent=agent, team=team, state=state, began_at=f.at(DAY, *begin), ended_at=f.at(DAY, *end)
        )
    activity.build_activity(day=DAY, at=database_now())

    assert value("utilisation") == pytest.approx(50.0)
    assert value("utilisation", ["agent"], [agent.pk]) == pytest.approx(50.0)
    assert value("occupancy") == pytest.approx(62.5)


def test_list_penetration_follows_the_day_on_which_the_leads_were_made(foshan, zhuhai, campaign):
    """Foshan: 4 leads, 3 called. Zhuhai: 1 of 4. A lead of the day after counts there alone."""
    for attempts in (0, 1, 2, 5):
        lead(campaign, foshan[0], DAY, attempts)
    for attempts in (0, 0, 0, 1):
        lead(campaign, zhuhai[0], DAY, attempts)
    lead(campaign, foshan[0], date(2026, 3, 5), 1)
    for number, place in enumerate((foshan, zhuhai)):
        sale(place, campaign, number)
    f.roll_up()

    assert value("list_penetration") == pytest.approx(50.0)
    assert value("list_penetration", ["city"], [foshan[0].pk]) == pytest.approx(75.0)
    assert value("list_penetration", ["campaign"], [campaign.pk]) == pytest.approx(50.0)
    assert value("list_penetration", filters={"city": [zhuhai[0].pk]}) == pytest.approx(25.0)
    assert value("list_penetration", until=date(2026, 3, 5)) == pytest.approx(500 / 9)
    assert value("list_penetration", ["team"], [foshan[1].pk]) is None


def test_the_leads_are_counted_by_the_rollup_and_unpacked_once_for_all_periods_of_a_table(
    foshan, campaign, monkeypatch
):
    """Of 4 March two leads, one called; each of ten days is asked for by itself."""
    for attempts in (0, 1):
        lead(campaign, foshan[0], DAY, attempts)
    assert run_inline(enqueue(kind="metrics.rollup_today", key="x").pk)
    monkeypatch.setattr(ledgers, "_unpacked", ("", {}))  # another process
    read = []
    seen = SimpleNamespace(get=lambda key: read.append(key) or cache.get(key))
    monkeypatch.setattr(ledgers, "caches", {"shared": seen})
    asked = [ask(since=day, until=day, by=["city"]) for day in days(date(2026, 3, 1), date(2026, 3, 10))]

    with CaptureQueriesContext(connection) as queries_made:
        found = [ledgers.LeadCohorts().read(question) for question in asked]

    assert [len(one) for one in found] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert found[3][0, (foshan[0].pk,)] == {"leads_made": 2, "leads_called": 1}
    assert not queries_made.captured_queries
    assert len([key for key in read if key != "metrics.lead_cohorts"]) == 1


def test_a_city_manager_sees_the_leads_and_costs_of_the_own_city_only(foshan, zhuhai, campaign):
    lead(campaign, foshan[0], DAY, 1)
    lead(campaign, zhuhai[0], DAY, 0)
    for city in (foshan[0], zhuhai[0], None):
        Cost.objects.create(kind="staff", month=date(2026, 3, 1), city=city, amount_cents=31_00)
    for number, place in enumerate((foshan, zhuhai)):
        sale(place, campaign, number)
    f.roll_up()
    manager = UserFactory(role="city_manager", city=foshan[0])

    assert value("list_penetration", user=manager) == pytest.approx(100.0)
    assert value("cost_per_order", user=manager) == pytest.approx(1.0)


def test_cost_per_order_spreads_a_month_over_its_days(foshan, zhuhai, campaign):
    """March: 310.00 for Foshan's campaign, 620.00 for Zhuhai, 930.00 for all; a day bears 10, 20 and 30. Of three orders one is cancelled."""
    for city, in_campaign, cents in ((foshan[0], campaign, 310_00), (zhuhai[0], None, 620_00), (None, None, 930_00)):
        Cost.objects.create(kind="staff", month=date(2026, 3, 1), city=city, campaign=in_campaign, amount_cents=cents)
    Cost.objects.create(kind="staff", month=date(2026, 4, 1), amount_cents=999_00)
    sale(foshan, campaign, 1)
    sale(foshan, campaign, 2)
    f.cancel(sale(zhuhai, campaign, 3), date(2026, 3, 6))
    f.roll_up()

    assert value("cost_per_order") == pytest.approx(30.0)  # 60 over 2 orders
    assert value("cost_per_order", ["city"], [foshan[0].pk]) == pytest.approx(5.0)
    assert value("cost_per_order", ["city"], [zhuhai[0].pk]) is None  # its only order is cancelled
    assert value("cost_per_order", ["campaign"], [campaign.pk]) == pytest.approx(5.0)
    month = {"since": date(2026, 3, 1), "until": date(2026, 3, 31)}
    assert value("cost_per_order", **month) == pytest.approx(930.0)


def test_where_no_cost_was_entered_there_is_no_cost_per_order(foshan, campaign):
    sale(foshan, campaign, 1)
    f.roll_up()

    assert value("cost_per_order") is None
    Cost.objects.create(kind="staff", month=date(2026, 3, 1), amount_cents=31_00)
    assert value("cost_per_order") == pytest.approx(1.0)
    assert value("cost_per_order", ["team"], [foshan[1].pk]) is None


@pytest.mark.parametrize(
    ("spread", "of_foshan", "of_zhuhai"), [("", None, None), ("calls", 20.0, 10.0), ("orders", 15.0, 15.0)]
)
def test_a_shared_cost_is_borne_by_its_key(spread, of_foshan, of_zhuhai, foshan, zhuhai, campaign):
    """930.00 of March are 30.00 a day. Foshan makes two of the three calls, each city one of the two orders."""
    Cost.objects.create(kind="system", month=date(2026, 3, 1), amount_cents=930_00, spread=spread)
    sale(foshan, campaign, 1)
    sale(zhuhai, campaign, 2)
    f.make_call(
        customer_id=3, city_id=foshan[0].pk, team_id=foshan[1].pk, agent_id=foshan[2].pk, campaign_id=campaign.pk
    )
    f.roll_up()

    assert value("cost_per_order") == pytest.approx(15.0)
    found = [value("cost_per_order", ["city"], [place[0].pk]) for place in (foshan, zhuhai)]
    assert found == [expected and pytest.approx(expected) for expected in (of_foshan, of_zhuhai)]
    assert value("cost_per_order", ["campaign"], [campaign.pk]) == (pytest.approx(15.0) if spread else None)


def test_what_names_a_city_is_shared_among_its_campaigns_alone(foshan, zhuhai, campaign):
    other = f.campaign(code="C2")
    Cost.objects.create(kind="staff", month=date(2026, 3, 1), amount_cents=310_00, city=foshan[0], spread="calls")
    sale(foshan, campaign, 1)
    sale(foshan, other, 2)
    sale(zhuhai, other, 3)
    f.roll_up()

    assert value("cost_per_order", ["campaign"], [campaign.pk]) == pytest.approx(5.0)
    assert value("cost_per_order", ["city", "campaign"], [foshan[0].pk, other.pk]) == pytest.approx(5.0)
    assert value("cost_per_order", ["city"], [zhuhai[0].pk]) is None


def test_a_key_of_which_nobody_did_any_leaves_the_cost_whole(foshan, campaign):
    Cost.objects.create(kind="staff", month=date(2026, 3, 1), amount_cents=31_00, spread="talk_seconds")
    sale(foshan, campaign, 1)
    f.roll_up()
    DayFigures.objects.update(talk_seconds=0)

    assert value("cost_per_order") == pytest.approx(1.0)
    assert value("cost_per_order", ["city"], [foshan[0].pk]) is None


def test_a_city_sees_its_part_of_what_is_shared(foshan, zhuhai, campaign):
    """31.00 a day by calls, two of three of Foshan: 20.67 for its one order; Zhuhai's manager sees 10.33."""
    Cost.objects.create(kind="system", month=date(2026, 3, 1), amount_cents=31 * 31_00, spread="calls")
    f.make_call(
        customer_id=3, city_id=foshan[0].pk, team_id=foshan[1].pk, agent_id=foshan[2].pk, campaign_id=campaign.pk
    )
    sale(foshan, campaign, 1)
    sale(zhuhai, campaign, 2)
    f.roll_up()

    for place, share in ((foshan, 2), (zhuhai, 1)):
        manager = UserFactory(role="city_manager", city=place[0])
        assert value("cost_per_order", user=manager) == pytest.approx(31 * share / 3, abs=0.005)
        assert value("cost_per_order", ["campaign"], [campaign.pk], user=manager) == pytest.approx(
            31 * share / 3, abs=0.005
        )
    assert value("cost_per_order", filters={"city": [zhuhai[0].pk]}) == pytest.approx(31 / 3, abs=0.005)


def test_talk_with_who_calls_in_bears_too(foshan, zhuhai, campaign):
    Cost.objects.create(kind="staff", month=date(2026, 3, 1), amount_cents=31 * 40_00, spread="talk_seconds")
    place = {"campaign_id": campaign.pk, "connected": True}
    for (city, team, agent), more in (
        (foshan, {"talk_seconds": 300}),
        (zhuhai, {"talk_seconds": 100, "direction": "inbound"}),
    ):
        f.make_call(customer_id=5, city_id=city.pk, team_id=team.pk, agent_id=agent.pk, **place, **more)
    for where in (foshan, zhuhai):
        sale(where, campaign, 1)
    f.roll_up()

    assert value("cost_per_order", ["city"], [foshan[0].pk]) == pytest.approx(30.0)
    assert value("cost_per_order", ["city"], [zhuhai[0].pk]) == pytest.approx(10.0)


def test_what_was_taken_back_costs_nothing(foshan, campaign):
    Cost.objects.create(kind="staff", month=date(2026, 3, 1), amount_cents=31_00)
    Cost.objects.create(kind="staff", month=date(2026, 3, 1), amount_cents=62_00, taken_back_at=database_now())
    sale(foshan, campaign, 1)
    f.roll_up()

    assert value("cost_per_order") == pytest.approx(1.0)


def test_return_on_cost_is_what_came_in_above_the_cost(foshan, campaign):
    """Two orders of 100.00, one cancelled, for 40.00 of that day: 60.00 above the cost, 150 %."""
    Cost.objects.create(kind="staff", month=date(2026, 3, 1), amount_cents=31 * 40_00)
    f.cancel(sale(foshan, campaign, 1), date(2026, 3, 6))
    sale(foshan, campaign, 2)
    f.roll_up()

    assert value("return_on_cost") == pytest.approx(150.0)


def hand_over(place, campaign, day, state, closed=date(2026, 4, 20), **more):
    """Of a call of its own."""
    order = sale(place, campaign, 1)
    closed = None if state == "open" else f.at(closed)
    Opportunity.objects.create(
        call_id=order.call_id, call_started_at=order.call_started_at, customer_id=order.customer_id, city_id=order.city_id,
        agent_id=order.agent_id, closer="Shop", state=state, handed_at=f.at(day), closed_at=closed, **more,
    )  # fmt: skip


def test_the_close_rate_follows_the_day_of_the_handover_and_open_ones_are_not_won(foshan, zhuhai, campaign):
    """Foshan hands over won, lost, open and won: 50 %; Zhuhai one lost. The day after has another, won."""
    for state in ("won", "lost", "open", "won"):
        hand_over(foshan, campaign, DAY, state)
    hand_over(zhuhai, campaign, DAY, "lost")
    hand_over(zhuhai, campaign, date(2026, 3, 5), "won")
    f.roll_up()

    assert value("opportunity_close_rate") == pytest.approx(40.0)
    assert value("opportunity_close_rate", ["city"], [foshan[0].pk]) == pytest.approx(50.0)
    assert value("opportunity_close_rate", ["team"], [foshan[1].pk]) == pytest.approx(50.0)
    assert value("opportunity_close_rate", ["agent"], [zhuhai[2].pk]) == pytest.approx(0.0)
    assert value("opportunity_close_rate", ["campaign"], [campaign.pk]) == pytest.approx(40.0)
    assert value("opportunity_close_rate", until=date(2026, 3, 5)) == pytest.approx(50.0)
    assert value("opportunity_close_rate", user=UserFactory(role="team_leader", team=zhuhai[1])) == pytest.approx(0.0)


def test_what_came_of_opportunities_is_told_of_those_closed(foshan, zhuhai, campaign):
    """Foshan: won after 3 days for 900.00 and well prepared, lost after 5 and poor, one open. Zhuhai: won after 10 days for 300.00, fair."""
    hand_over(foshan, campaign, DAY, "won", date(2026, 3, 7), quality="good", amount_cents=900_00)
    hand_over(foshan, campaign, DAY, "lost", date(2026, 3, 9), quality="poor")
    hand_over(foshan, campaign, DAY, "open")
    hand_over(zhuhai, campaign, DAY, "won", date(2026, 3, 14), quality="fair", amount_cents=300_00)
    f.roll_up()

    assert value("closing_cycle") == pytest.approx(6.0)
    assert value("closing_cycle", ["city"], [foshan[0].pk]) == pytest.approx(4.0)
    assert value("opportunity_quality") == pytest.approx(100 / 3)
    assert value("opportunity_quality", ["agent"], [foshan[2].pk]) == pytest.approx(50.0)
    assert value("revenue_per_opportunity") == pytest.approx(600.0)
    assert value("revenue_per_opportunity", ["team"], [zhuhai[1].pk]) == pytest.approx(300.0)
    assert value("closing_cycle", since=date(2026, 3, 5), until=date(2026, 3, 5)) is None


@pytest.mark.parametrize(("language", "label"), [("en", "Close rate of opportunities"), ("zh-hans", "商机成交率")])
def test_the_definitions_stand_on_their_page_in_both_languages(client, language, label):
    client.force_login(UserFactory(role="regional_manager", language=language))

    with override(language):
        page = client.get(reverse("metrics:definitions")).content.decode()

    assert label in page
    assert all(f'id="{key}"' in page for key in NEW)


def test_files_have_the_columns_with_rates_unrounded(foshan, campaign):
    from metrics.export import Table
    from metrics.questions import ask

    lead(campaign, foshan[0], DAY, 1)
    lead(campaign, foshan[0], DAY, 0)
    sale(foshan, campaign, 1)
    f.roll_up()
    table = Table(ask(since=DAY, until=DAY, by=["city"]), "total")

    (row,) = table.rows()

    told = dict(zip(table.columns, row, strict=True))
    assert {key: told[key] for key in NEW} == {
        "utilisation": None, "list_penetration": 50.0, "opportunity_close_rate": None, "cost_per_order": None,
        "return_on_cost": None, "closing_cycle": None,
    }  # fmt: skip
