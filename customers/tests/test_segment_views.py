"""Segments in the browser and over the API."""

import json
import re

import pytest
from django.urls import reverse

from core.clock import database_now
from core.jobs import run_inline
from core.models import AuditEvent
from customers import members, queries
from customers.models import CanaryExport, Customer, Segment
from customers.services import segments
from customers.services.canaries import place_canary
from customers.services.segments import Told
from customers.tests.factories import CustomerFactory
from customers.views import persons
from people.models import ExportRequest
from people.services import exports
from people.tests.factories import CityFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
NUMBER = "19100007548"
OLD = {"version": 1, "root": {"group": "and", "parts": [{"is": "age", "op": "at_least", "value": 60}]}}
API = "/api/v1/segments/"


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def data(client, city):
    user = UserFactory(role="data", city=city)
    client.force_login(user)
    return user


def text(answer):
    return answer.content.decode()


def made(city, by=None, counted=True, **told):
    by = by or UserFactory(role="data")
    row = segments.create_segment(
        told=Told(**{"name": "Seniors", "conditions": OLD, **told}), city=city, by=by, at=database_now()
    )
    if counted:
        run_inline(row.job_id)
        row.refresh_from_db()
    return row


# as the builder posts it: a person of at least 60 who is none of: business
FORM = {
    "name": "Old people", "refresh": "daily", "strategy": "Speak slowly.", "target": "50", "tag": "senior", "do": "save",
    "g:0": "and", "k:0-0": "age", "was:0-0": "age", "o:0-0": "at_least", "v:0-0": "60",
    "g:0-1": "not", "k:0-1-0": "type", "was:0-1-0": "type", "o:0-1-0": "one_of", "v:0-1-0": ["business"],
}  # fmt: skip


# ---------------------------------------------------------------- list and page


def test_the_list_shows_own_segments_and_archived_ones_only_when_asked(client, data, city):
    made(city, name="Mine")
    made(CityFactory(), name="Theirs")
    made(None, name="Of the region")
    gone = made(city, name="Gone")
    segments.archive_segment(segment=gone, by=data, at=database_now())

    page = text(client.get(reverse("customers:segments")))
    archived = text(client.get(reverse("customers:segments"), {"archived": "1"}))

    assert "Mine" in page
    assert not [name for name in ("Theirs", "Of the region", "Gone") if name in page]
    assert ("Gone" in archived, "Mine" in archived) == (True, False)


def test_a_segment_shows_its_conditions_in_words_and_its_customers_masked(client, data, city):
    CustomerFactory(city=city, name="Old Wang", age=70, number=NUMBER)
    row = made(city, strategy="Speak slowly.", target=50)

    page = text(client.get(reverse("customers:segment", args=[row.pk])))

    assert "Age is at least 60" in page
    assert "Old Wang" in page
    assert "191****7548" in page
    assert NUMBER not in page
    assert "Speak slowly." in page


def test_customers_who_moved_to_another_city_are_shown_no_more(client, data, city):
    CustomerFactory(city=city, name="Stays", age=70)
    moves = CustomerFactory(city=city, name="Moves", age=70)
    row = made(city)
    Customer.objects.filter(pk=moves.pk).update(city=CityFactory())

    page = text(client.get(reverse("customers:segment", args=[row.pk])))

    assert ("Stays" in page, "Moves" in page) == (True, False)


def test_customers_are_paged_with_the_same_queries_however_many(client, data, city, django_assert_max_num_queries):
    for age in range(60, 120):
        CustomerFactory(city=city, name=f"Old {age}.", age=age)
    row = made(city)
    url = reverse("customers:segment", args=[row.pk])

    with django_assert_max_num_queries(16):
        first = text(client.get(url))
    second = text(client.get(url, {"page": 2}))

    assert "Old 60." in first
    assert "Old 109." in first
    assert "Old 110." not in first
    assert "Old 110." in second
    assert "Old 119." in second


def test_another_citys_segment_is_404_at_every_address(client, data):
    other = made(CityFactory())
    region = made(None)

    for row in (other, region):
        for name in ("segment", "segment-edit", "segment-progress"):
            assert client.get(reverse(f"customers:{name}", args=[row.pk])).status_code == 404
        for name in ("segment-edit", "segment-refresh", "segment-archive"):
            assert client.post(reverse(f"customers:{name}", args=[row.pk]), FORM).status_code == 404


def test_agents_see_no_segments_and_a_city_manager_changes_none(client, city):
    row = made(city)
    client.force_login(UserFactory(agent=TeamFactory(city=city)))
    assert client.get(reverse("customers:segments")).status_code == 403
    assert client.post(reverse("customers:segment-count"), FORM).status_code == 403

    client.force_login(UserFactory(role="city_manager", city=city))
    assert client.get(reverse("customers:segment", args=[row.pk])).status_code == 200
    for name in ("segment-edit", "segment-refresh", "segment-archive"):
        assert client.post(reverse(f"customers:{name}", args=[row.pk]), FORM).status_code == 403
    assert client.get(reverse("customers:segment-new")).status_code == 403


def test_a_job_at_work_is_shown_until_it_has_ended(client, data, city):
    row = made(city, counted=False)
    progress = reverse("customers:segment-progress", args=[row.pk])

    page = text(client.get(reverse("customers:segment", args=[row.pk])))
    waiting = client.get(progress)
    run_inline(row.job_id)

    assert progress in page
    assert "Count a segment" in text(waiting)
    assert client.get(progress).headers["HX-Refresh"] == "true"


def test_a_segment_is_counted_anew_and_archived_by_buttons(client, data, city):
    row = made(city)

    client.post(reverse("customers:segment-refresh", args=[row.pk]))
    row.refresh_from_db()
    run_inline(row.job_id)
    client.post(reverse("customers:segment-archive", args=[row.pk]))
    again = client.post(reverse("customers:segment-archive", args=[row.pk]), follow=True)

    row.refresh_from_db()
    assert row.archived_at is not None
    assert "This segment is archived." in text(again)


# ---------------------------------------------------------------- the builder


def test_the_builder_stores_what_it_shows(client, data, city):
    answer = client.post(reverse("customers:segment-new"), {**FORM, "city": city.pk})

    row = Segment.objects.get()
    assert answer.url == reverse("customers:segment", args=[row.pk])
    assert row.conditions["root"] == {
        "group": "and",
        "parts": [
            {"is": "age", "op": "at_least", "value": 60},
            {"group": "not", "parts": [{"is": "type", "op": "one_of", "value": ["business"]}]},
        ],
    }
    assert (row.name, row.city, row.target, row.refresh, str(row.tag)) == ("Old people", city, 50, "daily", "senior")
    edit = text(client.get(reverse("customers:segment-edit", args=[row.pk])))
    assert 'name="v:0-0" value="60"' in edit
    assert 'value="business" checked' in edit


def test_a_segment_is_changed_and_stays_in_its_city(client, data, city):
    row = made(city)

    client.post(reverse("customers:segment-edit", args=[row.pk]), {**FORM, "city": CityFactory().pk})

    row.refresh_from_db()
    assert (row.name, row.city) == ("Old people", city)


@pytest.mark.parametrize(
    ("do", "parts"),
    [
        ("add:0", ["age", ["type"], "type"]),
        ("add:0-1", ["age", ["type", "type"]]),
        ("group:0-1", ["age", ["type", ["type"]]]),
        ("remove:0-0", [["type"]]),
        ("remove:0-1", ["age"]),
        ("remove:0-1-0", ["age", []]),
        ("remove:0", ["age", ["type"]]),
        ("remove:0-7", ["age", ["type"]]),
        ("nonsense", ["age", ["type"]]),
    ],
)
def test_buttons_change_the_tree_and_keep_what_was_written(client, data, do, parts):
    def shape(node):
        return [shape(part) for part in node.parts] if node.group else node.key

    answer = client.post(reverse("customers:segment-new"), {**FORM, "do": do})
    part = client.post(reverse("customers:segment-new"), {**FORM, "do": do}, headers={"HX-Request": "true"})

    assert shape(answer.context["root"]) == parts
    assert shape(part.context["root"]) == parts
    assert "Speak slowly." in text(answer)
    assert part.headers["HX-Trigger"] == "recount"
    assert "<form" not in text(part)
    assert not Segment.objects.exists()


def test_another_condition_brings_its_own_comparison_and_forgets_the_value(client, data):
    answer = client.post(reverse("customers:segment-new"), {**FORM, "k:0-0": "created", "do": "show"})

    leaf = answer.context["root"].parts[0]
    assert (leaf.key, leaf.takes, leaf.values) == ("created", "day", [])


def test_unfinished_conditions_are_not_saved_and_the_fault_stands_at_its_place(client, data, city):
    answer = client.post(reverse("customers:segment-new"), {**FORM, "city": city.pk, "v:0-0": "old", "v:0-1-0": []})

    assert answer.status_code == 422
    assert "The conditions are not finished." in text(answer)
    assert "Write a number, for example 30 or 9.5." in answer.context["root"].parts[0].fault
    assert answer.context["root"].parts[1].parts[0].fault == "Type: choose at least one."
    assert not Segment.objects.exists()


def test_a_form_of_thousands_of_parts_is_begun_anew(client, data):
    many = {f"k:0-{n}": "age" for n in range(99)}

    answer = client.post(reverse("customers:segment-new"), {"g:0": "and", **many, "do": "show"})

    assert len(answer.context["root"].parts) == 1


def test_the_count_while_building_is_of_own_customers_alone(client, data, city):
    CustomerFactory(city=city, name="Mine", age=70, type="consumer", number=NUMBER)
    theirs = CustomerFactory(name="Theirs", age=70, type="consumer")

    for place in ("", city.pk, theirs.city_id, "\u00b2", "9" * 5000):
        page = text(client.post(reverse("customers:segment-count"), {**FORM, "city": place}))
        assert "1 customer<" in page
        assert ("Mine" in page, "Theirs" in page) == (True, False)
        assert ("191****7548" in page, NUMBER in page) == (True, False)


def test_what_is_not_finished_is_told_while_building(client, data):
    page = text(client.post(reverse("customers:segment-count"), {**FORM, "v:0-0": ""}))

    assert "Finish the conditions" in page
    assert "Condition 1: Write a number" in page


# ---------------------------------------------------------------- the value grid


def test_the_value_grid_makes_its_four_segments_from_one_form(client, data, city):
    url = reverse("customers:segment-grid")
    form = client.get(url).context["form"]
    told = {name: field.initial for name, field in form.fields.items() if field.initial is not None}
    told |= {"city": city.pk, "use": "minutes", "potential": "ARPU", "target_BIG": 200, "sets_tags": "on"}

    answer = client.post(url, told)
    again = client.post(url, told)

    assert answer.url == reverse("customers:segments")
    assert sorted(Segment.objects.values_list("name", "target")) == [
        ("BIG", 200), ("HIPO", None), ("LOPO", None), ("NO IT", None),
    ]  # fmt: skip
    assert {str(row.tag) for row in Segment.objects.all()} == {"BIG", "HIPO", "LOPO", "NO IT"}
    assert all(row.strategy for row in Segment.objects.all())
    assert again.status_code == 422
    assert "There is a segment NO IT already." in text(again)


# ---------------------------------------------------------------- the API


def post(client, url, **data):
    return client.post(url, json.dumps(data), content_type="application/json")


def test_another_system_makes_a_segment_and_reads_its_customers(client, data, city):
    mine = CustomerFactory(city=city, name="Mine", age=70, number=NUMBER)
    CustomerFactory(age=70)

    answer = post(client, API, name="Seniors", city=city.pk, conditions=OLD, tag="senior")
    row = Segment.objects.get()
    run_inline(row.job_id)
    members = client.get(f"{API}{row.pk}/members/").json()["results"]

    assert answer.status_code == 201
    assert (answer.json()["job"], answer.json()["tag"]) == (row.job_id, "senior")
    assert members == [{"id": mine.pk, "name": "Mine", "city": city.pk, "type": "", "number": "191****7548"}]
    assert client.get(f"{API}{row.pk}/").json()["count"] == 1
    assert post(client, f"{API}{row.pk}/refresh/").status_code == 202


def test_conditions_are_counted_over_the_api_within_what_the_caller_sees(client, data, city):
    CustomerFactory(city=city, age=70)
    CustomerFactory(age=70)

    answer = post(client, f"{API}count/", conditions=OLD)

    assert answer.json() == {"count": 1, "is_exact": True, "low": 1, "high": 1}


def test_bad_conditions_are_409_with_their_sentence(client, data, city):
    bad = {"version": 1, "root": {"group": "and", "parts": [{"is": "age", "op": "at_least", "value": "x"}]}}

    for answer in (
        post(client, API, name="X", city=city.pk, conditions=bad),
        post(client, f"{API}count/", conditions=bad),
    ):
        assert answer.status_code == 409
        assert "Condition 1: Write a number" in answer.json()["detail"]


def test_another_citys_segment_and_its_customers_do_not_exist_over_the_api(client, data):
    other = made(CityFactory())

    assert client.get(API).json()["results"] == []
    assert client.get(f"{API}{other.pk}/members/").status_code == 404
    assert post(client, f"{API}{other.pk}/refresh/").status_code == 404
    assert post(client, API, name="X", city=other.city_id, conditions=OLD).status_code == 409


def test_a_city_manager_reads_segments_over_the_api_and_makes_none(client, city):
    client.force_login(UserFactory(role="city_manager", city=city))

    assert client.get(API).status_code == 200
    assert post(client, API, name="X", city=city.pk, conditions=OLD).status_code == 403
    assert post(client, f"{API}count/", conditions=OLD).status_code == 403


# ---------------------------------------------------------------- a filter of the list of customers

CUSTOMERS = "customers:customers"


def names_in(answer) -> list[str]:
    return [row.name for row, _url, _cells in answer.context["listing"].rows]


def keys_in(answer) -> list[int]:
    return [row.pk for row, _url, _cells in answer.context["listing"].rows]


def test_the_list_of_customers_is_filtered_by_a_segment_and_says_of_how_many_it_is_a_part(client, data, city):
    for name, age in (("Old Wang", 70), ("Old Li", 61), ("Young Li", 20)):
        CustomerFactory(city=city, name=name, age=age)
    row = made(city)
    Customer.objects.filter(name="Old Wang").update(age=20)  # as counted, not as it is now

    of_segment = client.get(reverse(CUSTOMERS), {"segment": row.pk})
    narrowed = client.get(reverse(CUSTOMERS), {"segment": row.pk, "name": "Old Li"})

    assert "Seniors (2)" in text(client.get(reverse(CUSTOMERS)))
    assert names_in(of_segment) == ["Old Li", "Old Wang"]
    assert "2 customers, of whom 2 fit the filters." in text(of_segment)
    assert names_in(narrowed) == ["Old Li"]
    assert "2 customers, of whom 1 fit the filters." in text(narrowed)
    assert f"?segment={row.pk}" in text(client.get(reverse("customers:segment", args=[row.pk])))


@pytest.mark.parametrize("sort", ["name", "-name"])
@pytest.mark.parametrize("window", [1, 2, 100])
def test_a_large_segment_is_read_in_the_order_of_names_and_shows_the_same(client, city, monkeypatch, window, sort):
    """Names in two cities and twice the same, customers locked or merged or of another type since the count."""
    client.force_login(UserFactory(role="regional_manager"))
    other = CityFactory()
    people = [
        CustomerFactory(
            city=(city, other)[n % 2], name=f"Old {n // 2}", name_sort=f"old {n // 2}", age=70 - 50 * (n % 5 == 4)
        )
        for n in range(12)
    ]
    row = made(None)
    Customer.objects.filter(pk=people[3].pk).update(merged_into=people[0])
    Customer.objects.filter(pk=people[6].pk).update(is_suppressed=True)
    asked = [{}, {"city": other.pk}, {"is_suppressed": "0"}, {"type": "business"}, {"is_suppressed": "1"}]
    urls = [{"segment": row.pk, "sort": sort, **more} for more in asked]
    sorted_all = [keys_in(client.get(reverse(CUSTOMERS), url)) for url in urls]

    monkeypatch.setattr(queries, "SHOWN", 8)
    monkeypatch.setattr(queries, "LOOKUP", 1_000_000)
    monkeypatch.setattr(queries, "WINDOW", window)
    read_on = [keys_in(client.get(reverse(CUSTOMERS), url)) for url in urls]

    assert [len(keys) for keys in sorted_all] == [9, 4, 8, 0, 1]
    assert read_on == [keys[:8] for keys in sorted_all]


def test_a_segment_whose_names_lie_far_apart_is_sorted_after_all(client, data, city, monkeypatch):
    for n in range(6):
        CustomerFactory(city=city, name=f"Old {n}", name_sort=f"old {n}", age=20 if n < 5 else 70)
    row = made(city)
    monkeypatch.setattr(queries, "LOOKUP", 1_000_000)
    monkeypatch.setattr(queries, "WINDOW", 1)
    monkeypatch.setattr(queries, "WALKED", 3)

    assert names_in(client.get(reverse(CUSTOMERS), {"segment": row.pk})) == ["Old 5"]


def test_of_a_large_segment_it_is_said_that_over_so_many_fit(client, data, city, monkeypatch):
    for n in range(4):
        CustomerFactory(city=city, name=f"Old {n}", age=70)
    row = made(city)
    monkeypatch.setattr(members, "READ", 2)
    monkeypatch.setattr(persons, "FIT_COUNTED", 3)
    assert "4 customers, of whom over 3 fit" in text(client.get(reverse(CUSTOMERS), {"segment": row.pk}))

    monkeypatch.setattr(persons, "FIT_COUNTED", 4)
    assert "4 customers, of whom 4 fit" in text(client.get(reverse(CUSTOMERS), {"segment": row.pk}))


@pytest.mark.parametrize(
    ("in_segment", "is_so"), [(0, False), (35_000, False), (36_000, True), (90_000, True), (5_000_000, True)]
)
def test_reading_names_on_is_quicker_for_no_small_part_of_all(in_segment, is_so):
    assert queries.is_quicker_by_name(in_segment, 5_000_000) is is_so


def test_the_filter_offers_no_segments_of_another_city_none_archived_and_none_not_counted(client, data, city):
    CustomerFactory(city=city, name="Old Wang", age=70)
    theirs = made(CityFactory(), name="Theirs")
    gone, waiting = made(city, name="Gone"), made(city, name="Waiting", counted=False)
    segments.archive_segment(segment=gone, by=data, at=database_now())

    page = text(client.get(reverse(CUSTOMERS)))

    assert [name for name in ("Theirs", "Gone", "Waiting") if name in page] == []
    for row in (theirs, gone, waiting):
        answer = client.get(reverse(CUSTOMERS), {"segment": row.pk})
        assert (names_in(answer), row.name in text(answer)) == ([], False)


@pytest.mark.parametrize("role", ["supervisor", "qa"])
def test_who_sees_no_segments_is_offered_none(client, city, role):
    row = made(city)
    client.force_login(UserFactory(role=role, city=city))

    answer = client.get(reverse(CUSTOMERS), {"segment": row.pk})

    assert answer.status_code == 200
    assert "segment" not in answer.context["listing"].filterset.form.fields
    assert "Seniors" not in text(answer)


def test_a_customer_who_moved_away_since_the_count_is_not_shown_to_the_city(client, data, city):
    CustomerFactory(city=city, name="Old Wang", age=70)
    row = made(city)
    Customer.objects.update(city=CityFactory())

    answer = client.get(reverse(CUSTOMERS), {"segment": row.pk})

    assert names_in(answer) == []
    assert client.get(reverse("customers:segment", args=[row.pk]), {"export": "csv"}).status_code == 409


# ---------------------------------------------------------------- a file of its customers


def file_of(client, url, **query) -> list[str]:
    answer = client.get(url, {"export": "csv", **query})
    assert answer.status_code == 200, text(answer)
    return b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()


def ask(client, url, **query) -> ExportRequest:
    answer = client.get(url, {"export": "csv", **query})
    assert answer.status_code == 409
    what = re.search(r'name="what" value="([^"]+)"', text(answer))[1]
    client.post(reverse("people:export-ask"), {"what": what, "purpose": "letters"})
    return ExportRequest.objects.latest("pk")


def approve(row, city) -> None:
    exports.decide_export(asked=row, approve=True, by=UserFactory(role="city_manager", city=city), at=database_now())


def test_few_customers_of_a_segment_leave_at_once_masked_and_are_written_down(client, data, city):
    CustomerFactory(city=city, name="Old Wang", age=70, number=NUMBER)
    CustomerFactory(city=city, name="Young Li", age=20)
    row = made(city)

    lines = file_of(client, reverse("customers:segment", args=[row.pk]))

    assert len(lines) == 2
    assert ("Old Wang" in lines[1], "191****7548" in lines[1], NUMBER in lines[1]) == (True, True, False)
    told = AuditEvent.objects.get(action="core.list.exported").detail
    assert (told["list"], told["rows"], told["alone"]) == ("customers.members", 1, True)


def test_many_customers_of_a_segment_leave_when_a_second_person_agreed_and_for_that_segment_alone(
    client, data, city, monkeypatch
):
    monkeypatch.setattr(exports, "TWO_PERSONS", 2)
    for age in (61, 70):
        CustomerFactory(city=city, age=age)
    row, other = made(city), made(city, name="Other")
    url = reverse("customers:segment", args=[row.pk])

    asked = ask(client, url)
    assert (asked.list_name, asked.row_count, asked.city_ids) == ("customers.members", 2, [city.pk])
    approve(asked, city)

    assert client.get(reverse("customers:segment", args=[other.pk]), {"export": "csv"}).status_code == 409
    page = text(client.get(reverse("people:exports")))
    link = re.search(rf'href="({url}\?[^"]*export=xlsx[^"]*)"', page)[1].replace("&amp;", "&")
    assert list(client.get(link).streaming_content)
    assert len(file_of(client, url)) == 3
    details = [event.detail for event in AuditEvent.objects.filter(action="core.list.exported")]
    assert {told["request"] for told in details} == {asked.pk}


@pytest.mark.parametrize("page", ["segment", "customers"])
def test_an_approval_does_not_cover_other_conditions(client, data, city, monkeypatch, page):
    monkeypatch.setattr(exports, "TWO_PERSONS", 1)
    CustomerFactory(city=city, age=70)
    CustomerFactory(city=city, age=20)
    row = made(city)
    url, query = (reverse("customers:segment", args=[row.pk]), {})
    if page == "customers":
        url, query = reverse(CUSTOMERS), {"segment": row.pk}
    approve(ask(client, url, **query), city)
    assert len(file_of(client, url, **query)) == 2

    young = {"version": 1, "root": {"group": "and", "parts": [{"is": "age", "op": "at_most", "value": 30}]}}
    segments.change_segment(segment=row, told=Told(name=row.name, conditions=young), by=data, at=database_now())
    row.refresh_from_db()
    run_inline(row.job_id)

    assert client.get(url, {"export": "csv", **query}).status_code == 409


def test_a_file_of_a_segment_notes_the_canaries_in_it(client, city):
    boss = UserFactory(role="administrator")
    canary = place_canary(number="19100007549", name="何平", city=city, alert_to=boss, by=boss, at=database_now())
    Customer.objects.filter(pk=canary.customer_id).update(age=70)
    row = made(city)
    client.force_login(UserFactory(role="data"))

    file_of(client, reverse("customers:segment", args=[row.pk]))

    assert CanaryExport.objects.get().canary == canary


def test_who_may_not_take_customers_along_gets_no_file_of_a_segment(client, city):
    CustomerFactory(city=city, age=70)
    row = made(city)
    client.force_login(UserFactory(role="city_manager", city=city))
    url = reverse("customers:segment", args=[row.pk])

    assert "export=csv" not in text(client.get(url))
    assert client.get(url, {"export": "csv"}).status_code == 403
