"""Best phrases and answers come from calls that are there, that the writer may see, and from a moment within them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.models import Call
from campaigns.tests.factories import AT, CityFactory, TeamFactory, agent_of, person
from people.tests.factories import UserFactory
from qa.tests.factories import recording_of, wav
from scripts import services_objections as services
from scripts.models import Objection, ObjectionAnswer, Phrase
from scripts.sources import SourceRefused

pytestmark = pytest.mark.django_db


def call(city, **fields):
    team = TeamFactory(city=city)
    values = {
        "started_at": AT, "customer_id": 1, "city_id": city.pk, "agent_id": agent_of(team).pk, "team_id": team.pk,
        "campaign_id": 1, "disposition_id": 1, "connected": True, "talk_seconds": 60,
    }  # fmt: skip
    return Call.objects.create(**values | fields)


def save(by, **fields):
    return services.save_phrase(phrase=Phrase(text="您好", **fields), by=by, at=AT)


def test_who_said_it_is_told_by_the_call():
    said = call(CityFactory())

    phrase = save(UserFactory(role="qa"), call_id=said.pk, second=60)

    assert phrase.said_by_id == said.agent_id


def test_a_second_after_the_end_is_refused_and_a_recording_is_as_long_as_it_is():
    said, by = call(CityFactory()), UserFactory(role="qa")

    with pytest.raises(SourceRefused, match=r"is 60 seconds long"):
        save(by, call_id=said.pk, second=61)
    recording_of(said, sound=wav(75))

    assert save(by, call_id=said.pk, second=75).second == 75


def test_a_call_that_is_not_there_and_one_of_another_city_are_refused_alike():
    here, there = CityFactory(), CityFactory()
    by = person("supervisor", city=here)
    said = call(there)

    for number in (said.pk, said.pk + 1000, 2**62):
        with pytest.raises(SourceRefused, match=f"There is no call {number} in your cities"):
            save(by, call_id=number)
    assert save(by, call_id=call(here).pk).said_by_id


def test_other_words_for_a_phrase_ask_no_further_for_its_call_and_another_call_says_who_spoke():
    here, there = CityFactory(), CityFactory()
    phrase = save(UserFactory(role="qa"), call_id=call(there).pk)
    by, said_by = person("supervisor", city=here), phrase.said_by_id

    phrase.text = "您好！"
    assert services.save_phrase(phrase=phrase, by=by, at=AT).said_by_id == said_by
    phrase.call_id = call(here).pk
    assert services.save_phrase(phrase=phrase, by=by, at=AT).said_by_id != said_by
    phrase.call_id = None
    assert services.save_phrase(phrase=phrase, by=by, at=AT).said_by_id is None


def test_the_page_of_an_answer_says_at_the_field_what_is_wrong(client):
    by = UserFactory(role="qa", language="en")
    row = services.save_objection(objection=Objection(text="太贵"), by=by, at=AT)
    client.force_login(by)

    answer = client.post(reverse("scripts:answer_new", args=[row.pk]), {"text": "好", "call_id": "77"})

    assert answer.status_code == 422
    assert answer.context["answer_form"].errors == {"call_id": ["There is no call 77 in your cities."]}
    assert not ObjectionAnswer.objects.exists()
