"""Lead lists in the browser and over the API."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from core.clock import database_now
from core.jobs import run_inline
from core.models import AuditEvent, Job, PrivateFile
from customers.models import Customer, LeadList, RowVerdict, Source
from customers.services import list_receiving, list_rejects, lists
from customers.tests import list_files
from customers.tests.factories import CustomerFactory, LeadListFactory, SourceFactory
from people.models import ExportRequest
from people.services import exports
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
A, B = "19100007541", "19100007542"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def data(client):
    """A member of the region's data team, signed in."""
    user = UserFactory(role="data")
    client.force_login(user)
    return user


def text(answer) -> str:
    return answer.content.decode()


def upload(name: str, file: io.BytesIO) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, file.getvalue(), content_type=XLSX)


def checked(by, *rows, city=None, heads=list_files.HEADS) -> LeadList:
    lead_list = list_receiving.receive_list(
        file=list_files.workbook(rows, heads), file_name="list.xlsx", name="November", source=Source.objects.first() or SourceFactory(), city=city,
        consent_basis="contract", by=by, at=database_now(),
    )  # fmt: skip
    run_inline(lead_list.job_id)
    lead_list.refresh_from_db()
    return lead_list


# ---------------------------------------------------------------- the way of a list


def test_a_list_is_uploaded_watched_read_and_committed(client, data, foshan):
    answer = client.post(
        reverse("customers:list-upload"),
        {"file": upload("11月.xlsx", list_files.workbook([["E1", "张国", A, "佛山", 58, "gold"], ["E2", "孙明", "1.38E+10", "佛山", 44, ""]])),
         "new_source": "Lingnan", "new_source_kind": "bought", "consent_basis": "contract of 2026"},
    )  # fmt: skip
    lead_list = LeadList.objects.get()
    page = reverse("customers:list", args=[lead_list.pk])
    assert answer.url == page
    assert (lead_list.name, lead_list.source.name, lead_list.source.kind) == ("11月", "Lingnan", "bought")

    waiting = text(client.get(page))
    assert "Being checked" in waiting
    assert reverse("customers:list-progress", args=[lead_list.pk]) in waiting

    run_inline(lead_list.job_id)
    assert client.get(reverse("customers:list-progress", args=[lead_list.pk])).headers["HX-Refresh"] == "true"
    result = text(client.get(page, {"verdict": "all"}))
    assert "191****7541" in result
    assert A not in result
    assert "Phone number has lost its digits" in result
    assert "Commit 1 row<" in result

    client.post(reverse("customers:list-commit", args=[lead_list.pk]))
    lead_list.refresh_from_db()
    run_inline(lead_list.job_id)
    assert "Committed by" in text(client.get(page))
    assert Customer.objects.get().name == "张国"


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (list_files.ole(encrypted=True), "protected by a password"),
        (list_files.ole(encrypted=False), "Excel 97-2003"),
        (list_files.far_cell(), "far outside the list"),
        (io.BytesIO(b"%PDF-1.4"), "neither an Excel workbook"),
        (io.BytesIO(b""), "empty"),
    ],
)
def test_a_bad_file_gets_its_sentence_on_the_form_and_leaves_nothing(client, data, file, sentence):
    answer = client.post(
        reverse("customers:list-upload"), {"file": upload("x.xlsx", file), "new_source": "S", "consent_basis": "c"}
    )

    assert answer.status_code == 422
    assert sentence in text(answer)
    assert not LeadList.objects.exists()
    assert not Source.objects.exists()


def test_an_upload_without_source_or_consent_says_so(client, data):
    page = text(client.post(reverse("customers:list-upload"), {"file": upload("x.xlsx", list_files.workbook([]))}))

    assert "Choose the source, or name a new one." in page
    assert "This field is required." in page


def test_a_file_without_phone_column_shows_its_fault_and_the_way_on(client, data, foshan):
    lead_list = checked(data, ["张国"], heads=["name"])

    page = text(client.get(reverse("customers:list", args=[lead_list.pk])))

    assert "No column holds the phone number." in page
    assert reverse("customers:list-upload") in page


def test_an_update_shows_old_and_new_value(client, data, foshan):
    known = CustomerFactory(city=foshan, name="Zhang", number=A, age=58)
    lead_list = checked(data, ["", "Zhang", A, "Foshan", 59, ""])

    page = text(client.get(reverse("customers:list", args=[lead_list.pk]), {"verdict": "update"}))

    assert "<del>58</del> → <b>59</b>" in page
    assert reverse("customers:customer", args=[known.pk]) in page


def test_rows_are_filtered_by_verdict_reason_and_customer_number(client, data, foshan):
    lead_list = checked(
        data,
        ["E1", "one", A, "Foshan", "", ""],
        ["E2", "two", B, "禅城", "", ""],
        ["E3", "three", "12", "Foshan", "", ""],
    )
    page = reverse("customers:list", args=[lead_list.pk])

    by_reason = text(client.get(page, {"verdict": "invalid", "reason": "city_unknown"}))
    assert ">two<" in by_reason
    assert ">three<" not in by_reason
    assert "禅城" in by_reason
    found = text(client.get(page, {"verdict": "all", "q": "E3"}))
    assert ">three<" in found
    assert ">one<" not in found
    assert "No row fits the search." in text(client.get(page, {"verdict": "all", "q": "nobody"}))


def test_rows_are_decided_by_reason_from_the_page(client, data, foshan):
    source = SourceFactory()
    CustomerFactory(city=foshan, source=source, external_id="E1", number="19100008001")
    lead_list = checked(data, ["E1", "one", A, "Foshan", "", ""])

    assert "Add the number" in text(client.get(reverse("customers:list", args=[lead_list.pk])))
    client.post(reverse("customers:list-decide", args=[lead_list.pk]), {"reason": "new_number", "accept": "1"})

    assert RowVerdict.objects.get().reason == "add_number"


def test_the_columns_page_says_what_was_understood(client, data, foshan):
    lead_list = checked(data, ["E1", "one", A, "Foshan", 30, "gold"])

    page = text(client.get(reverse("customers:list-columns", args=[lead_list.pk])))

    assert "known by its heading" in page
    assert "kept as attribute" in page
    assert "191****7541" in page


def test_giving_up_is_one_button(client, data, foshan):
    lead_list = checked(data, ["E1", "one", A, "Foshan", 30, "gold"])

    client.post(reverse("customers:list-give-up", args=[lead_list.pk]))

    assert "This list was given up." in text(client.get(reverse("customers:list", args=[lead_list.pk])))
    assert PrivateFile.objects.get().destroyed_at


# ---------------------------------------------------------------- workbooks


def test_rejected_rows_come_back_correctable_with_their_reason(client, data, foshan):
    CustomerFactory(city=foshan, name="x", number=B)
    lead_list = checked(
        data,
        ["E1", "=cmd()", "191000075", "Foshan", 58, "+gold"],
        ["E2", "ok", A, "Foshan", 1, ""],
        ["E3", "dup", A, "Foshan", 1, ""],
    )

    answer = client.post(reverse("customers:list-rejects", args=[lead_list.pk]))

    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    head, first, second = book.active.iter_rows(values_only=True)
    assert head == (*list_files.HEADS, "# Row", "# Verdict", "# Reason", "# Seen")
    assert first[:8] == ("E1", "'=cmd()", "191000075", "Foshan", 58, "'+gold", 2, "Invalid")
    assert second[:9] == (
        "E3",
        "dup",
        "191****7541",
        "Foshan",
        1,
        None,
        4,
        "Duplicate in file",
        "The number stands in an earlier row",
    )
    event = AuditEvent.objects.get(action=list_rejects.ACTION)
    assert event.detail == {"rows": 2, "whole": 1, "alone": True}


def test_beyond_the_daily_quota_rejected_numbers_are_masked(client, data, foshan, monkeypatch):
    monkeypatch.setattr(list_rejects, "WHOLE_ROWS_A_DAY", 1)
    lead_list = checked(data, ["E1", "a", A, "禅城", "", ""], ["E2", "b", B, "禅城", "", ""])

    answer = client.post(reverse("customers:list-rejects", args=[lead_list.pk]))
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    assert [row[2] for row in book.active.iter_rows(min_row=2, values_only=True)] == [A, "191****7542"]

    again = client.post(reverse("customers:list-rejects", args=[lead_list.pk]))
    book = openpyxl.load_workbook(io.BytesIO(b"".join(again.streaming_content)))
    assert [row[2] for row in book.active.iter_rows(min_row=2, values_only=True)] == ["191****7541", "191****7542"]


def test_many_rejected_rows_leave_when_a_second_person_agreed(client, data, foshan, monkeypatch):
    """They are counted together with what left before: 1 row of this workbook and 1 of another file make 2."""
    monkeypatch.setattr(exports, "TWO_PERSONS", 2)
    lead_list = checked(data, ["E1", "a", "191000075", "Foshan", "", ""])
    url = reverse("customers:list-rejects", args=[lead_list.pk])
    assert b"".join(client.post(url).streaming_content)[:2] == b"PK"

    asked = client.post(url)

    assert asked.status_code == 409
    assert "In rows with a fault the numbers stand as they came." in text(asked)
    assert AuditEvent.objects.filter(action=list_rejects.ACTION).count() == 1
    what = re.search(r'name="what" value="([^"]+)"', asked.content.decode())[1]
    client.post(reverse("people:export-ask"), {"what": what, "purpose": "to repair them"})
    request = ExportRequest.objects.get()
    exports.decide_export(asked=request, approve=True, by=UserFactory(role="administrator"), at=database_now())
    assert client.get(f"{request.path}?{request.query}&export=xlsx").status_code == 200
    assert b"".join(client.post(url).streaming_content)[:2] == b"PK"
    assert AuditEvent.objects.filter(action=list_rejects.ACTION).latest("pk").detail["request"] == request.pk


def test_nothing_rejected_is_a_sentence(client, data, foshan):
    lead_list = checked(data, ["E1", "a", A, "Foshan", "", ""])

    page = client.post(reverse("customers:list-rejects", args=[lead_list.pk]), follow=True)

    assert "Every row was taken: there is nothing to download." in text(page)


@pytest.mark.parametrize(
    ("language", "heads"),
    [
        ("en", ["external_id", "name", "phone", "city", "type", "gender", "age"]),
        ("zh-hans", ["客户编号", "姓名", "手机", "城市", "客户类型", "性别", "年龄"]),
    ],
)
def test_the_template_has_the_headings_that_are_understood(client, data, language, heads):
    data.language = language
    data.save(update_fields=["language"])

    answer = client.get(reverse("customers:list-template"))

    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    assert [cell.value for cell in book.active[1]] == heads


# ---------------------------------------------------------------- who


def test_a_number_of_another_city_looks_new_on_every_way_to_a_citys_list(client, data, foshan):
    """Two files alike, but that one number of the second is known in another city: page, lists, API and workbook of a city say the same."""
    local = UserFactory(role="data", city=foshan)
    plain = checked(local, ["", "x", A, "", "", ""], ["", "y", "1.38E+10", "", "", ""], city=foshan)
    CustomerFactory(city=CityFactory(name="Guangzhou"), number=B)
    held = checked(local, ["", "x", B, "", "", ""], ["", "y", "1.38E+10", "", "", ""], city=foshan)
    api = APIClient()

    def seen(lead_list):
        page = reverse("customers:list", args=[lead_list.pk])
        told = [client.get(page, {"verdict": verdict}) for verdict in ("all", "new", "undecided")]
        rejects = client.post(reverse("customers:list-rejects", args=[lead_list.pk]))
        book = openpyxl.load_workbook(io.BytesIO(b"".join(rejects.streaming_content)))
        answer = api.get(f"/api/v1/lists/{lead_list.pk}/").json()
        return (
            [[row.verdict for row in answer.context["rows"]] for answer in told], [answer.context["counts"] for answer in told],
            [answer.context["steps"][3]["small"] for answer in told], [answer.context["good"] for answer in told],
            [[cell.value for cell in row] for row in book.active.rows],
            answer["counts"], [(row["verdict"], row["reason"], row["customer_id"]) for row in
                               api.get(f"/api/v1/lists/{lead_list.pk}/verdicts/").json()["results"]],
            [row[2][5].html for row in client.get(reverse("customers:lists")).context["listing"].rows],
        )  # fmt: skip

    client.force_login(local)
    api.force_login(local)
    assert seen(held) == seen(plain)
    for lead_list in (held, plain):
        run_inline(lists.commit_list(lead_list=lead_list, by=local, at=database_now()).pk)
    assert seen(held) == seen(plain)
    assert api.get(f"/api/v1/jobs/{LeadList.objects.get(pk=held.pk).job_id}/").json()["result"] == {
        "counts": {"new": 1, "invalid": 1}
    }
    assert Customer.objects.count() == 2

    client.force_login(data)
    api.force_login(data)
    assert api.get(f"/api/v1/lists/{held.pk}/").json()["counts"]["undecided"] == 1
    assert "The data team of the region decides about this row" in text(
        client.get(reverse("customers:list", args=[held.pk]), {"verdict": "undecided"})
    )
    assert [row[2][7].html for row in client.get(reverse("customers:lists")).context["listing"].rows] == ["1", "0"]


def test_another_citys_list_is_404_everywhere(client, foshan):
    lead_list = LeadListFactory(city=foshan)
    client.force_login(UserFactory(role="data", city=CityFactory()))

    for name in ("list", "list-columns", "list-progress"):
        assert client.get(reverse(f"customers:{name}", args=[lead_list.pk])).status_code == 404
    for name in ("list-commit", "list-give-up", "list-stop", "list-decide", "list-rejects"):
        assert client.post(reverse(f"customers:{name}", args=[lead_list.pk])).status_code == 404
    assert lead_list.name not in text(client.get(reverse("customers:lists")))


@pytest.mark.parametrize(
    ("role", "status"),
    [("campaign_manager", 200), ("regional_manager", 200), ("administrator", 200), ("qa", 403), ("trainer", 403)],
)
def test_managers_look_and_others_are_turned_away(client, role, status, foshan):
    lead_list = LeadListFactory(city=foshan, status="failed", fault="header_only")
    client.force_login(UserFactory(role=role))

    assert client.get(reverse("customers:lists")).status_code == status
    assert client.get(reverse("customers:list", args=[lead_list.pk])).status_code == status
    if role in ("campaign_manager", "regional_manager"):
        assert client.get(reverse("customers:list-upload")).status_code == 403
        assert client.post(reverse("customers:list-commit", args=[lead_list.pk])).status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_lists_runs_the_same_queries_however_many_there_are(
    client, data, foshan, count, django_assert_num_queries
):
    LeadListFactory.create_batch(count, city=foshan, created_by=data)
    client.get(reverse("customers:lists"))

    with django_assert_num_queries(6):
        client.get(reverse("customers:lists"))


@pytest.mark.parametrize("count", [1, 3])
def test_a_result_page_runs_the_same_queries_however_many_rows_it_shows(
    client, data, foshan, count, django_assert_num_queries
):
    for n in range(count):
        CustomerFactory(city=foshan, name="x", number=f"1910000800{n}", age=20)
    lead_list = checked(data, *[["", "x", f"1910000800{n}", "Foshan", 30, "gold"] for n in range(count)])
    page = reverse("customers:list", args=[lead_list.pk])
    client.get(page)

    with django_assert_num_queries(11):
        client.get(page, {"verdict": "update"})


# ---------------------------------------------------------------- API


def test_the_api_uploads_tells_commits_and_repeats_harmlessly(foshan):
    user, source = UserFactory(role="data"), SourceFactory()
    api = APIClient()
    api.force_authenticate(user)
    file = list_files.workbook([["E1", "张国", A, "佛山", 58, ""], ["E2", "x", "12", "佛山", 5, ""]])
    body = {"source": source.pk, "consent_basis": "contract", "name": "by api"}

    made = api.post(
        "/api/v1/lists/", body | {"file": upload("a.xlsx", file)}, format="multipart", headers={"Idempotency-Key": "k1"}
    )
    assert made.status_code == 201, made.content
    repeat = api.post(
        "/api/v1/lists/", body | {"file": upload("a.xlsx", file)}, format="multipart", headers={"Idempotency-Key": "k1"}
    )
    assert repeat.json()["id"] == made.json()["id"]
    pk = made.json()["id"]
    early = api.post(f"/api/v1/lists/{pk}/commit/")
    assert (early.status_code, early.json()["code"]) == (409, "NothingToCommit")

    run_inline(made.json()["job"])
    status = api.get(f"/api/v1/lists/{pk}/").json()
    assert (status["status"], status["counts"]["new"], status["counts"]["invalid"]) == ("checked", 1, 1)
    rows = api.get(f"/api/v1/lists/{pk}/verdicts/", {"verdict": "invalid"}).json()
    assert rows["count"] == 1
    assert rows["results"][0]["reason"] == "Phone number is too short"
    assert A not in str(api.get(f"/api/v1/lists/{pk}/verdicts/").json())

    job = api.post(f"/api/v1/lists/{pk}/commit/").json()["job"]
    run_inline(job)
    assert api.get(f"/api/v1/lists/{pk}/").json()["status"] == "committed"
    assert Customer.objects.count() == 1


def test_the_api_refuses_a_bad_file_with_409_and_a_stranger_with_403(foshan):
    source, api = SourceFactory(), APIClient()
    api.force_authenticate(UserFactory(role="data"))
    refused = api.post(
        "/api/v1/lists/",
        {"source": source.pk, "consent_basis": "c", "file": upload("a.xls", list_files.ole(encrypted=False))},
        format="multipart",
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "FileRefused")
    assert "save it as Excel workbook" in refused.json()["detail"]

    api.force_authenticate(UserFactory(role="qa"))
    assert api.get("/api/v1/lists/").status_code == 403
    assert APIClient().get("/api/v1/lists/").status_code in (401, 403)


def test_the_api_shows_only_visible_lists(foshan):
    other = LeadListFactory(city=foshan)
    api = APIClient()
    api.force_authenticate(UserFactory(role="data", city=CityFactory()))

    assert api.get("/api/v1/lists/").json()["count"] == 0
    assert api.get(f"/api/v1/lists/{other.pk}/").status_code == 404
    assert api.post(f"/api/v1/lists/{other.pk}/commit/").status_code == 404


# ---------------------------------------------------------------- no digits


def test_no_number_reaches_a_log_a_job_or_the_audit_trail(client, data, foshan, caplog):
    caplog.set_level("DEBUG")
    lead_list = checked(
        data,
        ["E1", "a", A, "禅城", "", ""],
        ["E2", "b", B, "Foshan", "", ""],
        ["E3", "c", "1910000754399", "Foshan", "", ""],
    )
    client.post(reverse("customers:list-commit", args=[lead_list.pk]))
    lead_list.refresh_from_db()
    run_inline(lead_list.job_id)
    client.get(reverse("customers:list", args=[lead_list.pk]), {"verdict": "all"})

    seen = [
        caplog.text,
        str(list(Job.objects.values())),
        str(list(AuditEvent.objects.values())),
        str(list(LeadList.objects.values())),
    ]
    seen += [str(list(RowVerdict.objects.values())), str(list(PrivateFile.objects.values("name", "path")))]
    assert LeadList.objects.get().status == "committed"
    for number in (A, B, "1910000754399"):
        assert not any(number in one for one in seen)
