"""The figures of the floor board, counted by hand."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.http import Http404
from django.utils.translation import override

from campaigns.funnel import classes
from campaigns.models import Callback, Lead
from campaigns.tests.factories import CityFactory, CustomerFactory, LeadFactory, TeamFactory, agent_of, hold, person
from core.partitions import ensure_partitions
from customers.models import RulePack
from metrics.floor import board, cards, judge
from metrics.floor.addresses import DEALS, Look
from metrics.floor.expectation import expectation_for
from metrics.floor.people import IDLE
from metrics.floor.today import read_today
from metrics.services import rollup
from metrics.tests.floor_places import AT, DAY, board_for, call, rolled_up, running, state
from people.models import Membership

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture(autouse=True)
def months():
    ensure_partitions("campaigns_call", date(2026, 10, 1), 3)
    cache.clear()


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan")


@pytest.fixture
def team(foshan):
    return TeamFactory(name="Chancheng A", city=foshan)


@pytest.fixture
def agent(team):
    return agent_of(team, display_name="Chen Meiling")


@pytest.fixture
def supervisor(foshan):
    return person(Role.SUPERVISOR, city=foshan)


@pytest.fixture
def campaign(team):
    return running(team)


def a_morning(agent, team, campaign):
    """Three customers called by four calls, two of them reached, one won; 30 and 50 seconds of after-call work."""
    call(agent, team, campaign, 1, "no_answer", AT - timedelta(hours=3), after_call=9)
    call(agent, team, campaign, 1, "refused_price", AT - timedelta(hours=2), after_call=30)
    call(agent, team, campaign, 2, "sold", AT - timedelta(hours=1), after_call=50)
    call(agent, team, campaign, 3, "no_answer", AT - timedelta(minutes=5))


def check_morning(board):
    assert board.deals == 1
    assert board.success.value == pytest.approx(50.0)
    assert board.contact.value == pytest.approx(66.667, abs=0.001)
    assert board.after_call == pytest.approx(40.0)
    assert {row.hour: row.deals for row in board.hours if row.deals} == {14: 1}


def test_the_strip_says_what_was_counted_by_hand(supervisor, agent, team, campaign):
    a_morning(agent, team, campaign)

    check_morning(board_for(supervisor))


def test_the_figures_are_the_same_whether_or_not_the_day_was_rolled_up(supervisor, agent, team, campaign, foshan):
    a_morning(agent, team, campaign)
    rolled_up(DAY, foshan, AT - timedelta(minutes=4))

    check_morning(board_for(supervisor))


def test_calls_after_the_rollup_are_added_and_customers_are_still_told_apart(supervisor, agent, team, campaign, foshan):
    a_morning(agent, team, campaign)
    rolled_up(DAY, foshan, AT - timedelta(minutes=4))
    call(agent, team, campaign, 2, "refused_price", AT - timedelta(minutes=2))
    call(agent, team, campaign, 4, "sold", AT - timedelta(minutes=1))

    board = board_for(supervisor)

    assert board.deals == 2
    assert board.success.value == pytest.approx(66.667, abs=0.001)
    assert {row.hour: row.deals for row in board.hours if row.deals} == {14: 1, 15: 1}
    assert [card.deals for card in board_for(supervisor, team=team.pk).cards] == [2]


def test_a_day_that_waits_to_be_counted_anew_is_not_counted_twice(supervisor, agent, team, campaign, foshan):
    from metrics.models import Partition

    a_morning(agent, team, campaign)
    rolled_up(DAY, foshan, AT - timedelta(minutes=4))
    Partition.objects.update(built_at=None)

    check_morning(board_for(supervisor))


def test_inbound_calls_and_those_of_other_days_are_left_out(supervisor, agent, team, campaign):
    from campaigns.models import Call

    call(agent, team, campaign, 1, "sold", AT - timedelta(days=1))
    inbound = call(agent, team, campaign, 2, "sold")
    Call.objects.filter(pk=inbound.pk).update(direction=Call.Direction.INBOUND)

    assert board_for(supervisor).deals == 0


def test_a_campaign_can_be_looked_at_alone(supervisor, agent, team, campaign):
    other = running(team)
    call(agent, team, campaign, 1, "sold")
    call(agent, team, other, 2, "sold")
    call(agent, team, other, 3, "sold")

    assert board_for(supervisor).deals == 3
    assert board_for(supervisor, campaign=other.pk).deals == 2


def test_expected_is_the_mean_of_the_same_weekdays_and_the_running_hour_counts_in_part(
    agent, team, campaign, supervisor, foshan
):
    """Two Thursdays with 2 and 4 deals between 15 and 16 o'clock: 3 in that hour, half of it by 15:30."""
    for weeks, deals in ((1, 2), (2, 4)):
        for customer in range(deals):
            call(agent, team, campaign, 10 + customer, "sold", AT - timedelta(weeks=weeks))
        rollup.build(DAY - timedelta(weeks=weeks), foshan.pk)
    call(agent, team, campaign, 1, "sold")

    board = board_for(supervisor)

    assert board.expected == pytest.approx(1.5)
    assert [(row.hour, row.deals, row.expected) for row in board.hours] == [(15, 1, 3.0)]
    assert board.running == 0
    assert "2 days like today (Thursday)" in board.basis
    assert board_for(supervisor, team=team.pk).per_agent == pytest.approx(1.5)


def test_without_two_such_days_the_last_days_with_calls_are_gone_by(agent, team, campaign, foshan):
    for days in (1, 7, 9):
        call(agent, team, campaign, days, "sold", AT - timedelta(days=days))
        rollup.build(DAY - timedelta(days=days), foshan.pk)

    found = expectation_for(DAY)

    assert not found.is_same_weekday
    assert [(DAY - day).days for day in found.days] == [1, 7, 9]
    assert found.by_hour({team.pk}, None)[15] == pytest.approx(1.0)


def test_nothing_is_expected_where_nothing_is_known(supervisor, agent, campaign):
    board = board_for(supervisor)

    assert (board.expected, board.success.expected, board.basis) == (None, None, "")


def test_the_target_of_a_campaign_goes_before_what_was_usual(supervisor, team, agent):
    campaign = running(team, target_success_percent="6.50")

    rate = board_for(supervisor, campaign=campaign.pk).success

    assert (rate.expected, rate.is_target) == (6.5, True)


def test_a_supervisor_sees_the_own_city_only(supervisor, team, agent, campaign):
    far = TeamFactory()
    far_agent = agent_of(far)
    call(far_agent, far, running(far), 1, "sold")
    state(far_agent, far, "waiting", 500)
    state(agent, team, "talking", 20)

    board = board_for(supervisor)

    assert board.deals == 0
    assert [card.agent_id for card in board.cards] == [agent.pk]
    assert [row.label for row in board.rows] == ["Foshan", "Chancheng A"]
    assert not [text for text in texts(board) if "wait" in text]
    with pytest.raises(Http404):
        board_for(supervisor, team=far.pk)
    with pytest.raises(Http404):
        board_for(supervisor, city=far.city_id)


def test_a_team_leader_sees_the_own_team_only(foshan, team, agent, campaign):
    beside = TeamFactory(city=foshan)
    beside_agent = agent_of(beside)
    call(beside_agent, beside, campaign, 1, "sold")
    state(beside_agent, beside, "talking", 5)

    board = board_for(person(Role.TEAM_LEADER, team=team))

    assert board.title == "Chancheng A"
    assert (board.deals, board.crew.on, board.crew.all) == (0, 0, 1)
    assert [row.label for row in board.rows] == ["Chancheng A"]
    with pytest.raises(Http404):
        board_for(person(Role.TEAM_LEADER, team=team), team=beside.pk)


def test_a_region_is_the_sum_of_its_cities_and_a_city_opens_into_its_teams(team, agent, campaign, foshan):
    far = TeamFactory(city=CityFactory(name="Zhuhai"))
    call(agent, team, campaign, 1, "sold")
    call(agent_of(far), far, campaign, 2, "sold")
    manager = person(Role.REGIONAL_MANAGER)

    region, city = board_for(manager), board_for(manager, city=foshan.pk)

    assert [(row.label, row.deals) for row in region.rows] == [("Foshan", 1), ("Zhuhai", 1)]
    assert region.total.deals == region.deals == 2
    assert [(row.label, row.deals) for row in city.rows] == [("Foshan", 1), ("Chancheng A", 1), ("Zhuhai", 1)]
    assert city.deals == 1
    assert [name for name, _url in board_for(manager, team=team.pk).crumbs][-1:] == ["Foshan"]


def test_regional_teams_stand_apart(agent, team, campaign):
    regional = TeamFactory(city=None, name="North")
    agent_of(regional)
    manager = person(Role.REGIONAL_MANAGER)

    assert [row.label for row in board_for(manager).rows] == ["Foshan", "Regional teams"]
    assert [row.label for row in board_for(manager, city=0).rows] == ["Foshan", "Regional teams", "North"]


# ---------------------------------------------------------------- who does what


def test_every_agent_has_a_state_with_its_length_and_late_ones_come_first(supervisor, team, agent, campaign):
    others = {name: agent_of(team, display_name=name) for name in ("talks", "waits", "reads", "rests", "wraps", "gone")}
    state(agent, team, "after_call", 95, campaign)
    state(others["talks"], team, "talking", 600, campaign)
    state(others["waits"], team, "waiting", 241)
    state(others["reads"], team, "preview", 15, campaign)
    state(others["rests"], team, "away", 400, reason="meal")
    state(others["wraps"], team, "after_call", 30, campaign)

    board = board_for(supervisor, team=team.pk)

    told = [(card.name, card.now and (card.now.word, card.now.seconds, card.now.age)) for card in board.cards]
    assert told == [
        ("waits", ("Waiting", 241, 2)), ("Chen Meiling", ("After call", 95, 1)), ("rests", ("Meal", 400, 0)),
        ("wraps", ("After call", 30, 0)), ("reads", ("Reading", 15, 0)), ("talks", ("Talking", 600, 0)), ("gone", None),
    ]  # fmt: skip
    assert (board.crew.on, board.crew.all, board.crew.longest_wait) == (6, 7, 241)
    assert dict(board.crew.states) == {"talk": 1, "wrap": 2, "idle": 2, "away": 1}
    assert board.over_limit == 1


def test_a_state_that_has_ended_is_not_shown(supervisor, team, agent):
    row = state(agent, team, "talking", 60)
    row.ended_at = AT
    row.save()

    assert board_for(supervisor).crew.on == 0


def test_agents_can_be_ordered_by_deals_and_picked_by_state(supervisor, team, agent, campaign):
    seller = agent_of(team, display_name="Seller")
    call(seller, team, campaign, 1, "sold")
    state(agent, team, "waiting", 300)
    state(seller, team, "talking", 10, campaign)

    assert [card.name for card in board_for(supervisor, look=Look(DEALS)).cards] == ["Seller", "Chen Meiling"]
    assert [card.name for card in board_for(supervisor, look=Look(show=IDLE)).cards] == ["Chen Meiling"]


# ---------------------------------------------------------------- why not now


@pytest.fixture
def open_hours(campaign):
    """Every hour of every day is a calling hour for the campaign."""
    from customers.services import packs

    packs.seed()
    campaign.packs.add(RulePack.objects.get(code="DEMO"))


def lead(campaign, city, **fields):
    customer = fields.pop("customer", None) or CustomerFactory(city=city)
    return LeadFactory(campaign=campaign, customer=customer, ready_at=AT - timedelta(hours=1), **fields)


def some_leads(campaign, city, agent):
    """Two callable, three later, one promised, one in a hand, two won, one refused, one suppressed: eleven. No rule asks for a consent."""
    for _n in range(2):
        lead(campaign, city)
    for hours in (2, 3, 30):
        Lead.objects.filter(pk=lead(campaign, city).pk).update(ready_at=AT + timedelta(hours=hours))
    Lead.objects.filter(pk=lead(campaign, city, callback_agent=agent).pk).update(ready_at=AT + timedelta(hours=1))
    hold(lead(campaign, city), agent)
    for outcome in ("won", "won", "refused", "suppressed"):
        lead(campaign, city, state="done", outcome=outcome)


def test_where_the_leads_stand_adds_up_to_all_of_them(supervisor, campaign, foshan, agent, open_hours):
    some_leads(campaign, foshan, agent)
    lead(campaign, CityFactory())

    funnel = board_for(supervisor).funnel

    assert dict(funnel.counts) == {
        "callable": 2, "cooling": 3, "promised": 1, "held": 1, "won": 2, "refused": 1, "suppressed": 1,
    }  # fmt: skip
    assert funnel.total == 11
    assert funnel.frees[classes.COOLING] == AT + timedelta(hours=2)


def test_what_is_switched_off_is_not_callable_and_asks_for_a_decision(supervisor, campaign, foshan, agent, open_hours):
    some_leads(campaign, foshan, agent)
    campaign.is_on = False
    campaign.save()

    board = board_for(supervisor)

    assert (board.funnel.ready, board.funnel.counts[classes.OFF], board.funnel.total) == (0, 2, 11)
    assert [alert.level for alert in board.alerts] == ["grave"]
    assert "is switched off" in board.alerts[0].text


def test_a_city_that_is_off_is_told(supervisor, campaign, foshan, agent, open_hours):
    some_leads(campaign, foshan, agent)
    foshan.is_on = False
    foshan.save()

    board = board_for(supervisor)

    assert board.funnel.counts[classes.OFF] == 2
    assert board.alerts[0].text == "Calling in Foshan is switched off."


def test_outside_of_calling_hours_nothing_is_callable(supervisor, campaign, foshan, agent, open_hours):
    some_leads(campaign, foshan, agent)
    campaign.packs.set([RulePack.objects.get(code="CN-INS")])
    night = AT.replace(hour=15)  # 23:00 in China; the rules end at 21:00

    funnel = board_for(supervisor, at=night).funnel

    assert (funnel.ready, funnel.total) == (0, 11)
    assert funnel.counts[classes.HOURS] == 5  # two were ready, three more came due at 16:30, 17:30 and 18:30


# ---------------------------------------------------------------- decisions


def texts(board):
    return [alert.text for alert in board.alerts]


def test_a_campaign_that_runs_out_of_leads_is_grave(supervisor, team, agent, campaign, open_hours):
    state(agent, team, "talking", 5, campaign)

    alerts = board_for(supervisor).alerts

    assert [(alert.level, alert.text) for alert in alerts] == [("grave", f"{campaign}: no lead can be called now")]
    assert alerts[0].url == f"/campaigns/{campaign.pk}/why-not/"


def test_agents_without_leads_are_told_why_in_words(supervisor, team, agent, campaign, foshan, open_hours):
    for hours in (2, 3):
        Lead.objects.filter(pk=lead(campaign, foshan).pk).update(ready_at=AT + timedelta(hours=hours))
    lead(campaign, foshan, customer=CustomerFactory(city=foshan, is_suppressed=True))
    state(agent, team, "waiting", 5, campaign)

    alerts = board_for(supervisor).alerts

    assert [alert.why for alert in alerts] == ["Cooling down: 2 (next 17:30). Not to be called: 1."]


def finished(campaign, city, leads, days=1):
    for _n in range(leads):
        row = lead(campaign, city, state="done", outcome="refused")
        Lead.objects.filter(pk=row.pk).update(last_call_at=AT - timedelta(days=days))


def test_a_stock_that_soon_runs_low_is_told_once_per_campaign(supervisor, team, campaign, foshan, agent, open_hours):
    for _n in range(2):
        lead(campaign, foshan)
    finished(campaign, foshan, 4)  # enough for half a day
    other = running(team, stock_alert_days=1)
    other.packs.set(campaign.packs.all())
    lead(other, foshan)
    finished(other, foshan, 1)  # a day is not less than a day

    alerts = board_for(supervisor).alerts
    state(agent, team, "waiting", 5, campaign)
    Lead.objects.filter(campaign=campaign, state="open").update(ready_at=AT + timedelta(hours=1))
    cache.clear()
    with_agent = board_for(supervisor, campaign=campaign.pk).alerts

    assert [(alert.level, alert.text) for alert in alerts] == [
        ("due", f"{campaign}: its callable leads last less than 2 working days")
    ]
    assert alerts[0].why.startswith("2 leads last 0.5 working days at 4 finished a day")
    assert [alert.text for alert in with_agent] == [f"{campaign}: no lead can be called now"]


def test_enough_leads_need_no_decision(supervisor, team, agent, campaign, foshan, open_hours):
    some_leads(campaign, foshan, agent)
    state(agent, team, "talking", 5, campaign)

    assert texts(board_for(supervisor)) == []


def test_long_waits_and_long_after_call_work_name_who_and_how_long(
    supervisor, team, agent, campaign, foshan, open_hours
):
    some_leads(campaign, foshan, agent)
    state(agent, team, "after_call", 191, campaign)
    state(agent_of(team, display_name="Liang"), team, "waiting", 300)

    waits, wraps = board_for(supervisor).alerts

    assert waits.text == "Liang waits over 4 minutes"
    assert waits.why == "2 leads can be called: ask whether the desk stands still."
    assert wraps.text == "Chen Meiling is over the limit of after-call work"
    assert wraps.why == "The longest has lasted 3:11."
    assert "show=wrap" in wraps.url


def promise(agent, campaign, city, minutes, kind="promised"):
    row = lead(campaign, city, callback_agent=agent)
    return Callback.objects.create(lead=row, agent=agent, due_at=AT + timedelta(minutes=minutes), state=kind)


def test_promises_are_kept_or_due_or_at_risk(supervisor, team, agent, campaign, foshan):
    sitting = agent_of(team)
    state(sitting, team, "talking", 5, campaign)
    for kind in ("kept", "kept", "late", "dropped"):
        promise(sitting, campaign, foshan, -60, kind)
    promise(sitting, campaign, foshan, -10)
    promise(sitting, campaign, foshan, 30)
    promise(agent, campaign, foshan, -5)
    promise(agent, campaign, foshan, 600)

    board = board_for(supervisor)

    found = board.promises
    assert (found.kept, found.due, found.coming, found.at_risk) == (2, 5, 1, 1)
    assert "Callback at 15:25 promised by Chen Meiling, who is not at the desk" in texts(board)


def test_one_promise_at_risk_is_told_once_and_of_more_the_first_is_named(supervisor, team, agent, campaign, foshan):
    def told(language):
        with override(language):
            (alert,) = [found for found in board_for(supervisor).alerts if "callbacks" in found.url]
        return alert.text, alert.why

    promise(agent, campaign, foshan, -5)
    assert told("en") == ("Callback at 15:25 promised by Chen Meiling, who is not at the desk", "")
    assert told("zh-hans") == ("Chen Meiling 承诺的 15:25 回拨，话务员现不在席", "")

    promise(agent, campaign, foshan, -10)
    assert told("en") == (
        "2 callbacks promised by agents who are not at the desk",
        "The first at 15:20, by Chen Meiling.",
    )
    assert told("zh-hans") == ("2 条回拨承诺的话务员现不在席", "最早 15:20，Chen Meiling。")


def test_what_lasts_exactly_the_limit_is_not_over_it(supervisor, team, agent, foshan):
    """The campaign's own limit of 200 s counts, twice of it is late."""
    strict = running(team, after_call_limit_seconds=200)
    others = [agent_of(team, display_name=name) for name in ("B", "C", "D")]
    for one, seconds in zip((agent, *others), (200, 201, 400, 401), strict=True):
        state(one, team, "after_call", seconds, strict)

    board = board_for(supervisor, team=team.pk)

    assert [(card.name, card.now.age, card.now.over) for card in board.cards] == [
        ("D", 2, 201), ("C", 1, 200), ("B", 1, 1), ("Chen Meiling", 0, 0),
    ]  # fmt: skip
    assert board.over_limit == 3


def test_of_a_city_only_the_first_are_shown_by_state_and_by_deals(supervisor, team, campaign, monkeypatch):
    """Five agents, three cards: those out of a call the longest; or the most deals, and of equal ones the first by name."""
    monkeypatch.setattr(board, "MOST_AGENTS", 3)
    monkeypatch.setattr(cards, "MOST_AGENTS", 3)
    TeamFactory(city=team.city)  # a city of one team is shown as the team, whole
    signed_in = {name: agent_of(team, display_name=name) for name in "EDCBA"}
    for seconds, one in enumerate(signed_in.values()):
        state(one, team, "waiting", 10 * seconds, campaign)
    for customer, name in enumerate("DDE"):
        call(signed_in[name], team, campaign, customer, "sold")

    by_state, by_deals = board_for(supervisor), board_for(supervisor, look=Look(DEALS))

    assert [card.name for card in by_state.cards] == ["A", "B", "C"]
    assert [(card.name, card.deals) for card in by_deals.cards] == [("D", 2), ("E", 1), ("A", 0)]
    assert (by_state.found, by_deals.found) == (5, 5)


def test_a_team_far_under_expectation_is_named_with_what_the_data_fit(supervisor, team, agent, campaign, foshan):
    for weeks in (1, 2):
        for customer in range(20):
            call(agent, team, campaign, customer, "sold", AT - timedelta(weeks=weeks, hours=3))
        rollup.build(DAY - timedelta(weeks=weeks), foshan.pk)
    for customer in range(4):
        call(agent, team, campaign, customer, "sold", AT - timedelta(hours=2))

    alert = board_for(supervisor).alerts[0]

    assert alert.text == "Chancheng A: 4 deals against 20 expected by now"
    assert alert.why == "The data fit 1 to 10."


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.69), (4, 1.09, 10.24), (41, 29.42, 55.62)]
)  # exact Poisson limits by scipy's chi2: (0, 3.689), (1.090, 10.242), (29.421, 55.622)
def test_what_a_count_fits_is_near_the_exact_interval(count, low, high):
    found = judge.fits(count)

    assert found == (pytest.approx(low, abs=0.06), pytest.approx(high, abs=0.06))


def test_the_day_is_read_from_the_rollup_as_far_as_it_goes(agent, team, campaign, foshan):
    """Calls that the rollup holds are not read again: their rows may be gone, the figures stay."""
    from campaigns.models import Call

    a_morning(agent, team, campaign)
    rolled_up(DAY, foshan, AT - timedelta(minutes=4))
    Call.objects.all().delete()

    found = read_today(day=DAY, teams=[team.pk], shown=[team.pk], agents=[agent.pk])

    assert (
        found.teams[team.pk].calls,
        len(found.teams[team.pk].won),
        found.hours[14],
        len(found.agents[agent.pk]),
    ) == (4, 1, 1, 1)


def test_who_reads_a_customer_longer_than_the_campaign_allows_is_due(supervisor, team, agent):
    """A limit of 30 s: 30 are not over it, 31 are; without a limit two minutes are."""
    strict, free = running(team, preview_limit_seconds=30), running(team)
    others = [agent_of(team, display_name=name) for name in ("B", "C")]
    state(agent, team, "preview", 30, strict)
    state(others[0], team, "preview", 31, strict)
    state(others[1], team, "preview", 90, free)

    board = board_for(supervisor, team=team.pk)

    assert {card.name: card.now.age for card in board.cards} == {"Chen Meiling": 0, "B": 1, "C": 0}
