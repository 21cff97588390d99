"""The hourly bulletin: figures that stand, one an hour, unchanged once sent, and seen by the agents of its campaign alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.models import CampaignTeam
from campaigns.tests.factories import CampaignFactory
from core.clock import database_now
from core.errors import PermissionRefused
from core.jobs import enqueue, run_inline
from core.models import Job
from people.models import Membership
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from qa.models import Bulletin, Suggestion
from qa.services import bulletins, full_run
from qa.tests.factories import call_of, recording_of
from qa.tests.sheets import evaluated, form_of
from scripts.models import Phrase

pytestmark = pytest.mark.django_db
Role = Membership.Role
TEN = datetime(2026, 11, 19, 2, 0, tzinfo=UTC)  # ten in the morning in the region
MINUTES = timedelta(minutes=1)


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def qa(team):
    return UserFactory(role=Role.QA, city=team.city)


@pytest.fixture
def agent(team):
    return UserFactory(agent=team)


@pytest.fixture
def campaign(team):
    made = CampaignFactory(city=team.city)
    CampaignTeam.objects.create(campaign=made, team=team)
    return made


def called(team, campaign, at=TEN - 30 * MINUTES):
    """Two customers called, one of them buys."""
    return [call_of(team, campaign=campaign, at=at), call_of(team, campaign=campaign, at=at + MINUTES, result="sold")]


def composed(campaign, qa, at=TEN + MINUTES):
    return bulletins.compose(campaign=campaign, by=qa, at=at)


def test_figures_are_those_of_the_floor_and_stay_when_data_change_afterwards(team, campaign, qa):
    called(team, campaign)
    made = composed(campaign, qa)
    counts = made.figures["counts"]
    assert (counts["calls"], counts["customers_reached"], counts["customers_won"]) == (2, 2, 1)
    success = made.figures["indicators"][0]
    assert (success["indicator"], success["numerator"], success["denominator"]) == ("success_rate", 1, 2)
    called(team, campaign)
    again = Bulletin.objects.get(pk=made.pk)
    assert again.figures["counts"]["calls"] == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        Bulletin.objects.filter(pk=made.pk).update(figures={})


def test_composed_twice_in_an_hour_it_is_one(team, campaign, qa):
    called(team, campaign)
    first = composed(campaign, qa)
    assert composed(campaign, None, TEN + 40 * MINUTES) == first
    assert composed(campaign, qa, TEN + 61 * MINUTES) != first
    with pytest.raises(IntegrityError), transaction.atomic():
        Bulletin.objects.create(campaign=campaign, hour=TEN, figures={}, composed_at=TEN)


def test_it_is_counted_without_a_lock_on_the_campaign_that_desks_and_the_stop_switch_wait_for(team, campaign, qa):
    called(team, campaign)
    with CaptureQueriesContext(connection) as asked:
        composed(campaign, qa)
    said = [query["sql"] for query in asked.captured_queries]
    assert any("pg_advisory_xact_lock" in sql for sql in said)
    assert not [sql for sql in said if "FOR UPDATE" in sql and '"campaigns_campaign"."id" =' in sql]


def test_the_machine_composes_at_the_hour_on_the_first_day_when_there_were_calls(team, campaign, qa):
    form = form_of(UserFactory(role=Role.QA)).form
    run = full_run.prepare(campaign=campaign, form=form, picks=2, shares={}, by=qa, at=TEN - 90 * MINUTES)
    full_run.watch(run_id=run.pk, at=TEN - 70 * MINUTES)
    assert bulletins.due(TEN + MINUTES) == []
    called(team, campaign)
    assert bulletins.due(TEN + MINUTES) == [campaign.pk]
    composed(campaign, None)
    assert bulletins.due(TEN + 6 * MINUTES) == []
    called(team, campaign, at=TEN + timedelta(hours=24) - 30 * MINUTES)
    assert bulletins.due(TEN + timedelta(hours=24)) == []


def test_one_campaign_that_fails_keeps_none_of_the_others_waiting(monkeypatch, team, campaign):
    campaigns = [campaign, CampaignFactory(city=team.city, stage="wrap_up"), CampaignFactory(city=team.city)]
    compose = bulletins.compose

    def composing(*, campaign, by, at):
        if campaign == campaigns[0]:
            raise ZeroDivisionError
        return compose(campaign=campaign, by=by, at=at)

    monkeypatch.setattr(bulletins, "compose", composing)
    monkeypatch.setattr(bulletins, "due", lambda at: [each.pk for each in campaigns])
    job = enqueue(kind="qa.compose_bulletins", key="now", by=None)
    run_inline(job.pk)

    job.refresh_from_db()
    assert job.state != Job.State.DONE
    assert [made.campaign for made in Bulletin.objects.all()] == [campaigns[2]]


def test_common_errors_are_counted_over_calls_drawn_at_random(team, campaign, qa):
    scorer = UserFactory(role=Role.QA)
    version = form_of(scorer)
    for call, told in zip(called(team, campaign), ({}, {"Insults": "yes"}), strict=True):
        drawn = evaluated(call, version, scorer, told=told)
        type(drawn).objects.filter(pk=drawn.pk).update(pick="random", probability=0.5)
    evaluated(call_of(team, campaign=campaign, at=TEN), version, scorer)  # chosen by hand
    made = composed(campaign, qa)
    assert [(line["item"], line["n"], line["of"]) for line in made.figures["errors"]] == [
        ("Asks for the order", 2, 2),
        ("Insults", 1, 2),
    ]
    assert made.figures["scored"] == 2


def test_each_hour_tells_a_best_phrase_not_told_yet(team, campaign, qa):
    told = [Phrase.objects.create(product=campaign.product, text=text, added_by=qa) for text in ("One", "Two")]
    told[1].votes.create(by=qa)
    first, second, third = (composed(campaign, qa, TEN + timedelta(hours=n)) for n in range(3))
    assert (first.figures["phrase"]["text"], second.figures["phrase"]["text"]) == ("Two", "One")
    assert third.figures["phrase"] is None


def test_a_person_edits_it_and_sent_it_never_changes(team, campaign, qa):
    made = composed(campaign, qa)
    edited = bulletins.edit(bulletin=made, text="Slower, please.", keep=[], by=qa, at=TEN + 2 * MINUTES)
    sent = bulletins.send(bulletin=edited, by=qa, at=TEN + 3 * MINUTES)
    for verb, more in ((bulletins.send, {}), (bulletins.edit, {"text": "Other", "keep": []})):
        with pytest.raises(bulletins.BulletinStands):
            verb(bulletin=sent, by=qa, at=TEN + 4 * MINUTES, **more)
    for change in (lambda rows: rows.update(text="Other"), lambda rows: rows.delete()):
        with pytest.raises(IntegrityError), transaction.atomic():
            change(Bulletin.objects.filter(pk=sent.pk))
    assert Bulletin.objects.get(pk=sent.pk).text == "Slower, please."


def test_it_is_not_sent_on_another_day(campaign, qa):
    made = composed(campaign, qa)
    with pytest.raises(bulletins.BulletinStands):
        bulletins.send(bulletin=made, by=qa, at=TEN + timedelta(days=1))


def test_another_citys_qa_writes_none(campaign):
    stranger = UserFactory(role=Role.QA, city=CityFactory())
    with pytest.raises(PermissionRefused):
        composed(campaign, stranger)


def sent_now(campaign, qa):
    at = database_now()
    return bulletins.send(bulletin=composed(campaign, qa, at), by=qa, at=at)


def test_agents_of_the_campaign_see_one_line_until_they_have_seen_it(client, campaign, qa, agent):
    client.force_login(agent)
    line = reverse("qa:bulletin-desk")
    assert "Bulletin of" not in client.get(line).content.decode()
    made = sent_now(campaign, qa)
    assert f"{campaign}" in client.get(line).content.decode()
    for _again in range(2):
        assert (
            client.post(reverse("qa:bulletin-seen", args=[made.pk]), headers={"HX-Request": "true"}).status_code == 200
        )
    assert made.seen.count() == 1
    assert "Bulletin of" not in client.get(line).content.decode()
    client.force_login(qa)
    assert "Agents who have seen it: 1 of 1." in client.get(reverse("qa:bulletin", args=[made.pk])).content.decode()


def test_a_draft_shows_nowhere(client, campaign, qa, agent):
    composed(campaign, qa, database_now())
    client.force_login(agent)
    assert "Bulletin of" not in client.get(reverse("qa:bulletin-desk")).content.decode()


@pytest.mark.parametrize("is_same_city", [True, False])
def test_an_agent_of_another_campaign_sees_none(client, team, campaign, qa, is_same_city):
    made = sent_now(campaign, qa)
    other = UserFactory(agent=TeamFactory(city=team.city) if is_same_city else TeamFactory())
    client.force_login(other)
    assert "Bulletin of" not in client.get(reverse("qa:bulletin-desk")).content.decode()
    with pytest.raises(PermissionRefused):
        bulletins.see(bulletin=made, by=other, at=database_now())
    assert made.seen.count() == 0


def test_the_desk_asks_one_query_for_its_line(django_assert_num_queries, campaign, qa, agent):
    sent_now(campaign, qa)
    at = database_now()
    assert agent.team_at(at)
    with django_assert_num_queries(1):
        assert len(Bulletin.objects.for_agent(agent, at)) == 1


def test_the_floor_shows_it_to_who_leads_a_team_of_the_campaign(client, team, campaign, qa):
    sent_now(campaign, qa)
    for leader, is_shown in ((UserFactory(role=Role.TEAM_LEADER, team=team), True), (UserFactory(role=Role.SUPERVISOR, city=CityFactory()), False)):  # fmt: skip
        client.force_login(leader)
        assert ("Bulletin of" in client.get(reverse("qa:bulletin-floor")).content.decode()) is is_shown


@pytest.mark.parametrize(
    "words",
    [
        "Call me back on 139 0000 7548", "打一三九零零零零七五四八", "020-8123 4567", "mail a@b.cn", "１３９００００７５４８",
    ],
)  # fmt: skip
def test_words_with_a_number_or_an_address_are_refused(team, campaign, qa, words):
    recording = recording_of(call_of(team, campaign=campaign))
    with pytest.raises(bulletins.HoldsPersonalData):
        bulletins.suggest(recording=recording, kind="customer", words=words, at_ms=1000, by=qa, at=TEN)
    with pytest.raises(bulletins.HoldsPersonalData):
        bulletins.edit(bulletin=composed(campaign, qa), text=words, keep=[], by=qa, at=TEN + MINUTES)
    assert not Suggestion.objects.exists()


def test_words_heard_reach_the_bulletin_and_are_told_once(team, campaign, qa):
    recording = recording_of(call_of(team, campaign=campaign))
    for words in ("Take your time, 500 MB are enough", "A call after 19:30"):
        bulletins.suggest(recording=recording, kind="tactful", words=words, at_ms=1000, by=qa, at=TEN)
    first = composed(campaign, qa)
    assert len(first.suggestions) == 2
    kept = Suggestion.objects.first()
    first = bulletins.edit(bulletin=first, text="", keep=[kept.pk], by=qa, at=TEN + 2 * MINUTES)
    bulletins.send(bulletin=first, by=qa, at=TEN + 3 * MINUTES)
    second = composed(campaign, qa, TEN + 61 * MINUTES)
    assert [row["words"] for row in second.suggestions] == ["A call after 19:30"]


def test_the_pages_note_compose_edit_and_send(client, team, campaign, qa):
    recording = recording_of(call_of(team, campaign=campaign))
    client.force_login(qa)
    assert "Words for the floor" in client.get(reverse("qa:recording", args=[recording.pk])).content.decode()
    noting = reverse("qa:suggestion-add", args=[recording.pk])
    refused = client.post(noting, {"kind": "tactful", "words": "13900007548", "at_seconds": "1"})
    assert refused.status_code == 422
    assert "This looks like a number" in refused.content.decode()
    assert client.post(noting, {"kind": "tactful", "words": "Take your time", "at_seconds": "1"}).status_code == 302
    made_at = client.post(reverse("qa:bulletin-new"), {"campaign": campaign.pk})
    made = Bulletin.objects.get()
    assert made_at["Location"] == reverse("qa:bulletin", args=[made.pk])
    assert "Take your time" in client.get(made_at["Location"]).content.decode()
    assert client.post(reverse("qa:bulletin-edit", args=[made.pk]), {"text": "139 0000 7548"}).status_code == 409
    client.post(reverse("qa:bulletin-edit", args=[made.pk]), {"text": "Well done", "keep": [made.suggestions[0]["id"]]})
    assert client.post(reverse("qa:bulletin-send", args=[made.pk])).status_code == 302
    assert client.post(reverse("qa:bulletin-send", args=[made.pk])).status_code == 409
    assert "draft" not in client.get(reverse("qa:bulletins")).content.decode()
    made.refresh_from_db()
    assert (made.text, made.sent_by) == ("Well done", qa)


def test_another_citys_qa_finds_no_bulletin(client, campaign, qa):
    made = composed(campaign, qa)
    client.force_login(UserFactory(role=Role.QA, city=CityFactory()))
    assert campaign.name not in client.get(reverse("qa:bulletins")).content.decode()
    for name in ("bulletin", "bulletin-edit", "bulletin-send"):
        ask = client.get if name == "bulletin" else client.post
        assert ask(reverse(f"qa:{name}", args=[made.pk])).status_code == 404
