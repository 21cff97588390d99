"""Whom to coach and what a team has in common: counted by hand, for one's own agents alone."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory
from qa.models import Evaluation
from qa.services import evaluations
from qa.tests.factories import call_of
from qa.tests.sheets import evaluated, form_of
from staffing import queries_problems, queries_queue as queries
from staffing.services import coaching
from staffing.views import places, queue as queue_views

pytestmark = pytest.mark.django_db
ALL_GOOD = {"Asks for the order": "yes"}
BAD = {"Greets": "no", "Thanks": "no"}


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def qa():
    return UserFactory(role="qa")


@pytest.fixture
def version(qa):
    return form_of(qa)


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def leader(team):
    return UserFactory(leader=team)


def agent_of(team, name, days=400):
    made = UserFactory(agent=team, display_name=name)
    Membership.objects.filter(user=made).update(valid_from=timezone.localdate() - timedelta(days=days))
    return made


@pytest.fixture
def scored(version, qa, team, now):
    def score(agent, n=1, *, days=10, told=None, pick="random"):
        for _n in range(n):
            made = evaluated(call_of(team, agent=agent, at=now - timedelta(days=days)), version, qa, told=told, at=now)
            chance = 0.5 if pick in Evaluation.PUBLISHED_PICKS else None
            Evaluation.objects.filter(pk=made.pk).update(pick=pick, probability=chance)
        return made

    return score


def line(found, agent):
    return next(row for row in found if row.agent == agent)


def test_the_agents_stand_by_name_whatever_their_figures(leader, team, scored, now):
    zoe, adam = agent_of(team, "Zoe"), agent_of(team, "Adam")
    agent_of(TeamFactory(city=team.city), "Other team")
    scored(zoe, 2)
    scored(adam, 2, told=ALL_GOOD)

    found = queries.queue(leader, now)

    assert [row.agent for row in found] == [adam, zoe]
    assert (line(found, zoe).score.share, line(found, zoe).score.calls) == (pytest.approx(0.8), 2)
    assert line(found, adam).score.share == pytest.approx(1.0)


def test_new_and_uncoached_and_failed_are_said(leader, team, scored, now):
    old, new = agent_of(team, "Old"), agent_of(team, "New", days=20)
    scored(old, told={"Insults": "yes"}, pick="risk")
    coaching.plan_session(agent=new, coach=leader, planned_at=now + timedelta(days=2), at=now)

    found = queries.queue(leader, now)

    assert line(found, old).whys == {queries.FAILED, queries.UNCOACHED}
    assert line(found, new).whys == {queries.NEW}
    assert line(found, new).next_at == now + timedelta(days=2)
    assert [row.agent for row in queries.queue(leader, now, why=queries.NEW)] == [new]


def test_an_auto_fail_that_an_appeal_overturned_speaks_for_nothing(leader, team, scored, qa, now):
    agent = agent_of(team, "Adam")
    made = scored(agent, told={"Insults": "yes"}, pick="risk")
    grave = made.answers.select_related("evaluation").get(item__text="Insults")
    raised = evaluations.appeal(answer=grave, reason="No insult", by=agent, at=now)
    evaluations.decide(appeal=raised, right_answer="no", ground="Heard", by=UserFactory(role="qa"), at=now)  # fmt: skip

    assert queries.FAILED not in line(queries.queue(leader, now), agent).whys


def test_room_to_grow_is_said_only_when_the_whole_interval_lies_under_the_common_figure(leader, team, scored, now):
    good, weak, few = agent_of(team, "Good"), agent_of(team, "Weak"), agent_of(team, "Few")
    scored(good, 20, told=ALL_GOOD)
    scored(weak, 10, told=BAD)
    scored(few, 4, told=BAD)

    found = queries.queue(leader, now)

    assert [row.agent for row in found if queries.ROOM in row.whys] == [weak]


def test_the_common_score_weighs_calls_as_the_scores_of_the_agents_do(leader, team, scored, now):
    """Ten faultless calls drawn with 0.9 stand for 11, twenty of 0.3 drawn with 0.1 for 200: together 0.337, which lies in the interval of
    the latter (0.211 to 0.408). If each call counted as one it would be 0.533."""
    good, weak = agent_of(team, "Good"), agent_of(team, "Weak")
    scored(good, 10, told=ALL_GOOD)
    scored(weak, 20, told=BAD)
    for agent, chance in ((good, 0.9), (weak, 0.1)):
        Evaluation.objects.filter(agent_id=agent.pk).update(probability=chance)

    found = queries.queue(leader, now)

    assert line(found, weak).score.share == pytest.approx(0.3)
    assert not [row.agent for row in found if queries.ROOM in row.whys]


def test_stagnating_is_said_of_who_did_not_rise_and_not_of_who_did_or_was_scored_too_little(leader, team, scored, now):
    same, rose, few = agent_of(team, "Same"), agent_of(team, "Rose"), agent_of(team, "Few")
    for agent, n, later in ((same, 6, None), (rose, 20, ALL_GOOD), (few, 3, None)):
        scored(agent, n, days=60, told=BAD if agent == rose else None)
        scored(agent, n, days=10, told=later)

    found = queries.queue(leader, now)

    assert [row.agent for row in found if queries.STAGNATING in row.whys] == [same]


def test_many_agents_cost_no_more_queries_than_few(leader, team, scored, now):
    scored(agent_of(team, "A"))
    with CaptureQueriesContext(
        connection,
    ) as few:
        queries.queue(leader, now)
    for name in "BCDEFG":
        scored(agent_of(team, name), told={"Insults": "yes"})
    with CaptureQueriesContext(connection) as many:
        queries.queue(leader, now)

    assert len(many) <= len(few)


@pytest.fixture
def region(monkeypatch):
    """A trainer of the region, and three agents in two cities where two are many."""
    monkeypatch.setattr(places, "MANY", 2)
    here, there = TeamFactory(city__name="Aba"), TeamFactory(city__name="Zhu")
    agents = [agent_of(here, "Adam"), agent_of(here, "Bert"), agent_of(there, "Zoe")]
    return UserFactory(role="trainer"), agents


def shown(client, user, where="staffing:coaching-whom", **query):
    client.force_login(user)
    return client.get(reverse(where), query)


def names(answer):
    return [line.agent.display_name for line, _whys in answer.context["lines"]]


def test_of_very_many_agents_the_first_city_is_shown_and_the_page_says_how_many_there_are(client, region):
    trainer, agents = region
    first = shown(client, trainer)

    assert names(first) == ["Adam", "Bert"]
    assert "all, 3 agents" in first.content.decode()
    assert names(shown(client, trainer, city=agents[2].team_at(timezone.now()).city_id)) == ["Zoe"]
    assert names(shown(client, trainer, city="all")) == ["Adam", "Bert", "Zoe"]


def test_nobody_is_left_out_over_the_pages(client, region, monkeypatch):
    monkeypatch.setattr(queue_views, "PAGE", 2)
    trainer, _agents = region

    first, second = (shown(client, trainer, city="all", page=number) for number in (1, 2))

    assert names(first) + names(second) == ["Adam", "Bert", "Zoe"]
    assert "page=2" in first.content.decode()


def test_a_team_is_of_the_chosen_city_and_of_ones_own(client, region):
    trainer, agents = region
    here, there = (agent.team_at(timezone.now()) for agent in (agents[0], agents[2]))

    assert names(shown(client, trainer, team=there.pk)) == ["Zoe"]
    assert names(shown(client, trainer, city=here.city_id, team=there.pk)) == ["Adam", "Bert"]
    assert names(shown(client, UserFactory(leader=here), team=there.pk, city=there.city_id)) == ["Adam", "Bert"]
    assert names(shown(client, trainer, city="²", team="99999999999999999999")) == ["Adam", "Bert"]


def test_an_agent_to_plan_with_is_found_by_city_and_a_link_finds_the_agents_own(client, region):
    trainer, agents = region
    new, zoe = "staffing:coaching-new", agents[2]
    listed = lambda answer: [row.user.display_name for row in answer.context["members"]]  # noqa: E731

    assert listed(shown(client, trainer, new)) == ["Adam", "Bert"]
    assert listed(shown(client, trainer, new, agent=zoe.pk)) == ["Zoe"]
    assert shown(client, trainer, new, agent=zoe.pk).context["form"] is not None
    moved = shown(client, trainer, new, agent=zoe.pk, city=agents[0].team_at(timezone.now()).city_id)
    assert (listed(moved), moved.context["form"]) == (["Adam", "Bert"], None)


def test_the_page_leads_to_planning_and_says_what_its_words_mean(client, leader, team, scored):
    agent = agent_of(team, "Adam")
    scored(agent)
    client.force_login(leader)

    shown = client.get(reverse("staffing:coaching-whom")).content.decode()

    assert f"{reverse('staffing:coaching-new')}?agent={agent.pk}" in shown
    assert "By name, not by rank" in shown


def test_agents_and_managers_have_no_queue_and_strangers_no_page(client, team):
    for user in (agent_of(team, "Adam"), UserFactory(role="city_manager", city=team.city)):
        client.force_login(user)
        assert client.get(reverse("staffing:coaching-whom")).status_code == 403
    client.logout()
    assert client.get(reverse("staffing:team-problems")).status_code == 302


# -- common problems ---------------------------------------------------------------------------------------------------


def test_items_missed_most_often_come_first_with_their_interval(leader, team, scored, now):
    """ "Asks for the order" is missed in 4 of 6 calls of two agents, "Thanks" in 1 of 6: Wilson 30.0 to 90.3 %."""
    adam, zoe = agent_of(team, "Adam"), agent_of(team, "Zoe")
    scored(adam, 2)
    scored(zoe, 1)
    scored(zoe, 1, told={"Thanks": "no"})
    scored(zoe, 2, told=ALL_GOOD)
    scored(zoe, 1, pick="risk", told=BAD)
    scored(zoe, 1, days=60, told=BAD)

    found = queries_problems.problems(leader, team, 30, now)

    assert [(one.text, one.missed, one.heard, one.agents) for one in found] == [("Asks for the order", 4, 6, 2), ("Thanks", 1, 6, 1)]  # fmt: skip
    assert found[0].interval == (pytest.approx(0.300, abs=0.001), pytest.approx(0.903, abs=0.001))
    assert [one.is_common for one in found] == [True, False]


def test_an_item_of_few_calls_is_no_problem_yet(leader, team, scored, now):
    scored(agent_of(team, "Adam"), 4)

    assert queries_problems.problems(leader, team, 30, now) == []


def test_the_agenda_is_for_the_teams_own_leader(client, leader, team, scored):
    scored(agent_of(team, "Adam"), 5)
    address = reverse("staffing:team-problems")
    client.force_login(leader)
    assert "Asks for the order" in client.get(address).content.decode()

    client.force_login(UserFactory(leader=TeamFactory(city=team.city)))
    assert "Asks for the order" not in client.get(address, {"team": team.pk}).content.decode()

    client.force_login(agent_of(team, "Zoe"))
    assert client.get(address).status_code == 403
