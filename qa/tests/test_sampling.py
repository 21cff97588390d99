"""Plans draw calls at random, with probabilities counted by hand; once per period; and what is deleted or left behind finds another."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from campaigns.models import Call, Disposition
from campaigns.tests.factories import AT, CampaignFactory, agent_of
from core.calendar import business_date, midnight
from core.errors import PermissionRefused
from core.jobs import enqueue, run_inline
from core.models import Job
from customers.models import Customer, PersonRequest
from customers.tests.factories import CustomerFactory
from metrics.columns import Level
from metrics.models import DayFigures
from people.models import Membership
from people.tests.factories import CityFactory, MembershipFactory, TeamFactory, UserFactory
from qa.models import KeepRule, Recording, SampleGap, SamplingPlan, ScoringTask
from qa.queries_sampling import draws_shown
from qa.queries_work import next_task, queue_shown
from qa.services import evaluations, keeping, queue, sampling, tending, work
from qa.tests.factories import call_of, recording_of, wav
from qa.tests.sheets import GOOD, evaluated, form_of, item

pytestmark = pytest.mark.django_db
Role = Membership.Role
DAY = business_date(AT)
NEXT_DAY = midnight(DAY + timedelta(days=1)) + timedelta(hours=3)


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def qa(team):
    return UserFactory(role=Role.QA)


@pytest.fixture
def form(qa):
    return form_of(qa).form


def plan_of(qa, form, **rule):
    rule = {"name": "Daily", "period": "day", "picks": 2, "new_picks": 0, "complaint_picks": 0, "city": None, **rule}
    return sampling.make_plan(by=qa, at=AT, form=form, **rule)


def calls_of(agent, team, n, **fields):
    """n calls of the day with a recording each."""
    made = [call_of(team, agent=agent, at=AT + timedelta(minutes=k), **fields) for k in range(n)]
    for number, call in enumerate(made):
        recording_of(call, sound=wav(2 + number % 2), at=call.started_at)
    return made


def drawn(plan, **more):
    return sampling.draw_period(plan=plan, start=DAY, at=NEXT_DAY, **more)


def test_of_eight_calls_two_are_drawn_each_with_a_quarter(qa, form, team):
    agent = agent_of(team)
    calls_of(agent, team, 8)

    made = drawn(plan_of(qa, form))

    picks = list(made.picks.select_related("task"))
    assert [(pick.of_calls, pick.picked, pick.probability, pick.pick) for pick in picks] == [(8, 2, 0.25, "random")] * 2
    assert {(pick.task.probability, pick.task.pick, pick.task.scorer_id) for pick in picks} == {(0.25, "random", qa.pk)}
    assert (made.agents, made.calls, made.gaps.count()) == (1, 8, 0)


def test_groups_have_their_share_and_every_call_the_same_chance(qa, form, team):
    """6 short calls and 2 long ones, 4 drawn: 3 short and 1 long, each with 4/8."""
    agent = agent_of(team)
    calls_of(agent, team, 6, talk_seconds=25)
    calls_of(agent, team, 2, talk_seconds=200)

    made = drawn(plan_of(qa, form, picks=4, strata=["length"]))

    assert sorted(pick.stratum for pick in made.picks.all()) == ["a", "a", "a", "c"]
    assert {(pick.probability, pick.pick) for pick in made.picks.all()} == {(0.5, "stratified")}


@pytest.mark.parametrize("strata", [[], ["length"]])
def test_over_many_seeds_each_call_is_drawn_as_often_as_its_probability_says(qa, form, team, strata):
    """5 calls, 2 drawn, 400 seeds: 160 each, give or take 4 standard deviations of 9.8; also when 4 are short and 1 is long."""
    from qa import drawing

    agent = agent_of(team)
    calls = calls_of(agent, team, 4, talk_seconds=25) + calls_of(agent, team, 1, talk_seconds=200)
    plan = plan_of(qa, form, strata=strata)
    times = dict.fromkeys([call.pk for call in calls], 0)
    for seed in range(400):
        picks, _found = drawing.draw(plan, midnight(DAY), midnight(DAY + timedelta(days=1)), str(seed), {})
        for pick in picks:
            times[pick.call_id] += 1

    assert sum(times.values()) == 800
    assert all(abs(n - 160) < 40 for n in times.values()), times


def test_the_same_seed_draws_the_same_calls_and_another_seed_others(qa, form, team):
    agent = agent_of(team)
    calls_of(agent, team, 12)
    plans = [plan_of(qa, form_of(qa, name).form, name=name, picks=3) for name in "abc"]

    found = [
        sorted(drawn(plan, seed=seed).picks.values_list("call_id", flat=True))
        for plan, seed in zip(plans, "xxy", strict=True)
    ]

    assert found[0] == found[1] != found[2]


def test_a_period_is_drawn_once(qa, form, team):
    calls_of(agent_of(team), team, 4)
    plan = plan_of(qa, form)

    first, second = drawn(plan), drawn(plan)

    assert first == second
    assert ScoringTask.objects.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        plan.draws.create(starts_on=DAY, ends_on=DAY + timedelta(days=1), seed="x", drawn_at=AT)


def test_two_plans_that_are_on_do_not_draw_from_the_same_calls_on_one_form(qa, form, team):
    """A call that both could draw would have neither plan's chance."""
    campaign, city = CampaignFactory(), CityFactory()
    plan_of(qa, form, city=team.city)

    for name, place in (("a", {"city": None}), ("b", {"city": team.city, "campaign": campaign})):
        with pytest.raises(sampling.NotAPlan, match="“Daily” draws from the same calls"):
            plan_of(qa, form, name=name, **place)
    plan_of(qa, form, name="c", city=city, campaign=campaign)
    plan_of(qa, form, name="d", city=city, campaign=CampaignFactory())
    plan_of(qa, form_of(qa, "other").form, name="e")


def test_the_next_plan_leaves_the_periods_alone_that_an_ended_one_has_drawn(qa, form, team):
    calls_of(agent_of(team), team, 2)
    plan = plan_of(qa, form)
    drawn(plan)
    sampling.end_plan(plan=plan, by=qa, at=AT)
    after = plan_of(qa, form, name="After")

    assert sampling.draws_due(NEXT_DAY) == []
    with pytest.raises(sampling.DrawnByAnother, match="“Daily” has drawn"):
        drawn(after)
    with pytest.raises(sampling.DrawnByAnother):
        sampling.ask_draw(plan=after, by=qa, at=NEXT_DAY)
    assert sampling.draws_due(NEXT_DAY + timedelta(days=1)) == [(after.pk, DAY + timedelta(days=1))]


def test_a_period_that_is_not_over_is_not_drawn(qa, form):
    with pytest.raises(sampling.PeriodNotOver):
        sampling.draw_period(plan=plan_of(qa, form), start=DAY, at=AT)


def test_a_new_agent_and_one_with_a_complaint_have_more_drawn(qa, form, team):
    old, new, blamed = agent_of(team), UserFactory(), agent_of(team)
    MembershipFactory(user=new, team=team, valid_from=DAY - timedelta(days=10))
    for agent in (old, new, blamed):
        calls_of(agent, team, 10)
    call_of(team, agent=blamed, complaint=True, connected=False)

    made = drawn(plan_of(qa, form, picks=1, new_picks=2, complaint_picks=3))

    picks = [(pick.agent_id, pick.probability, pick.is_new, pick.after_complaint) for pick in made.picks.all()]
    assert sorted(set(picks)) == sorted(
        [(old.pk, 0.1, False, False), (new.pk, 0.3, True, False), (blamed.pk, 0.4, False, True)]
    )
    assert len(picks) == 1 + 3 + 4


def test_a_complaint_of_weeks_ago_is_read_from_the_figures_of_its_day(qa, form, team):
    agent, longer = agent_of(team), agent_of(team)
    for person, back in ((agent, 29), (longer, 31)):
        calls_of(person, team, 4)
        DayFigures.objects.create(
            day=DAY - timedelta(days=back),
            level=Level.AGENT,
            city_id=team.city_id,
            team_id=team.pk,
            agent_id=person.pk,
            customers_complained=1,
        )

    made = drawn(plan_of(qa, form, picks=1, complaint_picks=2))

    assert made.picks.filter(agent_id=agent.pk).count() == 3
    assert made.picks.filter(agent_id=longer.pk).count() == 1


def test_gaps_say_why_there_was_too_little(qa, form, team):
    few, silent, unheard = agent_of(team), agent_of(team), agent_of(team)
    calls_of(few, team, 1)
    call_of(team, agent=unheard)

    made = drawn(plan_of(qa, form, picks=3))

    gaps = {gap.agent_id: (gap.wanted, gap.drawn, gap.why) for gap in made.gaps.all()}
    assert gaps == {
        few.pk: (3, 1, "few_calls"), silent.pk: (3, 0, "no_calls"), unheard.pk: (3, 0, "no_recording"),
    }  # fmt: skip
    assert made.picks.get().probability == 1.0


def test_a_plan_of_a_campaign_asks_for_calls_of_those_who_worked_on_it_alone(qa, form, team):
    campaign = CampaignFactory()
    unheard, elsewhere, _idle = agent_of(team), agent_of(team), agent_of(team)
    call_of(team, agent=unheard, campaign=campaign)
    calls_of(elsewhere, team, 1)

    made = drawn(plan_of(qa, form, campaign=campaign))

    assert [(gap.agent_id, gap.why) for gap in made.gaps.all()] == [(unheard.pk, "no_recording")]


def test_a_plan_of_a_city_asks_for_calls_of_those_who_called_its_customers_or_nobody(qa, form, team):
    """Whose customers were all elsewhere has no gap here; who called from another city has one."""
    other = TeamFactory()
    there, idle, guest, _stranger = agent_of(team), agent_of(team), agent_of(other), agent_of(other)
    calls_of(there, team, 1, customer=CustomerFactory(city=other.city))
    call_of(other, agent=guest, customer=CustomerFactory(city=team.city))

    made = drawn(plan_of(qa, form, city=team.city))

    gaps = {gap.agent_id: (gap.why, gap.city_id) for gap in made.gaps.all()}
    assert gaps == {idle.pk: ("no_calls", team.city_id), guest.pk: ("no_recording", team.city_id)}


def test_gaps_without_a_recording_come_first_and_all_are_told(client, qa, form, team, monkeypatch):
    from qa.views import sampling as views

    monkeypatch.setattr(views, "GAPS", 1)
    idle, unheard = (UserFactory(agent=team) for _n in range(2))
    call_of(team, agent=unheard)
    plan = plan_of(qa, form)
    drawn(plan)
    client.force_login(qa)

    text = client.get(reverse("qa:plan", args=[plan.pk])).content.decode()

    assert f"agent {unheard.pk}<" in text
    assert f"agent {idle.pk}<" not in text
    assert "1 of 2 gaps" in text


def test_calls_of_a_person_whose_data_are_locked_are_neither_drawn_nor_waiting(qa, form, team):
    agent = agent_of(team)
    first, second, third = calls_of(agent, team, 3)
    plan = plan_of(qa, form, picks=3)
    lock(first.customer_id, qa)

    made = drawn(plan)
    assert {pick.call_id for pick in made.picks.all()} == {second.pk, third.pk}
    assert made.calls == 2

    lock(second.customer_id, qa)
    for scorer in (qa, None):
        ScoringTask.objects.update(scorer=scorer)
        assert [task.call_id for task in queue_shown(qa)] == [third.pk]
        assert next_task(qa).call_id == third.pk
        with pytest.raises(evaluations.PersonRests):
            queue.begin(task=ScoringTask.objects.get(call_id=second.pk), by=qa, at=NEXT_DAY)


def lock(customer_id, by):
    Customer.objects.filter(pk=customer_id).update(is_locked=True)
    PersonRequest.objects.create(
        customer_id=customer_id, kind="lock", way="letter", received_on=DAY, received_by=by, due_on=DAY, state="done", decided_by=by, decided_at=AT,
    )  # fmt: skip


def test_a_deleted_recording_is_replaced_by_a_fresh_draw(qa, form, team):
    """10 calls, 2 drawn; one is deleted, so 9 are left: the fresh one has 2/9."""
    agent = agent_of(team)
    calls_of(agent, team, 10)
    made = drawn(plan_of(qa, form))
    lost = made.picks.order_by("pk")[0]
    keeping.destroy_recordings(rows=Recording.objects.filter(call_id=lost.call_id), at=NEXT_DAY)

    left = tending.replace_deleted(at=NEXT_DAY)

    lost.task.refresh_from_db()
    fresh = lost.replaced_by
    assert left == 1
    assert lost.task.dropped_at == NEXT_DAY
    assert (fresh.pick, fresh.of_calls, fresh.probability) == ("random", 9, 2 / 9)
    assert made.picks.values("call_id").distinct().count() == 3
    assert ScoringTask.objects.open().count() == 2
    assert tending.replace_deleted(at=NEXT_DAY) == 0


def test_a_replacement_s_chance_counts_the_picks_that_can_still_be_heard(qa, form, team):
    """10 calls, 3 drawn; one is scored and deleted by its date, another deleted unscored: 8 are heard, one of them drawn, one drawn now."""
    calls_of(agent_of(team), team, 10)
    made = drawn(plan_of(qa, form, picks=3))
    done, lost, _left = made.picks.order_by("pk").select_related("task")
    evaluated(Call.objects.get(pk=done.call_id), form.versions.get(), qa)
    keeping.destroy_recordings(rows=Recording.objects.filter(call_id__in=[done.call_id, lost.call_id]), at=NEXT_DAY)

    tending.replace_deleted(at=NEXT_DAY)

    assert (lost.replaced_by.of_calls, lost.replaced_by.probability) == (8, 2 / 8)


def test_a_sound_that_turns_out_broken_is_replaced_and_so_is_a_call_that_has_gone(qa, form, team):
    """3 calls, 1 drawn: of the 2 that are left one has 1/2, and when its call has gone the last one is certain."""
    agent = agent_of(team)
    for n in range(3):
        recording_of(call_of(team, agent=agent, at=AT + timedelta(minutes=n)), sound=wav(2, tone=9000 + n))
    made = drawn(plan_of(qa, form, picks=1))
    broken = made.picks.get()
    sound = Recording.objects.get(call_id=broken.call_id).sound
    sound.state, sound.fault = "broken", "unreadable"
    sound.save(update_fields=["state", "fault"])

    assert tending.replace_deleted(at=NEXT_DAY) == 1
    gone = broken.replaced_by
    Call.objects.filter(pk=gone.call_id).delete()
    assert queue.begin(task=gone.task, by=qa, at=NEXT_DAY) is None

    gone.task.refresh_from_db()
    assert gone.task.dropped_at == NEXT_DAY
    assert [(pick.of_calls, pick.probability) for pick in (gone, gone.replaced_by)] == [(2, 0.5), (1, 1.0)]


def test_a_place_without_a_scorer_does_not_keep_another_s_calls_waiting(form, team, qa, monkeypatch):
    other = TeamFactory()
    calls_of(agent_of(team), team, 2)
    calls_of(agent_of(other), other, 2)
    plan = plan_of(qa, form)
    Membership.objects.filter(user=qa).update(valid_to=DAY - timedelta(days=1))
    drawn(plan)
    ScoringTask.objects.filter(city_id=other.city_id).update(lot=1)
    local = UserFactory(role=Role.QA, city=team.city)
    monkeypatch.setattr(sampling, "BATCH", 2)

    assert tending.share_out(at=NEXT_DAY) == 2
    assert ScoringTask.objects.filter(scorer=local, city_id=team.city_id).count() == 2


def test_a_draft_whose_recording_was_deleted_does_not_count_beside_the_call_drawn_instead(qa, form, team):
    calls_of(agent_of(team), team, 3)
    made = drawn(plan_of(qa, form, picks=1))
    lost = made.picks.get()
    draft = queue.begin(task=lost.task, by=qa, at=NEXT_DAY)
    keeping.destroy_recordings(rows=Recording.objects.filter(call_id=lost.call_id), at=NEXT_DAY)

    tending.replace_deleted(at=NEXT_DAY)
    for text, answer in GOOD.items():
        evaluations.save_answer(evaluation=draft, item=item(draft.version, text), answer=answer, by=qa)
    done = evaluations.submit(evaluation=draft, by=qa, at=NEXT_DAY)

    assert (done.pick, done.probability) == ("requested", None)
    assert lost.replaced_by.task.is_open


def test_with_nothing_left_to_draw_a_deleted_pick_is_a_gap(qa, form, team):
    agent = agent_of(team)
    calls_of(agent, team, 2)
    made = drawn(plan_of(qa, form))
    lost = made.picks.order_by("pk")[0]
    keeping.destroy_recordings(rows=Recording.objects.filter(call_id=lost.call_id), at=NEXT_DAY)

    tending.replace_deleted(at=NEXT_DAY)

    gap = SampleGap.objects.get()
    assert (gap.wanted, gap.drawn, gap.why) == (2, 1, "no_recording")


def test_calls_are_shared_evenly_and_nobody_has_those_of_the_own_team(qa, form, team):
    other, leads = UserFactory(role=Role.QA), UserFactory(role=Role.QA, leader=team)
    agents = [agent_of(team) for _n in range(3)]
    for agent in agents:
        calls_of(agent, team, 4)

    drawn(plan_of(qa, form, picks=4))

    found = {user: ScoringTask.objects.filter(scorer=user).count() for user in (qa, other, leads)}
    assert found == {qa: 6, other: 6, leads: 0}


def test_nobody_scores_an_own_call(qa, form, team):
    both = UserFactory(role=Role.QA, agent=team)
    calls_of(both, team, 2)
    Membership.objects.filter(user=qa).delete()
    MembershipFactory(user=qa, role=Role.QA, valid_from=DAY - timedelta(days=900))

    drawn(plan_of(qa, form))

    assert set(ScoringTask.objects.values_list("scorer", flat=True)) == {qa.pk}
    with pytest.raises(IntegrityError), transaction.atomic():
        ScoringTask.objects.update(scorer=both)


def test_the_city_s_scorer_comes_before_that_of_the_region(qa, form, team):
    local = UserFactory(role=Role.QA, city=team.city)
    elsewhere = UserFactory(role=Role.QA, city=CityFactory())
    calls_of(agent_of(team), team, 2)

    drawn(plan_of(qa, form))

    found = {user: ScoringTask.objects.filter(scorer=user).count() for user in (qa, local, elsewhere)}
    assert found == {qa: 0, local: 2, elsewhere: 0}


def test_what_a_scorer_leaves_behind_goes_to_another(qa, form, team):
    local = UserFactory(role=Role.QA, city=team.city)
    calls_of(agent_of(team), team, 2)
    drawn(plan_of(qa, form))
    Membership.objects.filter(user=local).update(city=CityFactory())

    moved = tending.give_anew(at=NEXT_DAY)

    assert moved == 2
    assert set(ScoringTask.objects.values_list("scorer", flat=True)) == {qa.pk}


def test_of_a_draft_that_was_left_behind_the_new_scorer_s_evaluation_alone_counts(qa, form, team):
    local = UserFactory(role=Role.QA, city=team.city)
    (call,) = calls_of(agent_of(team), team, 1)
    drawn(plan_of(qa, form))
    draft = queue.begin(task=ScoringTask.objects.get(), by=local, at=NEXT_DAY)
    Membership.objects.filter(user=local).update(city=CityFactory())
    tending.give_anew(at=NEXT_DAY)

    late, counted = evaluated(call, draft.version, local), evaluated(call, draft.version, qa)

    assert (late.pick, late.probability) == ("requested", None)
    assert (counted.pick, counted.probability) == ("random", 1.0)


def test_without_a_scorer_calls_wait_for_anybody_until_one_comes(form, team, qa):
    calls_of(agent_of(team), team, 2)
    plan = plan_of(qa, form)
    Membership.objects.filter(user=qa).update(valid_to=DAY - timedelta(days=1))
    drawn(plan)
    assert set(ScoringTask.objects.values_list("scorer", flat=True)) == {None}
    local = UserFactory(role=Role.QA, city=team.city)

    assert tending.share_out(at=NEXT_DAY) == 2
    assert set(ScoringTask.objects.values_list("scorer", flat=True)) == {local.pk}


def test_a_plan_of_a_city_draws_its_calls_alone(qa, form, team):
    other = TeamFactory()
    calls_of(agent_of(team), team, 2)
    calls_of(agent_of(other), other, 2)

    made = drawn(plan_of(qa, form, city=team.city))

    assert set(made.picks.values_list("task__city_id", flat=True)) == {team.city_id}
    assert made.gaps.count() == 0


def test_qa_of_a_city_plans_for_the_city_alone(form, team):
    local = UserFactory(role=Role.QA, city=team.city)

    assert plan_of(local, form, city=team.city).city == team.city
    for city in (None, CityFactory()):
        with pytest.raises(PermissionRefused):
            plan_of(local, form, name="x", city=city)


def test_a_plan_never_changes_and_can_be_switched_off(qa, form):
    plan = plan_of(qa, form)
    with pytest.raises(IntegrityError), transaction.atomic():
        SamplingPlan.objects.filter(pk=plan.pk).update(picks=9)

    sampling.end_plan(plan=plan, by=qa, at=AT)
    sampling.end_plan(plan=plan, by=qa, at=AT)

    assert sampling.draws_due(NEXT_DAY) == []
    with pytest.raises(sampling.NotAPlan):
        sampling.ask_draw(plan=plan, by=qa, at=NEXT_DAY)


def test_two_plans_that_are_on_have_different_names(qa, form):
    plan_of(qa, form)

    with pytest.raises(sampling.NotAPlan):
        plan_of(qa, form)


def test_each_period_that_is_over_is_due_once(qa, form):
    plan = plan_of(qa, form)

    assert sampling.draws_due(NEXT_DAY) == [(plan.pk, DAY)]
    drawn(plan)
    assert sampling.draws_due(NEXT_DAY) == []


def test_of_each_draw_is_told_what_became_of_its_picks_with_the_same_queries_however_many(
    qa, form, team, django_assert_num_queries
):
    """Of 4 calls a day 3 are drawn of one agent, of two days; one pick is done, one leaves the queue; another agent has none."""
    agent_of(team)
    agent = agent_of(team)
    calls_of(agent, team, 4)
    for n in range(4):
        recording_of(call_of(team, agent=agent, at=AT + timedelta(days=1, minutes=n)))
    plan = plan_of(qa, form, picks=3)
    drawn(plan)
    first = ScoringTask.objects.order_by("pk")[0]
    evaluated(Call.objects.get(pk=first.call_id), form.versions.get(), qa)
    work.drop(task=ScoringTask.objects.open().order_by("pk")[0], why="test", at=AT)

    draws_shown(qa, plan, 24)  # what the person covers is read once
    with django_assert_num_queries(3):
        draws_shown(qa, plan, 24)
    sampling.draw_period(plan=plan, start=DAY + timedelta(days=1), at=NEXT_DAY + timedelta(days=1))
    with django_assert_num_queries(3):
        found = draws_shown(qa, plan, 24)

    told = [(draw.pick_count, draw.done_count, draw.dropped_count, draw.gap_count) for draw in found]
    assert told == [(3, 0, 0, 1), (2, 1, 1, 1)]


def test_nights_that_were_missed_are_made_up_for_but_not_without_end(qa, form):
    """A plan made on AT's day; 3 days after it is over, 3 days are due, one of them drawn meanwhile; of 100 days the last 32."""
    plan = plan_of(qa, form)
    sampling.draw_period(plan=plan, start=DAY + timedelta(days=1), at=NEXT_DAY + timedelta(days=2))

    found = sampling.draws_due(NEXT_DAY + timedelta(days=2))
    late = sampling.draws_due(NEXT_DAY + timedelta(days=99))

    assert found == [(plan.pk, DAY), (plan.pk, DAY + timedelta(days=2))]
    assert [late[0][1], late[-1][1], len(late)] == [DAY + timedelta(days=68), DAY + timedelta(days=99), 32]


def test_a_plan_that_ended_draws_no_more_also_when_its_draw_was_asked_for(qa, form):
    plan = plan_of(qa, form)
    sampling.end_plan(plan=plan, by=qa, at=AT)

    with pytest.raises(sampling.NotAPlan):
        drawn(plan)


def test_a_plan_draws_nothing_from_before_it_was_made(qa, form):
    plan = sampling.make_plan(by=qa, at=NEXT_DAY, form=form, name="New", city=None, period="day")

    with pytest.raises(sampling.PeriodNotOver):
        sampling.ask_draw(plan=plan, by=qa, at=NEXT_DAY)
    assert sampling.draws_due(NEXT_DAY) == []


def test_a_plan_that_fails_keeps_none_of_the_others_waiting(qa, team, monkeypatch):
    calls_of(agent_of(team), team, 2)
    plans = [plan_of(qa, form_of(qa, code).form, name=code) for code in "abc"]
    draw_period = sampling.draw_period
    sampling.end_plan(plan=plans[1], by=qa, at=AT)

    def draw(*, plan, start, at):
        if plan == plans[0]:
            raise ZeroDivisionError
        return draw_period(plan=plan, start=start, at=at)

    monkeypatch.setattr(sampling, "draw_period", draw)
    monkeypatch.setattr(sampling, "draws_due", lambda at: [(plan.pk, DAY) for plan in plans])
    job = enqueue(kind="qa.draw_samples", key="now", by=None)
    run_inline(job.pk)

    job.refresh_from_db()
    assert job.state != Job.State.DONE
    assert [plan.draws.count() for plan in plans] == [0, 0, 1]


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("day", date(2026, 2, 28), date(2026, 3, 1)),
        ("week", date(2026, 2, 16), date(2026, 2, 23)),
        ("month", date(2026, 2, 1), date(2026, 3, 1)),
    ],
)
def test_the_last_whole_period(period, start, end):
    """2026-03-01 is a Sunday."""
    assert sampling.last_period(SamplingPlan(period=period), date(2026, 3, 1)) == (start, end)


def test_the_button_draws_in_the_background(qa, form, team):
    from core.clock import database_now

    plan = plan_of(qa, form)
    at = database_now()

    one, other = sampling.ask_draw(plan=plan, by=qa, at=at), sampling.ask_draw(plan=plan, by=qa, at=at)
    run_inline(one.pk)

    assert one == other
    assert Job.objects.get(pk=one.pk).state == Job.State.DONE
    assert plan.draws.get().starts_on == business_date(at) - timedelta(days=1)


@pytest.mark.django_db(transaction=True)
def test_two_who_draw_at_the_same_moment_have_one_draw(qa, form, team):
    # what is shipped may have gone with a test before
    Disposition.objects.get_or_create(
        code="considering", campaign=None, defaults={"label": "Considering", "connected": True}
    )
    KeepRule.objects.get_or_create(product=None, of_sales=False, defaults={"days": 90, "basis": "test"})
    calls_of(agent_of(team), team, 4)
    plan = plan_of(qa, form)
    start, found = threading.Barrier(2), []

    def work() -> None:
        try:
            start.wait()
            found.append(drawn(plan).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    assert len(set(found)) == 1
    assert ScoringTask.objects.count() == 2
