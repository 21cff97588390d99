"""Rates of complaints by hand, causes that repeat, and the interface for other systems."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.models import Call, Campaign
from core.clock import database_now
from core.jobs import enqueue, run_inline
from core.models import Job
from core.stats import wilson
from customers.models import Customer
from metrics.tests import factories as f
from people.tests.factories import TeamFactory, UserFactory
from qa.models import Complaint, ComplaintCategory, ComplaintRisk
from qa.queries_complaint_rates import Rate, RatesOf
from qa.services import complaint_causes as causes, complaints, risks
from qa.tests.factories import AT, call_of
from scripts.models import Article

pytestmark = pytest.mark.django_db
DAY = AT.date()


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def qa():
    return UserFactory(role="qa")


def complain(call, by, *, cause="", at=AT, category="price", **fields):
    row = complaints.take_complaint(
        call=call, by=by, at=at, severity="normal", words="Too dear.", category=ComplaintCategory.objects.get(code=category),
    )  # fmt: skip
    if cause:
        complaints.trace_complaint(complaint=row, cause=cause, words="Found.", by=by, at=at, **fields)
    return row


# -- rates -------------------------------------------------------------------------------------------------------------


def test_complaints_stand_over_the_customers_reached(team, qa):
    """200 reached by one agent, three of them complained, one twice: 15 of 1,000. The one reached by another agent: too few."""
    agent, other = UserFactory(agent=team, code="A1"), UserFactory(agent=team, code="A2")
    first = call_of(team, agent=agent)
    campaign, article = first.campaign_id, Article.objects.create(title="Prices", owner=qa)
    article.products.add(first.product_id)
    calls = [first, *(call_of(team, agent=agent, campaign=_campaign(campaign)) for _n in range(199))]
    call_of(team, agent=agent, campaign=_campaign(campaign), connected=False)
    complain(calls[0], qa, cause="agent")
    complain(calls[0], qa, category="manner")
    complain(calls[1], qa, cause="article", article=article)
    complain(calls[2], qa, at=AT + timedelta(days=7))
    complain(call_of(team, agent=other), qa)
    complain(call_of(team, agent=agent, direction="inbound"), qa)
    f.roll_up()

    found = RatesOf(qa, DAY, DAY).all()

    mine, young = found.by_agent
    low, high = wilson(3, 200)
    assert (mine.complained, mine.reached, mine.traced, mine.per_1000) == (3, 200, 1, 15.0)
    assert (mine.low, mine.high) == (pytest.approx(low * 1000), pytest.approx(high * 1000))
    assert (young.complained, young.reached, young.is_young) == (1, 1, True)
    assert [(row.complained, row.reached) for row in found.by_city] == [(4, 201)]
    assert [(row.complained, row.reached) for row in found.by_campaign] == [(3, 200), (1, 1)]
    assert [(row.name, row.complained, row.reached) for row in found.by_article] == [("Prices", 1, 200)]
    assert (found.total.complained, found.total.reached, found.aside) == (4, 201, 1)


def test_a_merged_person_is_one_of_those_reached_and_of_those_who_complained(team, qa):
    """Two calls to two rows of one person, both with a complaint, of one script version; another person was reached: 1 of 2 everywhere."""
    calls = [call_of(team, script_version_id=77) for _n in range(3)]
    article = Article.objects.create(title="Prices", owner=qa)
    article.products.add(calls[0].product_id)
    Call.objects.update(product_id=calls[0].product_id)
    for call in calls[:2]:
        complain(call, qa, cause="article", article=article)
    Customer.objects.filter(pk=calls[0].customer_id).update(merged_into=calls[1].customer_id)
    f.roll_up()

    found = RatesOf(qa, DAY, DAY).all()

    rows = [found.total, *found.by_city, *found.by_version, *found.by_article]
    assert [(row.complained, row.reached) for row in rows] == [(1, 2)] * 4


def test_complaints_ahead_of_the_rollup_are_of_all_who_were_reached():
    assert Rate("", 130, 120).interval == (pytest.approx(1000 * wilson(120, 120)[0]), 1000)


def _campaign(pk):
    return Campaign.objects.get(pk=pk)


def test_a_script_version_is_counted_from_its_calls(team, qa):
    for _n in range(4):
        call = call_of(team, script_version_id=77)
    complain(call, qa, cause="script")
    article = Article.objects.create(title="Norms", owner=qa)
    complain(call, qa, category="manner", cause="article", article=article)

    found = RatesOf(qa, DAY, DAY).all()

    assert [(row.complained, row.reached, row.traced, row.is_young) for row in found.by_version] == [(1, 4, 1, True)]
    assert [(row.reached, row.is_young) for row in found.by_article] == [(None, True)]


def test_the_page_of_rates_shows_no_other_city_and_asks_for_a_month_at_most(client, team, qa):
    call = call_of(team, at=database_now() - timedelta(hours=1), agent=UserFactory(agent=team, code="AGENT-A7"))
    complain(call, qa, at=database_now())
    url = reverse("qa:complaint-rates")
    shown = {}
    for name, user in {
        "here": UserFactory(role="supervisor", city=team.city),
        "led": UserFactory(leader=team),
        "elsewhere": UserFactory(role="qa", city=TeamFactory().city),
    }.items():
        client.force_login(user)
        shown[name] = "AGENT-A7" in client.get(url).content.decode()

    assert shown == {"here": True, "led": True, "elsewhere": False}
    assert client.get(url, {"since": "2026-01-01", "until": "2026-03-01"}).status_code == 422
    assert client.get(url, {"since": "x"}).status_code == 422
    client.force_login(UserFactory(agent=team))
    assert client.get(url).status_code == 403


# -- causes that repeat ------------------------------------------------------------------------------------------------


def test_the_third_of_a_cause_in_a_month_becomes_a_risk_once(team, qa):
    first = call_of(team)
    campaign, at = _campaign(first.campaign_id), database_now()
    for call in (first, call_of(team, campaign=campaign)):
        complain(call, qa, cause="offer", at=at)
    complain(call_of(team, campaign=campaign), qa, cause="offer", at=at - timedelta(days=31))
    complain(call_of(team, campaign=campaign), qa, cause="data", at=at)
    complain(call_of(team, campaign=campaign), qa, at=at)
    assert noted(at) == []

    complain(call_of(team, campaign=campaign), qa, cause="offer", at=at)
    [risk] = noted(at)

    assert risk.words == "Complaints repeat: Price or billing – The offer or its price"
    assert (risk.cause, risk.added_by) == ("3 complaints within 30 days", None)
    assert noted(at) == [risk]
    job = enqueue(kind="qa.note_repeated_complaints", key="again")
    run_inline(job.pk)
    assert Job.objects.get(pk=job.pk).state == Job.State.DONE
    risks.clear(risk=risk, why="New price list.", by=UserFactory(role="regional_manager"), at=at)
    later = at + timedelta(hours=1)
    assert noted(later) == []
    for _n in range(3):
        complain(call_of(team, campaign=campaign), qa, cause="offer", at=later)
    assert [again.pk == risk.pk for again in noted(later)] == [False]
    assert ComplaintRisk.objects.count() == 2


def noted(at):
    found = [causes.note_repeated(row=row, at=at) for row in causes.repeated(at)]
    return [risk for risk in found if risk]


def test_what_was_found_groundless_and_a_closed_campaign_bring_no_risk(team, qa):
    first = call_of(team)
    campaign = _campaign(first.campaign_id)
    for _n in range(3):
        complain(call_of(team, campaign=campaign), qa, cause="unfounded")
    assert noted(AT) == []
    for _n in range(3):
        complain(call_of(team, campaign=campaign), qa, cause="offer")
    campaign.stage = "closed"
    campaign.save(update_fields=["stage"])
    assert noted(AT) == []


def test_two_articles_are_two_causes(team, qa):
    first = call_of(team)
    campaign = _campaign(first.campaign_id)
    one, two = (Article.objects.create(title=title, owner=qa) for title in ("Prices", "Norms"))
    for article in (one, one, two, one):
        complain(call_of(team, campaign=campaign), qa, cause="article", article=article)

    assert [risk.words for risk in noted(AT)] == [
        "Complaints repeat: Price or billing – What the knowledge says: Prices"
    ]


# -- the interface -----------------------------------------------------------------------------------------------------


def post(client, **fields):
    said = {"category": "price", "words": "Billed twice."} | fields
    return client.post("/api/v1/complaints/", said, content_type="application/json")


def test_a_system_brings_a_complaint_in_once_and_reads_it(client, team):
    client.force_login(UserFactory(role="qa", city=team.city))
    call = call_of(team)

    answer = post(client, call=call.pk, severity="serious")
    again = post(client, call=call.pk)

    assert (answer.status_code, again.status_code) == (201, 200)
    row = Complaint.objects.get()
    assert answer.json()["id"] == again.json()["id"] == row.pk
    assert answer.json()["stopped_campaign"] is True
    assert [found["id"] for found in client.get("/api/v1/complaints/").json()["results"]] == [row.pk]
    assert client.get("/api/v1/complaints/", {"state": "closed"}).json()["results"] == []
    one = client.get(f"/api/v1/complaints/{row.pk}/").json()
    assert (one["words"], [step["kind"] for step in one["steps"]]) == ("Billed twice.", ["taken"])
    assert post(client, customer=call.customer_id).status_code == 201
    assert post(client, city=team.city.code).status_code == 201


def test_the_interface_gives_nothing_away_of_a_complaint_taken_by_another(client, team, qa):
    agent = UserFactory(agent=team)
    call = call_of(team, agent=agent)
    complain(call, qa)
    client.force_login(agent)

    answer = post(client, call=call.pk)

    assert answer.status_code == 409
    assert "severity" not in answer.json()


def test_the_interface_refuses_what_the_account_may_not_see(client, team, qa):
    call = call_of(team)
    row = complain(call, qa)
    client.force_login(UserFactory(role="qa", city=TeamFactory().city))

    for fields in ({"call": call.pk}, {"customer": call.customer_id}, {"city": team.city.code}, {}):
        assert post(client, **fields).status_code == 409, fields
    assert post(client, call=call.pk, category="none").status_code == 400
    assert post(client, call="x").status_code == 400
    assert client.get("/api/v1/complaints/").json()["results"] == []
    assert client.get(f"/api/v1/complaints/{row.pk}/").status_code == 404
    client.force_login(UserFactory(role="data"))
    assert post(client, call=call.pk).status_code == 403
    assert client.get("/api/v1/complaints/").status_code == 403
    client.logout()
    assert post(client, call=call.pk).status_code in (401, 403)
    assert Complaint.objects.count() == 1
