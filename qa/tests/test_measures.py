"""Figures of quality, counted by hand. All calls are of 4 March 2026."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils.translation import override

from metrics import queries, registry
from metrics.tests import factories as f
from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory
from qa.models import Evaluation
from qa.services import evaluations, full_run, queue, work
from qa.tests.factories import call_of
from qa.tests.sheets import evaluated, form_of

pytestmark = pytest.mark.django_db
DAY = f.DAY
KEYS = ("quality_score", "auto_fail_rate", "na_rate")


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()


@pytest.fixture
def qa():
    return UserFactory(role="qa")


@pytest.fixture
def version(qa):
    return form_of(qa)


@pytest.fixture
def foshan():
    return TeamFactory()


def scored(version, qa, team, *, pick="random", probability=0.5, day=DAY, told=None, **fields):
    """As sheets.evaluated: 80 unless told otherwise."""
    made = evaluated(call_of(team, at=f.at(day), **fields), version, qa, told=told)
    chance = probability if pick in Evaluation.PUBLISHED_PICKS else None
    Evaluation.objects.filter(pk=made.pk).update(pick=pick, probability=chance)
    return made


def value(key, by=(), place=(), since=DAY, until=DAY, **more):
    found = queries.figures(since=since, until=until, by=by, **more)
    row = next(row for row in found.rows if row.key == tuple(place)) if by else found.total
    return row.value(registry.indicator(key))


def test_a_call_stands_for_as_many_as_its_chance_to_be_chosen_says(version, qa, foshan):
    """80 with a chance of 1/2 stands for two calls, 100 with one of 1/8 for eight: (160 + 800) / 10 = 96, not 90."""
    scored(version, qa, foshan, probability=0.5)
    scored(version, qa, foshan, pick="stratified", probability=0.125, told={"Asks for the order": "yes"})
    f.roll_up()

    assert value("quality_score") == pytest.approx(96.0)
    assert value("quality_score", ["city"], [foshan.city_id]) == pytest.approx(96.0)
    assert value("quality_score", ["team"], [foshan.pk]) == pytest.approx(96.0)


def test_only_submitted_calls_chosen_at_random_count(version, qa, foshan):
    scored(version, qa, foshan)
    for pick in ("risk", "requested", "appeal", "calibration", "coaching"):
        scored(version, qa, foshan, pick=pick, told={"Greets": "no"})
    back = scored(version, qa, foshan, told={"Greets": "no"})
    evaluations.withdraw(evaluation=back, reason="mistaken", by=qa, at=f.at(DAY))
    evaluations.begin(
        call=call_of(foshan, at=f.at(DAY)), version=version, scorer=qa, pick="random", probability=1, at=f.at(DAY)
    )
    f.roll_up()

    assert value("quality_score") == pytest.approx(80.0)
    assert value("na_rate") == 0


def drawn(call, version, qa, *, pick, probability, source):
    return work.give(
        call=call,
        form=version.form,
        pick=pick,
        probability=probability,
        source=source,
        source_id=1,
        scorer=qa,
        at=f.at(DAY),
    )


def test_a_call_that_a_plan_and_a_full_run_drew_counts_by_the_plans_chance_alone(version, qa, foshan):
    """The full run drew two calls of four: one scored 80, which a plan draws afterwards with a chance of 1/4, and one scored 40, which no plan
    draws. The plan drew another with a chance of 1/2, scored 100. 80 stands for four, 100 for two: (320 + 200) / 6 = 86.67. By the chance of the
    full run it would be (160 + 200) / 4 = 90, and with the call of no plan (160 + 80 + 200) / 6 = 73.33."""
    both, early, late = (call_of(foshan, at=f.at(DAY)) for _n in range(3))
    for call in (both, early):
        drawn(call, version, qa, pick="first_hours", probability=0.5, source="full_run")
    evaluated(both, version, qa)
    evaluated(early, version, qa, told={"Greets": "no", "Insults": "no", "Thanks": "no"})
    assert set(Evaluation.objects.values_list("pick", "probability")) == {("first_hours", 0.5)}
    again = drawn(both, version, qa, pick="random", probability=0.25, source="plan")
    queue.begin(task=again, by=qa, at=f.at(DAY))
    drawn(late, version, qa, pick="random", probability=0.5, source="plan")
    evaluated(late, version, qa, told={"Asks for the order": "yes"})
    f.roll_up()

    assert value("quality_score") == pytest.approx(520 / 6)
    assert sorted(Evaluation.objects.values_list("pick", "probability")) == [
        ("first_hours", 0.5), ("random", 0.25), ("random", 0.5),
    ]  # fmt: skip


def test_a_sheet_of_the_full_run_counts_what_either_of_them_drew(version, qa, foshan):
    """Three calls: one of each draw, and one that was chosen by hand."""
    calls = [call_of(foshan, at=f.at(DAY)) for _n in range(3)]
    campaign = calls[0].campaign_id
    type(calls[0]).objects.filter(pk__in=[call.pk for call in calls]).update(campaign_id=campaign)
    for call, pick, source in zip(calls, ("first_hours", "random"), ("full_run", "plan"), strict=False):
        drawn(call, version, qa, pick=pick, probability=0.5, source=source)
    for call in calls:
        call.campaign_id = campaign
        evaluated(call, version, qa)

    told = full_run.count(campaign, f.at(DAY), f.at(DAY) + timedelta(hours=1))

    assert (told["calls"], told["calls_scored"], told["calls_passed"]) == (3, 2, 2)


def test_a_call_of_the_first_hours_that_a_plan_drew_for_another_scorer_is_one_on_the_sheet(version, qa, foshan):
    call, other = call_of(foshan, at=f.at(DAY)), UserFactory(role="qa")
    drawn(call, version, qa, pick="first_hours", probability=0.5, source="full_run")
    drawn(call, version, other, pick="random", probability=0.5, source="plan")
    evaluated(call, version, qa)
    until = f.at(DAY) + timedelta(hours=1)
    assert full_run.count(call.campaign_id, f.at(DAY), until)["calls_scored"] == 1

    evaluated(call, version, other, told={"Greets": "no", "Insults": "no", "Thanks": "no"})

    assert set(Evaluation.objects.values_list("pick", flat=True)) == {"first_hours", "random"}
    told = full_run.count(call.campaign_id, f.at(DAY), until)
    assert (told["calls_scored"], told["calls_passed"]) == (1, 0)  # the published one counts, which failed


def test_a_sheet_on_which_nothing_applied_has_no_score_and_counts_for_the_rest(version, qa, foshan):
    """Of 8 answers 4 do not apply; the score is that of the other sheet."""
    scored(version, qa, foshan)
    scored(version, qa, foshan, told=dict.fromkeys(("Greets", "Insults", "Asks for the order", "Thanks"), "na"))
    f.roll_up()

    assert value("quality_score") == pytest.approx(80.0)
    assert value("na_rate") == pytest.approx(50.0)
    assert value("auto_fail_rate") == 0


def test_where_no_call_was_scored_there_is_no_score(foshan):
    call_of(foshan, at=f.at(DAY))
    f.roll_up()

    assert [value(key) for key in KEYS] == [None, None, None]


def test_a_call_failed_by_one_answer_is_an_auto_fail_and_one_under_the_pass_mark_is_none(version, qa, foshan):
    """Weights 2 (insults), 2 (under the mark), 4 (good): 2 / 8."""
    scored(version, qa, foshan, told={"Insults": "yes"})
    scored(version, qa, foshan, told={"Thanks": "no", "Greets": "no"})
    scored(version, qa, foshan, probability=0.25)
    f.roll_up()

    assert value("auto_fail_rate") == pytest.approx(25.0)
    assert registry.indicator("auto_fail_rate").is_small({"qa_evaluations": 29, "qa_weight": 9_000_000})
    assert not registry.indicator("auto_fail_rate").is_small({"qa_evaluations": 30, "qa_weight": 30})


def test_a_call_counts_on_its_own_day_however_late_it_is_scored(version, qa, foshan):
    made = scored(version, qa, foshan)
    Evaluation.objects.filter(pk=made.pk).update(submitted_at=f.at(DAY + timedelta(days=40)))
    f.roll_up()

    assert value("quality_score") == pytest.approx(80.0)
    assert value("quality_score", since=date(2026, 4, 1), until=date(2026, 4, 30)) is None


def test_an_evaluation_stays_with_the_team_of_the_call_when_the_agent_moves(version, qa, foshan):
    agent = UserFactory(agent=foshan)
    scored(version, qa, foshan, agent=agent)
    other = TeamFactory()
    Membership.objects.filter(user=agent).update(team=other)
    scored(version, qa, other, agent=agent, told={"Asks for the order": "yes"})
    f.roll_up()

    assert value("quality_score", ["team"], [foshan.pk]) == pytest.approx(80.0)
    assert value("quality_score", ["team"], [other.pk]) == pytest.approx(100.0)
    assert value("quality_score", ["agent"], [agent.pk]) == pytest.approx(90.0)


def test_a_city_manager_sees_no_score_of_another_city(version, qa, foshan):
    other = TeamFactory()
    scored(version, qa, foshan)
    scored(version, qa, other, told={"Asks for the order": "yes"})
    f.roll_up()

    assert value("quality_score", user=UserFactory(role="city_manager", city=foshan.city)) == pytest.approx(80.0)
    assert value("quality_score", user=UserFactory(role="team_leader", team=other)) == pytest.approx(100.0)
    assert value("quality_score", user=UserFactory(role="city_manager", city=TeamFactory().city)) is None


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_definitions_stand_on_their_page(client, language):
    client.force_login(UserFactory(role="regional_manager", language=language))

    with override(language):
        page = client.get(reverse("metrics:definitions")).content.decode()

    assert all(f'id="{key}"' in page for key in KEYS)
