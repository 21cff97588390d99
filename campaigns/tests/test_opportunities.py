"""Opportunities: handed over from a call, closed, opened again; by whom, and who sees them."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from campaigns import person_data, retention
from campaigns.models import Call, Opportunity
from campaigns.services import opportunities
from campaigns.tests.calling import agent_of
from campaigns.tests.factories import AT, CampaignFactory, CustomerFactory
from core.calendar import business_date
from core.clock import database_now
from core.errors import PermissionRefused
from core.models import AuditEvent, IdempotencyKey
from core.partitions import ensure_partitions
from customers.models import Customer, PersonRequest
from people.tests.factories import MembershipFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return TeamFactory()


@pytest.fixture
def agent(team):
    return agent_of(team)


@pytest.fixture
def leader(team):
    return UserFactory(leader=team)


@pytest.fixture
def manager(team):
    return UserFactory(role="city_manager", city=team.city)


def call_by(agent, team, *, at=AT, **more):
    ensure_partitions("campaigns_call", at.date(), 1)
    customer, campaign = CustomerFactory(city=team.city), CampaignFactory()
    given = {"connected": True, "talk_seconds": 200, "disposition_id": 1} | more
    return Call.objects.create(
        started_at=at - timedelta(minutes=5), agent_id=agent.pk, team_id=team.pk, city_id=team.city_id, customer_id=customer.pk, campaign_id=campaign.pk,
        **given,
    )  # fmt: skip


def hand(call, by, at=AT, **more):
    return opportunities.hand_over(
        call=call, by=by, at=at, **({"closer": " Shop 7 ", "wish": "a line for the office"} | more)
    )


def close(row, by, at=AT + timedelta(days=3), **more):
    end = {"won": True, "quality": "good", "closed_on": at.date(), "amount_cents": 900_00} | more
    return opportunities.close_opportunity(opportunity=row, by=by, at=at, **end)


# ---------------------------------------------------------------- handing over


def test_it_is_what_the_call_was(agent, team):
    call = call_by(agent, team)

    row = hand(call, agent)

    assert (row.call_id, row.call_started_at, row.customer_id, row.city_id, row.agent_id, row.team_id, row.campaign_id) == (
        call.pk, call.started_at, call.customer_id, call.city_id, agent.pk, team.pk, call.campaign_id,
    )  # fmt: skip
    assert (row.closer, row.wish, row.state, row.handed_at) == ("Shop 7", "a line for the office", "open", AT)
    assert AuditEvent.objects.get(action="campaigns.opportunity.handed_over").subject_id == str(row.pk)


def test_a_call_is_handed_over_once(agent, leader, team):
    call = call_by(agent, team)
    hand(call, agent)

    with pytest.raises(opportunities.OpportunityKnown):
        hand(call, leader)
    assert Opportunity.objects.count() == 1


@pytest.mark.parametrize("more", [{"closer": " "}, {"wish": ""}])
def test_it_needs_who_and_what(more, agent, team):
    with pytest.raises(opportunities.NotAnOpportunity):
        hand(call_by(agent, team), agent, **more)


def test_nobody_hands_over_a_call_in_which_nobody_spoke_or_of_long_ago(agent, team):
    for call, at in ((call_by(agent, team, connected=False), AT), (call_by(agent, team), AT + timedelta(days=15))):
        with pytest.raises(opportunities.NotAnOpportunity):
            hand(call, agent, at=at)


def test_nothing_is_written_about_who_is_locked_or_was_erased(agent, leader, team):
    call, row = call_by(agent, team), hand(call_by(agent, team), agent)
    Customer.objects.filter(pk__in=[call.customer_id, row.customer_id]).update(is_locked=True)
    for verb in (lambda: hand(call, agent), lambda: close(row, leader, won=False, reason="her husband decides")):
        with pytest.raises(opportunities.PersonRests):
            verb()

    Customer.objects.update(is_locked=False)
    for whose in (call, row):
        PersonRequest.objects.create(
            customer_id=whose.customer_id,
            kind="erase",
            state="done",
            way="phone",
            received_on=AT.date(),
            received_by=leader,
            due_on=AT.date(),
            decided_by=agent,
            decided_at=AT,
        )
    for verb in (lambda: hand(call, agent), lambda: close(row, leader, won=False, reason="her husband decides")):
        with pytest.raises(opportunities.PersonRests):
            verb()


def test_who_made_the_call_or_leads_who_made_it(agent, leader, manager, team):
    for by in (leader, manager):
        assert hand(call_by(agent, team), by).agent_id == agent.pk

    other = TeamFactory()
    for by in (
        agent_of(team),
        UserFactory(leader=other),
        UserFactory(role="city_manager", city=other.city),
        UserFactory(role="qa"),
    ):
        with pytest.raises(PermissionRefused):
            hand(call_by(agent, team), by)


# ---------------------------------------------------------------- how it ends


def test_won_with_its_amount_and_lost_with_its_reason(agent, leader, team):
    won = close(hand(call_by(agent, team), agent), leader)
    lost = close(
        hand(call_by(agent, team), agent), leader, won=False, quality="poor", reason=" too dear ", amount_cents=5
    )

    assert (won.state, won.amount_cents, won.quality, won.closed_by) == ("won", 900_00, "good", leader)
    assert (lost.state, lost.amount_cents, lost.reason, lost.quality) == ("lost", None, "too dear", "poor")


@pytest.mark.parametrize(
    "more",
    [
        {"amount_cents": None}, {"amount_cents": 0}, {"quality": ""}, {"quality": "fine"}, {"won": False}, {"closed_on": date(2026, 10, 1)},
        {"closed_on": date(2027, 1, 1)},
    ],
)  # fmt: skip
def test_an_end_that_lacks_something_is_refused(more, agent, leader, team):
    row = hand(call_by(agent, team), agent)

    with pytest.raises(opportunities.EndWrong):
        close(row, leader, **more)
    row.refresh_from_db()
    assert (row.state, row.closed_at) == ("open", None)


def test_an_end_is_written_once_and_can_be_taken_back(agent, leader, team):
    row = hand(call_by(agent, team), agent)
    with pytest.raises(opportunities.OpportunityNotOpen):
        opportunities.reopen_opportunity(opportunity=row, by=leader, at=AT)
    close(row, leader)
    with pytest.raises(opportunities.OpportunityNotOpen):
        close(row, leader, won=False, reason="no")

    again = opportunities.reopen_opportunity(opportunity=row, by=leader, at=AT + timedelta(days=4))

    assert (again.state, again.amount_cents, again.closed_at, again.quality) == ("open", None, None, "")
    assert close(row, leader, won=False, reason="no").state == "lost"


def test_nobody_judges_the_own_work(agent, leader, team):
    for by in (agent, leader):
        row = hand(call_by(by, team), by)
        with pytest.raises(PermissionRefused):
            close(row, by)
        close(row, UserFactory(leader=team))
        with pytest.raises(PermissionRefused):
            opportunities.reopen_opportunity(opportunity=row, by=by, at=AT)


def test_a_wide_role_that_does_not_lead_closes_nothing_elsewhere(agent, team):
    leader = UserFactory(leader=TeamFactory())
    MembershipFactory(user=leader, role="qa")
    call, row = call_by(agent, team), hand(call_by(agent, team), agent)

    with pytest.raises(PermissionRefused):
        hand(call, leader)
    with pytest.raises(PermissionRefused):
        close(row, leader)


def test_the_database_keeps_ends_whole(agent, team):
    row = hand(call_by(agent, team), agent)

    closed = {"closed_at": AT + timedelta(days=1)}
    for wrong in (
        {"state": "won"}, {"state": "lost", "closed_at": AT - timedelta(days=1)}, {"quality": "fine"}, {"quality": "good"}, {"state": "gone"} | closed,
        {"state": "lost", "amount_cents": 5} | closed, {"state": "won", "amount_cents": 0} | closed,
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            Opportunity.objects.filter(pk=row.pk).update(**wrong)


# ---------------------------------------------------------------- pages


def test_from_the_page_of_a_call_to_its_end(client, agent, leader, team):
    call = call_by(agent, team)
    opportunity_new = reverse("campaigns:opportunity-new", args=[call.pk])
    client.force_login(agent)
    assert client.post(opportunity_new, {"closer": "", "wish": "x"}).status_code == 422
    made = client.post(opportunity_new, {"closer": "Shop 7", "wish": "a line"})
    row = Opportunity.objects.get()
    assert made.url == reverse("campaigns:opportunity", args=[row.pk])
    assert "Shop 7" in client.get(reverse("campaigns:call", args=[call.pk])).content.decode()
    assert client.post(reverse("campaigns:opportunity-close", args=[row.pk]), {}).status_code == 403
    assert "Still open" in client.get(made.url).content.decode()

    client.force_login(leader)
    closed = reverse("campaigns:opportunity-close", args=[row.pk])
    end = {
        "won": "1",
        "closed_on": f"{client.get(made.url).context['form'].fields['closed_on'].initial:%Y-%m-%d}",
        "amount_cents": "900",
        "quality": "fair",
    }
    assert client.post(closed, end | {"amount_cents": ""}).status_code == 422
    assert client.post(closed, end | {"won": ""}).status_code == 422
    assert client.post(closed, end).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.amount_cents, row.quality) == ("won", 900_00, "fair")
    assert "900.00" in client.get(made.url).content.decode()
    client.post(reverse("campaigns:opportunity-reopen", args=[row.pk]))
    row.refresh_from_db()
    assert row.state == "open"


def test_at_the_desk_the_calls_just_recorded_can_be_handed_over(client, agent, team):
    now = database_now()
    old, young, unanswered = (
        call_by(agent, team, at=now - timedelta(hours=2)), call_by(agent, team, at=now), call_by(agent, team, at=now, connected=False),
    )  # fmt: skip
    client.force_login(agent)
    sheet = client.get(reverse("campaigns:opportunity-desk")).content.decode()
    assert f'value="{young.pk}"' in sheet
    assert f'value="{old.pk}"' not in sheet
    assert f'value="{unanswered.pk}"' not in sheet

    said = client.post(reverse("campaigns:opportunity-desk"), {"call": young.pk, "wish": "a line", "closer": "Shop 7"})
    assert "Handed over." in said.content.decode()
    assert Opportunity.objects.get().call_id == young.pk
    again = client.post(reverse("campaigns:opportunity-desk"), {"call": young.pk, "wish": "a line", "closer": "Shop 7"})
    assert again.status_code == 422
    assert "handed over already" in again.content.decode()
    assert "Shop 7" in again.content.decode()  # what was typed stays
    foreign = call_by(agent_of(team), team, at=now)
    assert (
        client.post(reverse("campaigns:opportunity-desk"), {"call": foreign.pk, "wish": "x", "closer": "y"}).status_code
        == 404
    )
    assert "No call to hand over" in client.get(reverse("campaigns:opportunity-desk")).content.decode()


def test_who_sees_what(client, agent, manager, team):
    own = hand(call_by(agent, team), agent)
    other_team = TeamFactory()
    other = hand(call_by(by := agent_of(other_team), other_team), by)

    for user, seen in ((agent, {own}), (manager, {own}), (UserFactory(role="regional_manager"), {own, other})):
        assert set(Opportunity.objects.visible_to(user)) == seen
    client.force_login(manager)
    assert client.get(reverse("campaigns:opportunity", args=[other.pk])).status_code == 404
    page = client.get(reverse("campaigns:opportunities"), {"state": "open", "city": team.city_id, "agent": agent.pk})
    assert [row.pk for row in page.context["listing"].queryset] == [own.pk]
    client.force_login(UserFactory(role="data"))
    assert client.get(reverse("campaigns:opportunities")).status_code == 403


def test_what_was_written_of_a_locked_person_is_shown_nowhere(client, agent, leader, team):
    row = hand(call_by(agent, team), agent)
    close(row, leader, won=False, reason="her husband decides")
    Customer.objects.filter(pk=row.customer_id).update(is_locked=True)
    client.force_login(leader)

    shown = [client.get(url).content.decode() for url in (
        reverse("campaigns:opportunities"), reverse("campaigns:opportunity", args=[row.pk]), f"/api/v1/opportunities/{row.pk}/",
    )]  # fmt: skip

    assert not any(word in text for text in shown for word in ("a line for the office", "her husband decides"))
    assert all("Shop 7" in text for text in shown)


def test_those_without_an_amount_stand_last_either_way(client, agent, leader, team):
    cheap, dear, bare = (hand(call_by(agent, team), agent) for _n in range(3))
    close(cheap, leader, amount_cents=1_00)
    close(dear, leader, amount_cents=9_00)
    client.force_login(leader)

    for sort, expected in (("-amount", [dear, cheap, bare]), ("amount", [cheap, dear, bare])):
        page = client.get(reverse("campaigns:opportunities"), {"sort": sort})
        assert list(page.context["listing"].queryset) == expected


def test_what_is_closed_already_says_so(client, agent, leader, team):
    row = hand(call_by(agent, team), agent)
    close(row, leader)
    client.force_login(leader)

    page = client.post(reverse("campaigns:opportunity-close", args=[row.pk]), {}, follow=True)

    assert "closed already" in page.content.decode()


# ---------------------------------------------------------------- the person's data


def test_what_was_written_of_a_person_is_told_and_goes_with_the_person(agent, leader, team):
    row = hand(call_by(agent, team), agent)
    close(row, leader, won=False, reason="her husband decides")
    customer = Customer.objects.get(pk=row.customer_id)

    told = [
        sheet.rows
        for sheet in person_data.facts(customer)
        if any("a line for the office" in str(cell) for line in sheet.rows for cell in line)
    ]
    assert len(told) == 1
    person_data.forget(customer, AT)

    row.refresh_from_db()
    assert (row.wish, row.reason, row.state) == ("", "", "lost")


def test_the_wish_goes_when_the_customer_was_emptied(agent, team, monkeypatch):
    kept, gone = hand(call_by(agent, team), agent), hand(call_by(agent, team), agent)
    monkeypatch.setattr(retention, "emptied", lambda at: Customer.objects.filter(pk=gone.customer_id))

    assert retention.forget_wishes(AT) == 1

    assert list(Opportunity.objects.order_by("pk").values_list("wish", flat=True)) == [kept.wish, ""]


# ---------------------------------------------------------------- over the API


def test_over_the_api(client, agent, leader, team):
    call = call_by(agent, team, at=database_now())
    client.force_login(agent)
    sent = {"call_id": call.pk, "wish": "a line", "closer": "Shop 7"}
    made = client.post(
        "/api/v1/opportunities/", sent, content_type="application/json", headers={"Idempotency-Key": "k"}
    )
    again = client.post(
        "/api/v1/opportunities/", sent, content_type="application/json", headers={"Idempotency-Key": "k"}
    )
    assert (made.status_code, again.json()) == (201, made.json())
    assert "a line" not in str(list(IdempotencyKey.objects.values_list("answer", flat=True)))
    url = f"/api/v1/opportunities/{made.json()['id']}/"
    assert client.post("/api/v1/opportunities/", sent, content_type="application/json").status_code == 409
    end = {"won": True, "closed_on": made.json()["handed_at"][:10], "quality": "good", "amount": "12.50"}
    assert client.post(f"{url}close/", end, content_type="application/json").status_code == 403

    client.force_login(leader)
    day = business_date(Opportunity.objects.get().handed_at)
    closed = client.post(f"{url}close/", end | {"closed_on": str(day)}, content_type="application/json")
    assert (closed.json()["state"], closed.json()["amount"]) == ("won", "12.50")
    assert [row["id"] for row in client.get("/api/v1/opportunities/", {"state": "won"}).json()["results"]] == [
        made.json()["id"]
    ]
    assert client.post(f"{url}reopen/").json()["state"] == "open"
    assert client.post(f"{url}reopen/").status_code == 409
    assert (
        client.post(
            "/api/v1/opportunities/", {"call_id": 2**70, "wish": "x", "closer": "y"}, content_type="application/json"
        ).status_code
        == 400
    )
