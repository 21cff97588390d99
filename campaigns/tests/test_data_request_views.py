"""Data requests in the browser: the list, asking with its count, one request, the verbs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.models import DataRequest, Lead
from campaigns.tests.factories import CampaignFactory, CityFactory, CustomerFactory, LeadFactory, TeamFactory, person
from campaigns.tests.requesting import OLD, approved, asked_for, filled
from core.calendar import business_date
from core.clock import database_now
from core.jobs import run_inline
from customers.models import Customer, Segment

pytestmark = pytest.mark.django_db
LIST, NEW, COUNT = "campaigns:data-requests", "campaigns:data-request-new", "campaigns:data-request-count"
# as the builder posts it: a person of at least 60
BUILT = {"g:0": "and", "k:0-0": "age", "was:0-0": "age", "o:0-0": "at_least", "v:0-0": "60"}


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def campaign(city):
    return CampaignFactory(city=city, name="Spring")


@pytest.fixture
def manager(client, city):
    user = person("campaign_manager", city=city)
    client.force_login(user)
    return user


@pytest.fixture
def form(campaign, city):
    today = business_date(database_now())
    return BUILT | {
        "campaign": campaign.pk, "city": city.pk, "wanted": "5", "order": "random", "segment": "", "needed_on": today.isoformat(),
        "use_until": (today + timedelta(days=30)).isoformat(), "reason": "Spring wave", "see_name": "shown", "see_age": "masked",
        "attributes_shown": "ARPU, 套餐", "attributes_masked": "street", "do": "save",
    }  # fmt: skip


def page(answer) -> str:
    return answer.content.decode()


def act(client, verb, row, **data):
    return client.post(reverse(f"campaigns:data-request-{verb}", args=[row.pk]), data)


# ---------------------------------------------------------------- list


def test_the_list_shows_the_requests_of_the_own_city(client, manager, city, campaign):
    own = asked_for(campaign, city)
    theirs = asked_for(CampaignFactory(), CityFactory())
    regional = asked_for(CampaignFactory(), None, by=person("campaign_manager"))

    def shown(**filters):
        text = page(client.get(reverse(LIST), filters))
        return [row for row in (own, theirs, regional) if reverse("campaigns:data-request", args=[row.pk]) in text]

    assert shown() == [own]
    assert (shown(state="asked"), shown(state="refused")) == ([own], [])


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_runs_the_same_queries_however_long(
    client, manager, city, campaign, count, django_assert_max_num_queries
):
    for _n in range(count):
        asked_for(campaign, city)
    with django_assert_max_num_queries(16):
        client.get(reverse(LIST))


@pytest.mark.parametrize("role", ["agent", "team_leader", "supervisor", "qa", "trainer"])
def test_other_roles_are_turned_away(client, city, campaign, role):
    row = asked_for(campaign, city)
    of_team = role in ("agent", "team_leader")
    client.force_login(person(role, team=TeamFactory(city=city)) if of_team else person(role, city=city))

    for name in (LIST, NEW):
        assert client.get(reverse(name)).status_code == 403
    assert client.post(reverse(COUNT), BUILT).status_code == 403
    assert client.get(reverse("campaigns:data-request", args=[row.pk])).status_code in (403, 404)
    for verb in ("approve", "refuse", "withdraw", "close"):
        assert act(client, verb, row, reason="x").status_code in (403, 404)


def test_the_badge_counts_what_one_may_decide(client, city, campaign):
    data = person("data", city=city)
    client.force_login(data)
    asked_for(campaign, city)
    asked_for(CampaignFactory(), CityFactory())

    assert ">1<" in page(client.get(reverse("campaigns:data-requests-badge")))


# ---------------------------------------------------------------- asking


def test_asking_stores_what_the_form_says(client, manager, city, campaign, form):
    answer = client.post(reverse(NEW), form)

    row = DataRequest.objects.get()
    assert answer.url == reverse("campaigns:data-request", args=[row.pk])
    assert (row.campaign, row.city, row.wanted, row.conditions, row.asked_by) == (campaign, city, 5, OLD, manager)
    assert row.fields == {
        "name": "shown", "age": "masked", "attribute:ARPU": "shown", "attribute:套餐": "shown", "attribute:street": "masked",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"v:0-0": ""}, "The conditions are not finished."),
        ({"needed_on": "2020-01-01"}, "The day by which they are needed has passed."),
        ({"wanted": "0"}, "greater than or equal to 1"),
        ({"reason": ""}, "This field is required."),
    ],
)
def test_what_is_wrong_is_said_in_the_form(client, manager, form, changed, sentence):
    answer = client.post(reverse(NEW), form | changed)

    assert answer.status_code == 422
    assert sentence in page(answer)
    assert not DataRequest.objects.exists()


def test_another_citys_campaign_segment_or_place_cannot_be_chosen(client, manager, city, form):
    other = CityFactory()
    theirs = Segment.objects.create(name="Theirs", city=other, owner=person("data"), conditions=OLD)
    for changed in ({"campaign": CampaignFactory(city=other).pk}, {"segment": theirs.pk}, {"city": other.pk}):
        assert client.post(reverse(NEW), form | changed).status_code == 422
    assert "Theirs" not in page(client.get(reverse(NEW)))


def test_a_button_of_the_builder_changes_the_tree_and_asks_nothing(client, manager, form):
    answer = client.post(reverse(NEW), form | {"do": "add:0"}, headers={"HX-Request": "true"})
    whole = client.post(reverse(NEW), form | {"do": "add:0"})

    assert answer.headers["HX-Trigger"] == "recount"
    assert ("k:0-1" in page(answer), "k:0-1" in page(whole), "Spring wave" in page(whole)) == (True, True, True)
    assert not DataRequest.objects.exists()


def test_the_count_says_how_many_fit_and_how_many_could_be_called(client, manager, city, campaign, form):
    _free, refused, there = (CustomerFactory(city=city, age=70) for _n in range(3))
    CustomerFactory(city=CityFactory(), age=70)
    Customer.objects.filter(pk=refused.pk).update(is_suppressed=True)
    LeadFactory(campaign=campaign, customer=there)

    shown = page(client.post(reverse(COUNT), form))
    without = page(client.post(reverse(COUNT), form | {"campaign": ""}))

    assert ("3 customers fit" in shown, "1 of them could be called." in shown) == (True, True)
    assert "Fewer could be called than are asked for" in shown
    assert "Choose the campaign" in without


def test_the_count_goes_by_the_segment_when_one_is_chosen(client, manager, city, form):
    CustomerFactory(city=city, age=70)
    young = {"version": 1, "root": {"group": "and", "parts": [{"is": "age", "op": "at_most", "value": 20}]}}
    segment = Segment.objects.create(name="Young", city=city, owner=manager, conditions=young)

    assert "0 customers fit" in page(client.post(reverse(COUNT), form | {"segment": segment.pk}))


def test_conditions_that_are_not_finished_are_told(client, manager, form):
    assert "Finish the conditions" in page(client.post(reverse(COUNT), form | {"v:0-0": ""}))


# ---------------------------------------------------------------- one request


def test_a_request_shows_what_is_asked_and_its_steps(client, manager, city, campaign):
    row = asked_for(campaign, city, by=manager, fields={"age": "masked"})

    shown = page(client.get(reverse("campaigns:data-request", args=[row.pk])))

    for words in ("Age is at least 60", "Spring wave", "Age: masked", "Decision", "Somebody else decides."):
        assert words in shown
    assert reverse("campaigns:data-request-approve", args=[row.pk]) not in shown


def test_whoever_decides_reads_how_many_could_be_called_now(client, city, campaign):
    _first, _second, refused = (CustomerFactory(city=city, age=70) for _n in range(3))
    Customer.objects.filter(pk=refused.pk).update(is_suppressed=True)
    row = asked_for(campaign, city, wanted=2)
    client.force_login(person("data", city=city))
    url = reverse("campaigns:data-request-count-now", args=[row.pk])

    counted = page(client.get(url))

    assert url in page(client.get(reverse("campaigns:data-request", args=[row.pk])))
    assert ("3 customers fit" in counted, "2 of them could be called." in counted) == (True, True)
    assert "Fewer could be called" not in counted


def test_another_citys_request_is_not_found(client, manager):
    row = asked_for(CampaignFactory(), CityFactory())

    assert client.get(reverse("campaigns:data-request", args=[row.pk])).status_code == 404
    assert client.get(reverse("campaigns:data-request-progress", args=[row.pk])).status_code == 404
    assert client.get(reverse("campaigns:data-request-count-now", args=[row.pk])).status_code == 404
    for verb in ("approve", "refuse", "withdraw", "close"):
        assert act(client, verb, row, reason="x").status_code == 404


def test_the_data_team_approves_and_the_record_appears(client, city, campaign):
    CustomerFactory(city=city, age=70)
    row = asked_for(campaign, city)
    client.force_login(person("data", city=city))

    act(client, "approve", row)
    row.refresh_from_db()
    working = client.get(reverse("campaigns:data-request-progress", args=[row.pk]))
    run_inline(row.job_id)
    shown = page(client.get(reverse("campaigns:data-request", args=[row.pk])))

    assert "Make leads of a data request" in page(working)
    assert Lead.objects.get().data_request == row
    assert ("Record of use" in shown, "Close early" in shown) == (True, True)
    assert client.get(reverse("campaigns:data-request-progress", args=[row.pk])).headers["HX-Refresh"] == "true"


def test_who_asked_cannot_approve(client, city, campaign):
    boss = person("regional_manager")
    row = asked_for(campaign, city, by=boss)
    client.force_login(boss)

    assert act(client, "approve", row).status_code == 403
    assert act(client, "refuse", row, reason="x").status_code == 403


def test_a_refusal_needs_its_reason(client, city, campaign):
    row = asked_for(campaign, city)
    client.force_login(person("data", city=city))

    assert act(client, "refuse", row).status_code == 422
    act(client, "refuse", row, reason="Too many")

    assert "Too many" in page(client.get(reverse("campaigns:data-request", args=[row.pk])))


def test_withdrawing_and_deciding_twice_are_said_in_a_sentence(client, manager, city, campaign):
    row = asked_for(campaign, city, by=manager)

    act(client, "withdraw", row)
    answer = client.post(reverse("campaigns:data-request-withdraw", args=[row.pk]), follow=True)

    row.refresh_from_db()
    assert row.state == "withdrawn"
    assert "This is already decided: Withdrawn." in page(answer)


def test_closing_early_withdraws_the_open_leads(client, manager, city, campaign):
    CustomerFactory(city=city, age=70)
    row = filled(asked_for(campaign, city, by=manager))

    silent = client.post(reverse("campaigns:data-request-close", args=[row.pk]), {"reason": ""}, follow=True)
    act(client, "close", row, reason="Enough")
    row.refresh_from_db()
    run_inline(row.job_id)

    assert "Say why it is closed." in page(silent)
    assert Lead.objects.get().outcome == "withdrawn"
    assert "Enough" in page(client.get(reverse("campaigns:data-request", args=[row.pk])))


def test_what_another_asked_for_a_campaign_manager_does_not_close(client, manager, city, campaign):
    row = approved(asked_for(campaign, city))

    assert act(client, "close", row, reason="x").status_code == 403
