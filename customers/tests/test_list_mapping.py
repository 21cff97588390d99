"""Sheet, heading row and columns chosen by a person, kept for the source and found again."""

from __future__ import annotations

import io

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from core.clock import database_now
from core.errors import PermissionRefused
from core.jobs import run_inline
from core.models import AuditEvent
from customers.models import ColumnMapping, LeadList, StagedRow
from customers.services import list_receiving, mappings
from customers.services.mappings import MappingUnfit, NotMappable
from customers.tests import list_files
from customers.tests.factories import SourceFactory
from customers.tests.test_lists import A, B, C, check, commit, receive, rows_file, verdicts
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def data():
    return UserFactory(role="data")


@pytest.fixture
def source():
    return SourceFactory(name="bank")


def book(*sheets, hidden=(), merged=()) -> io.BytesIO:
    """(name, rows) of each sheet; `merged`: (sheet, range, text)."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as made:
        for name, rows in sheets:
            sheet = made.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
            for where, cells, text in merged:
                if where == name:
                    sheet.merge_range(cells, text)
            if name in hidden:
                sheet.hide()
    target.seek(0)
    return target


def look(lead_list, by, **place):
    return mappings.look_into(lead_list=lead_list, by=by, **place)


def confirm(lead_list, by, columns, *, sheet="Sheet1", row_no=1, remember=True) -> LeadList:
    job = mappings.confirm_mapping(
        lead_list=lead_list, sheet=sheet, row_no=row_no, columns=columns, remember=remember, by=by, at=database_now()
    )
    assert run_inline(job.pk)
    lead_list.refresh_from_db()
    return lead_list


TWO = [[A, B, "张国", "佛山"]], ["手机", "固话", "姓名", "城市"]
FIRST_PHONE = [("phone", ""), ("", ""), ("name", ""), ("city", "")]


# ---------------------------------------------------------------- looking


def test_a_look_says_sheets_headings_and_values_and_shows_no_number(data, source, foshan):
    sheets = (
        ("说明", [["读我"]]),
        ("旧", [["phone"], [C]]),
        ("名单", [["手机", "姓名", "月费"], [A, "张国", 88.5], [B, "孙明", 99]]),
    )
    lead_list = receive(book(*sheets, hidden=["旧"]), data, source, city=foshan)
    lead_list.job_id = None
    lead_list.save()

    found = look(lead_list, data, sheet="名单")

    assert found["sheets"] == [
        {"name": "说明", "rows": 1, "hidden": False}, {"name": "旧", "rows": 2, "hidden": True}, {"name": "名单", "rows": 3, "hidden": False},
    ]  # fmt: skip
    assert [(c["heading"], c["field"], c["name"]) for c in found["columns"]] == [
        ("手机", "phone", ""), ("姓名", "name", ""), ("月费", "attribute", "月费"),
    ]  # fmt: skip
    assert [c["seen"] for c in found["columns"]] == [["191****7541", "191****7542"], ["张国", "孙明"], ["88.5", "99"]]
    assert [(row["phone_mask"], row["name"], row["attributes"]) for row in found["rows"]] == [
        ("191****7541", "张国", {"月费": 88.5}), ("191****7542", "孙明", {"月费": 99}),
    ]  # fmt: skip
    assert not any(number in str(found) for number in (A, B, C))
    assert look(lead_list, data)["sheet"] == "说明"


def test_a_title_above_merged_over_the_columns_is_no_heading(data, source, foshan):
    rows = ["", "", ""], ["", "", ""], ["手机", "姓名", "城市"], [A, "张国", "佛山"]
    lead_list = check(book(("名单", rows), merged=[("名单", "A1:C2", "十一月名单")]), data, source)

    assert verdicts(lead_list) == ["new"]
    found = look(lead_list, data)
    assert (found["row_no"], [row["cells"][0] for row in found["first"]]) == (
        3,
        ["十一月名单", "", "手机", "191****7541"],
    )


# ---------------------------------------------------------------- two sheets

MARCH, APRIL = ("三月", [TWO[1], [A, "", "张国", "佛山"]]), ("四月", [TWO[1], [B, "", "孙明", "佛山"]])


def test_of_two_sheets_with_a_list_none_is_taken_unasked(client, data, source, foshan):
    heads = ["手机", "姓名", "城市"]
    sheets = [
        (name, [heads, [number, who, "佛山"]]) for name, number, who in (("三月", A, "张国"), ("四月", B, "孙明"))
    ]
    lead_list = check(book(*sheets), data, source)
    client.force_login(data)

    page = client.get(url("list", lead_list)).content.decode()
    assert (lead_list.fault, lead_list.fault_detail) == ("two_lists", {"sheets": "三月, 四月"})
    assert "More than one sheet holds a list: 三月, 四月." in page
    assert not StagedRow.objects.exists()
    asks = client.get(url("list-mapping", lead_list)).content.decode()
    assert ("Which sheet?" in asks, 'name="check"' in asks) == (True, False)
    there = client.get(url("list-mapping", lead_list), {"sheet": "四月"}).content.decode()
    assert ("Which sheet?" in there, 'name="check"' in there, "191****7542" in there) == (False, True, True)

    confirm(lead_list, data, [("phone", ""), ("name", ""), ("city", "")], sheet="四月")

    assert [row.name for row in StagedRow.objects.all()] == ["孙明"]
    assert "Which sheet?" not in client.get(url("list-mapping", lead_list)).content.decode()


def test_a_saved_mapping_chooses_columns_and_no_sheet(data, source, foshan):
    confirm(check(rows_file(*TWO[0], heads=TWO[1]), data, source), data, FIRST_PHONE)

    assert check(book(MARCH, APRIL), data, source).fault == "two_lists"
    assert verdicts(check(book(MARCH, ("说明", [["手机", "11 digits"]])), data, source)) == ["new"]


def test_a_hidden_sheet_beside_the_list_raises_no_question(data, source, foshan):
    assert verdicts(check(book(("名单", [["手机", "城市"], [A, "佛山"]]), APRIL, hidden=["四月"]), data, source)) == [
        "new"
    ]


# ---------------------------------------------------------------- choosing


def test_two_phone_columns_are_solved_by_choosing_one(data, source, foshan):
    lead_list = check(rows_file(*TWO[0], heads=TWO[1]), data, source)
    assert lead_list.fault == "two_phone_columns"
    assert [c["field"] for c in look(lead_list, data)["columns"]] == ["phone", "", "name", "city"]

    confirm(lead_list, data, FIRST_PHONE)

    assert (lead_list.status, lead_list.fault, verdicts(lead_list)) == ("checked", "", ["new"])
    row = StagedRow.objects.get()
    assert (row.phone_mask, row.name, row.attributes) == ("191****7541", "张国", {})
    assert AuditEvent.objects.filter(action="customers.list.columns_chosen").count() == 1


def test_a_second_number_kept_as_attribute_is_kept_masked(data, source, foshan):
    lead_list = check(rows_file([A, "0757-81234567", "佛山"], heads=["手机", "固话", "城市"]), data, source)

    confirm(lead_list, data, [("phone", ""), ("attribute", "第二号码"), ("city", "")])

    assert StagedRow.objects.get().attributes == {"第二号码": "075****4567"}


def test_the_next_file_with_the_same_headings_is_read_in_the_same_way_by_itself(data, source, foshan):
    confirm(check(rows_file(*TWO[0], heads=TWO[1]), data, source), data, FIRST_PHONE)

    again = check(rows_file([C, "", "李明", "佛山"], heads=["手机 ", "固话", "姓名", "城市"]), data, source)
    other_source = check(rows_file(*TWO[0], heads=TWO[1]), data, SourceFactory())
    other_headings = check(rows_file([C, B, "李明"], heads=["手机", "固话", "姓名"]), data, source)

    assert (again.status, verdicts(again), look(again, data)["saved"]) == ("checked", ["new"], True)
    assert [one.fault for one in (other_source, other_headings)] == ["two_phone_columns"] * 2


def test_the_same_file_with_a_saved_mapping_goes_straight_to_its_verdicts(data, source, foshan):
    file = rows_file(*TWO[0], heads=TWO[1])
    commit(confirm(check(file, data, source), data, FIRST_PHONE), data)

    again = check(file, data, source)

    assert verdicts(again) == ["unchanged"]


def test_a_saved_mapping_is_found_in_another_sheet_and_row(data, source, foshan):
    confirm(check(rows_file(*TWO[0], heads=TWO[1]), data, source), data, FIRST_PHONE)

    moved = check(book(("说明", [["读我"]]), ("表", [["标题"], *[TWO[1], [C, B, "李明", "佛山"]]])), data, source)

    assert (verdicts(moved), moved.mapping["sheet"], moved.mapping["row_no"]) == (["new"], "表", 2)


def test_a_mapping_that_is_not_kept_counts_once(data, source, foshan):
    confirm(check(rows_file(*TWO[0], heads=TWO[1]), data, source), data, FIRST_PHONE, remember=False)

    assert not ColumnMapping.objects.exists()
    assert check(rows_file([C, "", "", ""], heads=TWO[1]), data, source).fault == "two_phone_columns"


def test_a_hidden_sheet_is_read_only_when_somebody_chooses_it(data, source, foshan):
    sheets = ("封面", [["phone"]]), ("旧", [["phone", "city"], [A, "佛山"], [B, "佛山"]])
    lead_list = check(book(*sheets, hidden=["旧"]), data, source)
    assert lead_list.fault == "header_only"

    confirm(lead_list, data, [("phone", ""), ("city", "")], sheet="旧")

    assert verdicts(lead_list) == ["new", "new"]


def test_a_sheet_without_headings_loses_no_row(data, source, foshan):
    lead_list = check(rows_file([B, "孙明"], heads=[A, "张国"]), data, source, city=foshan)
    assert lead_list.fault == "no_phone_column"

    confirm(lead_list, data, [("phone", ""), ("attribute", "谁")], row_no=0)

    assert verdicts(lead_list) == ["new", "new"]
    assert list(StagedRow.objects.order_by("row_no").values_list("attributes", flat=True)) == [
        {"谁": "张国"},
        {"谁": "孙明"},
    ]
    assert not ColumnMapping.objects.exists()


def test_the_first_row_of_a_file_without_headings_is_shown_masked(client, data, source, foshan):
    numbers = [A, "0757-83331234", "6222021234567890", "2024-02-29 19100007541", "2024-02-29"]
    lead_list = check(rows_file([B, "", "", "2024-03-01 19100007542", "x"], heads=numbers), data, source, city=foshan)

    found = look(lead_list, data)

    assert [column["heading"] for column in found["columns"]] == [
        "191****7541", "075****1234", "622****7890", "202****7541", "2024-02-29",
    ]  # fmt: skip
    assert [column["seen"] for column in found["columns"]][3:] == [["202****7542"], ["x"]]
    assert [column["field"] for column in found["columns"]] == ["", "", "", "", "attribute"]
    assert found["key"] == ""  # nothing of it is kept for the next file, not even as a hash
    client.force_login(data)
    columns = [("phone", ""), ("", ""), ("attribute", ""), ("", ""), ("", "")]
    page = client.post(url("list-mapping", lead_list), posted(columns, sheet="Sheet1", row="1", look="1"))
    pages = page.content.decode() + client.get(url("list-mapping", lead_list)).content.decode()
    assert not any(number in pages for number in (A, B, "83331234", "6222021234567890"))


def test_a_number_taken_for_something_else_is_shown_masked_among_the_first_rows(data, source, foshan):
    row = [A, "card 6222021234567890", "2024-02-29 19100007542"]
    lead_list = check(rows_file(row, heads=["手机", "名", "备注"]), data, source, city=foshan)

    columns = [("phone", ""), ("name", ""), ("attribute", "备注")]
    [shown] = look(lead_list, data, sheet="Sheet1", row_no=1, columns=columns)["rows"]

    assert (shown["name"], shown["attributes"]) == ("car****7890", {"备注": "202****7542"})


def test_numbers_that_stand_for_headings_are_not_kept_with_the_list(data, source, foshan):
    lead_list = check(rows_file([B, "孙明"], heads=[A, "张国"]), data, source, city=foshan)

    confirm(lead_list, data, [("phone", ""), ("name", "")])

    assert [column["heading"] for column in lead_list.mapping["columns"]] == ["191****7541", "张国"]
    assert not ColumnMapping.objects.exists()


@pytest.mark.parametrize(
    "name", [A, "0757-8333 1234", "tel 191-0000-7541", "１９１００００７５４１", "6222021234567890", "8333 1234"]
)
def test_an_attribute_is_not_named_by_a_number(name, data, source, foshan):
    lead_list = check(rows_file(*TWO[0], heads=TWO[1]), data, source)

    with pytest.raises(MappingUnfit, match="looks like a telephone number"):
        confirm(lead_list, data, [("phone", ""), ("", ""), ("attribute", name), ("city", "")])


@pytest.mark.parametrize(
    "name", ["2026-11-30", "202611", "20261130 余额", "2026年11月", "202610-202611", "top 100 of 2026"]
)
def test_an_attribute_may_be_named_by_days_and_months(name, data, source, foshan):
    lead_list = check(rows_file(*TWO[0], heads=TWO[1]), data, source)

    confirm(lead_list, data, [("phone", ""), ("", ""), ("attribute", name), ("city", "")])

    assert StagedRow.objects.get().attributes == {name: "张国"}


def test_a_csv_is_mapped_like_a_workbook(data, source, foshan):
    lead_list = check(list_files.csv_file(f"Nummer,Wer\n{A},张国\n"), data, source, city=foshan, file_name="a.csv")
    assert look(lead_list, data)["sheets"] == [{"name": "", "rows": 2, "hidden": False}]

    confirm(lead_list, data, [("phone", ""), ("name", "")], sheet="")

    assert StagedRow.objects.get().name == "张国"


def test_choosing_again_after_the_check_forgets_what_was_judged(data, source, foshan):
    lead_list = check(rows_file(["E1", "张国", A, "佛山", 30, "gold"]), data, source)

    confirm(
        lead_list,
        data,
        [("external_id", ""), ("", ""), ("phone", ""), ("city", ""), ("age", ""), ("attribute", "套餐")],
    )

    row = StagedRow.objects.get()
    assert (row.name, row.attributes, lead_list.counts, lead_list.row_count) == ("", {"套餐": "gold"}, {"new": 1}, 1)


@pytest.mark.parametrize(
    "columns",
    [
        [("", ""), ("", ""), ("name", ""), ("city", "")],
        [("phone", ""), ("phone", ""), ("name", ""), ("city", "")],
        [("phone", ""), ("nonsense", ""), ("name", ""), ("city", "")],
        [("phone", ""), ("attribute", "a"), ("attribute", "a"), ("city", "")],
        [("phone", ""), ("attribute", ""), ("name", ""), ("city", "")],
        [("phone", "")],
    ],
)
def test_columns_that_cannot_be_read_are_refused(columns, data, source, foshan):
    lead_list = check(rows_file(*TWO[0], heads=TWO[1]), data, source)

    with pytest.raises(MappingUnfit):
        confirm(lead_list, data, columns)
    lead_list.refresh_from_db()
    assert lead_list.status == "failed"


def test_columns_are_chosen_by_who_may_commit_and_while_the_list_is_open(data, source, foshan):
    lead_list = check(rows_file(["E1", "张国", A, "佛山", 30, "gold"]), data, source)

    with pytest.raises(PermissionRefused):
        look(lead_list, UserFactory(role="campaign_manager"))
    with pytest.raises(list_receiving.FileRefused):
        look(lead_list, data, sheet="nowhere")
    commit(lead_list, data)
    with pytest.raises(NotMappable):
        look(lead_list, data)


def test_rejected_rows_and_repairs_know_the_chosen_columns(data, source, foshan):
    from customers.services import repairs

    lead_list = check(rows_file([A, B, "张国", "禅城"], heads=TWO[1]), data, source)
    confirm(lead_list, data, [("phone", ""), ("", ""), ("attribute", "谁"), ("city", "")])
    assert verdicts(lead_list) == ["invalid:city_unknown"]

    repairs.repair_row(lead_list=lead_list, row_no=2, values={"city": str(foshan.pk)}, by=data, at=database_now())

    assert (verdicts(lead_list), StagedRow.objects.get().attributes) == (["new"], {"谁": "张国"})


# ---------------------------------------------------------------- pages and API


def url(name, lead_list) -> str:
    return reverse(f"customers:{name}", args=[lead_list.pk])


def posted(columns, **more):
    return (
        {f"field-{i}": field for i, (field, _name) in enumerate(columns)}
        | {f"name-{i}": name for i, (_field, name) in enumerate(columns)}
        | more
    )


def test_who_asks_for_it_chooses_before_the_check(client, data, source, foshan):
    client.force_login(data)
    file = SimpleUploadedFile("x.xlsx", rows_file(*TWO[0], heads=TWO[1]).getvalue())
    answer = client.post(
        reverse("customers:list-upload"), {"file": file, "source": source.pk, "consent_basis": "c", "map_first": "on"}
    )
    lead_list = LeadList.objects.get()
    assert (answer.url, lead_list.job_id) == (url("list-mapping", lead_list), None)
    assert url("list-mapping", lead_list) in client.get(url("list", lead_list)).content.decode()

    page = client.get(url("list-mapping", lead_list)).content.decode()
    assert "191****7541" in page
    assert A not in page
    assert "unclear" in page  # the second column of numbers
    wrong = client.post(
        url("list-mapping", lead_list),
        posted([("phone", ""), ("phone", ""), ("name", ""), ("city", "")], sheet="Sheet1", row="1", check="1"),
    )
    assert (wrong.status_code, "taken twice" in wrong.content.decode()) == (422, True)
    shown = client.post(
        url("list-mapping", lead_list),
        posted([("", ""), ("phone", ""), ("name", ""), ("city", "")], sheet="Sheet1", row="1", look="1"),
    )
    assert [row["phone_mask"] for row in shown.context["rows"]] == ["191****7542"]
    assert not StagedRow.objects.exists()

    done = client.post(
        url("list-mapping", lead_list), posted(FIRST_PHONE, sheet="Sheet1", row="1", check="1", remember="1")
    )
    assert done.url == url("list", lead_list)
    lead_list.refresh_from_db()
    run_inline(lead_list.job_id)
    assert verdicts(lead_list) == ["new"]
    assert ColumnMapping.objects.get().source == source
    assert "chosen by hand" in client.get(url("list-columns", lead_list)).content.decode()


def test_a_file_that_was_not_understood_leads_to_its_columns(client, data, source, foshan):
    client.force_login(data)
    lead_list = check(rows_file(*TWO[0], heads=TWO[1]), data, source)

    assert url("list-mapping", lead_list) in client.get(url("list", lead_list)).content.decode()
    assert client.get(url("list-mapping", lead_list), {"sheet": "Sheet1", "row": "0"}).context["looked"]["row_no"] == 0


def test_strangers_to_the_list_choose_nothing(client, data, source, foshan):
    lead_list = check(rows_file(*TWO[0], heads=TWO[1]), data, source)

    client.force_login(UserFactory(role="data", city=CityFactory()))
    assert client.get(url("list-mapping", lead_list)).status_code == 404
    client.force_login(UserFactory(role="campaign_manager"))
    assert client.get(url("list-mapping", lead_list)).status_code == 403
    assert client.post(url("list-mapping", lead_list)).status_code == 403


def test_the_api_looks_chooses_and_checks(data, source, foshan):
    api = APIClient()
    api.force_authenticate(data)
    file = SimpleUploadedFile("x.xlsx", rows_file(*TWO[0], heads=TWO[1]).getvalue())
    made = api.post(
        "/api/v1/lists/",
        {"file": file, "source": source.pk, "consent_basis": "c", "map_first": True},
        format="multipart",
    ).json()
    at = f"/api/v1/lists/{made['id']}/mapping/"
    assert made["job"] is None

    found = api.get(at, {"row_no": 1}).json()
    assert [column["field"] for column in found["columns"]] == ["phone", "", "name", "city"]
    body = {"sheet": "Sheet1", "row_no": 1, "columns": [{"field": field, "name": name} for field, name in FIRST_PHONE]}
    refused = api.post(at, body | {"columns": body["columns"][:1]}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "MappingUnfit")
    answer = api.post(at, body, format="json")
    assert answer.status_code == 202
    run_inline(answer.json()["job"])
    assert api.get(f"/api/v1/lists/{made['id']}/").json()["counts"]["new"] == 1
    assert not ColumnMapping.objects.exists()  # kept only when asked

    api.force_authenticate(UserFactory(role="data", city=CityFactory()))
    assert api.get(at).status_code == 404
