"""What a file is, which column is which, one row cleaned. No database."""

from __future__ import annotations

import io
import json

import pytest

from core.sealed import BulkSealer, unseal
from customers.names import sort_key
from customers.reading import formats
from customers.reading.cleaning import COLUMNS, Cities, Cleaner
from customers.reading.faults import FileFault
from customers.reading.headings import find_headings
from customers.tests import list_files
from customers.wording import FILE_FAULTS, REASONS, file_fault_sentence

CITIES = {"foshan": 1, "佛山": 1, "guangzhou": 2, "广州": 2}


def fault_of(file: io.BytesIO) -> str:
    with pytest.raises(FileFault) as caught:
        formats.examine(file)
    assert caught.value.code in FILE_FAULTS
    return caught.value.code


def cleaner(*heads: str, allowed=None, default=None) -> Cleaner:
    headings = find_headings([(1, heads)])
    return Cleaner(
        list_id=7,
        headings=headings,
        cities=Cities(dict(CITIES), allowed, default, lambda name: None),
        sealer=BulkSealer(),
    )


def cleaned(heads: str, *cells, **options) -> dict:
    """The staged values of one row."""
    line = cleaner(*heads.split(), **options).line(2, list(cells))
    assert line is not None
    values = [None if value == "\\N" else value for value in line.rstrip("\n").split("\t")]
    return dict(zip(COLUMNS, values, strict=True))


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (io.BytesIO(b""), "empty_file"),
        (list_files.ole(encrypted=False), "old_excel"),
        (list_files.ole(encrypted=True), "password"),
        (list_files.macros(), "macros"),
        (list_files.external_links(), "external_links"),
        (list_files.doctype(), "doctype"),
        (list_files.bomb(), "bomb"),
        (list_files.lying_sizes(), "damaged"),
        (list_files.far_cell(), "far_cell"),
        (io.BytesIO(list_files.workbook([]).getvalue()[:900]), "damaged"),
        (io.BytesIO(b"%PDF-1.7 ..."), "not_a_list"),
        (io.BytesIO(b"\x89PNG\r\n\x1a\n...."), "not_a_list"),
        (list_files.raw_workbook("", **{"word/document.xml": "<x/>"}), ""),
        (io.BytesIO("phone,city\r\n".encode("utf-16")), "utf16"),
        (io.BytesIO(b"<html><table><tr><td>phone</td></tr></table></html>"), "web_page"),
        (io.BytesIO(b"phone,city\n\xff\xff\xff"), "encoding"),
        (io.BytesIO(b"phone,city\n191\x00"), "not_a_list"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_list_is_refused_for_what_it_is(file, code):
    if code:
        assert fault_of(file) == code
    else:
        assert formats.examine(file).kind == "xlsx"


def test_the_far_cell_workbook_is_tiny_and_still_refused():
    assert len(list_files.far_cell().getvalue()) < 2_000
    assert fault_of(list_files.far_cell()) == "far_cell"


def test_an_archive_that_is_no_workbook_is_refused():
    import zipfile

    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("readme.txt", "phone")
    assert fault_of(target) == "not_a_list"


@pytest.mark.parametrize(
    ("file", "encoding", "delimiter"),
    [
        (list_files.csv_file("phone,city\n19100007548,Foshan\n"), "utf-8-sig", ","),
        (list_files.csv_file("手机,城市\n19100007548,佛山\n", "utf-8-sig"), "utf-8-sig", ","),
        (list_files.csv_file("手机;城市\n19100007548;佛山\n", "gb18030"), "gb18030", ";"),
        (list_files.csv_file("手机\t城市\n", "gb18030"), "gb18030", "\t"),
    ],
)
def test_a_csv_is_read_as_utf8_or_else_gb18030(file, encoding, delimiter):
    found = formats.examine(file)

    assert (found.kind, found.encoding, found.delimiter) == ("csv", encoding, delimiter)
    assert file.tell() == 0


def test_every_sentence_about_a_file_can_be_said_without_what_was_seen():
    for code in FILE_FAULTS:
        assert "%(" not in file_fault_sentence(code)


# ---------------------------------------------------------------- headings


def test_headings_are_known_in_both_languages_and_any_order():
    found = find_headings(
        [(1, ["所属地市", "客户姓名", "联系电话", "月均消费(元)", "客户编号", "性别", "年龄", "客户类型"])]
    )

    assert found.fields == {"city": 0, "name": 1, "phone": 2, "external_id": 4, "gender": 5, "age": 6, "type": 7}
    assert found.attributes == [(3, "月均消费(元)")]


def test_headings_may_stand_below_a_title():
    found = find_headings([(1, ["11 月名单", ""]), (2, ["", ""]), (3, ["Phone Number", "City"])])

    assert (found.row_no, found.fields["phone"]) == (3, 0)


def test_a_file_without_a_phone_column_says_which_headings_it_has():
    with pytest.raises(FileFault) as caught:
        find_headings([(1, ["name", "city"]), (2, ["张国", "佛山"])])

    assert file_fault_sentence(caught.value.code, caught.value.detail).endswith("Headings found: name, city.")


def test_a_first_row_of_data_is_not_quoted_as_headings():
    with pytest.raises(FileFault) as caught:
        find_headings([(1, ["BANK-1", "19100007548", "Foshan"])])

    assert "1910" not in str(caught.value.detail)


@pytest.mark.parametrize("second", ["电话", "固话", "Mobile", "手机2"])
def test_two_phone_columns_are_refused_by_name(second):
    with pytest.raises(FileFault) as caught:
        find_headings([(1, ["手机", "姓名", second])])

    assert caught.value.code == "two_phone_columns"
    assert second in file_fault_sentence(caught.value.code, caught.value.detail)


def test_columns_of_one_name_keep_both_values_and_own_marks_are_not_read():
    found = find_headings([(1, ["phone", "备注", "备注", "# Reason", ""])])

    assert found.attributes == [(1, "备注"), (2, "备注 2")]


# ---------------------------------------------------------------- one row


@pytest.mark.parametrize(
    "cell",
    [
        "19100007548",
        19100007548.0,
        "+86 191 0000 7548",
        "0086-191-0000-7548",
        "１９１００００７５４８",
        "191\u200b0000\u200b7548",
        " 19100007548.0 ",
        "\u202a19100007548\u202c",
    ],
)
def test_a_number_is_the_same_however_it_is_written(cell):
    row = cleaned("phone city", cell, "佛山市")

    assert row["fault"] == ""
    assert row["phone_mask"] == "191****7548"
    assert unseal(bytes.fromhex(row["phone_sealed"].removeprefix("\\\\x"))) == "8619100007548"
    assert row["phone_blind"] == cleaned("phone city", "19100007548", "Foshan")["phone_blind"]
    assert row["city_id"] == "1"


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("", "phone_missing"), ("1.38E+10", "phone_lost_digits"), ("1.9e+10", "phone_lost_digits"), ("unknown", "phone_letters"), ("123", "phone_too_short"),
        ("1910000754812345", "phone_too_long"), ("1910000", "phone_invalid"), (True, "phone_missing"),
    ],
)  # fmt: skip
def test_a_bad_number_is_a_fault_of_the_row(cell, fault):
    row = cleaned("name phone city", "张国", cell, "佛山")

    assert (row["fault"], row["phone_sealed"], row["phone_blind"]) == (fault, None, None)
    assert fault in REASONS
    kept = json.loads(unseal(bytes.fromhex(row["cells"].removeprefix("\\\\x"))))
    assert kept == ["张国", cell, "佛山"]


def test_what_is_shown_of_a_wrong_number_is_never_the_whole():
    row = cleaned("phone city", "191000075481", "佛山")

    assert row["phone_mask"] == "191****5481"
    assert "0000" not in row["fault_detail"]


@pytest.mark.parametrize(
    ("heads", "cells", "fault", "detail"),
    [
        ("phone city", ["19100007548", "禅城"], "city_unknown", "禅城"),
        ("phone city", ["19100007548", ""], "city_missing", ""),
        ("phone city age", ["19100007548", "佛山", "四十"], "age_not_a_number", "四十"),
        ("phone city age", ["19100007548", "佛山", 260.0], "age_impossible", "260"),
        ("phone city gender", ["19100007548", "佛山", "x"], "gender_unknown", "x"),
        ("phone city type", ["19100007548", "佛山", "y"], "type_unknown", "y"),
        ("phone city name", ["19100007548", "佛山", "n" * 121], "name_too_long", "n" * 30 + "…"),
        ("phone city external_id", ["19100007548", "佛山", "n" * 65], "external_id_too_long", "n" * 30 + "…"),
        ("phone city note", ["19100007548", "佛山", "n" * 10_000_000], "cell_too_long", "n" * 30 + "…"),
    ],
)
def test_each_fault_has_its_word_and_shows_what_was_there(heads, cells, fault, detail):
    row = cleaned(heads, *cells)

    assert (row["fault"], row["fault_detail"]) == (fault, detail)
    assert fault in REASONS
    assert len(row["cells"]) < 10_000


def test_known_fields_are_understood_and_numbers_stay_numbers():
    row = cleaned(
        "phone city age gender type balance paid note", "19100007548", "广州", 58.0, "女士", "企业", 29.0, 12.5, "  ok "
    )

    assert (row["age"], row["gender"], row["type"]) == ("58", "female", "business")
    assert json.loads(row["attributes"]) == {"balance": 29, "paid": 12.5, "note": "ok"}


def test_an_empty_city_is_the_lists_city_and_a_foreign_one_is_a_fault():
    assert cleaned("phone city", "19100007548", "", default=2)["city_id"] == "2"
    assert cleaned("phone city", "19100007548", "广州", allowed={1})["fault"] == "city_foreign"


def test_a_number_in_another_column_rests_masked():
    row = cleaned(
        "phone name external_id city 备用", "19100007548", "19100007549", "19100007548", "佛山", 19100007550.0
    )

    assert (row["name"], row["external_id"]) == ("191****7549", "")
    assert json.loads(row["attributes"]) == {"备用": "191****7550"}


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "@x", "-2+3", "a\tb", "back\\slash", "new\nline"])
def test_formulas_tabs_and_slashes_are_only_text(name):
    line = cleaner("phone", "name", "city", "note").line(2, ["19100007548", name, "佛山", name])

    assert line.count("\n") == 1
    assert line.count("\t") == len(COLUMNS) - 1


def test_an_empty_row_is_no_row_and_a_short_one_is_filled_up():
    assert cleaner("phone", "city").line(2, ["", ""]) is None
    assert cleaned("phone city note", "19100007548", "佛山")["fault"] == ""


def test_names_sort_by_their_sound():
    assert sorted(["张国", "曾单", "安娜", "Bo"], key=sort_key) == ["安娜", "Bo", "曾单", "张国"]
    assert sort_key("单雄") == "shan xiong"
