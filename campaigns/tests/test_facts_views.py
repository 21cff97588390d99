"""Pages and API of calls and orders: who sees what, what is shown, and how many queries it takes."""

import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from campaigns.models import Call, CallImport, Order
from campaigns.services import calls as services
from campaigns.services.orders import Sale
from campaigns.tests.factories import AT, CityFactory, TeamFactory, agent_of, held_lead, person
from campaigns.tests.test_history import NUMBER, bring, file_of, row, sold, world  # noqa: F401  (a fixture)
from core.jobs import run_inline
from core.partitions import ensure_partitions
from people.models import User
from people.services import exports

pytestmark = pytest.mark.django_db
START = AT - timedelta(minutes=3)


@pytest.fixture(autouse=True)
def months():
    for parent in ("campaigns_call", "customers_contact"):
        ensure_partitions(parent, date(2026, 11, 1), 1)


def record(code="considering", lead=None, **more):
    lead = lead or held_lead()
    if code == "sold":
        more.setdefault("order", Sale())
    connected = code not in ("no_answer", "busy")
    given = {"started_at": START, "talk_seconds": 60 if connected else 0, "at": AT, **more}
    return services.record_call(lead=lead, agent=lead.agent, disposition_code=code, **given)


def order_of(call):
    return Order.objects.get(call_id=call.pk)


def as_user(client, user):
    client.force_login(user)
    return client


def shown(response):
    return [cells[1].html for _row, _href, cells in response.context["listing"].rows]


# ---------------------------------------------------------------- the list of calls


def test_the_list_shows_masked_number_result_and_order(client):
    call = record("sold")
    page = as_user(client, person("regional_manager")).get(reverse("campaigns:calls")).content.decode()

    assert "190****" in page
    assert "Sold" in page
    assert "1:00" in page
    assert reverse("campaigns:call", args=[call.pk]) in page


def test_names_of_customers_are_cut_for_those_who_only_compare_figures(client):
    call = record()
    name = str(call.customer_id and Call.objects.get(pk=call.pk) and held_name(call))
    assert shown(as_user(client, person("supervisor", city=city_of(call))).get(reverse("campaigns:calls"))) == [name]
    assert shown(as_user(client, person("regional_manager")).get(reverse("campaigns:calls"))) == [f"{name[0]}**"]


def held_name(call):
    from customers.models import Customer

    return Customer.objects.get(pk=call.customer_id).name


def city_of(call):
    from people.models import City

    return City.objects.get(pk=call.city_id)


def test_another_city_sees_neither_list_nor_call_nor_order(client):
    call = record("sold")
    stranger = as_user(client, person("city_manager", city=CityFactory()))

    assert stranger.get(reverse("campaigns:calls")).context["listing"].total == 0
    assert stranger.get(reverse("campaigns:call", args=[call.pk])).status_code == 404
    assert stranger.get(reverse("campaigns:orders")).context["listing"].total == 0
    assert stranger.get(reverse("campaigns:order", args=[order_of(call).pk])).status_code == 404
    assert stranger.post(reverse("campaigns:order-cancel", args=[order_of(call).pk])).status_code == 404
    assert stranger.get(reverse("campaigns:customer-calls", args=[call.customer_id])).status_code == 404


def test_an_agent_sees_the_own_calls_alone(client):
    record()
    own = record()
    page = as_user(client, User.objects.get(pk=own.agent_id)).get(reverse("campaigns:calls"))
    assert [found.pk for found in page.context["listing"].page] == [own.pk]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("connected=1", {"considering", "sold"}),
        ("connected=0", {"no_answer"}),
        ("sale=1", {"sold"}),
        ("result=considering", {"considering"}),
        ("customers=won&from=2026-11-01", {"sold"}),
        ("customers=reached&from=2026-11-01", {"considering", "sold"}),
        ("customers=cancelled&from=2026-11-01", set()),
        ("direction=inbound", set()),
        ("from=2026-11-19&to=2026-11-19", {"considering", "sold", "no_answer"}),
        ("since=2026-11-20", set()),
        ("to=2026-11-18", set()),
    ],
)
def test_every_filter_leaves_the_calls_it_names(client, query, wanted):
    made = {code: record(code).pk for code in ("considering", "sold", "no_answer")}
    page = as_user(client, person("regional_manager")).get(f"{reverse('campaigns:calls')}?{query}")
    assert {found.pk for found in page.context["listing"].page} == {made[code] for code in wanted}


def test_calls_are_filtered_by_place_and_person(client):
    call, _other = record(), record()
    boss = as_user(client, person("regional_manager"))
    agent = User.objects.get(pk=call.agent_id)
    for query in (
        f"city={call.city_id}",
        f"team={call.team_id}",
        f"agent={call.agent_id}",
        f"agent_code={agent.code}",
        f"campaign={call.campaign_id}",
    ):
        assert [found.pk for found in boss.get(f"{reverse('campaigns:calls')}?{query}").context["listing"].page] == [
            call.pk
        ], query


def test_one_call_per_customer_makes_the_list_as_long_as_the_figure_is_high(client, world):  # noqa: F811
    bring(
        [
            row("C1", result="considering", talk_seconds="9"),
            row("C2", result="family", talk_seconds="9", started_at="2026-03-06 10:00"),
        ],
        world["data"],
    )
    boss = as_user(client, person("regional_manager"))
    assert boss.get(reverse("campaigns:calls")).context["listing"].total == 2
    assert boss.get(f"{reverse('campaigns:calls')}?customers=reached&from=2026-03-01").context["listing"].total == 1


@pytest.mark.parametrize(
    "query", ["customers=called", "sort=talk_seconds", "sort=-after_call_seconds", "customers=called&since=&to="]
)
@pytest.mark.parametrize(("today", "total"), [(19, 1), (20, 0)])
def test_what_no_index_answers_is_of_the_last_31_days_when_no_date_is_given_and_says_so(
    client, monkeypatch, query, today, total
):
    record()  # on 19 November
    monkeypatch.setattr("campaigns.filters.database_now", lambda: datetime(2026, 12, today, 4, tzinfo=UTC))
    boss, url = as_user(client, person("regional_manager")), reverse("campaigns:calls")

    page = boss.get(f"{url}?{query}")
    dated = boss.get(f"{url}?{query}&from=2026-11-01")

    assert (page.context["listing"].total, dated.context["listing"].total) == (total, 1)
    said = "Without dates, this list covers the last 31 days."
    assert (said in page.content.decode(), said in dated.content.decode()) == (True, False)


def test_a_day_outside_the_choices_shows_nothing_rather_than_all(client):
    record()
    assert (
        as_user(client, person("regional_manager"))
        .get(f"{reverse('campaigns:calls')}?since=nonsense")
        .context["listing"]
        .total
        == 0
    )


@pytest.mark.parametrize("page", ["calls", "orders"])
def test_a_list_takes_the_same_queries_however_long_it_is(client, django_assert_max_num_queries, page):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    boss = as_user(client, person("regional_manager"))
    numbers = []
    for _round in range(2):
        record("sold")
        record("sold")
        boss.get(reverse(f"campaigns:{page}"))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            boss.get(reverse(f"campaigns:{page}"))
        numbers.append(len(queries))
    assert numbers[0] == numbers[1] <= 25


def test_what_is_shown_can_be_exported_without_a_whole_number(client):
    record("sold")
    answer = as_user(client, person("regional_manager")).get(f"{reverse('campaigns:calls')}?export=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert len(text.splitlines()) == 2
    assert "190****" in text
    assert "1900000" not in text


def test_one_call_shows_how_it_was(client):
    call = record("sold", note="wants it blue")
    page = as_user(client, person("regional_manager")).get(reverse("campaigns:call", args=[call.pk])).content.decode()
    assert "wants it blue" in page
    assert order_of(call).number in page
    assert "190****" in page
    assert "1900000" not in page


def test_the_customers_page_has_calls_and_orders(client):
    call = record("sold")
    boss = as_user(client, person("supervisor"))
    assert "Sold" in boss.get(reverse("campaigns:customer-calls", args=[call.customer_id])).content.decode()
    assert (
        order_of(call).number
        in boss.get(reverse("campaigns:customer-orders", args=[call.customer_id])).content.decode()
    )


# ---------------------------------------------------------------- orders


def test_a_supervisor_cancels_and_reinstates_an_order(client):
    order = order_of(record("sold"))
    boss = as_user(client, person("supervisor"))

    answer = boss.post(
        reverse("campaigns:order-cancel", args=[order.pk]),
        {"occurred_at": "2026-11-20T10:00", "reason": "sent it back"},
    )
    order.refresh_from_db()
    assert answer.status_code == 302
    assert order.state == "cancelled"

    boss.post(
        reverse("campaigns:order-reinstate", args=[order.pk]), {"occurred_at": "2026-11-20T12:00", "reason": "kept it"}
    )
    order.refresh_from_db()
    assert order.state == "reinstated"
    assert "kept it" in boss.get(reverse("campaigns:order", args=[order.pk])).content.decode()


def test_a_refusal_stays_on_the_page_with_what_was_typed(client):
    order = order_of(record("sold"))
    answer = as_user(client, person("supervisor")).post(
        reverse("campaigns:order-cancel", args=[order.pk]),
        {"occurred_at": "2026-11-01T10:00", "reason": "sent it back"},
    )
    assert answer.status_code == 422
    assert "The time lies before the sale." in answer.content.decode()
    assert "sent it back" in answer.content.decode()


def test_an_agent_and_a_leader_may_see_an_order_but_not_cancel_it(client):
    call = record("sold")
    order, agent = order_of(call), User.objects.get(pk=call.agent_id)
    for user in (agent, person("team_leader", team=agent.team_at(AT))):
        browser = as_user(client, user)
        assert browser.get(reverse("campaigns:order", args=[order.pk])).status_code == 200
        assert (
            browser.post(
                reverse("campaigns:order-cancel", args=[order.pk]), {"occurred_at": "2026-11-20T10:00", "reason": "x"}
            ).status_code
            == 403
        )
    order.refresh_from_db()
    assert order.state == "sold"


# ---------------------------------------------------------------- the import's pages


def test_a_file_is_uploaded_looked_at_and_imported(client, world, monkeypatch):  # noqa: F811
    data = as_user(client, world["data"])
    file = file_of([row("C1"), row("C2", agent="X9")])
    file.name = "calls.csv"

    answer = data.post(reverse("campaigns:call_import"), {"file": file})
    call_import = CallImport.objects.get()
    assert answer.url == reverse("campaigns:call_import_detail", args=[call_import.pk])
    assert "hx-get" in data.get(answer.url).content.decode()
    run_inline(call_import.job_id)

    page = data.get(answer.url).content.decode()
    assert "Unknown agent" in page
    assert "Import 1 row" in page
    assert NUMBER not in page
    assert data.get(f"{answer.url}?verdict=invalid").context["page"].paginator.count == 1
    workbook = data.get(reverse("campaigns:call_import_rejects", args=[call_import.pk]))
    assert b"".join(workbook.streaming_content)[:2] == b"PK"
    with monkeypatch.context() as few:
        few.setattr(exports, "TWO_PERSONS", 2)  # one row has left, this one would be the second
        again = data.get(reverse("campaigns:call_import_rejects", args=[call_import.pk]))
    assert (again.status_code, "What is the file for?" in again.content.decode()) == (409, True)

    data.post(reverse("campaigns:call_import_start", args=[call_import.pk]))
    call_import.refresh_from_db()
    run_inline(call_import.job_id)
    assert Call.objects.count() == 1
    assert data.get(reverse("campaigns:call_import_progress", args=[call_import.pk])).headers["HX-Refresh"] == "true"


def test_a_file_that_is_no_list_gets_its_sentence(client):
    file = io.BytesIO(b"%PDF-1.7")
    file.name = "calls.xlsx"
    answer = as_user(client, person("data")).post(reverse("campaigns:call_import"), {"file": file})
    assert answer.status_code == 422
    assert "neither an Excel workbook" in answer.content.decode()


def test_imports_are_for_the_data_team(client, world):  # noqa: F811
    call_import = bring([row()], world["data"])
    for user in (person("supervisor"), agent_of(TeamFactory())):
        browser = as_user(client, user)
        assert browser.get(reverse("campaigns:call_import")).status_code == 403
        assert browser.get(reverse("campaigns:call_import_detail", args=[call_import.pk])).status_code == 403
    other = as_user(client, person("data", city=CityFactory()))
    assert other.get(reverse("campaigns:call_import_detail", args=[call_import.pk])).status_code == 404


# ---------------------------------------------------------------- API


def post(client, url, body, key=""):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(url, json.dumps(body), content_type="application/json", headers=headers)


def test_a_call_posted_twice_is_one_call(client, world):  # noqa: F811
    data = as_user(client, world["data"])
    body = {**sold(), "talk_seconds": 200, "after_call_seconds": 3, "amount": "120.50"}

    first = post(data, "/api/v1/calls/", body, key="k1")
    again = post(data, "/api/v1/calls/", body, key="k1")
    without_key = post(data, "/api/v1/calls/", body)

    assert (first.status_code, again.status_code, without_key.status_code) == (201, 201, 200)
    assert first.json() == again.json()
    assert without_key.json()["verdict"] == "unchanged"
    assert Call.objects.count() == 1
    assert Order.objects.get().amount_cents == 12_050
    assert not CallImport.objects.exists()


def test_a_key_used_with_other_content_is_refused(client, world):  # noqa: F811
    data = as_user(client, world["data"])
    post(data, "/api/v1/calls/", row("C1"), key="k1")
    assert post(data, "/api/v1/calls/", row("C2"), key="k1").status_code == 409


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"agent": "X9"}, "Unknown agent."),
        ({"phone": "19000009999"}, "Unknown number."),
        ({"started_at": "2030-01-01 10:00"}, "A time lies in the future."),
    ],
)
def test_a_posted_call_that_cannot_be_is_409_with_a_sentence_and_leaves_nothing(client, world, cells, sentence):  # noqa: F811
    answer = post(as_user(client, world["data"]), "/api/v1/calls/", row(**cells))
    assert (answer.status_code, answer.json()["detail"]) == (409, sentence)
    assert not Call.objects.exists()
    assert not CallImport.objects.exists()


def test_only_the_data_team_posts_calls(client, world):  # noqa: F811
    assert post(as_user(client, world["agent"]), "/api/v1/calls/", row()).status_code == 403


def test_calls_and_orders_are_listed_and_changed_over_the_api(client):
    call = record("sold")
    record()
    boss = as_user(client, person("supervisor"))

    listed = boss.get("/api/v1/calls/?sale=1").json()["results"]
    assert [(each["id"], each["result"], each["order_state"]) for each in listed] == [(call.pk, "sold", "sold")]
    assert "190****" in listed[0]["phone"]

    url = f"/api/v1/orders/{order_of(call).pk}/"
    body = {"occurred_at": "2026-11-20T10:00:00", "reason": "sent back"}
    first, again = post(boss, f"{url}cancellation/", body, key="c"), post(boss, f"{url}cancellation/", body, key="c")
    assert (first.status_code, first.json()["state"], again.json()) == (200, "cancelled", first.json())
    assert post(boss, f"{url}cancellation/", body).status_code == 409
    assert (
        post(boss, f"{url}reinstatement/", {"occurred_at": "2026-11-20T11:00:00", "reason": "kept"}).json()["state"]
        == "reinstated"
    )
    assert boss.get("/api/v1/orders/?state=reinstated").json()["results"][0]["number"] == order_of(call).number


def test_the_api_hides_another_citys_calls(client):
    call = record("sold")
    other = as_user(client, person("city_manager", city=CityFactory()))
    assert other.get("/api/v1/calls/").json()["results"] == []
    assert other.get(f"/api/v1/calls/{call.pk}/").status_code == 404
    assert (
        post(
            other,
            f"/api/v1/orders/{order_of(call).pk}/cancellation/",
            {"occurred_at": "2026-11-20T10:00:00", "reason": "x"},
        ).status_code
        == 404
    )


def test_a_stranger_is_turned_away(client):
    assert client.get(reverse("campaigns:calls")).status_code == 302
    assert client.get("/api/v1/calls/").status_code in (401, 403)
