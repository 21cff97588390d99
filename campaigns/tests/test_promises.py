"""Promises to customers: what endangers them, and how many were kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from campaigns import queries_promises
from campaigns.models import AgentState, Callback
from campaigns.periods import period_of
from campaigns.queries_kept import kept_rates, together
from campaigns.tests.calling import ALL_WEEK, AT, Floor
from campaigns.tests.factories import agent_of, person
from core.clock import database_now
from customers.models import ContactRule, RulePack
from customers.services.quiet_times import add_quiet_time
from people.models import Membership, User

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def floor():
    return Floor()


def signed_in(agent, floor, at=AT, state="waiting"):
    return AgentState.objects.create(agent=agent, team=floor.team, state=state, began_at=at - MINUTE, seen_at=at)


def promise(floor, due_at, agent=None, **fields) -> Callback:
    agent = agent or floor.agent
    lead = floor.lead(due_at=due_at, ready_at=due_at, callback_agent=agent)
    return lead.callbacks.create(**{"agent": agent, "due_at": due_at, **fields})


def judged(at=AT):
    rows = Callback.objects.order_by("due_at").select_related("lead__customer__city__zone", "lead__campaign", "agent")
    return queries_promises.judge(list(rows), at)


def risks(at=AT):
    return [one.risks for one in judged(at)]


def hours_until(floor, closes):
    """11:00 in China is now."""
    pack = RulePack.objects.create(code="SHORT", name="Short")
    value = {"days": ALL_WEEK, "opens": "09:00", "closes": closes}
    ContactRule.objects.create(pack=pack, key="hours", value=value, valid_from=date(2020, 1, 1))
    floor.campaign.packs.set([pack])


# ---------------------------------------------------------------- risk


def test_a_promise_of_somebody_at_the_desk_is_as_planned_then_due_soon_then_overdue(floor):
    signed_in(floor.agent, floor)
    promise(floor, AT + 30 * MINUTE)

    assert risks(AT) == [()]
    assert risks(AT + 15 * MINUTE) == [("soon",)]
    assert risks(AT + 31 * MINUTE) == [("late",)]


def test_who_is_not_at_the_desk_within_the_hour_endangers_the_promise(floor):
    promise(floor, AT + 61 * MINUTE)
    assert risks() == [()]

    assert risks(AT + MINUTE) == [("absent",)]


def test_who_leaves_the_team_before_the_day_endangers_the_promise_at_once(floor):
    signed_in(floor.agent, floor)
    promise(floor, AT + timedelta(days=3))
    assert risks() == [()]

    Membership.objects.filter(user=floor.agent).update(valid_to=date(2099, 11, 21))

    assert risks() == [("absent",)]


def test_somebody_who_may_not_sign_in_any_more_is_absent(floor):
    promise(floor, AT + timedelta(days=3))
    User.objects.filter(pk=floor.agent.pk).update(is_active=False)

    assert risks() == [("absent",)]


def test_hours_that_end_before_the_promises_before_it_are_done_endanger_it(floor):
    """Two promises at 11:30 take ten minutes each: the third can be called at 11:50."""
    signed_in(floor.agent, floor)
    hours_until(floor, "11:50")
    for _number in range(3):
        promise(floor, AT + 30 * MINUTE)

    assert [one.risks for one in judged()] == [("closing",), (), ()]
    assert judged()[0].closes_at == AT + 50 * MINUTE


def test_hours_that_end_before_anybody_may_take_the_promise_of_an_absent_agent_endanger_it(floor):
    hours_until(floor, "12:00")
    promise(floor, AT + 30 * MINUTE)  # anybody may from 12:00 on
    assert risks() == [("closing", "absent")]

    ContactRule.objects.filter(pack__code="SHORT").update(value={"days": ALL_WEEK, "opens": "09:00", "closes": "12:01"})
    assert risks() == [("absent",)]


def test_a_time_outside_the_hours_that_hold_now_is_told(floor):
    signed_in(floor.agent, floor)
    hours_until(floor, "11:30")
    promise(floor, AT + 30 * MINUTE)

    assert [(one.risks, one.closes_at) for one in judged()] == [(("closing",), None)]


def test_the_customers_own_quiet_time_ends_the_hours(floor):
    signed_in(floor.agent, floor)
    row = promise(floor, AT + 30 * MINUTE)
    add_quiet_time(
        customer=row.lead.customer, days=ALL_WEEK, begins="11:30", ends="13:00", stated_on=date(2099, 11, 1), way="phone",
        stated_by="the customer", by=floor.agent, at=AT - timedelta(days=1),
    )  # fmt: skip

    assert risks() == [("closing",)]


def test_hours_of_the_whole_day_do_not_end_at_midnight(floor):
    promise(floor, datetime(2099, 11, 19, 15, 55, tzinfo=UTC))  # 23:55 there

    assert risks() == [()]


def test_the_gravest_stand_first(floor):
    other = agent_of(floor.team)
    signed_in(floor.agent, floor)
    planned = promise(floor, AT + 30 * MINUTE)
    soon = promise(floor, AT + 10 * MINUTE)
    absent = promise(floor, AT + 20 * MINUTE, agent=other)
    late = promise(floor, AT - 5 * MINUTE)
    both = promise(floor, AT - MINUTE, agent=other)

    assert [one.row for one in judged()] == [both, late, absent, soon, planned]


@pytest.mark.parametrize("count", [1, 3])
def test_judging_asks_the_same_however_many_promises(floor, count, django_assert_num_queries):
    for number in range(count):
        promise(floor, AT + number * MINUTE, agent=agent_of(floor.team))
    rows = list(Callback.objects.select_related("lead__customer__city__zone", "lead__campaign", "lead__data_request")
                .prefetch_related("lead__customer__phones"))  # fmt: skip

    with django_assert_num_queries(7):
        queries_promises.judge(rows, AT)


# ---------------------------------------------------------------- the board


def test_a_leader_sees_the_risk_and_filters_by_it(client, floor):
    at = database_now()
    late, planned = promise(floor, at - 5 * MINUTE), promise(floor, at + timedelta(hours=5))
    client.force_login(person("supervisor", city=floor.city))

    page = client.get(reverse("campaigns:callbacks")).content.decode()
    assert "agent absent" in page
    assert page.index(late.lead.customer.name) < page.index(planned.lead.customer.name)

    page = client.get(reverse("campaigns:callbacks"), {"risk": "late"}).content.decode()
    assert late.lead.customer.name in page
    assert planned.lead.customer.name not in page
    page = client.get(reverse("campaigns:callbacks"), {"risk": "closing"}).content.decode()
    assert "No promise is in this danger" in page


def test_the_board_is_narrowed_to_a_team(client, floor):
    row = promise(floor, database_now() + timedelta(hours=5))
    client.force_login(person("supervisor", city=floor.city))
    url = reverse("campaigns:callbacks")

    assert row.lead.customer.name in client.get(url, {"team": floor.team.pk}).content.decode()
    assert row.lead.customer.name not in client.get(url, {"team": floor.team.pk + 1}).content.decode()


# ---------------------------------------------------------------- kept

DAY = date(2099, 11, 19)


def test_a_promise_is_kept_within_half_an_hour_and_open_or_late_ones_are_not(floor):
    for minutes in (-20, 0, 30):
        promise(floor, AT, state="kept", kept_at=AT + minutes * MINUTE)
    promise(floor, AT, state="late", kept_at=AT + 31 * MINUTE)
    promise(floor, AT)
    promise(floor, AT, state="dropped")

    [part] = kept_rates(user=person("supervisor", city=floor.city), first=DAY, last=DAY, at=AT + timedelta(hours=1))

    [row] = part.agents
    assert (row.agent, row.team, row.due, row.kept, row.late, row.open) == (floor.agent, floor.team, 5, 3, 1, 1)
    assert row.rate == 0.6
    assert (part.whole.due, part.whole.kept) == (5, 3)


def test_a_promise_whose_half_hour_is_not_over_does_not_count(floor):
    promise(floor, AT, state="kept", kept_at=AT)
    boss = person("supervisor", city=floor.city)

    assert kept_rates(user=boss, first=DAY, last=DAY, at=AT + 30 * MINUTE) == []
    assert len(kept_rates(user=boss, first=DAY, last=DAY, at=AT + 31 * MINUTE)) == 1


def test_teams_are_counted_by_their_promises_not_by_the_mean_of_their_agents(floor):
    other = agent_of(floor.team)
    promise(floor, AT, state="kept", kept_at=AT)
    for _number in range(3):
        promise(floor, AT, agent=other)

    parts = kept_rates(user=person("supervisor"), first=DAY, last=DAY, at=AT + timedelta(hours=1))

    assert [row.agent for row in parts[0].agents] == [other, floor.agent]
    assert (parts[0].whole.rate, together(part.whole for part in parts).rate) == (0.25, 0.25)


def test_a_promise_counts_for_the_team_of_its_day(floor):
    promise(floor, AT, state="kept", kept_at=AT)
    Membership.objects.filter(user=floor.agent).update(valid_to=date(2099, 11, 20))
    new = Floor()
    Membership.objects.create(user=floor.agent, role="agent", team=new.team, valid_from=date(2099, 11, 20))

    [part] = kept_rates(user=person("supervisor"), first=DAY, last=DAY, at=AT + timedelta(days=2))

    assert part.whole.team == floor.team


def test_who_was_absent_answers_for_a_hand_over_and_who_got_it_late_does_not(floor):
    other, boss = agent_of(floor.team), person("supervisor", city=floor.city)
    away = {"agent": other, "handed_from": floor.agent, "handed_why": "absent"}
    promise(floor, AT, state="kept", kept_at=AT)  # the absent agent's own
    promise(floor, AT, **away, handed_at=AT - 10 * MINUTE, state="kept", kept_at=AT)
    promise(floor, AT, **away, handed_at=AT, state="late", kept_at=AT + 40 * MINUTE)
    promise(floor, AT, **away, handed_at=AT + 29 * MINUTE, state="late", kept_at=AT + 33 * MINUTE)
    by_hand = {**away, "handed_why": "by_hand"}
    promise(floor, AT, **by_hand, handed_at=AT - MINUTE, state="kept", kept_at=AT)
    promise(floor, AT, **by_hand, handed_at=AT + 20 * MINUTE)

    [part] = kept_rates(user=boss, first=DAY, last=DAY, at=AT + timedelta(hours=1))

    told = [(row.agent, row.due, row.kept, row.late, row.open, row.away) for row in part.agents]
    # absent: one kept, three away, and the one by hand that was late with them and is open still; receiver: two kept, one late
    assert told == [(floor.agent, 5, 1, 0, 1, 3), (other, 3, 2, 1, 0, 0)]
    # the team: six promises, of which three in time, two late, one open
    whole = part.whole
    assert (whole.due, whole.kept, whole.late, whole.open) == (6, 3, 2, 1)


def test_another_city_and_another_team_are_not_seen(floor):
    promise(floor, AT, state="kept", kept_at=AT)
    asked = {"first": DAY, "last": DAY, "at": AT + timedelta(hours=1)}

    assert kept_rates(user=person("supervisor", city=Floor().city), **asked) == []
    assert kept_rates(user=person("team_leader", team=Floor().team), **asked) == []
    assert len(kept_rates(user=person("team_leader", team=floor.team), **asked)) == 1


def test_the_page_shows_the_teams_of_the_reader_only_and_no_agent_reads_it(client, floor):
    at = database_now() - timedelta(hours=2)
    promise(floor, at, state="kept", kept_at=at)
    url = reverse("campaigns:promises-kept")
    asked = {"from": str((at - timedelta(days=2)).date()), "until": str((at + timedelta(days=2)).date())}
    client.force_login(person("supervisor", city=floor.city))
    page = client.get(url, asked).content.decode()
    assert floor.agent.display_name in page
    assert "counts against the absent agent" in page

    client.force_login(person("supervisor", city=Floor().city))
    page = client.get(url, asked).content.decode()
    assert floor.agent.display_name not in page
    assert "No promise was due in these days" in page

    client.force_login(floor.agent)
    assert client.get(url).status_code == 403


@pytest.mark.parametrize(
    ("asked", "first", "last", "is_cut"),
    [
        ({}, date(2026, 3, 4), date(2026, 3, 10), False),
        ({"from": "2026-03-01", "until": "2026-03-02"}, date(2026, 3, 1), date(2026, 3, 2), False),
        ({"from": "2026-01-01", "until": "2026-03-02"}, date(2026, 1, 31), date(2026, 3, 2), True),
        ({"from": "2026-03-05", "until": "2026-03-02"}, date(2026, 3, 2), date(2026, 3, 2), False),
        ({"from": "rubbish", "until": "2030-01-01"}, date(2026, 3, 4), date(2026, 3, 10), False),
    ],
)
def test_a_period_has_at_most_31_days_and_does_not_reach_into_the_future(asked, first, last, is_cut):
    period = period_of(asked, date(2026, 3, 10))

    assert (period.first, period.last, period.is_cut) == (first, last, is_cut)
