"""Complaints: taken once, answered in time, and a serious one stops the campaign in the same transaction."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from campaigns.models import Campaign
from campaigns.tests.factories import AT, CustomerFactory, agent_of
from core.errors import PermissionRefused
from core.models import AuditEvent
from customers.models import Customer
from customers.services import requests
from customers.services.erasing import erase
from people.models import Membership
from people.tests.factories import TeamFactory, UserFactory
from qa import person_data
from qa.models import Complaint, ComplaintCategory, ComplaintStep
from qa.queries_complaints import people_for
from qa.services import complaints
from qa.services.listening import PersonLocked
from qa.tests.factories import call_of
from scripts.models import Article

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
def call(team, agent):
    return call_of(team, agent=agent)


def take(call, by, **fields):
    facts = {
        "category": ComplaintCategory.objects.get(code="manner"),
        "severity": "normal",
        "words": " Rude. ",
        "at": AT,
    }
    return complaints.take_complaint(call=call, by=by, **{**facts, **fields})


def weigh(complaint, by, **fields):
    facts = {"severity": "serious", "reason": "Heard the call.", "at": AT}
    return complaints.weigh_complaint(complaint=complaint, by=by, **{**facts, **fields})


def trace(complaint, by, **fields):
    return complaints.trace_complaint(
        complaint=complaint, by=by, at=AT, **{"cause": "offer", "words": "Unclear price.", **fields}
    )


def test_a_complaint_of_a_call_keeps_what_it_was_about_and_is_due_in_48_hours(call, agent):
    taken = take(call, agent)

    assert (taken.customer_id, taken.city_id, taken.agent_id) == (call.customer_id, call.city_id, agent.pk)
    assert (taken.campaign_id, taken.script_version_id) == (call.campaign_id, call.script_version_id)
    assert (taken.words, taken.state, taken.due_at) == ("Rude.", "received", AT + timedelta(hours=48))
    assert Campaign.objects.get(pk=call.campaign_id).is_on


def test_the_same_call_and_category_again_is_the_same_complaint(call, agent):
    assert take(call, agent) == take(call, agent, words="Again.")
    assert Complaint.objects.get().steps.count() == 1


def test_taken_again_it_is_neither_shown_to_who_may_not_see_it_nor_made_serious_in_silence(call, agent, qa, team):
    taken = take(call, qa)
    with pytest.raises(complaints.ComplaintNotThere, match="QA works on it"):
        take(call, agent)
    with pytest.raises(complaints.ComplaintNotThere, match=f"Complaint {taken.pk} is about this call already"):
        take(call, UserFactory(leader=team), severity="serious")

    weigh(taken, qa)

    assert take(call, qa, severity="serious") == taken


def test_a_serious_complaint_stops_the_campaign_and_says_why(call, qa):
    taken = take(call, qa, severity="serious")

    assert not Campaign.objects.get(pk=call.campaign_id).is_on
    assert taken.stopped_campaign
    assert taken.due_at == AT + timedelta(hours=24)
    switched = AuditEvent.objects.get(action="campaigns.campaign.switched")
    assert str(taken.pk) in switched.detail["reason"]


def test_what_an_agent_calls_serious_waits_for_somebody_who_answers_for_the_place(call, agent, team):
    taken = take(call, agent, severity="serious")
    assert Campaign.objects.get(pk=call.campaign_id).is_on
    assert Complaint.objects.to_confirm().get() == taken
    for stranger in (agent, UserFactory(agent=team), UserFactory(leader=TeamFactory(city=team.city))):
        with pytest.raises(PermissionRefused):
            weigh(taken, stranger)
    with pytest.raises(complaints.ComplaintSaysNothing):
        weigh(taken, UserFactory(leader=team), reason=" ")

    weighed = weigh(taken, UserFactory(leader=team))
    again = weigh(taken, UserFactory(role=Role.SUPERVISOR, city=team.city))

    assert weighed.stopped_campaign
    assert again.confirmed_at == AT
    assert not Campaign.objects.get(pk=call.campaign_id).is_on
    assert not Complaint.objects.to_confirm().exists()
    assert list(taken.steps.order_by("pk").values_list("kind", flat=True)) == ["taken", "weighed"]
    assert AuditEvent.objects.filter(action="campaigns.campaign.switched").count() == 1


def test_weighed_lighter_it_stops_nothing_and_has_more_time(call, agent, qa):
    taken = take(call, agent, severity="serious")

    weighed = weigh(taken, qa, severity="minor")

    assert (weighed.severity, weighed.due_at, weighed.stopped_campaign) == ("minor", AT + timedelta(hours=120), False)
    assert Campaign.objects.get(pk=call.campaign_id).is_on
    complaints.answer_complaint(complaint=taken, answer="Sorry.", by=qa, at=AT)
    with pytest.raises(complaints.ComplaintNotThere):
        weigh(taken, qa)


def test_weighed_serious_it_stops_once_and_does_not_stop_again_what_somebody_let_go_on(call, qa):
    taken = take(call, qa)
    assert weigh(taken, qa).stopped_campaign
    Campaign.objects.filter(pk=call.campaign_id).update(is_on=True)
    weigh(taken, qa, severity="normal")
    weigh(taken, qa)

    assert Campaign.objects.get(pk=call.campaign_id).is_on


def test_the_cause_is_an_article_or_lies_in_the_call(call, agent, qa, team):
    article = Article.objects.create(title="Prices", owner=qa)
    taken = take(None, agent, city=team.city)
    with pytest.raises(complaints.NotTheCause):
        trace(taken, qa, cause="article")
    with pytest.raises(complaints.NotTheCause):
        trace(taken, qa, cause="offer", article=article)
    with pytest.raises(complaints.NotTheCause):
        trace(taken, qa, cause="script")
    with pytest.raises(complaints.NotTheCause):
        trace(taken, qa, cause="script", call=call_of(TeamFactory()))
    with pytest.raises(PermissionRefused):
        trace(taken, agent)

    traced = trace(taken, qa, cause="article", article=article, call=call)

    assert (traced.cause_article, traced.call_id, traced.agent_id) == (article, call.pk, call.agent_id)
    assert (traced.customer_id, traced.campaign_id) == (call.customer_id, call.campaign_id)
    with pytest.raises(complaints.NotTheCause):
        trace(taken, qa, cause="script", call=call_of(team, agent=agent))
    other = take(None, agent, city=team.city)
    with pytest.raises(complaints.NotTheCause):
        trace(other, qa, cause="script", call=call)


def test_a_call_named_later_stops_the_campaign_of_a_serious_one(call, qa, team):
    taken = take(None, qa, city=team.city, severity="serious")

    trace(taken, qa, cause="script", call=call)

    assert not Campaign.objects.get(pk=call.campaign_id).is_on


def test_who_says_do_not_call_is_not_called(call, agent, qa, team):
    taken = take(call, agent)
    with pytest.raises(PermissionRefused):
        complaints.keep_from_calls(complaint=taken, by=agent, at=AT)
    with pytest.raises(complaints.NobodyToKeep):
        complaints.keep_from_calls(complaint=take(None, agent, city=team.city), by=qa, at=AT)

    row = complaints.keep_from_calls(complaint=taken, by=qa, at=AT)

    assert complaints.keep_from_calls(complaint=taken, by=qa, at=AT) == row
    assert (row.kind, row.call_id) == ("refusal", call.pk)
    assert Customer.objects.get(pk=call.customer_id).is_suppressed
    assert list(taken.steps.order_by("pk").values_list("kind", flat=True)) == ["taken", "no_calls"]


def test_nothing_is_written_of_whoever_is_locked_or_erased(call, agent, qa, team):
    taken = take(call, agent)
    Customer.objects.filter(pk=call.customer_id).update(is_locked=True)
    verbs = [
        lambda: complaints.note_step(complaint=taken, words="No.", by=qa, at=AT),
        lambda: complaints.answer_complaint(complaint=taken, answer="No.", by=qa, at=AT),
        lambda: complaints.give_complaint(complaint=taken, to=qa, by=qa, at=AT),
        lambda: complaints.keep_from_calls(complaint=taken, by=qa, at=AT),
        lambda: weigh(taken, qa),
        lambda: trace(taken, qa),
        lambda: take(call, agent, category=ComplaintCategory.objects.get(code="price")),
    ]
    for verb in verbs:
        with pytest.raises(PersonLocked):
            verb()
    customer = Customer.objects.get(pk=call.customer_id)
    Customer.objects.filter(pk=call.customer_id).update(is_locked=False)
    one, two = UserFactory(role=Role.DATA), UserFactory(role=Role.DATA)
    asked = requests.open_request(
        customer=customer, kind="erase", way="phone", received_on=date(2026, 11, 19), by=one, at=AT
    )
    erase(asked=asked, by=two, at=AT)
    for verb in verbs:
        with pytest.raises(complaints.PersonErased):
            verb()


def test_the_person_is_locked_before_the_campaign_so_that_the_erasing_waits(call, agent, django_assert_max_num_queries):
    with django_assert_max_num_queries(100) as ran:
        take(call, agent)

    locks = [query["sql"].split(" FROM ")[1].split()[0] for query in ran if "FOR UPDATE" in query["sql"]]
    assert locks[:3] == ['"customers_customer"', '"qa_complaint"', '"campaigns_campaign"']


def test_who_was_merged_twice_is_the_person_who_is_left(call, agent, qa, team):
    taken = take(call, agent)
    last = CustomerFactory(city=team.city)
    between = CustomerFactory(city=team.city, merged_into=last)
    Customer.objects.filter(pk=call.customer_id).update(merged_into=between)

    assert complaints.keep_from_calls(complaint=taken, by=qa, at=AT).customer == last
    asked = requests.open_request(
        customer=last, kind="erase", way="phone", received_on=date(2026, 11, 19), by=UserFactory(role=Role.DATA), at=AT
    )
    erase(asked=asked, by=UserFactory(role=Role.DATA), at=AT)
    with pytest.raises(complaints.PersonErased):
        weigh(taken, qa)


def test_the_database_keeps_the_log_as_it_was_written(call, agent):
    step = take(call, agent).steps.get()

    for change in (
        lambda: ComplaintStep.objects.filter(pk=step.pk).update(words="Never said."),
        lambda: ComplaintStep.objects.filter(pk=step.pk).update(words="", kind="closed"),
        lambda: ComplaintStep.objects.filter(pk=step.pk).delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_a_complaint_belongs_somewhere_and_says_something(call, agent, team):
    with pytest.raises(complaints.ComplaintWithoutPlace):
        take(None, agent)
    with pytest.raises(complaints.ComplaintSaysNothing):
        take(call, agent, words="  ")
    with pytest.raises(PermissionRefused):
        take(call, UserFactory(role=Role.DATA))
    assert take(None, agent, city=team.city).customer_id is None


def test_from_taken_to_closed_and_open_again(call, agent, qa):
    taken = take(call, agent, in_charge=qa)
    complaints.note_step(complaint=taken, words="Listened.", by=qa, at=AT)
    with pytest.raises(complaints.ComplaintNotThere):
        complaints.close_complaint(complaint=taken, by=qa, at=AT)
    complaints.answer_complaint(complaint=taken, answer="We are sorry.", by=qa, at=AT)
    with pytest.raises(complaints.ComplaintNotThere):
        complaints.answer_complaint(complaint=taken, answer="Twice.", by=qa, at=AT)
    complaints.close_complaint(complaint=taken, by=qa, at=AT)
    with pytest.raises(complaints.ComplaintSaysNothing):
        complaints.reopen_complaint(complaint=taken, reason="", by=qa, at=AT)
    late = AT + timedelta(days=9)
    again = complaints.reopen_complaint(complaint=taken, reason="Still angry.", by=qa, at=late)

    assert (again.state, again.due_at) == ("in_work", late + timedelta(hours=48))
    assert list(again.steps.order_by("pk").values_list("kind", flat=True)) == ["taken", "given", "noted", "answered", "closed", "reopened"]  # fmt: skip
    assert not Complaint.objects.overdue(late).exists()
    assert Complaint.objects.overdue(late + timedelta(hours=49)).get() == again


def test_weighed_after_it_was_opened_again_its_time_counts_from_there(call, agent, qa):
    taken, late = take(call, agent), AT + timedelta(days=9)
    complaints.answer_complaint(complaint=taken, answer="We are sorry.", by=qa, at=AT)
    complaints.reopen_complaint(complaint=taken, reason="Still angry.", by=qa, at=late)

    assert weigh(taken, qa, at=late + timedelta(hours=1)).due_at == late + timedelta(hours=24)


def test_the_agent_of_the_call_settles_nothing_and_is_not_put_in_charge_by_a_stranger(call, agent, qa):
    taken = take(call, agent)

    with pytest.raises(PermissionRefused):
        complaints.note_step(complaint=taken, words="Not my fault.", by=agent, at=AT)
    with pytest.raises(complaints.CannotBeInCharge):
        complaints.give_complaint(
            complaint=taken, to=UserFactory(role=Role.CITY_MANAGER, city=TeamFactory().city), by=qa, at=AT
        )


def test_another_city_sees_none(call, agent, team, qa):
    taken = take(call, agent)

    assert Complaint.objects.visible_to(qa).get() == taken
    assert not Complaint.objects.visible_to(UserFactory(agent=TeamFactory())).exists()


def test_nobody_of_another_city_is_offered_for_a_complaint_without_a_call(agent, team, qa):
    here = UserFactory(role=Role.SUPERVISOR, city=team.city)
    UserFactory(role=Role.SUPERVISOR, city=TeamFactory().city)

    assert set(people_for(take(None, agent, city=team.city), AT.date())) == {here, qa}


def test_an_erased_person_leaves_no_words_and_the_copy_has_had_them(call, agent, qa):
    taken = take(call, agent, in_charge=qa)
    complaints.note_step(complaint=taken, words="Called back.", by=qa, at=AT)
    customer = Customer.objects.get(pk=call.customer_id)
    sheet = person_data.facts(customer)[-1]
    assert sheet.rows == [[AT, "Rude.", "", "Called back."]]

    person_data.forget(customer, AT)

    taken.refresh_from_db()
    assert taken.words == ""
    assert set(taken.steps.values_list("words", flat=True)) == {""}
