"""Evaluations of persons who are locked or were erased: nothing is shown of the first, nothing is written about the second."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.tests.factories import AT
from customers.models import Customer, PersonRequest
from people.tests.factories import MembershipFactory, TeamFactory, UserFactory
from qa.models import Appeal, Clip, Evaluation
from qa.services import clips, evaluations
from qa.tests.factories import call_of, recording_of
from qa.tests.sheets import GOOD, evaluated, item

pytestmark = pytest.mark.django_db


@pytest.fixture
def begun(call, form, qa):
    return evaluations.begin(call=call, version=form, scorer=qa, pick="requested", at=AT)


def lock(call):
    Customer.objects.filter(pk=call.customer_id).update(is_locked=True)


def erase(call):
    PersonRequest.objects.create(
        customer_id=call.customer_id, kind="erase", state="done", way="phone", received_on=AT.date(), received_by=UserFactory(), due_on=AT.date(),
        decided_by=UserFactory(), decided_at=AT,
    )  # fmt: skip


def say(begun, qa, form, text, answer, remark=""):
    evaluations.save_answer(evaluation=begun, item=item(form, text), answer=answer, by=qa, remark=remark)


def test_the_words_about_a_locked_person_are_not_shown_and_stay_stored(client, call, form, qa, agent):
    found = evaluated(call, form, qa)
    appealed = found.answers.get(item=item(form, "Asks for the order"))
    evaluations.appeal(answer=appealed, reason="I did ask", by=agent, at=AT)
    lock(call)
    client.force_login(qa)

    page = client.get(reverse("qa:evaluation", args=[found.pk])).content.decode()
    api = client.get(f"/api/v1/evaluations/{found.pk}/").content.decode()
    other = UserFactory(role="qa", city=call_city(call))
    client.force_login(other)
    waiting = client.get(reverse("qa:appeals")).content.decode()

    assert "as heard" not in page + api + waiting
    assert "I did ask" not in page + api + waiting
    assert found.answers.filter(remark="as heard").count() == 4


def call_city(call):
    return Customer.objects.get(pk=call.customer_id).city


def test_a_locked_persons_evaluation_rests(call, begun, form, qa):
    lock(call)

    with pytest.raises(evaluations.PersonRests, match="locked"):
        say(begun, qa, form, "Greets", "yes")
    with pytest.raises(evaluations.PersonRests, match="locked"):
        evaluations.save_remark(evaluation=begun, remark="", by=qa)


def test_submitting_the_evaluation_of_a_locked_person_is_refused_on_the_page(client, call, begun, form, qa):
    lock(call)
    client.force_login(qa)

    page = client.post(reverse("qa:score-submit", args=[begun.pk]), follow=True)

    assert "locked" in page.content.decode()
    assert Evaluation.objects.get(pk=begun.pk).submitted_at is None


def test_no_word_is_written_about_an_erased_person_and_the_call_can_still_be_scored(call, begun, form, qa):
    erase(call)

    with pytest.raises(evaluations.PersonRests, match="erased"):
        say(begun, qa, form, "Asks for the order", "no", "Mr Li never was asked")
    with pytest.raises(evaluations.PersonRests, match="erased"):
        evaluations.save_remark(evaluation=begun, remark="Mr Li", by=qa)
    for text, answer in {**GOOD, "Asks for the order": "no"}.items():
        say(begun, qa, form, text, answer)
    done = evaluations.submit(evaluation=begun, by=qa, at=AT)

    assert done.raw == 80


def test_the_words_went_with_an_erased_person_merged_into_another(call, begun, form, qa):
    whole = Customer.objects.get(pk=call.customer_id)
    left = call_of().customer_id
    Customer.objects.filter(pk=whole.pk).update(merged_into=left)
    call.customer_id = left
    erase(call)

    with pytest.raises(evaluations.PersonRests):
        say(begun, qa, form, "Greets", "yes", "said the name")


def test_a_decision_on_an_appeal_keeps_no_words_about_an_erased_person(call, form, qa, agent):
    found = evaluated(call, form, qa)
    made = evaluations.appeal(answer=found.answers.get(item=item(form, "Greets")), reason="heard", by=agent, at=AT)
    erase(call)

    decided = evaluations.decide(
        appeal=made, right_answer="na", ground="Mr Li was greeted before", by=UserFactory(role="qa"), at=AT
    )

    assert decided.ground == "–"
    assert Appeal.objects.get().decision == Appeal.Decision.OVERTURNED


def test_a_wide_role_that_does_not_listen_widens_no_clips(city):
    """QA of one city who is of the data team of the whole region."""
    there = TeamFactory()
    recording = recording_of(call_of(there))
    chooser = UserFactory(role="qa")
    clip = clips.choose_clip(
        recording=recording, from_ms=0, until_ms=1000, title="Greets well", stage="opening", objection=None,
        consent=Clip.Consent.values[0], keep_days=30, by=chooser, at=AT,
    )  # fmt: skip
    user = UserFactory(role="qa", city=city)
    MembershipFactory(user=user, role="data", team=None, city=None)

    assert user.scope().is_region
    assert clip not in Clip.objects.visible_to(user)
    assert clip in Clip.objects.visible_to(chooser)
