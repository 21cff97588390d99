"""The desk page in each of its states, and who may see it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.models import AgentState, Call, Lead, LiveCall, Order
from campaigns.services import claim, desk
from campaigns.tests.calling import Floor
from campaigns.tests.factories import agent_of, person
from core.clock import database_now
from customers.models import Contact, Customer
from scripts.tests.factories import OfferFactory, live_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor():
    return Floor.of_now()


def lead_of(floor, **fields) -> Lead:
    return floor.lead(due_at=floor.due, ready_at=floor.due, **fields)


@pytest.fixture
def at_desk(client, floor):
    client.force_login(floor.agent)
    return client


def post(client, name, **data):
    return client.post(reverse(f"campaigns:{name}"), data, headers={"HX-Request": "true"})


def started(client, floor) -> Lead:
    lead = lead_of(floor)
    post(client, "desk_start")
    return Lead.objects.get(pk=lead.pk)


def dialled(client, floor, outcome="answered") -> Lead:
    """A call that was answered a minute ago and still goes on, or has ended without an answer."""
    lead = started(client, floor)
    post(client, "desk_dial", lead=lead.pk)
    at = database_now()
    dial = at - timedelta(seconds=60)
    call = LiveCall.objects.filter(lead=lead)
    if outcome == "answered":
        call.update(
            outcome=outcome, placed_at=dial, answered_at=dial + timedelta(seconds=5), ends_at=at + timedelta(hours=1)
        )
    else:
        call.update(outcome=outcome, placed_at=dial, answered_at=None, ends_at=dial + timedelta(seconds=5))
    held = dial - timedelta(seconds=10)
    Contact.objects.filter(lead_id=lead.pk).update(at=held)
    Customer.objects.filter(pk=lead.customer_id).update(attempts=[held])
    Lead.objects.filter(pk=lead.pk).update(held_at=held, dialled_at=dial)
    return Lead.objects.get(pk=lead.pk)


def test_a_desk_begins_with_the_agents_own_decision(at_desk, floor):
    lead_of(floor)

    page = at_desk.get(reverse("campaigns:desk"))

    assert b"First customer" in page.content
    assert not Lead.objects.filter(state="held").exists()
    assert not AgentState.objects.exists()


def test_the_lead_in_hand_is_shown_with_its_masked_number_script_and_history(at_desk, floor):
    version = live_version()
    type(floor.campaign).objects.filter(pk=floor.campaign.pk).update(script=version.script, script_version=version)
    lead = started(at_desk, floor)

    page = at_desk.get(reverse("campaigns:desk")).content.decode()

    number = lead.customer.phones.get()
    assert number.mask in page
    assert f"<mark>{lead.customer.name}</mark>" in page
    assert page.count("data-part=") == 6
    assert "Never called before" in page
    assert "data-result=" not in page  # nothing to record before the call
    assert "1900000" not in page


def test_merge_fields_fall_back_when_nothing_is_known(at_desk, floor):
    version = live_version()
    type(floor.campaign).objects.filter(pk=floor.campaign.pk).update(script=version.script, script_version=version)
    lead = started(at_desk, floor)
    Customer.objects.filter(pk=lead.customer_id).update(name="")

    page = at_desk.get(reverse("campaigns:desk")).content.decode()

    assert "First question: customer" in page


def test_while_they_talk_only_results_of_connected_calls_can_be_chosen(at_desk, floor):
    dialled(at_desk, floor)

    page = at_desk.get(reverse("campaigns:desk")).content.decode()

    assert 'data-result="sold"' in page
    assert 'data-result="no_answer"' not in page


def test_when_nobody_answered_the_telephones_result_is_suggested(at_desk, floor):
    dialled(at_desk, floor, "busy")

    page = at_desk.get(reverse("campaigns:desk")).content.decode()

    assert 'data-suggested="busy"' in page
    assert 'data-result="sold"' not in page


def test_save_and_next_records_the_call_and_shows_the_next_customer(at_desk, floor):
    lead, following = dialled(at_desk, floor), lead_of(floor)

    answer = at_desk.post(
        reverse("campaigns:desk_result"), {"lead": lead.pk, "disposition": "refused_price", "note": "später"}
    )

    assert (answer.status_code, answer["HX-Reswap"]) == (200, "beforeend")
    assert reverse("campaigns:desk_next") in answer.content.decode()
    shown = at_desk.post(reverse("campaigns:desk_next"))
    assert following.customer.phones.get().mask in shown.content.decode()
    call = Call.objects.get()
    assert (call.lead_id, call.refuses_offer, call.note) == (lead.pk, True, "später")
    assert 53 <= call.talk_seconds <= 58


def test_who_takes_a_break_before_the_next_customer_came_is_left_in_peace(at_desk, floor):
    lead, following = dialled(at_desk, floor), lead_of(floor)
    at_desk.post(reverse("campaigns:desk_result"), {"lead": lead.pk, "disposition": "refused_price"})
    at_desk.post(reverse("campaigns:desk_pause"), {"reason": "short"})

    shown = at_desk.post(reverse("campaigns:desk_next"))

    following.refresh_from_db()
    assert following.state == "open"
    assert following.customer.phones.get().mask not in shown.content.decode()


def test_asking_twice_for_the_next_customer_gives_the_same_one(at_desk, floor):
    lead = dialled(at_desk, floor)
    lead_of(floor), lead_of(floor)
    at_desk.post(reverse("campaigns:desk_result"), {"lead": lead.pk, "disposition": "refused_price"})

    first, second = (at_desk.post(reverse("campaigns:desk_next")).content.decode() for _time in range(2))

    assert Lead.objects.filter(state="held").count() == 1
    held = Lead.objects.get(state="held").customer.phones.get().mask
    assert held in first
    assert held in second


def test_the_same_result_twice_is_one_call(at_desk, floor):
    lead = dialled(at_desk, floor)
    sent = {"lead": lead.pk, "disposition": "considering"}

    first = at_desk.post(reverse("campaigns:desk_result"), sent, headers={"Idempotency-Key": "k1"})
    again = at_desk.post(reverse("campaigns:desk_result"), {**sent, "waited": "9"}, headers={"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code, Call.objects.count()) == (200, 200, 1)


def test_a_sale_needs_its_order_and_takes_the_price_of_the_product(at_desk, floor):
    from campaigns.models import Order

    lead = dialled(at_desk, floor)
    refused = at_desk.post(reverse("campaigns:desk_result"), {"lead": lead.pk, "disposition": "sold"})
    assert (refused.status_code, refused.json()["code"]) == (409, "DetailMissing")

    taken = at_desk.post(
        reverse("campaigns:desk_result"),
        {"lead": lead.pk, "disposition": "sold", "is_sale": "on", "product": floor.campaign.product_id},
    )

    assert taken.status_code == 200
    assert Order.objects.get().amount_cents == 9900


@pytest.mark.parametrize(
    ("said", "cents"), [({}, 4900), ({"offer": "none"}, 9900), ({"offer": "none", "amount": "88"}, 8800)]
)
def test_no_offer_is_another_thing_than_none_said(at_desk, floor, said, cents):
    offer = OfferFactory(product=floor.campaign.product, price_cents=4900)
    type(floor.campaign.product).objects.update(price_cents=9900)
    type(floor.campaign).objects.update(offer=offer)
    lead = dialled(at_desk, floor)

    answer = post(at_desk, "desk_result", lead=lead.pk, disposition="sold", is_sale="on", **said)

    assert answer.status_code == 200
    order = Order.objects.get()
    assert (order.offer_id, order.amount_cents) == (None if said else offer.pk, cents)


def test_over_the_api_an_order_without_an_offer_says_so(at_desk, floor):
    type(floor.campaign).objects.update(offer=OfferFactory(product=floor.campaign.product, price_cents=4900))
    lead = dialled(at_desk, floor)

    body = {"result": "sold", "order": {"without_offer": True}}
    answer = at_desk.post(f"/api/v1/leads/{lead.pk}/result/", json.dumps(body), content_type="application/json")

    assert answer.status_code == 201
    assert Order.objects.get().offer_id is None


def test_a_callback_needs_its_time_and_comes_back_to_this_agent(at_desk, floor):
    lead = dialled(at_desk, floor)
    url, when = reverse("campaigns:desk_result"), database_now() + timedelta(hours=2)
    assert at_desk.post(url, {"lead": lead.pk, "disposition": "callback"}).status_code == 409

    at_desk.post(url, {"lead": lead.pk, "disposition": "callback", "callback_at": when.isoformat(timespec="seconds")})

    lead.refresh_from_db()
    assert (lead.state, lead.callback_agent, lead.due_at) == ("open", floor.agent, when.replace(microsecond=0))


def test_a_result_without_a_choice_gets_a_sentence(at_desk, floor):
    lead = dialled(at_desk, floor)

    answer = at_desk.post(reverse("campaigns:desk_result"), {"lead": lead.pk, "disposition": ""})

    assert (answer.status_code, answer.json()["detail"]) == (422, "Choose the result of the call.")


def test_somebody_elses_lead_takes_no_result(client, floor):
    client.force_login(floor.agent)
    lead = dialled(client, floor)
    client.force_login(agent_of(floor.team))

    answer = client.post(reverse("campaigns:desk_result"), {"lead": lead.pk, "disposition": "considering"})

    assert (answer.status_code, answer.json()["code"], Call.objects.count()) == (409, "LeadNotYours", 0)


def test_the_page_asks_for_changes_and_hears_nothing_when_there_are_none(at_desk, floor):
    lead = dialled(at_desk, floor)
    url = reverse("campaigns:desk_phase")

    assert at_desk.get(url, {"lead": lead.pk, "phase": "talking"}).status_code == 204
    changed = at_desk.get(url, {"lead": lead.pk, "phase": "ringing"})

    assert b'id="result-keys" hx-swap-oob="true"' in changed.content


def test_a_stale_window_is_told_and_shows_where_the_desk_stands(at_desk, floor):
    lead = started(at_desk, floor)

    answer = at_desk.get(reverse("campaigns:desk_phase"), {"lead": lead.pk + 1, "phase": "talking"})

    assert answer["HX-Retarget"] == "#desk"
    assert "went on meanwhile" in answer.content.decode()


def test_a_step_of_a_stale_window_changes_nothing(at_desk, floor):
    lead = started(at_desk, floor)

    answer = post(at_desk, "desk_dial", lead=lead.pk + 1)

    assert "went on meanwhile" in answer.content.decode()
    assert not LiveCall.objects.exists()


def test_a_refusal_at_the_dial_is_told_above_the_desk(at_desk, floor):
    lead = started(at_desk, floor)
    type(floor.campaign).objects.filter(pk=floor.campaign.pk).update(is_on=False)

    answer = post(at_desk, "desk_dial", lead=lead.pk).content.decode()

    assert "This campaign has just been stopped" in answer
    assert "Nobody to call just now" in answer
    assert "has been stopped" in answer


def test_an_empty_desk_says_why_and_when(at_desk, floor):
    floor.lead(due_at=floor.due + timedelta(days=3), ready_at=floor.due + timedelta(days=3))

    page = post(at_desk, "desk_start").content.decode()

    assert "Nobody to call just now" in page
    assert "Cooling down / Cap reached" in page
    assert "next:" in page


def test_an_empty_desk_of_a_stopped_city_says_so(at_desk, floor):
    lead_of(floor)
    floor.city.zone = None
    floor.city.save()

    assert "Stopped by a switch" in post(at_desk, "desk_start").content.decode()


def test_an_agent_whose_team_has_no_campaign_is_told(client):
    from campaigns.tests.factories import TeamFactory

    client.force_login(agent_of(TeamFactory()))

    assert "works on no campaign" in post(client, "desk_start").content.decode()


def test_a_break_and_back(at_desk, floor):
    lead = started(at_desk, floor)

    away = post(at_desk, "desk_pause", reason="meal").content.decode()
    assert "You are away: Meal" in away
    assert Lead.objects.get(pk=lead.pk).state == "open"

    back = post(at_desk, "desk_start").content.decode()
    assert lead.customer.phones.get().mask in back


def test_end_of_work_closes_the_log(at_desk, floor):
    started(at_desk, floor)

    post(at_desk, "desk_pause", reason="end")

    assert not AgentState.objects.current().exists()


def test_a_skip_needs_its_reason(at_desk, floor):
    lead = started(at_desk, floor)
    assert "Say why you skip" in post(at_desk, "desk_skip", lead=lead.pk, reason="").content.decode()

    post(at_desk, "desk_skip", lead=lead.pk, reason="I know this person")

    assert Lead.objects.get(pk=lead.pk).state == "open"


def test_the_page_keeps_the_lead_alive(at_desk, floor):
    lead = started(at_desk, floor)
    Lead.objects.filter(pk=lead.pk).update(lease_until=database_now() + timedelta(seconds=30))
    AgentState.objects.update(seen_at=database_now() - timedelta(minutes=1))

    at_desk.get(reverse("campaigns:desk_phase"), {"lead": lead.pk, "phase": "preview"})

    assert Lead.objects.get(pk=lead.pk).lease_until > database_now() + timedelta(minutes=10)


def test_who_is_no_agent_has_no_desk(client, floor):
    client.force_login(person("regional_manager"))

    assert client.get(reverse("campaigns:desk")).status_code == 403
    assert post(client, "desk_start").status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_the_desk_asks_the_same_however_long_the_history(at_desk, floor, count, django_assert_max_num_queries):
    lead = started(at_desk, floor)
    now = database_now()
    for n in range(count):
        Call.objects.create(
            customer_id=lead.customer_id, city_id=lead.city_id, agent_id=floor.agent.pk, team_id=floor.team.pk, campaign_id=floor.campaign.pk,
            disposition_id=1, connected=False, started_at=now - timedelta(days=n + 1),
        )  # fmt: skip

    with django_assert_max_num_queries(36):
        at_desk.get(reverse("campaigns:desk"))


# ---------------------------------------------------------------- the board of promises


def promised(floor, at):
    lead = lead_of(floor)
    lead.callback_agent, lead.due_at, lead.ready_at = floor.agent, at, at
    lead.save()
    return lead.callbacks.create(agent=floor.agent, due_at=at)


def test_an_agent_sees_own_promises_only(client, floor):
    promise = promised(floor, database_now() + timedelta(hours=1))
    client.force_login(floor.agent)
    assert promise.lead.customer.name in client.get(reverse("campaigns:callbacks")).content.decode()

    client.force_login(agent_of(floor.team))
    assert promise.lead.customer.name not in client.get(reverse("campaigns:callbacks")).content.decode()


def test_a_supervisor_of_the_city_hands_a_promise_over_and_one_of_another_city_cannot(client, floor):
    promise, other = promised(floor, database_now() + timedelta(hours=1)), agent_of(floor.team)
    url = reverse("campaigns:callback_hand_over", args=[promise.pk])
    client.force_login(person("supervisor", city=Floor().city))
    assert client.post(url, {"to": other.pk}).status_code == 404

    client.force_login(person("supervisor", city=floor.city))
    client.post(url, {"to": other.pk})

    promise.refresh_from_db()
    assert promise.agent == other


def test_an_agent_cannot_hand_over(client, floor):
    promise = promised(floor, database_now() + timedelta(hours=1))
    client.force_login(floor.agent)

    assert client.get(reverse("campaigns:callback_hand_over", args=[promise.pk])).status_code == 403


def test_the_badge_counts_what_is_overdue(client, floor):
    promised(floor, database_now() - timedelta(minutes=5))
    client.force_login(floor.agent)

    assert client.get(reverse("campaigns:callbacks-badge")).content == b'<span class="count">1</span>'


# ---------------------------------------------------------------- API


def api(client, path, data=None, **headers):
    return client.post(
        f"/api/v1/leads/{path}/", json.dumps(data or {}), content_type="application/json", headers=headers
    )


def test_the_api_hands_out_dials_and_records(at_desk, floor):
    lead = lead_of(floor)

    got = api(at_desk, "next").json()["lead"]
    assert (got["id"], got["phone"]) == (lead.pk, lead.customer.phones.get().mask)
    assert api(at_desk, f"{lead.pk}/dial").json()["phase"] == "ringing"
    LiveCall.objects.update(outcome="no_answer", answered_at=None, ends_at=database_now())
    first = api(at_desk, f"{lead.pk}/result", {"result": "no_answer"}, **{"Idempotency-Key": "a"})
    again = api(at_desk, f"{lead.pk}/result", {"result": "no_answer"}, **{"Idempotency-Key": "a"})

    assert (first.status_code, again.json(), Call.objects.count()) == (201, first.json(), 1)
    other = api(at_desk, f"{lead.pk}/result", {"result": "no_answer"}, **{"Idempotency-Key": "b"})
    assert (other.status_code, other.json()["code"]) == (409, "LeadNotYours")


def test_the_api_says_why_there_is_no_lead(at_desk, floor):
    answer = api(at_desk, "next").json()

    assert answer["lead"] is None
    assert answer["why"]


def test_the_api_gives_back_with_a_reason(at_desk, floor):
    lead = lead_of(floor)
    api(at_desk, "next")

    assert api(at_desk, f"{lead.pk}/give-back", {}).status_code == 400
    assert api(at_desk, f"{lead.pk}/give-back", {"reason": "I know this person"}).status_code == 204


def test_another_agents_lead_does_not_exist_for_the_api(client, floor):
    lead = lead_of(floor)
    claim.claim_next_lead(agent=floor.agent, at=database_now())
    client.force_login(agent_of(floor.team))

    assert api(client, f"{lead.pk}/dial").status_code == 404
    assert api(client, f"{lead.pk}/result", {"result": "no_answer"}).status_code == 404


def test_a_lead_that_nobody_holds_cannot_be_dialled_over_the_api(at_desk, floor):
    lead = started(at_desk, floor)
    desk.take_break(agent=floor.agent, reason="short", at=database_now())

    assert api(at_desk, f"{lead.pk}/dial").status_code == 404
