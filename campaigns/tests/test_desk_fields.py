"""Of a data request's customer the agent sees what was named, masked where it was said so; of a list's customer everything."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns import desk_fields, queries_script
from campaigns.models import Lead
from campaigns.services import desk
from campaigns.services.claim import claim_next_lead
from campaigns.tests.calling import AT, Floor
from campaigns.tests.factories import CustomerFactory
from campaigns.tests.requesting import asked_for, filled
from core.clock import database_now
from customers.models import CustomerTag, Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(db):
    return Floor()


def customer_of(floor, **fields):
    found = CustomerFactory(
        **{"city": floor.city, "name": "王小明", "age": 70, "gender": "male", "attributes": {"ARPU": "88", "street": "Long Road"}, **fields}
    )  # fmt: skip
    CustomerTag.objects.create(customer=found, tag=Tag.objects.get_or_create(name="roams")[0])
    return found


def requested(floor, **fields) -> Lead:
    customer_of(floor)
    filled(asked_for(floor.campaign, floor.city, fields=fields))
    return Lead.objects.select_related("customer__city", "data_request", "source").get()


def test_only_named_fields_pass_and_masks_keep_one_character(floor):
    seen = desk_fields.seen(requested(floor, **{"name": "masked", "age": "shown", "attribute:ARPU": "masked"}))

    assert (seen.name, seen.age, seen.gender, seen.type, seen.source, seen.tags) == ("王**", "70", "", "", "", [])
    assert seen.attributes == {"ARPU": "8**"}


def test_tags_gender_and_source_pass_when_they_are_named(floor):
    lead = requested(floor, tags="shown", gender="masked", source="shown")

    seen = desk_fields.seen(lead)

    assert (seen.tags, seen.gender, seen.source) == (["roams"], "M**", str(lead.source))


def test_of_a_lead_of_a_list_everything_is_seen(floor):
    lead = floor.lead(customer=customer_of(floor))

    seen = desk_fields.seen(lead)

    assert (seen.name, seen.age, seen.tags) == ("王小明", "70", ["roams"])
    assert seen.attributes == {"ARPU": "88", "street": "Long Road"}


def test_the_blanks_of_a_script_hold_no_more_than_the_desk(floor):
    lead = requested(floor, **{"age": "shown", "attribute:ARPU": "shown"})

    blanks = queries_script.blanks(lead, floor.agent)

    assert (blanks["age"], blanks["arpu"]) == ("70", "88")
    assert not {"name", "street"} & set(blanks)


def test_a_board_calls_a_hidden_customer_by_the_number_of_the_row(floor):
    lead = requested(floor, age="shown")

    assert desk_fields.name_of(lead) == f"#{lead.customer_id}"


def test_the_desk_and_its_endpoint_hide_what_was_not_named(floor, client):
    requested(floor, **{"attribute:ARPU": "shown"})
    client.force_login(floor.agent)
    Lead.objects.update(ready_at=database_now())
    claim_next_lead(agent=floor.agent, at=AT)
    desk.set_state(agent=floor.agent, state="preview", at=database_now())

    page = client.get(reverse("campaigns:desk")).content.decode()

    assert "88" in page
    assert not [word for word in ("王小明", "Long Road", "roams", "age 70") if word in page]
