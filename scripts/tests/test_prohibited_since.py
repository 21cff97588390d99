"""A word that is prohibited after something was written keeps it from the desk, whatever way it would come there."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from people.tests.factories import UserFactory
from scripts import services_objections as services, services_scenarios
from scripts.models import Objection, ObjectionAnswer, Phrase, ProhibitedWord, Scenario
from scripts.tests.factories import ProductFactory
from scripts.tests.test_version_views import reader

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.fixture
def qa(client):
    user = UserFactory(role="qa", language="en")
    client.force_login(user)
    return user


@pytest.mark.parametrize("field", ["picture", "lines", "sms_text"])
@pytest.mark.parametrize("status", ["pilot", "in_use"])
def test_a_scenario_is_not_proposed_with_it(client, qa, status, field):
    scenario = Scenario.objects.create(
        **{"name": "Night", "picture": "p", "product": ProductFactory(), "written_by": qa, field: "all free"}
    )
    ProhibitedWord.objects.create(word="free", why="never quite")

    answer = client.post(reverse("scripts:scenario_move", args=[scenario.pk, status]), follow=True)

    assert "free (never quite)" in answer.content.decode()
    scenario.refresh_from_db()
    assert scenario.status == "draft"
    assert services_scenarios.set_scenario_status(scenario=scenario, status="dropped", by=qa, at=AT)


def test_a_phrase_does_not_come_back_with_it(client, qa):
    phrase = services.save_phrase(phrase=Phrase(text="all free"), by=qa, at=AT)
    services.retire_phrase(phrase=phrase, by=qa, at=AT)
    ProhibitedWord.objects.create(word="free")

    answer = client.post(reverse("scripts:phrase_retire", args=[phrase.pk]), {"state": "in_use"}, follow=True)

    assert "must not be said to customers: free" in answer.content.decode()
    phrase.refresh_from_db()
    assert phrase.retired_at is not None


@pytest.mark.parametrize(("status", "is_back"), [("in_use", False), ("draft", True), ("dropped", True)])
def test_an_objection_does_not_come_back_with_an_answer_in_use_that_says_it(qa, status, is_back):
    row = Objection.objects.create(text="dear", created_by=qa, retired_at=AT)
    ObjectionAnswer.objects.create(objection=row, text="all free", status=status, written_by=qa)
    ProhibitedWord.objects.create(word="free")

    if is_back:
        assert services.revive_objection(objection=row, by=qa, at=AT).retired_at is None
    else:
        with pytest.raises(services.ProhibitedWords, match="free"):
            services.revive_objection(objection=row, by=qa, at=AT)


@pytest.mark.parametrize(
    ("role", "sees"), [("agent", False), ("city_manager", False), ("team_leader", True), ("qa", True)]
)
def test_answers_that_are_not_in_use_are_shown_to_those_who_write_them_alone(client, role, sees):
    by = UserFactory()
    row = Objection.objects.create(text="dear", created_by=by)
    for status in ObjectionAnswer.Status.values:
        ObjectionAnswer.objects.create(objection=row, text=f"answer {status}", status=status, written_by=by)
    client.force_login(reader(role))

    page = client.get(reverse("scripts:objection", args=[row.pk])).content.decode()

    assert "answer in_use" in page
    assert ("answer draft" in page, "answer dropped" in page) == (sees, sees)
