"""Figures as files."""

import csv
import io
import json
import zipfile
from datetime import date

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from core.workbooks import Workbook, inert
from metrics import export
from metrics.lines import LineSheet
from metrics.questions import ask
from metrics.tests import factories as f

pytestmark = pytest.mark.django_db
HEADS = [
    "period",
    "city",
    "agent",
    "calls",
    "calls_connected",
    "customers_called",
    "customers_reached",
    "customers_won",
    "customers_cancelled",
    "talk_seconds",
    "after_call_seconds",
    "inbound_customers",
    "inbound_won",
    "contact_rate",
    "success_rate",
    "cancellation_rate",
    "final_success_rate",
    "inbound_success_rate",
]


@pytest.fixture
def facts():
    """In February 3 customers called, 2 reached, 1 won and cancelled in Foshan; in March one in Zhuhai, not reached."""
    foshan, zhuhai = f.place("Foshan"), f.place("Zhuhai")
    for customer in range(3):
        f.make_call(
            date(2026, 2, 27),
            customer_id=customer,
            city_id=foshan[0].pk,
            team_id=foshan[1].pk,
            agent_id=foshan[2].pk,
            connected=customer < 2,
            talk_seconds=90 if customer < 2 else 0,
            after_call_seconds=10,
        )
    f.cancel(
        f.make_sale(
            f.at(date(2026, 2, 28)), customer_id=0, city_id=foshan[0].pk, team_id=foshan[1].pk, agent_id=foshan[2].pk
        ),
        date(2026, 4, 1),
    )
    f.make_call(date(2026, 3, 2), customer_id=9, city_id=zhuhai[0].pk, team_id=zhuhai[1].pk, agent_id=zhuhai[2].pk)
    f.roll_up()


def run(tmp_path, name, *extra):
    out = tmp_path / name
    call_command(
        "export_indicators",
        "--from=2026-02-01",
        "--to=2026-03-31",
        "--grain=month",
        "--by=city,agent",
        f"--out={out}",
        *extra,
    )
    return out


def test_json_has_an_object_per_period_and_group_ascending_with_unrounded_rates(facts, tmp_path):
    found = json.loads(run(tmp_path, "x.json").read_text())

    assert list(found[0])[: len(HEADS)] == HEADS
    assert [(row["period"], row["city"], row["agent"]) for row in found] == [
        ("2026-02", "Foshan", "Foshan101"),
        ("2026-03", "Zhuhai", "Zhuhai101"),
    ]
    assert [found[0][name] for name in HEADS[3:11]] == [4, 3, 3, 2, 1, 1, 180, 20]
    assert found[0]["contact_rate"] == 200 / 3
    assert (found[0]["success_rate"], found[0]["cancellation_rate"], found[0]["final_success_rate"]) == (
        50.0,
        100.0,
        0.0,
    )
    assert (found[1]["contact_rate"], found[1]["success_rate"]) == (0.0, None)


def test_csv_says_the_same_as_json(facts, tmp_path):
    objects = json.loads(run(tmp_path, "x.json").read_text())

    rows = list(csv.DictReader(io.StringIO(run(tmp_path, "x.csv").read_text(encoding="utf-8-sig"))))

    assert [{name: "" if value is None else str(value) for name, value in one.items()} for one in objects] == rows


def test_excel_has_numbers_formats_a_native_chart_and_definitions(facts, tmp_path):
    book = openpyxl.load_workbook(run(tmp_path, "x.xlsx", "--language=en"))

    rows, totals, definitions = book.worksheets
    assert [cell.value for cell in rows[1]][: len(HEADS)] == HEADS
    assert [cell.value for cell in rows[2]][:8] == ["2026-02", "Foshan", "Foshan101", 4, 3, 3, 2, 1]
    column = HEADS.index("contact_rate") + 1
    assert rows.cell(2, column).value == pytest.approx(66.6667, abs=0.001)
    assert rows.cell(2, column).number_format == "0.00"
    assert [row[0].value for row in totals.iter_rows(min_row=2, max_row=4)] == ["2026-02", "2026-03", "total"]
    assert totals.cell(4, 4).value == 4
    assert len(totals._charts) == 1
    assert any(
        row[0].value == "success_rate" and "customers won / customers reached" in row[2].value
        for row in definitions.iter_rows(min_row=2)
        if row[2].value
    )


def test_the_workbook_speaks_the_language_asked_for(facts, tmp_path):
    with translation.override("zh-hans"):
        expected = translation.gettext("Definitions")

    book = openpyxl.load_workbook(run(tmp_path, "x.xlsx", "--language=zh-hans"))

    assert book.sheetnames[2] == expected


def test_names_that_look_like_formulas_stay_text(tmp_path):
    city, team, agent = f.place("=1+1")
    f.make_call(date(2026, 3, 2), city_id=city.pk, team_id=team.pk, agent_id=agent.pk)
    f.roll_up()

    book = openpyxl.load_workbook(run(tmp_path, "x.xlsx"))

    assert (book.worksheets[0]["B2"].data_type, book.worksheets[0]["B2"].value) == ("s", "'=1+1")


def test_an_export_of_nothing_is_a_file_with_heads_and_a_sentence(tmp_path, capsys):
    out = run(tmp_path, "x.json")

    assert json.loads(out.read_text()) == []
    assert "Nothing was counted from 2026-02-01 to 2026-03-31" in capsys.readouterr().out
    assert run(tmp_path, "x.csv").read_text(encoding="utf-8-sig").startswith("period,city,agent,calls")
    assert openpyxl.load_workbook(run(tmp_path, "x.xlsx")).worksheets[0].max_row == 1


def test_what_cannot_be_done_is_said_and_leaves_no_file(facts, tmp_path):
    with pytest.raises(CommandError, match=r"\.xlsx, \.csv or \.json"):
        run(tmp_path, "x.pdf")
    with pytest.raises(CommandError, match="cannot be written"):
        run(tmp_path / "nowhere", "x.csv")
    with pytest.raises(CommandError, match="before the first"):
        call_command("export_indicators", "--from=2026-03-02", "--to=2026-03-01", f"--out={tmp_path / 'x.csv'}")
    with pytest.raises(CommandError, match="no user nobody"):
        run(tmp_path, "x.csv", "--user=nobody")
    assert list(tmp_path.iterdir()) == []


def test_a_file_too_large_is_refused_before_it_is_begun(facts, tmp_path, monkeypatch):
    """Two groups in two months: four rows would be allowed, of three the second month is already too much."""
    monkeypatch.setattr(export, "MOST_ROWS", 3)
    with pytest.raises(CommandError, match="2 groups in 2 periods are too many"):
        run(tmp_path, "x.csv")
    assert list(tmp_path.iterdir()) == []

    monkeypatch.setattr(export, "MOST_ROWS", 4)
    monkeypatch.setattr(export, "MOST_ROWS_OF_SHEET", 1)
    with pytest.raises(CommandError, match="holds a million rows"):
        run(tmp_path, "x.xlsx")
    assert list(tmp_path.iterdir()) == []
    assert run(tmp_path, "x.csv").exists()


def test_groups_are_read_one_period_at_a_time(facts, monkeypatch):
    asked, whole = [], export.queries.rows_of

    def rows_of(question, *args, **kwargs):
        asked.append([period.label for period in question.periods])
        return whole(question, *args, **kwargs)

    monkeypatch.setattr(export.queries, "rows_of", rows_of)
    table = export.Table(ask(since=date(2026, 2, 1), until=date(2026, 3, 31), grain="month", by=["city"]), "month")

    assert len(list(table.rows())) == 2
    assert asked == [["2026-02"], ["2026-03"]]


def test_the_command_counts_its_rows_as_json(facts, tmp_path, capsys):
    out = run(tmp_path, "x.csv", "--json")

    assert json.loads(capsys.readouterr().out) == {"rows": 2, "file": str(out)}


def test_a_file_for_somebody_holds_only_what_they_may_see(facts, tmp_path):
    from people.models import City
    from people.tests.factories import UserFactory

    user = UserFactory(role="city_manager", city=City.objects.get(name="Zhuhai"))

    found = json.loads(run(tmp_path, "x.json", f"--user={user.username}").read_text())

    assert [row["city"] for row in found] == ["Zhuhai"]


def test_every_column_of_a_file_has_a_name_or_a_definition(facts):
    from metrics import registry

    table = export.Table(ask(since=date(2026, 3, 1), until=date(2026, 3, 2)), "total")

    known = {*registry.measures(), *(found.key for found in registry.indicators()), "period"}
    assert set(table.columns) <= known


WORDS = [["2026-03-01", "A1"], ["2026-03-02", ' <b> & "x" '], ["2026-03-03", "=1+1"], ["\x07", "+3.5"]]
NUMBERS = [[1, 2.5, None], [0, 1 / 3, 7], [None, None, None], [-4, 1e21, 12345678901234567]]


def sheet_of(path, write, **options):
    """The XML of a sheet with a head, a comment, formats of columns, and lines."""
    with Workbook(path) as book:
        sheet = book.book.add_worksheet("S", **options)
        for column in range(3, 5):
            sheet.set_column(column, column, 12, book.format(num_format="0.00"))
        sheet.write_string(0, 0, "period", book.format(bold=True))
        sheet.write_comment(0, 0, "The period")
        for number, (words, numbers) in enumerate(zip(WORDS, NUMBERS, strict=True), start=1):
            write(sheet, number, words, numbers)
        sheet.write_string(9, 0, "under them")
    with zipfile.ZipFile(path) as parts:
        return parts.read("xl/worksheets/sheet1.xml")


def cell_by_cell(sheet, number, words, numbers):
    for column, word in enumerate(words):
        sheet.write_string(number, column, inert(word))
    for column, value in enumerate(numbers, start=len(words)):
        if value is not None:
            sheet.write_number(number, column, value)


def test_a_line_is_byte_by_byte_what_xlsxwriter_makes_of_its_cells(tmp_path):
    ours = sheet_of(tmp_path / "a.xlsx", lambda sheet, *line: sheet.write_line(*line), worksheet_class=LineSheet)

    assert ours == sheet_of(tmp_path / "b.xlsx", cell_by_cell)
