"""What may be asked of the history of customers."""

from datetime import timedelta

import pytest

from campaigns.models import Call, Order
from campaigns.tests.factories import AT, CampaignFactory, CityFactory, CustomerFactory, person, result
from core.partitions import ensure_partitions
from customers.conditions import BadConditions, matching, parse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def months():
    for month in ((AT - timedelta(days=60)).date().replace(day=1), AT.date().replace(day=1)):
        ensure_partitions("campaigns_call", month, 1)


def call(customer, campaign, code="no_answer", days=1, **fields):
    found = result(code)
    copied = ("connected", "right_party", "sale", "refuses_offer")
    return Call.objects.create(
        started_at=AT - timedelta(days=days), customer_id=customer.pk, city_id=customer.city_id, agent_id=1, team_id=1,
        campaign_id=campaign.pk, disposition_id=found.pk, **{flag: getattr(found, flag) for flag in copied}, **fields,
    )  # fmt: skip


def order(customer, campaign, days=1, **fields):
    made = call(customer, campaign, "sold", days)
    return Order.objects.create(
        call_id=made.pk, call_started_at=made.started_at, customer_id=customer.pk, city_id=customer.city_id, agent_id=1, team_id=1,
        campaign_id=campaign.pk, number=f"N{made.pk}", product=campaign.product, **fields,
    )  # fmt: skip


def found(key, op="within", days=30, **where):
    tree = {"version": 1, "root": {"group": "and", "parts": [{"is": key, "op": op, "value": days, "where": where}]}}
    rows = matching(parse(tree, user=None), at=AT)
    return "".join(rows.order_by("name").values_list("name", flat=True))


@pytest.fixture
def world():
    """A was not answered yesterday, B refused ten days ago, C bought 40 days ago, D bought and cancelled, E was never called."""
    one, other = CampaignFactory(), CampaignFactory()
    people = {name: CustomerFactory(name=name) for name in "ABCDE"}
    call(people["A"], one)
    call(people["B"], other, "refused_no_need", days=10)
    order(people["C"], one, days=40)
    order(people["D"], one, days=2, state="cancelled")
    return {"one": str(one.pk), "other": str(other.pk)}


def test_called_reached_refused_and_bought_look_back_as_many_days_as_asked(world):
    assert found("called") == "ABD"
    assert found("called", days=9) == "AD"
    assert found("called", days=60) == "ABCD"
    assert found("called", "not_within") == "CE"
    assert found("reached") == "BD"
    assert found("reached", "not_within", days=60) == "AE"
    assert found("refused") == "B"
    assert found("refused", "not_within") == "ACDE"
    assert found("bought") == ""
    assert found("bought", days=60) == "C"
    assert found("bought", "not_within", days=60) == "ABDE"


def test_history_is_narrowed_by_campaign_and_result(world):
    assert found("called", days=60, campaign=[world["other"]]) == "B"
    assert found("called", days=60, campaign=[world["one"]], result=["sold"]) == "CD"
    assert found("called", "not_within", days=60, campaign=[world["one"]]) == "BE"
    assert found("bought", days=60, campaign=[world["other"]]) == ""


def test_a_call_after_the_moment_asked_for_counts_as_little_as_one_before_its_bound(world):
    customer = CustomerFactory(name="F")
    call(customer, CampaignFactory(), days=-1)

    assert "F" not in found("called")


def test_a_campaign_that_a_city_does_not_see_is_no_choice_for_it():
    own, other = CityFactory(), CityFactory()
    user = person("data", city=own)
    hidden = CampaignFactory(city=other)
    leaf = {"is": "called", "op": "within", "value": 30, "where": {"campaign": [str(hidden.pk)]}}

    with pytest.raises(BadConditions, match="not among those you may choose"):
        parse({"version": 1, "root": {"group": "and", "parts": [leaf]}}, user=user)
