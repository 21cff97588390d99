"""Calibration sessions: blind until all have scored or the session is closed; then side by side, and what is agreed on is a precedent."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from campaigns.tests.factories import AT, agent_of
from core.errors import PermissionRefused
from customers.models import Customer
from customers.services import requests
from customers.services.erasing import erase
from people.models import Membership, User
from people.tests.factories import TeamFactory, UserFactory
from qa import queries_calibration as queries, queries_evaluations
from qa.models import CalibrationDecision, Evaluation, ScoringTask
from qa.services import calibration, evaluations, queue, work
from qa.tests.factories import call_of
from qa.tests.sheets import evaluated, form_of, item

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def lead():
    """QA of the region, who opens sessions."""
    return UserFactory(role=Role.QA)


@pytest.fixture
def anna(team):
    return UserFactory(role=Role.QA, city=team.city)


@pytest.fixture
def bo(team):
    return UserFactory(role=Role.QA, city=team.city)


@pytest.fixture
def form(lead):
    return form_of(lead)


@pytest.fixture
def call(team):
    return call_of(team, agent=agent_of(team))


@pytest.fixture
def session(call, form, anna, bo, lead):
    return calibration.open_session(call=call, form=form.form, scorers=[anna, bo], name="March", by=lead, at=AT)


def scores(session, scorer, **told) -> Evaluation:
    """As from the own queue: "Asks for the order" No unless told otherwise."""
    begun = queue.begin(task=session.seats.get(scorer=scorer).task, by=scorer, at=AT)
    assert begun is not None
    assert begun.pick == "calibration"
    call, version = _call(session), begun.version
    return evaluated(call, version, scorer, told={text.replace("_", " "): answer for text, answer in told.items()})


def _call(session):
    from campaigns.models import Call

    return Call.objects.get(pk=session.call_id, started_at=session.call_started_at)


def leaves(user: User) -> None:
    user.memberships.update(valid_to=date(2026, 1, 2))


def test_each_scorer_has_the_call_in_the_own_queue_blind(session, anna, bo):
    tasks = ScoringTask.objects.open().filter(source="calibration", source_id=session.pk)

    assert {(task.scorer_id, task.pick, task.blind) for task in tasks} == {
        (anna.pk, "calibration", True),
        (bo.pk, "calibration", True),
    }


def test_answers_stand_side_by_side_only_when_all_have_scored(session, anna, bo):
    scores(session, anna)
    assert queries.side_by_side(session) == ([], [])

    scores(session, bo, Thanks="na", Asks_for_the_order="no")
    rows, lines = queries.side_by_side(session)

    assert [row.scorer_id for row in rows] == [anna.pk, bo.pk]
    told = {line.item.text: [answer.answer for answer in line.answers] for line in lines}
    assert told == {
        "Greets": ["yes", "yes"],
        "Insults": ["no", "no"],
        "Asks for the order": ["no", "no"],
        "Thanks": ["yes", "na"],
    }
    assert [line.item.text for line in lines if line.is_split] == ["Thanks"]


def test_nobody_reads_anothers_answers_before_even_by_address(client, session, anna, bo, lead):
    made = scores(session, anna)

    for other in (bo, lead):
        client.force_login(other)
        assert client.get(reverse("qa:evaluation", args=[made.pk])).status_code == 404
        assert client.get(f"/api/v1/evaluations/{made.pk}/").status_code in (403, 404)
        page = client.get(reverse("qa:calibration", args=[session.pk])).content.decode()
        assert "Answers side by side" not in page
        assert "as heard" not in page
        assert str(made.pk) not in [str(row.pk) for row in Evaluation.objects.visible_to(other)]


def test_an_evaluation_of_the_call_for_another_reason_is_hidden_from_those_who_are_to_score_it(
    call, form, lead, anna, bo
):
    before = evaluated(call, form, lead)
    session = calibration.open_session(call=call, form=form.form, scorers=[anna, bo], name="M", by=lead, at=AT)

    assert not Evaluation.objects.visible_to(anna).filter(pk=before.pk).exists()
    scores(session, anna)
    assert not Evaluation.objects.visible_to(anna).filter(pk=before.pk).exists()  # the others still score
    calibration.close(session=session, by=lead, at=AT)
    assert Evaluation.objects.visible_to(anna).filter(pk=before.pk).exists()


def test_the_agent_does_not_see_what_was_scored_to_calibrate(session, anna):
    made = scores(session, anna)

    assert not Evaluation.objects.visible_to(User.objects.get(pk=made.agent_id)).exists()


def test_closed_early_the_session_shows_what_there_is_and_the_others_score_no_more(session, anna, bo, lead):
    scores(session, anna)

    calibration.close(session=session, by=lead, at=AT)

    rows, _lines = queries.side_by_side(type(session).objects.get(pk=session.pk))
    assert [row.scorer_id for row in rows] == [anna.pk]
    assert session.seats.get(scorer=bo).task.dropped_why == "The session is closed."


def test_closed_twice_is_closed_once(session, lead):
    calibration.close(session=session, by=lead, at=AT)

    again = calibration.close(session=session, by=lead, at=AT + timedelta(hours=1))

    assert again.closed_at == AT


def test_a_scorer_who_leaves_the_place_holds_the_others_up_no_longer(session, anna, bo):
    scores(session, anna)
    leaves(bo)

    assert calibration.settle(at=AT) == 1

    assert session.seats.get(scorer=bo).left_at == AT
    assert queries.is_shown(session)
    assert calibration.settle(at=AT) == 0


def test_a_scorer_is_taken_out_once_and_never_after_scoring(session, anna, bo, lead):
    scores(session, anna)

    calibration.take_out(session=session, scorer=bo, by=lead, at=AT)
    again = calibration.take_out(session=session, scorer=bo, by=lead, at=AT + timedelta(hours=1))

    assert again.left_at == AT
    with pytest.raises(calibration.AlreadyDone):
        calibration.take_out(session=session, scorer=anna, by=lead, at=AT)


def test_what_was_agreed_on_is_a_precedent_of_these_words(session, form, anna, bo, lead):
    scores(session, anna)
    scores(session, bo, Thanks="na")

    calibration.decide(
        session=session, item=item(form, "Thanks"), right_answer="yes", ground="He says 谢谢.", by=lead, at=AT
    )

    found = queries_evaluations.precedents(anna, form)
    assert [(row.right_answer, row.ground) for row in found["Thanks", None]] == [("yes", "He says 谢谢.")]
    stranger = UserFactory(role=Role.QA, city=TeamFactory().city)
    assert queries_evaluations.precedents(stranger, form) == {}


def test_of_a_locked_person_nothing_is_shown_or_agreed_on_and_of_an_erased_one_nothing_is_written(
    client, session, form, anna, bo, lead
):
    scores(session, anna)
    scores(session, bo, Thanks="na")
    told = {"session": session, "right_answer": "yes", "ground": "He says 谢谢.", "by": lead, "at": AT}
    calibration.decide(item=item(form, "Thanks"), **told)
    person = Customer.objects.filter(pk=session.customer_id)
    person.update(is_locked=True)

    assert queries.side_by_side(session) == ([], [])
    assert queries_evaluations.precedents(anna, form) == {}
    with pytest.raises(evaluations.PersonRests):
        calibration.decide(item=item(form, "Greets"), **told)
    client.force_login(lead)
    page = client.get(reverse("qa:calibration", args=[session.pk])).content.decode()
    assert "rests until the lock ends" in page
    assert "Nobody has scored" not in page

    person.update(is_locked=False)
    one, two = UserFactory(role=Role.DATA), UserFactory(role=Role.DATA)
    asked = requests.open_request(
        customer=person.get(), kind="erase", way="phone", received_on=date(2026, 11, 19), by=one, at=AT
    )
    erase(asked=asked, by=two, at=AT)
    with pytest.raises(evaluations.PersonRests):
        calibration.decide(item=item(form, "Greets"), **told)


def test_nothing_is_agreed_on_before_it_is_shown_nor_twice_nor_without_a_reason(session, form, anna, bo, lead):
    thanks = {"item": item(form, "Thanks"), "right_answer": "yes", "by": lead, "at": AT}
    with pytest.raises(calibration.NotShownYet):
        calibration.decide(session=session, ground="x", **thanks)
    scores(session, anna)
    scores(session, bo)
    with pytest.raises(calibration.NotASession):
        calibration.decide(session=session, ground="  ", **thanks)

    calibration.decide(session=session, ground="x", **thanks)

    with pytest.raises(calibration.AlreadyDone):
        calibration.decide(session=session, ground="y", **thanks)
    with pytest.raises(calibration.NotASession):
        calibration.decide(session=session, ground="y", **{**thanks, "item": item(form_of(lead, "other"), "Thanks")})


def test_a_session_needs_two_scorers_of_the_place_who_have_not_scored_the_call(call, form, anna, bo, lead):
    told = {"call": call, "form": form.form, "name": "M", "by": lead, "at": AT}
    stranger = UserFactory(role=Role.QA, city=TeamFactory().city)
    with pytest.raises(calibration.NotASession, match="Choose 2 to 20 scorers"):
        calibration.open_session(scorers=[anna, anna], **told)
    with pytest.raises(calibration.NotASession, match="does not score calls of this place"):
        calibration.open_session(scorers=[anna, stranger], **told)
    evaluated(call, form, bo)
    with pytest.raises(calibration.NotASession, match="has scored this call"):
        calibration.open_session(scorers=[anna, bo], **told)
    with pytest.raises(PermissionRefused):
        calibration.open_session(scorers=[anna, lead], **{**told, "by": stranger})


def test_one_session_at_a_time_is_about_a_call_and_form(session, call, form, anna, bo, lead):
    with pytest.raises(calibration.NotASession, match="open already"):
        calibration.open_session(call=call, form=form.form, scorers=[anna, lead], name="M", by=lead, at=AT)
    calibration.close(session=session, by=lead, at=AT)

    again = calibration.open_session(call=call, form=form.form, scorers=[anna, bo], name="M", by=lead, at=AT)

    assert again.seats.count() == 2


def test_taken_back_after_the_end_an_evaluation_leaves_the_session_and_the_next_one_starts_anew(
    session, call, form, anna, bo, lead
):
    made = scores(session, anna)
    calibration.close(session=session, by=lead, at=AT)
    evaluations.withdraw(evaluation=made, reason="wrong call", by=anna, at=AT)

    again = calibration.open_session(call=call, form=form.form, scorers=[anna, bo], name="M", by=lead, at=AT)

    assert ScoringTask.objects.open().filter(source_id=again.pk).count() == 2
    assert not work.open_tasks(call_id=call.pk, form_id=form.form_id, scorer=lead)


# -- pages -------------------------------------------------------------------------------------------------------------


def test_a_session_is_opened_scored_closed_and_decided_on_its_pages(client, call, form, anna, bo, lead):
    client.force_login(lead)
    address = f"{reverse('qa:calibration-new')}?call={call.pk}"
    assert client.get(address).status_code == 200
    said = {"name": "March", "form": form.form_id, "scorers": [anna.pk, bo.pk], "due_days": 3}
    answer = client.post(address, said)
    session = queries.sessions_shown(lead).get()
    assert answer.url == reverse("qa:calibration", args=[session.pk])
    assert "Answers are shown when all have scored" in client.get(answer.url).content.decode()

    client.force_login(anna)
    begun = client.post(reverse("qa:calibration-begin", args=[session.pk]))
    assert begun.url.endswith("/score/")
    scores(session, anna)

    client.force_login(lead)
    client.post(reverse("qa:calibration-out", args=[session.pk, bo.pk]))
    client.post(reverse("qa:calibration-close", args=[session.pk]))
    thanks = item(form, "Thanks").pk
    decided = {"item": thanks, "right_answer": "yes", "ground": "heard"}
    client.post(reverse("qa:calibration-decide", args=[session.pk]), decided)
    page = client.get(reverse("qa:calibration", args=[session.pk])).content.decode()
    assert "Answers side by side" in page
    assert "heard" in page
    assert CalibrationDecision.objects.get().item_id == thanks
    assert "March" in client.get(reverse("qa:calibrations")).content.decode()


def test_another_city_sees_no_session(client, session, call):
    client.force_login(UserFactory(role=Role.QA, city=TeamFactory().city))

    assert client.get(reverse("qa:calibration", args=[session.pk])).status_code == 404
    assert client.post(reverse("qa:calibration-close", args=[session.pk])).status_code == 404
    assert "March" not in client.get(reverse("qa:calibrations")).content.decode()
    assert client.get(f"{reverse('qa:calibration-new')}?call={call.pk}").status_code == 422


def test_who_is_not_of_quality_is_turned_away(client, session, team):
    client.force_login(UserFactory(role=Role.TEAM_LEADER, team=team))

    assert client.get(reverse("qa:calibrations")).status_code == 403
    assert client.get(reverse("qa:calibration", args=[session.pk])).status_code == 403
