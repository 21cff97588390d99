"""What campaigns give to the copy of a person, empty at an erasing, and keep by duty; nothing that counts is touched."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest
from django.urls import reverse

from campaigns.models import Answer, Call, Callback, Lead, LeadSkip, Order
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CityFactory, person
from core.files import open_file
from core.models import PrivateFile
from core.partitions import ensure_partitions
from customers.models import Customer, PersonRequest
from customers.services.erasing import MustBeKept, SpokenToNow, erase
from customers.services.person_copy import write_copy
from customers.services.requests import correct, lock, open_request, unlock
from scripts.models import ScriptQuestion, ScriptStep
from scripts.tests.factories import ProductFactory, ScriptVersionFactory

pytestmark = pytest.mark.django_db
YEARS = timedelta(days=3 * 365)


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.FILES_DIR = tmp_path / "files"
    ensure_partitions("campaigns_call", (AT - YEARS - timedelta(days=40)).date().replace(day=1), 2)


@pytest.fixture
def floor():
    return Floor()


@pytest.fixture
def data(floor):
    return person("data", city=floor.city)


@pytest.fixture
def clerk(floor):
    return person("supervisor", city=floor.city)


def spoken_with(floor: Floor, *, called_at=AT) -> Lead:
    """A customer with an open lead, a call, an answer and a promise, each with words about the person."""
    lead = floor.lead()
    call = Call.objects.create(
        started_at=called_at, customer_id=lead.customer_id, city_id=floor.city.pk, agent_id=floor.agent.pk, team_id=floor.team.pk,
        campaign_id=floor.campaign.pk, disposition_id=1, connected=True, sale=True, talk_seconds=95, note="has a sick mother",
    )  # fmt: skip
    version = ScriptVersionFactory()
    step = ScriptStep.objects.create(version=version, part="opening", position=1, text="Hello")
    question = ScriptQuestion.objects.create(step=step, position=1, code="children", text="Children?")
    Answer.objects.create(call_id=call.pk, call_started_at=called_at, question=question, value="two children")
    Callback.objects.create(lead=lead, agent=floor.agent, due_at=called_at, note="after the operation")
    LeadSkip.objects.create(
        agent=floor.agent, team=floor.team, lead=lead, campaign=floor.campaign, reason="my neighbour", at=called_at
    )
    return lead


def sold(lead: Lead, floor: Floor, *, at) -> Order:
    call = Call.objects.get(customer_id=lead.customer_id)
    return Order.objects.create(
        call_id=call.pk, call_started_at=at, customer_id=lead.customer_id, city_id=floor.city.pk, agent_id=floor.agent.pk,
        team_id=floor.team.pk, campaign_id=floor.campaign.pk, number="A-1", product=ProductFactory(), amount_cents=12_300,
    )  # fmt: skip


def asks(lead: Lead, kind: str, by) -> PersonRequest:
    return open_request(customer=lead.customer, kind=kind, way="phone", by=by, at=AT)


def test_the_copy_holds_calls_answers_promises_and_orders(floor, data, clerk):
    lead = spoken_with(floor)
    sold(lead, floor, at=AT)

    row = write_copy(asked=asks(lead, "copy", clerk), by=data, at=AT)

    with open_file(PrivateFile.objects.get(pk=row.file_id)) as stream:
        book = openpyxl.load_workbook(io.BytesIO(stream.read()))
    told = str([[cell.value for cell in line] for sheet in book for line in sheet.rows])
    for word in (
        "has a sick mother",
        "two children",
        "Children?",
        "after the operation",
        "my neighbour",
        "A-1",
        "123",
        "95",
    ):
        assert word in told, word


def test_erasing_empties_the_words_and_leaves_call_order_and_lead_as_they_count(floor, data, clerk):
    lead = spoken_with(floor, called_at=AT - YEARS)
    sold(lead, floor, at=AT - YEARS)
    other = spoken_with(floor)
    call = Call.objects.get(customer_id=lead.customer_id)
    facts = (
        "id",
        "started_at",
        "customer_id",
        "city_id",
        "agent_id",
        "connected",
        "sale",
        "talk_seconds",
        "disposition_id",
    )
    before = list(Call.objects.order_by("pk").values_list(*facts)), list(Order.objects.values())

    erase(asked=asks(lead, "erase", clerk), by=data, at=AT)

    assert (list(Call.objects.order_by("pk").values_list(*facts)), list(Order.objects.values())) == before
    assert Call.objects.get(pk=call.pk).note == ""
    assert Answer.objects.get(call_id=call.pk).value == ""
    assert Callback.objects.get(lead=lead).note == ""
    assert LeadSkip.objects.get(lead=lead).reason == ""
    assert LeadSkip.objects.get(lead__customer=other.customer_id).reason == "my neighbour"
    assert Call.objects.get(customer_id=other.customer_id).note == "has a sick mother"
    lead.refresh_from_db()
    assert (lead.state, lead.outcome) == ("done", "suppressed")


def test_a_young_order_forbids_erasing_and_the_time_is_a_setting(floor, data, clerk, settings):
    lead = spoken_with(floor)
    sold(lead, floor, at=AT - timedelta(days=10))
    asked = asks(lead, "erase", clerk)
    with pytest.raises(MustBeKept, match="An order of this person must be kept until"):
        erase(asked=asked, by=data, at=AT)
    assert Call.objects.get().note == "has a sick mother"

    settings.ORDER_KEPT_DAYS = 9
    erase(asked=asked, by=data, at=AT)

    assert Customer.objects.get(pk=lead.customer_id).name == ""


def test_nobody_is_erased_while_an_agent_has_them_on_the_line(floor, data, clerk):
    from campaigns.tests.factories import hold

    lead = hold(floor.lead(), floor.agent, AT)
    Lead.objects.filter(pk=lead.pk).update(dialled_at=AT)
    asked = asks(lead, "erase", clerk)

    with pytest.raises(SpokenToNow):
        erase(asked=asked, by=data, at=AT)

    assert Customer.objects.get(pk=lead.customer_id).phones.count() == 1


def test_a_locked_person_leaves_the_agents_hand_and_can_be_called_again_when_unlocked(floor, data, clerk):
    from campaigns.tests.factories import hold

    lead = hold(floor.lead(), floor.agent, AT)

    asked = lock(asked=asks(lead, "lock", clerk), by=data, at=AT)

    lead.refresh_from_db()
    assert (lead.state, lead.agent, Customer.objects.get(pk=lead.customer_id).is_suppressed) == ("open", None, True)
    unlock(asked=asked, reason="agreed", by=data, at=AT)
    lead.refresh_from_db()
    assert (lead.state, Customer.objects.get(pk=lead.customer_id).is_suppressed) == ("open", False)


def test_a_corrected_city_takes_the_open_leads_along(floor, clerk):
    lead = floor.lead()
    elsewhere = CityFactory()

    correct(asked=asks(lead, "correct", clerk), changes={"city": elsewhere}, by=person("data"), at=AT)

    lead.refresh_from_db()
    assert lead.city == elsewhere


def test_the_call_of_a_locked_person_is_read_by_those_who_answer_alone(client, floor, data, clerk):
    lead = spoken_with(floor)
    page = reverse("campaigns:call", args=[Call.objects.get().pk])
    client.force_login(clerk)
    assert "has a sick mother" in client.get(page).content.decode()
    assert "after the operation" in client.get(reverse("campaigns:callbacks")).content.decode()

    lock(asked=asks(lead, "lock", clerk), by=data, at=AT)

    assert client.get(page).status_code == 404
    assert "after the operation" not in client.get(reverse("campaigns:callbacks")).content.decode()
    client.force_login(data)
    assert "has a sick mother" in client.get(page).content.decode()


def test_a_locked_person_is_named_in_no_list(client, floor, data, clerk):
    lead = spoken_with(floor)
    Customer.objects.filter(pk=lead.customer_id).update(name="Wang Locked")
    client.force_login(clerk)
    calls = reverse("campaigns:calls")
    assert "Wang" in client.get(calls).content.decode()

    lock(asked=asks(lead, "lock", clerk), by=data, at=AT)

    for page in (calls, reverse("campaigns:orders"), reverse("campaigns:campaign_why_not", args=[lead.campaign_id])):
        for query in ({}, {"class": "suppressed"}):
            assert "Wang" not in client.get(page, query).content.decode()
