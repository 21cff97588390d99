"""Evaluations: begun once, saved as one goes, submitted whole, scored once for ever; and what the agent may say to them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError

from campaigns.tests.factories import AT, agent_of
from core.errors import PermissionRefused
from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory
from qa.models import Appeal, Evaluation, FormItem, FormStage, FormVersion, KeepRule, QualityForm
from qa.queries_evaluations import open_appeals
from qa.services import evaluations, forms, keeping
from qa.tests.factories import call_of, recording_of

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def agent(team):
    return agent_of(team)


@pytest.fixture
def qa():
    return UserFactory(role=Role.QA)


@pytest.fixture
def form(qa):
    """Opening (60): greets, insults (fails on Yes); closing (40): asks for the order, thanks."""
    version = forms.create_form(form=QualityForm(code="own", name="Own"), by=qa, at=AT)
    opening = forms.save_stage(version=version, stage=FormStage(name="Opening", weight=60), by=qa)
    closing = forms.save_stage(version=version, stage=FormStage(name="Closing", weight=40), by=qa)
    for stage, text, more in [
        (opening, "Greets", {}), (opening, "Insults", {"good": "no", "fails_on": "yes"}), (closing, "Asks for the order", {}), (closing, "Thanks", {}),
    ]:  # fmt: skip
        forms.save_item(version=version, item=FormItem(stage=stage, text=text, **more), by=qa)
    return forms.publish(version=version, by=qa, at=AT)


@pytest.fixture
def call(team, agent):
    return call_of(team, agent=agent)


@pytest.fixture
def begun(call, form, qa):
    return evaluations.begin(call=call, version=form, scorer=qa, pick="requested", at=AT)


def item(form, text) -> FormItem:
    return FormItem.objects.get(stage__version=form, text=text)


def answer(evaluation, by, **told) -> None:
    """answer(e, by, Greets="yes", Thanks=("no", "said nothing"))"""
    for text, value in told.items():
        given, remark = value if isinstance(value, tuple) else (value, "")
        evaluations.save_answer(
            evaluation=evaluation, item=item(evaluation.version, text.replace("_", " ")), answer=given, remark=remark, by=by,
        )  # fmt: skip


def submitted(begun, qa, **other) -> Evaluation:
    told = {"Greets": "yes", "Insults": "no", "Asks_for_the_order": ("no", "never asked"), "Thanks": "yes"} | other
    answer(begun, qa, **told)
    return evaluations.submit(evaluation=begun, by=qa, at=AT)


def test_a_submitted_evaluation_keeps_what_it_came_to(begun, qa):
    found = submitted(begun, qa)

    # 60 x 1 + 40 x 1/2
    assert (found.raw, found.reported, found.coverage) == (Decimal("80.000"), Decimal("80.000"), Decimal("100.000"))
    assert (found.outcome, found.definition) == ("pass", "qa_score.v1")


def test_a_grave_error_fails_a_call_that_is_good_otherwise(begun, qa):
    found = submitted(begun, qa, Insults=("yes", "shouted"), Asks_for_the_order="yes")

    # 60 x 1/2 + 40 x 1
    assert (found.outcome, found.raw) == ("fail", Decimal("70.000"))


def test_what_is_missing_stands_in_sentences(begun, qa):
    answer(begun, qa, Greets="no", Insults="no")

    with pytest.raises(evaluations.AnswersMissing) as error:
        evaluations.submit(evaluation=begun, by=qa, at=AT)

    assert "2 items have no answer yet, the first is “Asks for the order”." in str(error.value)
    assert "“Greets”: say in a remark what was wrong." in str(error.value)


def test_with_a_recording_a_bad_answer_is_marked_where_it_is_heard(call, form, qa):
    begun = evaluations.begin(call=call, version=form, scorer=qa, pick="requested", at=AT, recording=recording_of(call))
    told = {"Greets": "yes", "Insults": "no", "Thanks": "yes", "Asks_for_the_order": ("no", "never")}
    answer(begun, qa, **told)

    with pytest.raises(evaluations.AnswersMissing, match="mark where it is heard"):
        evaluations.submit(evaluation=begun, by=qa, at=AT)

    evaluations.save_answer(
        evaluation=begun, item=item(form, "Asks for the order"), answer="no", remark="never", span=(500, 900), by=qa
    )
    assert evaluations.submit(evaluation=begun, by=qa, at=AT).outcome == "pass"


def test_beginning_twice_is_the_same_evaluation(begun, call, form, qa):
    again = evaluations.begin(call=call, version=form, scorer=qa, pick="random", probability=0.5, at=AT)

    assert (again.pk, again.pick) == (begun.pk, "requested")


def test_nobody_scores_a_call_twice_or_an_own_one(begun, call, form, qa, agent):
    submitted(begun, qa)

    with pytest.raises(evaluations.NotToScore):
        evaluations.begin(call=call, version=form, scorer=qa, pick="requested", at=AT)
    Membership.objects.create(user=agent, role=Role.QA, valid_from="2020-01-01")
    agent = type(agent).objects.get(pk=agent.pk)
    with pytest.raises(evaluations.NotToScore):
        evaluations.begin(call=call, version=form, scorer=agent, pick="requested", at=AT)


def test_a_leader_scores_for_coaching_alone(call, form, team):
    leader = UserFactory(role=Role.TEAM_LEADER, team=team)

    with pytest.raises(PermissionRefused):
        evaluations.begin(call=call, version=form, scorer=leader, pick="requested", at=AT)
    assert evaluations.begin(call=call, version=form, scorer=leader, pick="coaching", at=AT).scorer == leader


def test_a_random_pick_knows_its_probability(call, form, qa):
    with pytest.raises(IntegrityError):
        Evaluation.objects.create(
            call_id=call.pk, call_started_at=call.started_at, customer_id=1, city_id=1, agent_id=1, team_id=1, campaign_id=1,
            version=form, scorer=qa, pick="random",
        )  # fmt: skip


def test_a_form_archived_in_mid_evaluation_is_finished_as_it_was_begun(begun, form, qa):
    forms.archive(version=form, by=qa, at=AT)

    assert submitted(begun, qa).raw == 80


def test_an_archived_form_begins_nothing(call, form, qa):
    forms.archive(version=form, by=qa, at=AT)
    form.refresh_from_db()

    with pytest.raises(evaluations.NotToScore):
        evaluations.begin(call=call, version=form, scorer=qa, pick="requested", at=AT)


def test_a_submitted_evaluation_stays(begun, qa):
    found = submitted(begun, qa)

    with pytest.raises(evaluations.EvaluationIsFixed):
        answer(found, qa, Greets="no")
    with pytest.raises(evaluations.EvaluationIsFixed):
        evaluations.submit(evaluation=found, by=qa, at=AT)


def test_two_windows_do_not_fight(begun, form, qa):
    greets = item(form, "Greets")
    evaluations.save_answer(evaluation=begun, item=greets, answer="yes", by=qa, saves=0)

    with pytest.raises(evaluations.SavedElsewhere):
        evaluations.save_answer(evaluation=begun, item=greets, answer="no", by=qa, saves=0)

    assert evaluations.given(begun) == {str(greets.pk): "yes"}


def test_an_item_of_another_form_or_a_word_that_is_no_answer_is_refused(begun, form, qa):
    other = FormItem.objects.filter(stage__version__form__code="coaching").first()

    with pytest.raises(evaluations.NotToScore):
        evaluations.save_answer(evaluation=begun, item=other, answer="yes", by=qa)
    with pytest.raises(evaluations.NotToScore):
        evaluations.save_answer(evaluation=begun, item=item(form, "Greets"), answer="perhaps", by=qa)


def test_drafts_are_their_scorers_own_and_the_agent_sees_what_is_submitted(begun, qa, agent, team):
    leader, elsewhere = (
        UserFactory(role=Role.TEAM_LEADER, team=team),
        UserFactory(role=Role.TEAM_LEADER, team=TeamFactory()),
    )

    assert [Evaluation.objects.visible_to(user).count() for user in (qa, agent, leader)] == [1, 0, 0]
    submitted(begun, qa)
    assert [Evaluation.objects.visible_to(user).count() for user in (qa, agent, leader, elsewhere)] == [1, 1, 1, 0]


def test_the_agent_accepts_once(begun, qa, agent):
    found = submitted(begun, qa)

    evaluations.accept(evaluation=found, by=agent, at=AT)
    again = evaluations.accept(evaluation=found, by=agent, at=AT + timedelta(hours=1))

    assert again.accepted_at == AT
    with pytest.raises(PermissionRefused):
        evaluations.accept(evaluation=found, by=qa, at=AT)


def appealed(found, agent, at=AT) -> Appeal:
    given = found.answers.get(item__text="Asks for the order")
    return evaluations.appeal(answer=given, reason="at 3:10 I ask", by=agent, at=at)


def test_an_appeal_is_decided_by_another_and_the_original_stays(begun, qa, agent):
    found = submitted(begun, qa)
    made = appealed(found, agent)

    with pytest.raises(PermissionRefused):
        evaluations.decide(appeal=made, right_answer="yes", ground="heard", by=qa, at=AT)
    other = UserFactory(role=Role.QA)
    decided = evaluations.decide(appeal=made, right_answer="yes", ground="He asks at 3:10.", by=other, at=AT)

    assert decided.decision == "overturned"
    found.refresh_from_db()
    assert (found.raw, found.answers.get(item__text="Asks for the order").answer) == (80, "no")
    with pytest.raises(evaluations.AlreadyDone):
        evaluations.decide(appeal=made, right_answer="no", ground="x", by=other, at=AT)


def test_the_same_answer_upholds(begun, qa, agent):
    made = appealed(submitted(begun, qa), agent)

    decided = evaluations.decide(
        appeal=made, right_answer="no", ground="not asked", by=UserFactory(role=Role.QA), at=AT
    )

    assert decided.decision == "upheld"


def upheld(begun, qa, agent, team):
    """An appeal that another of QA has decided against the agent, and the manager of the city."""
    made = appealed(submitted(begun, qa), agent)
    other = UserFactory(role=Role.QA)
    return evaluations.decide(appeal=made, right_answer="no", ground="not asked", by=other, at=AT), UserFactory(
        role=Role.CITY_MANAGER, city=team.city
    )


def further(made, agent, at=AT, reason="Listen at 3:10 again."):
    return evaluations.appeal_further(appeal=made, reason=reason, by=agent, at=at)


def test_what_qa_upheld_goes_once_to_a_manager_of_the_place_and_what_qa_said_stays(begun, qa, agent, team):
    made, manager = upheld(begun, qa, agent, team)

    made = further(made, agent)

    assert (made.level, made.decision, made.due_at) == (2, "", AT + timedelta(days=5))
    assert (made.first.reason, made.first.ground) == ("at 3:10 I ask", "not asked")
    with pytest.raises(evaluations.AlreadyDone):
        evaluations.accept(evaluation=begun, by=agent, at=AT)
    for nobody in (UserFactory(role=Role.QA), UserFactory(role=Role.CITY_MANAGER, city=TeamFactory().city)):
        with pytest.raises(PermissionRefused, match="manager of the call's city or region than"):
            evaluations.decide(appeal=made, right_answer="yes", ground="heard", by=nobody, at=AT)
    made = evaluations.decide(appeal=made, right_answer="yes", ground="It is heard at 3:10.", by=manager, at=AT)
    assert made.decision == "overturned"
    with pytest.raises(evaluations.AlreadyDone, match="the second decision is the last"):
        further(made, agent)


def test_only_the_agent_takes_an_upheld_answer_further_in_its_time_and_with_a_reason(begun, qa, agent, team):
    made, manager = upheld(begun, qa, agent, team)

    with pytest.raises(PermissionRefused):
        further(made, manager)
    with pytest.raises(evaluations.AnswersMissing):
        further(made, agent, reason=" ")
    with pytest.raises(evaluations.TooLate):
        further(made, agent, at=AT + timedelta(days=7, seconds=1))
    with pytest.raises(IntegrityError):
        Appeal.objects.filter(pk=made.pk).update(level=3)


def test_who_decided_first_does_not_decide_again_in_another_role(begun, qa, agent, team):
    both = UserFactory(role=Role.QA, city=team.city)
    Membership.objects.create(user=both, role=Role.CITY_MANAGER, city=team.city, valid_from="2020-01-01")
    made = appealed(submitted(begun, qa), agent)
    made = evaluations.decide(appeal=made, right_answer="no", ground="not asked", by=both, at=AT)
    made = further(made, agent)

    with pytest.raises(PermissionRefused, match="than who decided first"):
        evaluations.decide(appeal=made, right_answer="no", ground="still not", by=both, at=AT)


def test_where_the_agent_was_found_right_nothing_goes_further(begun, qa, agent):
    made = appealed(submitted(begun, qa), agent)
    made = evaluations.decide(appeal=made, right_answer="yes", ground="heard", by=UserFactory(role=Role.QA), at=AT)

    with pytest.raises(evaluations.AlreadyDone, match="Only an answer that stands"):
        further(made, agent)


def test_managers_find_what_has_gone_further_and_qa_what_has_not(begun, qa, agent, team):
    made, manager = upheld(begun, qa, agent, team)
    second = UserFactory(role=Role.QA)

    further(made, agent)

    assert [list(open_appeals(user)) for user in (manager, second)] == [[made], []]


def test_an_appeal_has_its_time_and_comes_once(begun, qa, agent):
    found = submitted(begun, qa)

    with pytest.raises(evaluations.TooLate):
        appealed(found, agent, at=AT + timedelta(days=7, seconds=1))
    appealed(found, agent, at=AT + timedelta(days=7))
    with pytest.raises(evaluations.AlreadyDone):
        appealed(found, agent)
    with pytest.raises(evaluations.AlreadyDone):
        evaluations.accept(evaluation=found, by=agent, at=AT)


def test_an_agent_who_has_left_the_team_may_still_appeal(begun, qa, agent):
    found = submitted(begun, qa)
    agent.memberships.update(valid_to="2026-01-01")

    assert appealed(found, type(agent).objects.get(pk=agent.pk)).pk


def test_a_withdrawn_evaluation_leaves_room_for_another(begun, call, form, qa):
    found = submitted(begun, qa)

    with pytest.raises(evaluations.AnswersMissing):
        evaluations.withdraw(evaluation=found, reason=" ", by=qa, at=AT)
    evaluations.withdraw(evaluation=found, reason="wrong call", by=qa, at=AT)

    assert Evaluation.objects.submitted().count() == 0
    assert evaluations.begin(call=call, version=form, scorer=qa, pick="requested", at=AT).pk != found.pk


def test_forms_of_the_house_can_be_used(call, qa):
    version = FormVersion.objects.published().get(form__code="coaching")
    begun = evaluations.begin(call=call, version=version, scorer=qa, pick="requested", at=AT)
    for row in FormItem.objects.filter(stage__version=version):
        evaluations.save_answer(evaluation=begun, item=row, answer="yes", by=qa)

    assert evaluations.submit(evaluation=begun, by=qa, at=AT).raw == 100


def test_a_wide_role_that_reads_no_evaluations_widens_nothing(begun, qa):
    submitted(begun, qa)
    leader = UserFactory(role=Role.TEAM_LEADER, team=TeamFactory())
    Membership.objects.create(user=leader, role=Role.DATA, valid_from="2020-01-01")

    assert Evaluation.objects.visible_to(type(leader).objects.get(pk=leader.pk)).count() == 0


def test_a_recording_stays_until_an_appeal_about_it_is_decided(call, form, qa, agent):
    begun = evaluations.begin(call=call, version=form, scorer=qa, pick="requested", at=AT, recording=recording_of(call))
    told = {"Greets": "yes", "Insults": "no", "Thanks": "yes"}
    answer(begun, qa, **told)
    asks = item(form, "Asks for the order")
    evaluations.save_answer(evaluation=begun, item=asks, answer="no", remark="never", span=(500, 900), by=qa)
    made = appealed(evaluations.submit(evaluation=begun, by=qa, at=AT), agent)
    years = AT + timedelta(days=4000)

    assert keeping.destroy_overdue(at=years) == 0
    evaluations.decide(appeal=made, right_answer="no", ground="x", by=UserFactory(role=Role.QA), at=AT)
    assert keeping.destroy_overdue(at=years) == 1


def test_a_rule_made_longer_holds_that_very_night(call):
    row = recording_of(call)
    KeepRule.objects.update(days=5000)
    assert row.keep_until < AT + timedelta(days=4000)

    assert keeping.destroy_overdue(at=AT + timedelta(days=4000)) == 0


def test_who_moves_to_another_city_in_the_middle_takes_the_evaluation_back_and_the_call_is_scored_there(
    call, form, team
):
    moves, stays = (UserFactory(role=Role.QA, city=team.city) for _one in range(2))
    begun = evaluations.begin(call=call, version=form, scorer=moves, pick="requested", at=AT)
    item = FormItem.objects.filter(stage__version=form).first()
    evaluations.save_answer(evaluation=begun, item=item, answer="yes", by=moves)
    Membership.objects.filter(user=moves).update(city=TeamFactory().city)
    moves = type(moves).objects.get(pk=moves.pk)

    for verb in (
        lambda: evaluations.save_answer(evaluation=begun, item=item, answer="no", by=moves),
        lambda: evaluations.submit(evaluation=begun, by=moves, at=AT),
    ):
        with pytest.raises(evaluations.NotToScore, match="no longer score where this call was made"):
            verb()
    assert begun.answers.get().answer == "yes"

    evaluations.withdraw(evaluation=begun, reason="moved to another city", by=moves, at=AT)
    assert evaluations.begin(call=call, version=form, scorer=stays, pick="requested", at=AT).pk != begun.pk


def test_a_form_with_one_item_is_scored_by_it(call, qa):
    version = forms.create_form(form=QualityForm(code="one", name="One"), by=qa, at=AT)
    stage = forms.save_stage(version=version, stage=FormStage(name="All", weight=100), by=qa)
    item = forms.save_item(version=version, item=FormItem(stage=stage, text="Greets"), by=qa)
    version = forms.publish(version=version, by=qa, at=AT)
    begun = evaluations.begin(call=call, version=version, scorer=qa, pick="requested", at=AT)
    evaluations.save_answer(evaluation=begun, item=item, answer="no", by=qa, remark="nothing said")

    done = evaluations.submit(evaluation=begun, by=qa, at=AT)

    assert (done.raw, done.coverage, done.outcome) == (0, 100, "fail")
