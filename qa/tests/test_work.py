"""The work of scorers: given once, done by an evaluation, taken one after the other, without the agent's name where asked."""

from __future__ import annotations

import threading
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from campaigns.models import Call, Disposition
from campaigns.tests.factories import AT, agent_of
from core.calendar import business_date
from core.errors import PermissionRefused
from people.models import Membership
from people.tests.factories import CityFactory, MembershipFactory, TeamFactory, UserFactory
from qa.models import Evaluation, KeepRule, ScoringTask
from qa.queries_work import is_blind, next_task, queue_shown
from qa.rules import picks_of
from qa.services import evaluations, forms, queue, sampling, work
from qa.tests.factories import call_of, recording_of
from qa.tests.sheets import evaluated, form_of

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def qa(team):
    return UserFactory(role=Role.QA, city=team.city)


@pytest.fixture
def version():
    return form_of(UserFactory(role=Role.QA))


@pytest.fixture
def call(team):
    return call_of(team, agent=agent_of(team))


def given(call, version, scorer=None, **fields):
    fields = {"pick": "stratified", "probability": 0.25, "source": "plan", **fields}
    return work.give(call=call, form=version.form, scorer=scorer, at=AT, **fields)


def page(client, user):
    client.force_login(user)
    return client


def url(name, *args):
    return reverse(f"qa:{name}", args=args)


# -- tasks -------------------------------------------------------------------------------------------------------------


def test_given_twice_it_is_one_task_and_another_scorer_or_source_has_another(call, version, qa):
    other = UserFactory(role=Role.QA)

    one, again = given(call, version, qa), given(call, version, qa)
    rest = [given(call, version, other), given(call, version), given(call, version, qa, source="double")]

    assert one == again
    assert len({one, *rest}) == 4
    assert given(call, version) == rest[1]


def test_what_is_done_is_not_asked_for_again_by_the_same_row(call, version, qa):
    one = given(call, version, qa, source="calibration", source_id=5, pick="calibration", probability=None)
    evaluated(call, version, qa)

    same = given(call, version, qa, source="calibration", source_id=5, pick="calibration", probability=None)
    next_session = given(call, version, qa, source="calibration", source_id=6, pick="calibration", probability=None)

    assert same == one
    assert next_session != one


def test_nobody_is_given_an_own_call(call, version):
    from people.models import User

    with pytest.raises(work.NotForThem):
        given(call, version, User.objects.get(pk=call.agent_id))


def test_a_random_task_has_a_probability(call, version):
    with pytest.raises(IntegrityError), transaction.atomic():
        given(call, version, probability=None)


def test_an_evaluation_does_the_tasks_of_its_scorer_and_those_of_anybody(call, version, qa):
    other = UserFactory(role=Role.QA)
    mine, anybody, others = given(call, version, qa), given(call, version), given(call, version, other)

    made = evaluated(call, version, qa)

    for task in (mine, anybody, others):
        task.refresh_from_db()
    assert [task.evaluation for task in (mine, anybody, others)] == [made, made, None]
    assert mine.done_at == AT


def test_an_evaluation_that_is_taken_back_leaves_its_call_to_be_scored_again(call, version, qa):
    task = given(call, version, qa)
    made = evaluated(call, version, qa)

    evaluations.withdraw(evaluation=made, reason="wrong call", by=qa, at=AT)

    task.refresh_from_db()
    assert task.is_open
    assert queue.take_next(by=qa, at=AT) not in (None, made)


def test_what_a_full_run_drew_before_it_had_a_name_of_its_own_is_not_published_when_it_is_taken_back(call, version, qa):
    """Done when the draw of the first hours still was called random."""
    task = given(call, version, qa, pick="random", source="full_run", probability=0.5)
    made = evaluated(call, version, qa)
    rename = import_module("qa.migrations.0028_done_calls_of_first_hours")
    with connection.cursor() as cursor:
        cursor.execute(rename.FORWARD)

    evaluations.withdraw(evaluation=made, reason="wrong call", by=qa, at=AT)

    task.refresh_from_db()
    assert (task.pick, task.done_at) == ("first_hours", None)


def test_dropped_it_leaves_the_queue_and_what_is_done_stays(call, version, qa):
    task = given(call, version, qa)
    work.drop(task=task, why="no longer asked for", at=AT)
    work.drop(task=task, why="again", at=AT + timedelta(days=1))
    task.refresh_from_db()
    assert (task.dropped_at, task.dropped_why, next_task(qa)) == (AT, "no longer asked for", None)

    done = given(call, version, qa)
    evaluated(call, version, qa)
    with pytest.raises(work.NotOpen):
        work.drop(task=done, why="late", at=AT)


def test_a_leader_s_coaching_form_does_not_do_what_a_plan_asks_of_anybody(call, version, team):
    leader = UserFactory(leader=team)
    task = given(call, version)
    made = evaluations.begin(call=call, version=version, scorer=leader, pick="coaching", at=AT)

    assert work.choice_of(made) == ("coaching", None)
    assert work.close_with(evaluation=made, at=AT) == 0
    task.refresh_from_db()
    assert task.is_open


def test_whoever_may_not_take_a_call_of_anybody_s_does_not_do_it_by_hand_either(call, version, team):
    task = given(call, version)

    made = evaluated(call, version, UserFactory(role=Role.QA, leader=team))
    with pytest.raises(PermissionRefused):
        evaluated(call, version, UserFactory(role=Role.QA, city=CityFactory()))

    task.refresh_from_db()
    assert task.is_open
    assert (made.pick, made.probability) == ("requested", None)


def test_who_scores_no_more_or_leads_the_team_by_now_has_its_calls_no_more(call, version, qa, team):
    from people.models import User

    task = given(call, version, qa)
    MembershipFactory(user=qa, role=Role.TEAM_LEADER, team=team)
    assert next_task(User.objects.get(pk=qa.pk)) is None

    Membership.objects.filter(user=qa, role=Role.QA).delete()
    changed = User.objects.get(pk=qa.pk)
    assert next_task(changed) is None
    made = evaluations.begin(call=call, version=version, scorer=changed, pick="coaching", at=AT)
    assert work.close_with(evaluation=made, at=AT) == 0
    task.refresh_from_db()
    assert task.is_open


def test_who_was_an_agent_of_the_team_once_may_score_its_calls(call, version, qa, team):
    MembershipFactory(user=qa, team=team, valid_to=business_date(AT) - timedelta(days=300))

    task = given(call, version)

    assert next_task(qa) == task


# -- how a call was chosen -----------------------------------------------------------------------------------------------


def test_nobody_chooses_a_call_at_random_by_hand(qa):
    assert picks_of(qa) == ["risk", "requested", "coaching"]


def test_the_page_takes_no_random_pick_from_a_scorer(client, call, version, qa):
    page(client, qa).post(url("evaluation-begin", call.pk), {"version": version.pk, "pick": "random"})

    assert not Evaluation.objects.exists()


def test_pick_and_probability_come_from_the_task_also_when_the_call_was_begun_by_hand(call, version, qa):
    given(call, version, qa)

    made = evaluated(call, version, qa)

    assert (made.pick, made.probability) == ("stratified", 0.25)


# -- the queue -----------------------------------------------------------------------------------------------------------


def test_what_is_due_first_comes_first_and_what_has_no_day_last(team, version, qa):
    calls = [call_of(team, agent=agent_of(team), at=AT + timedelta(minutes=n)) for n in range(3)]
    late, never, soon = (
        given(call, version, scorer, due_at=due)
        for call, scorer, due in zip(
            calls, (qa, qa, None), (AT + timedelta(days=2), None, AT + timedelta(days=1)), strict=True
        )
    )

    assert list(queue_shown(qa)) == [soon, late, never]
    assert next_task(qa) == soon


def test_the_next_call_is_begun_with_the_plan_s_pick_and_its_recording(call, version, qa):
    recording = recording_of(call)
    task = given(call, version)

    begun = queue.take_next(by=qa, at=AT)

    task.refresh_from_db()
    assert (begun.call_id, begun.pick, begun.probability, begun.recording) == (call.pk, "stratified", 0.25, recording)
    assert task.scorer == qa
    assert queue.take_next(by=qa, at=AT) == begun


def test_a_call_scored_before_does_its_task_and_the_next_one_comes(team, version, qa):
    first, second = (call_of(team, agent=agent_of(team)) for _n in range(2))
    made = evaluated(first, version, qa)
    task = given(first, version, qa, due_at=AT)
    given(second, version, qa)

    begun = queue.take_next(by=qa, at=AT)

    for row in (task, made):
        row.refresh_from_db()
    assert (task.evaluation, begun.call_id) == (made, second.pk)
    assert (made.pick, made.probability) == (
        "stratified",
        0.25,
    )  # scored by hand before it was drawn: it counts as drawn


def test_a_call_that_has_gone_is_dropped_from_the_queue(call, version, qa):
    task = given(call, version, qa)
    Call.objects.filter(pk=call.pk).delete()

    assert queue.take_next(by=qa, at=AT) is None
    task.refresh_from_db()
    assert task.dropped_at == AT


def test_work_on_an_archived_form_waits_and_the_next_call_is_on_another(client, team, version, qa):
    boss = UserFactory(role=Role.QA)
    other = form_of(boss, "other")
    first, second = (call_of(team, agent=agent_of(team)) for _n in range(2))
    rests = given(first, version, qa, due_at=AT)
    given(second, other, qa)
    forms.archive(version=version, by=boss, at=AT)

    page(client, qa).post(url("work-next"))

    assert Evaluation.objects.get().call_id == second.pk
    rests.refresh_from_db()
    assert rests.is_open
    assert rests not in queue_shown(qa)
    with pytest.raises(evaluations.NotToScore):
        queue.begin(task=rests, by=qa, at=AT)


@pytest.mark.parametrize("fault", [work.NotOpen, evaluations.NotToScore, evaluations.PersonRests])
def test_who_comes_second_to_a_call_takes_the_next_one(team, version, qa, monkeypatch, fault):
    first, second = (call_of(team, agent=agent_of(team)) for _n in range(2))
    lost = given(first, version, due_at=AT)
    given(second, version)
    begin = queue.begin

    def begun(*, task, by, at):
        if task == lost:
            raise fault("another was first")
        return begin(task=task, by=by, at=at)

    monkeypatch.setattr(queue, "begin", begun)

    assert queue.take_next(by=qa, at=AT).call_id == second.pk


def test_who_moves_to_another_city_has_the_work_of_the_old_one_no_more(call, version, qa):
    given(call, version, qa)
    Membership.objects.filter(user=qa).update(city=CityFactory())

    from people.models import User

    assert next_task(User.objects.get(pk=qa.pk)) is None


def test_anybody_s_work_is_that_of_the_place_and_not_of_the_own_team(call, version, team):
    given(call, version)
    elsewhere, leads = UserFactory(role=Role.QA, city=CityFactory()), UserFactory(role=Role.QA, leader=team)

    assert next_task(elsewhere) is None
    assert next_task(leads) is None


def test_the_queue_uses_its_index(call, version, qa):
    given(call, version, qa)
    with transaction.atomic():
        connection.cursor().execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = ScoringTask.objects.open().filter(scorer=qa).in_order()[:1].explain()

    assert "scoring_task_next" in plan
    assert "Sort" not in plan


def test_of_the_whole_queue_s_table_only_the_person_s_own_and_anybody_s_are_read(call, version, qa):
    task = given(call, version, qa)
    fields = {
        name: getattr(task, name)
        for name in ("call_started_at", *work.OF_CALL, "form_id", "pick", "probability", "source")
    }
    other = UserFactory(role=Role.QA)
    ScoringTask.objects.bulk_create(ScoringTask(call_id=-n, scorer=other, **fields) for n in range(1, 4000))
    connection.cursor().execute("ANALYZE qa_scoringtask")
    plan = queue_shown(qa).explain()

    assert "Seq Scan on qa_scoringtask" not in plan
    assert "scoring_task_next" in plan
    assert "scoring_task_anybody" in plan


# -- pages ---------------------------------------------------------------------------------------------------------------


def test_a_scorer_s_page_leads_to_the_next_call_and_from_there_on(client, team, version, qa):
    first, second = (call_of(team, agent=agent_of(team)) for _n in range(2))
    given(first, version, qa, due_at=AT)
    given(second, version, qa)
    page(client, qa)

    assert 'data-key="N"' in client.get(url("work")).content.decode()
    begun = client.post(url("work-next"))
    made = Evaluation.objects.get()
    assert begun.url == url("score", made.pk)
    evaluated(first, version, qa)
    after = client.get(url("evaluation", made.pk)).content.decode()
    assert url("work-next") in after
    client.post(url("work-next"))
    assert Evaluation.objects.filter(call_id=second.pk).exists()


def test_blind_work_hides_whose_call_it_is_until_it_is_submitted(client, team, version, qa):
    agent = agent_of(team)
    agent.display_name = "Zhang Sichuan"
    agent.save()
    call = call_of(team, agent=agent)
    task = given(call, version, qa, blind=True)
    page(client, qa)
    client.post(url("work-begin", task.pk))
    made = Evaluation.objects.get()

    pages = [url("score", made.pk), url("evaluations"), url("work")]

    assert is_blind(made)
    for path in pages:
        assert "Zhang Sichuan" not in client.get(path).content.decode(), path
    evaluated(call, version, qa)
    assert "Zhang Sichuan" in client.get(url("evaluation", made.pk)).content.decode()


def test_a_blind_draft_is_found_under_no_name_and_stays_blind_when_it_is_taken_back(client, team, version, qa):
    agent = agent_of(team)
    agent.display_name, agent.code = "Zhang Sichuan", "zs77"
    agent.save()
    call = call_of(team, agent=agent)
    given(call, version, qa, blind=True)
    draft = queue.take_next(by=qa, at=AT)
    page(client, qa)
    listed = url("evaluations")

    for asked in ("?agent_code=zs77", f"?team={team.pk}"):
        assert url("score", draft.pk) not in client.get(listed + asked).content.decode(), asked
    told = client.get(reverse("api:evaluation-detail", args=[draft.pk])).json()
    assert (told["agent_id"], told["team_id"]) == (None, None)

    evaluations.withdraw(evaluation=draft, reason="begun by mistake", by=qa, at=AT)
    for path in (listed, url("evaluation", draft.pk)):
        assert "Zhang Sichuan" not in client.get(path).content.decode(), path
    evaluated(call, version, qa)
    assert url("evaluation", draft.pk) in client.get(listed + "?agent_code=zs77").content.decode()


def test_of_a_blind_pick_a_plan_s_page_shows_nothing_that_tells_the_agent(client, version, team, qa):
    agent = agent_of(team)
    call = call_of(team, agent=agent)
    recording_of(call)
    plan = sampling.make_plan(
        by=qa, at=AT, name="Blind", form=version.form, city=team.city, period="day", picks=1, new_days=730, complaint_picks=0, blind=True,
    )  # fmt: skip
    Membership.objects.filter(user=agent).update(valid_from=business_date(AT) - timedelta(days=5))
    sampling.draw_period(plan=plan, start=business_date(AT), at=AT + timedelta(days=1))
    page(client, qa)

    waiting = client.get(url("plan", plan.pk)).content.decode()
    evaluated(call, version, qa)
    scored = client.get(url("plan", plan.pk)).content.decode()

    told = ("new agent</span>", "1 / 1</td>", f"<td>{qa}</td>")
    assert [words in waiting for words in told] == [False] * 3
    assert [words in scored for words in told] == [True] * 3


def test_another_city_s_work_and_plans_are_not_seen(client, call, version, team):
    boss = UserFactory(role=Role.QA)
    task = given(call, version)
    recording_of(call)
    plan = sampling.make_plan(by=boss, at=AT, name="Of the city", form=version.form, city=team.city, period="day")
    sampling.draw_period(plan=plan, start=business_date(AT), at=AT + timedelta(days=1))
    page(client, UserFactory(role=Role.QA, city=CityFactory()))

    assert "Of the city" not in client.get(url("plans")).content.decode()
    assert client.get(url("plan", plan.pk)).status_code == 404
    assert client.post(url("plan-end", plan.pk)).status_code == 404
    assert client.post(url("work-begin", task.pk)).status_code == 404


def test_of_a_plan_of_the_region_a_city_sees_its_own_picks_and_gaps(client, version, team, qa):
    boss, elsewhere = UserFactory(role=Role.QA), TeamFactory()
    agents = [agent_of(team), agent_of(elsewhere)]
    for agent, place, name in zip(agents, (team, elsewhere), ("Wang Here", "Li There"), strict=True):
        agent.display_name = name
        agent.save()
        recording_of(call_of(place, agent=agent))
    plan = sampling.make_plan(
        by=boss, at=AT, name="All", form=version.form, city=None, period="day", picks=2, new_picks=0, complaint_picks=0, blind=False,
    )  # fmt: skip
    sampling.draw_period(plan=plan, start=business_date(AT), at=AT + timedelta(days=1))

    text = page(client, qa).get(url("plan", plan.pk)).content.decode()

    assert "Wang Here" in text
    assert "Li There" not in text
    assert client.post(url("plan-end", plan.pk)).status_code == 403


def test_a_plan_is_made_on_its_page_drawn_and_switched_off(client, version):
    page(client, UserFactory(role=Role.QA))
    told = {
        "name": "Weekly", "form": version.form_id, "city": "", "campaign": "", "period": "week", "picks": "3", "strata": ["campaign", "hour"],
        "new_picks": "2", "new_days": "90", "complaint_picks": "2", "complaint_days": "30", "least_seconds": "20", "due_days": "7", "blind": "on",
    }  # fmt: skip
    assert client.post(url("plan-new"), {**told, "picks": "99999999999999999999"}).status_code == 422
    client.post(url("plan-new"), told)
    from qa.models import SamplingPlan

    plan = SamplingPlan.objects.get()
    assert (plan.picks, plan.strata, plan.blind) == (3, ["campaign", "hour"], True)
    assert client.post(url("plan-new"), told).status_code == 422  # the name is taken
    refused = client.post(url("plan-draw", plan.pk), follow=True).content.decode()
    assert "that is not over yet" in refused
    client.post(url("plan-end", plan.pk))
    plan.refresh_from_db()
    assert plan.ended_at
    assert client.get(url("plan", plan.pk) + "?draw=99999999999999999999&page=x").status_code == 200


def test_the_button_of_a_plan_s_page_has_its_last_period_drawn_once(client, version, call):
    from core.models import Job

    recording_of(call)
    boss = UserFactory(role=Role.QA)
    plan = sampling.make_plan(by=boss, at=AT, name="Of the day", form=version.form, city=None, period="day")
    page(client, boss)

    for _n in range(2):
        answer = client.post(url("plan-draw", plan.pk), follow=True)
        assert "is drawn in the background" in answer.content.decode()

    assert Job.objects.get(kind="qa.draw_sample").args["plan"] == plan.pk


@pytest.mark.django_db(transaction=True)
def test_two_scorers_who_take_a_call_of_anybody_s_at_once_have_one_each(team):
    # what is shipped may have gone with a test before
    Disposition.objects.get_or_create(
        code="considering", campaign=None, defaults={"label": "Considering", "connected": True}
    )
    KeepRule.objects.get_or_create(product=None, of_sales=False, defaults={"days": 90, "basis": "test"})
    version = form_of(UserFactory(role=Role.QA))
    for _n in range(2):
        given(call_of(team, agent=agent_of(team)), version)
    scorers = [UserFactory(role=Role.QA, city=team.city) for _n in range(2)]
    start, found = threading.Barrier(2), []

    def take(scorer) -> None:
        try:
            start.wait()
            found.append(queue.take_next(by=scorer, at=AT).call_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=[scorer]) for scorer in scorers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 2
    assert set(ScoringTask.objects.values_list("scorer", flat=True)) == {scorer.pk for scorer in scorers}


def test_agents_have_no_queue_and_no_plans(client, team):
    page(client, agent_of(team))

    assert [client.get(url(name)).status_code for name in ("work", "plans", "plan-new")] == [403, 403, 403]
    assert client.post(url("work-next")).status_code == 403


@pytest.mark.parametrize("rows", [1, 3])
def test_the_queue_runs_the_same_queries_however_many_calls(
    client, team, version, qa, rows, django_assert_max_num_queries
):
    for _n in range(rows):
        given(call_of(team, agent=agent_of(team)), version, qa)
    page(client, qa).get(url("work"))

    with django_assert_max_num_queries(20) as seen:
        client.get(url("work"))
    assert len(seen) == QUERIES


QUERIES = 13
