"""Who is withdrawn while an agent reads about them or talks to them: the desk says so at once, and what to do."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.models import AgentState, Campaign, Lead
from campaigns.services import claim, withdrawal
from campaigns.tests.calling import Floor
from campaigns.tests.factories import agent_of, person
from campaigns.tests.test_desk_views import dialled, lead_of, post, started
from core.clock import database_now
from core.models import AuditEvent
from customers.models import Contact, Customer
from customers.services.suppress import suppress

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor():
    return Floor.of_now()


@pytest.fixture
def at_desk(client, floor):
    client.force_login(floor.agent)
    return client


def asked(client, lead: Lead, phase: str = "preview", withdrawn: str = ""):
    return client.get(
        reverse("campaigns:desk_phase"),
        {"lead": lead.pk, "phase": phase, "withdrawn": withdrawn},
        headers={"HX-Request": "true"},
    )


def withdraw(what: str, floor, lead: Lead) -> None:
    if what == "refused":
        suppress(customer=lead.customer, kind="refusal", by=person("qa"), at=database_now())
    elif what == "complained":
        suppress(customer=lead.customer, kind="complaint", by=person("qa"), at=database_now())
    elif what == "product refused":
        suppress(
            customer=lead.customer,
            kind="offer_refused",
            product_id=floor.campaign.product_id,
            by=person("qa"),
            at=database_now(),
        )
    elif what == "stage":
        Campaign.objects.filter(pk=floor.campaign.pk).update(stage="wrap_up")
    else:
        thing = {"campaign": floor.campaign, "product": floor.campaign.product, "city": floor.city}[what]
        type(thing).objects.filter(pk=thing.pk).update(is_on=False)


CASES = [
    ("refused", "must not be called any more"), ("complained", "must not be called any more"), ("product refused", "must not be called any more"),
    ("campaign", "This campaign has just been stopped"), ("stage", "not in a calling stage any more"),
    ("product", "This product must not be sold any more"), ("city", "Calling has just been stopped"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "said"), CASES)
def test_who_is_withdrawn_before_the_dial_leaves_the_desk_with_the_reason(at_desk, floor, what, said):
    lead = started(at_desk, floor)
    assert asked(at_desk, lead).status_code == 204

    withdraw(what, floor, lead)
    answer = asked(at_desk, lead)

    assert (answer.status_code, answer["HX-Retarget"]) == (200, "#desk")
    found = answer.content.decode()
    assert said in found
    assert "perhaps in another window" not in found
    assert "result-form" not in found
    customer, contact = Customer.objects.get(pk=lead.customer_id), Contact.objects.get(lead_id=lead.pk)
    assert (Lead.objects.get(pk=lead.pk).agent, customer.held_lead_id, customer.attempts, contact.state) == (
        None,
        None,
        [],
        "void",
    )


def test_a_switched_off_campaign_takes_its_lead_from_the_desk_and_the_agent_waits(at_desk, floor):
    lead = started(at_desk, floor)
    withdraw("campaign", floor, lead)

    asked(at_desk, lead)

    assert AgentState.objects.current().get().state == "waiting"
    assert AuditEvent.objects.get(action="campaigns.lead.given_back").detail["reason"] == "campaign_off"
    assert asked(at_desk, lead).status_code == 200  # the window asks once more before it has swapped


@pytest.mark.parametrize(("what", "said"), CASES)
def test_who_talks_to_a_withdrawn_customer_is_told_how_to_end_the_call(at_desk, floor, what, said):
    lead = dialled(at_desk, floor)
    assert asked(at_desk, lead, "talking").status_code == 204

    withdraw(what, floor, lead)
    answer = asked(at_desk, lead, "talking")

    found = answer.content.decode()
    assert said in found
    assert "record its result" in found
    assert 'id="desk-withdrawn" role="alert" hx-swap-oob="true"' in found
    assert "HX-Retarget" not in answer
    assert Lead.objects.get(pk=lead.pk).state == "held"


def test_it_is_told_once_and_stands_there_after_a_reload(at_desk, floor):
    lead = dialled(at_desk, floor)
    withdraw("campaign", floor, lead)
    asked(at_desk, lead, "talking")

    assert asked(at_desk, lead, "talking", "campaign_off").status_code == 204
    page = at_desk.get(reverse("campaigns:desk")).content.decode()
    assert 'name="withdrawn" value="campaign_off"' in page
    assert "Bring the call to a polite end" in page


def test_what_was_withdrawn_and_given_back_is_told_no_more(at_desk, floor):
    lead = dialled(at_desk, floor)
    withdraw("campaign", floor, lead)
    Campaign.objects.filter(pk=floor.campaign.pk).update(is_on=True)

    answer = asked(at_desk, lead, "talking", "campaign_off")

    assert "Bring the call" not in answer.content.decode()
    assert 'name="withdrawn" value=""' in answer.content.decode()


def test_who_calls_us_is_answered_whatever_stands_against_calling_them(at_desk, floor):
    lead = dialled(at_desk, floor)
    Campaign.objects.filter(pk=floor.campaign.pk).update(direction="inbound")

    withdraw("refused", floor, lead)

    assert asked(at_desk, lead, "talking").status_code == 204


def test_a_step_with_a_withdrawn_customer_says_why_it_does_nothing(at_desk, floor):
    lead = started(at_desk, floor)
    withdraw("refused", floor, lead)

    found = post(at_desk, "desk_dial", lead=lead.pk).content.decode()

    assert "This customer must not be called any more. The lead has left your desk." in found


@pytest.mark.parametrize("shown", ["²", "9" * 30, "-1", "x", ""])
def test_a_page_that_speaks_of_no_lead_is_answered_all_the_same(at_desk, floor, shown):
    lead_of(floor)
    started_lead = started(at_desk, floor)

    found = post(at_desk, "desk_dial", lead=shown).content.decode()

    assert "perhaps in another window" in found
    assert Lead.objects.get(pk=started_lead.pk).dialled_at is None


def test_nobody_learns_why_another_agents_customer_is_gone(at_desk, floor):
    lead, at = started(at_desk, floor), database_now()
    withdraw("refused", floor, lead)

    other = agent_of(floor.team)

    assert withdrawal.why_gone(lead_id=lead.pk, agent=floor.agent, at=at).startswith("This customer must not be called")
    assert withdrawal.why_gone(lead_id=lead.pk, agent=other, at=at) == ""


def test_what_another_window_did_is_not_called_a_withdrawal(at_desk, floor):
    lead = started(at_desk, floor)
    claim.give_back(lead=lead, agent=floor.agent, at=database_now(), reason="I know them", is_skip=True)

    assert "perhaps in another window" in asked(at_desk, lead).content.decode()


def test_the_use_of_the_data_ends(at_desk, floor):
    lead = started(at_desk, floor)
    Lead.objects.filter(pk=lead.pk).update(
        state="done", outcome="withdrawn", agent=None, held_at=None, lease_until=None, callable_before=None
    )

    assert "data may not be used any more" in asked(at_desk, lead).content.decode()
