"""Hints from the text of a call: what the agent must say, what must not be said, and that neither is a score."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.tests.factories import CampaignFactory
from qa.hints import Point, Word, hints
from qa.models import EvaluationAnswer
from qa.services import evaluations
from qa.tests.factories import call_of, recording_of
from scripts.models import ProhibitedWord, ScriptStep
from scripts.tests.factories import ProductFactory, ScriptVersionFactory

pytestmark = pytest.mark.django_db


def turn(speaker: str, start: float, text: str) -> dict:
    return {"speaker": speaker, "start": start, "end": start + 2, "text": text}


def test_a_point_is_found_at_the_turn_that_says_it_whatever_stands_between_its_words():
    said = [
        turn("agent", 0, "Good morning."),
        turn("customer", 2.5, "Who is it?"),
        turn("agent", 5.25, "This call is recorded, for quality!"),
    ]

    found = hints(said, ["this call is recorded for quality", "You may withdraw within 7 days"], {})

    assert found.points == [
        Point("this call is recorded for quality", 5.25),
        Point("You may withdraw within 7 days", None),
    ]
    assert found.found == 1


def test_words_are_whole_also_where_two_turns_meet():
    said = [turn("agent", 0, "I would say no."), turn("agent", 2, "Feel free to ask; I have no feeling.")]

    assert hints(said, ["No fee"], {}).points == [Point("No fee", None)]
    assert hints(said, ["no; feel FREE"], {}).points == [Point("no; feel FREE", 0)]


def test_chinese_has_no_spaces_and_its_punctuation_does_not_count():
    said = [turn("agent", 0, "您好。"), turn("agent", 9.17, "为了保证服务质量，本次通话将会被录音。请问现在方便吗？")]

    found = hints(said, ["本次通话将会被录音", "七天内可以退订"], {"保证": "不许承诺"})

    assert [point.at for point in found.points] == [9.17, None]
    assert found.words == [Word("保证 (不许承诺)", 9.17)]


def test_a_point_may_run_over_turns_of_the_agent_and_begins_where_its_first_word_is():
    said = [
        turn("agent", 1, "Hello. The plan lasts"),
        turn("customer", 3, "mm"),
        turn("agent", 4, "for twelve months"),
    ]

    assert hints(said, ["The plan lasts for twelve months"], {}).points[0].at == 1
    assert hints(said, ["for twelve months"], {}).points[0].at == 4


def test_a_word_is_not_made_of_the_end_of_one_turn_and_the_beginning_of_the_next():
    said = [turn("agent", 0, "我们最"), turn("agent", 3, "低价格"), turn("agent", 6, "最低")]

    assert hints(said, [], {"最低": ""}).words == [Word("最低", 6)]


def test_what_the_customer_says_is_neither_a_point_nor_a_prohibited_word_of_the_agent():
    said = [turn("customer", 0, "Is this call recorded? Is it the cheapest?"), turn("agent", 3, "It is the CHEAPEST.")]

    found = hints(said, ["call recorded"], {"cheapest": "cannot be proved"})

    assert found.points == [Point("call recorded", None)]
    assert found.words == [Word("cheapest (cannot be proved)", 3)]


def test_a_text_without_the_agent_and_a_point_without_words_find_nothing():
    assert hints([], ["Say it"], {"x": ""}).points == [Point("Say it", None)]
    assert hints([turn("agent", 0, "...")], ["—"], {}).points == [Point("—", None)]


def test_a_point_in_other_words_is_perhaps_the_turn_with_most_of_its_words():
    said = [
        turn("agent", 0, "Good morning, this is Anna."),
        turn("agent", 8.24, "Thank you. This call is recorded for quality and training purposes."),
        turn("agent", 20, "You will receive the invoice."),
    ]

    # call and reco of two; cont of three words, all others are elsewhere
    assert hints(said, ["Calls are recorded", "The contract runs 24 months"], {}).points == [
        Point("Calls are recorded", 8.24, is_exact=False),
        Point("The contract runs 24 months", None),
    ]
    assert hints(said, ["Calls are recorded"], {}).found == 0


def test_chinese_in_other_words_is_compared_by_two_signs():
    said = [turn("agent", 3, "您好"), turn("agent", 5, "那我跟您确认，这个合约期是二十四个月，可以吗")]

    # 合约, 约期 and 个月 of 合约 约期 24 个月; of 七天 天内 可退 none
    assert hints(said, ["合约期24个月", "七天内可退"], {}).points == [
        Point("合约期24个月", 5, is_exact=False),
        Point("七天内可退", None),
    ]


# -- on the pages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def spoken(team, agent):
    """A call with a script version and a product, each with one must-say point, and a text that has the first."""
    version = ScriptVersionFactory()
    ScriptStep.objects.create(
        version=version, part="opening", position=1, text="Greet", must_say="This call is recorded"
    )
    ProhibitedWord.objects.create(word="guaranteed", why="nothing is")
    product = ProductFactory(mandatory_statements="The price is 10 yuan")
    call = call_of(team, agent=agent, campaign=CampaignFactory(product=product), script_version_id=version.pk)
    said = [
        turn("agent", 0, "Good morning"), turn("agent", 61.2, "This call is recorded."), turn("agent", 64, "It is guaranteed."),
    ]  # fmt: skip
    return recording_of(call, transcript={"language": "en", "segments": said})


def begun(recording, form, qa):
    from campaigns.models import Call

    call = Call.objects.get(pk=recording.call_id)
    return evaluations.begin(
        call=call, version=form, scorer=qa, pick="requested", at=call.started_at, recording=recording
    )


def test_the_scorer_sees_points_and_words_with_their_second_and_nothing_is_answered_by_them(client, qa, form, spoken):
    client.force_login(qa)
    made = begun(spoken, form, qa)

    page = client.get(reverse("qa:score", args=[made.pk])).content.decode()

    assert "1 of 2 must-say points found" in page
    assert 'data-seek-seconds="61.2">1:01</a>' in page
    assert "The price is 10 yuan" in page
    assert "guaranteed (nothing is)" in page
    assert "Nothing is scored by it" in page
    assert not EvaluationAnswer.objects.exists()
    assert "1 of 2 must-say points found" in client.get(reverse("qa:recording", args=[spoken.pk])).content.decode()


def test_without_a_text_of_the_call_nothing_is_hinted_at(client, qa, form, call):
    client.force_login(qa)
    made = begun(recording_of(call), form, qa)

    assert 'id="hints"' not in client.get(reverse("qa:score", args=[made.pk])).content.decode()


def test_hints_rest_with_the_words_of_a_locked_person(client, qa, spoken):
    from customers.models import Customer

    client.force_login(qa)
    Customer.objects.filter(pk=spoken.customer_id).update(is_locked=True)

    assert "guaranteed" not in client.get(reverse("qa:recording", args=[spoken.pk])).content.decode()
