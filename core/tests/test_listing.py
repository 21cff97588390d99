import io

import openpyxl
import pytest
from django.contrib.auth import get_user_model

from core.jobs import enqueue
from core.listing import Listing
from core.models import AuditEvent, Job
from core.tests.factories import UserFactory

EXPORT = Listing.export

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    user = UserFactory(administrator=True, display_name="Boss")
    client.force_login(user)
    return user


def jobs(count, **more):
    """Asked for by a person: the list shows these unless told otherwise."""
    by = get_user_model().objects.get(display_name="Boss")
    return [enqueue(kind="core.seal_audit", key=f"{number:03}", by=by, **more) for number in range(count)]


def shown(response):
    return [row.key for row, _href, _cells in response.context["listing"].rows]


def refused(listing):
    listing.may_export = False
    return EXPORT(listing)


def body(response):
    return b"".join(response.streaming_content)


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_runs_the_same_queries_however_many_rows(client, boss, django_assert_num_queries, count):
    jobs(count)
    client.get("/jobs/")

    with django_assert_num_queries(5):
        client.get("/jobs/")


def test_pages_hold_all_rows_once_and_the_address_says_which(client, boss):
    jobs(60)
    Job.objects.update(created_at="2026-11-22T00:00:00Z")

    first, second = client.get("/jobs/"), client.get("/jobs/?page=2")

    assert len(shown(first)) == 50
    assert len(shown(second)) == 10
    assert len(set(shown(first) + shown(second))) == 60
    assert b"Rows 1 to 50 of 60" in first.content
    assert shown(client.get("/jobs/?page=99")) == shown(second)
    assert shown(client.get("/jobs/?page=x")) == shown(first)


def test_a_sort_is_in_the_address_and_an_unknown_one_is_the_default(client, boss):
    for number, job in enumerate(jobs(3)):
        Job.objects.filter(pk=job.pk).update(done=[5, 9, 7][number])

    assert shown(client.get("/jobs/?sort=-done")) == ["001", "002", "000"]
    assert shown(client.get("/jobs/?sort=done")) == ["000", "002", "001"]
    assert sorted(shown(client.get("/jobs/?sort=args__secret"))) == ["000", "001", "002"]
    assert b'aria-sort="descending"' in client.get("/jobs/?sort=-done").content


def test_rows_without_a_value_come_last_in_both_directions(client, boss):
    for number, job in enumerate(jobs(3)):
        Job.objects.filter(pk=job.pk).update(total=[None, 9, 7][number])

    assert shown(client.get("/jobs/?sort=total")) == ["002", "001", "000"]
    assert shown(client.get("/jobs/?sort=-total")) == ["001", "002", "000"]


def test_a_filter_keeps_what_fits_and_can_be_taken_off(client, boss):
    Job.objects.filter(pk=jobs(3)[0].pk).update(state="dead")

    response = client.get("/jobs/?state=dead&sort=-done")

    assert shown(response) == ["000"]
    assert response.context["listing"].reset_url == "?sort=-done"
    assert 'class="filter is-set"' in response.content.decode()


def test_a_filter_that_cannot_be_understood_shows_nothing_and_its_fault(client, boss):
    jobs(2)

    response = client.get("/jobs/?since=yesterday")

    assert shown(response) == []
    assert b"Enter a valid date" in response.content


def test_an_empty_list_says_so_and_one_emptied_by_filters_shows_the_way_out(client, boss):
    assert "No work in the background yet." in client.get("/jobs/").content.decode()
    jobs(1)
    assert "No row fits the filters." in client.get("/jobs/?state=dead").content.decode()


def test_the_file_holds_all_pages_of_what_is_shown(client, boss):
    jobs(60)
    Job.objects.filter(key__lt="055").update(state="done")

    response = client.get("/jobs/?state=done&export=xlsx&page=2")

    sheet = openpyxl.load_workbook(io.BytesIO(body(response))).active
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 2 + 55
    assert rows[0][0].startswith("Jobs, as shown to Boss on ")
    assert rows[1][:3] == ("Work", "State", "Done")
    assert "Jobs-" in response.headers["Content-Disposition"] or "jobs-" in response.headers["Content-Disposition"]
    event = AuditEvent.objects.get(action="core.list.exported")
    assert event.detail == {"list": "core.jobs", "rows": 55, "format": "xlsx", "filters": ["state"]}


def test_the_same_as_csv_in_the_order_shown(client, boss):
    for number, job in enumerate(jobs(2)):
        Job.objects.filter(pk=job.pk).update(done=number)

    lines = body(client.get("/jobs/?export=csv&sort=-done")).decode("utf-8-sig").splitlines()

    assert lines[0].startswith("Work,State,Done,Of")
    assert [line.split(",")[2] for line in lines[1:]] == ["1", "0"]


def test_an_export_of_nothing_is_refused_with_a_sentence(client, boss):
    response = client.get("/jobs/?export=xlsx")

    assert response.status_code == 409
    assert "There is nothing to export" in response.content.decode()
    assert not AuditEvent.objects.exists()


def test_who_may_not_export_is_refused_with_a_sentence(client, boss, monkeypatch):
    monkeypatch.setattr("core.listing.Listing.export", refused)
    jobs(1)

    response = client.get("/jobs/?export=csv")

    assert response.status_code == 403
    assert "Your role does not allow this export." in response.content.decode()
    assert AuditEvent.objects.get().refused


def test_an_export_too_long_is_refused(client, boss, monkeypatch):
    monkeypatch.setattr("core.listing.EXPORTED", 2)
    jobs(3)

    response = client.get("/jobs/?export=csv")

    assert response.status_code == 409
    assert "Narrow them" in response.content.decode()


def test_counting_stops_where_nobody_pages_any_more(client, boss, monkeypatch):
    monkeypatch.setattr("core.listing.COUNTED", 10)
    jobs(60)

    assert "of more than" in client.get("/jobs/").content.decode()


def test_text_in_a_cell_is_escaped(client, boss):
    job = jobs(1)[0]
    Job.objects.filter(pk=job.pk).update(last_error="<script>alert(1)</script>")

    assert b"<script>alert(1)" not in client.get("/jobs/").content
