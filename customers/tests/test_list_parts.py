"""A list judged in parts while it is read: its verdicts are those of the whole file, however it was cut; and the broken twin."""

from __future__ import annotations

import pytest
from django.db import connection

from core.clock import database_now
from core.jobs import run_inline
from core.models import Job
from customers.models import RowVerdict, StagedRow
from customers.services import judging, list_check, list_receiving
from customers.tests import list_files
from customers.tests.factories import SourceFactory
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 2_500
PART = 1_000
HEADINGS = ["external_id", "name", "phone", "city", "age"]

# row of the sheet -> what stands there in place of an ordinary row's customer number, number and age; and what is said of it
ODD = {
    1_500: ({"phone": 5}, "duplicate:same_number"),  # the number of row 5, a part later
    1_600: ({"phone": 8, "external_id": "X"}, "duplicate:same_number"),
    2_200: ({"external_id": "X"}, "new:"),  # row 1,600 is a duplicate, so this is the first of its customer number
    2_300: ({"external_id": "X"}, "undecided:second_number"),
    2_400: ({"external_id": "E7"}, "undecided:second_number"),  # two parts after row 7
    9: ({"age": "old"}, "invalid:age_not_a_number"),
    1_700: ({"phone": 9}, "new:"),  # row 9 has a fault, so its number was not yet named
    20: ({"phone": 19}, "duplicate:same_number"),  # within one part
}


def row(number: int) -> list[object]:
    odd = ODD.get(number, ({}, ""))[0]
    phone = f"191{odd.get('phone', number):08d}"
    return [odd.get("external_id", f"E{number}"), "张国", phone, "Foshan", odd.get("age", 30)]


@pytest.fixture
def lead_list():
    CityFactory(name="Foshan")
    file = list_files.workbook([row(number) for number in range(2, ROWS + 2)], heads=HEADINGS)
    return list_receiving.receive_list(
        file=file, file_name="list.xlsx", name="", source=SourceFactory(), city=None, consent_basis="contract",
        by=UserFactory(role="data"), at=database_now(),
    )  # fmt: skip


@pytest.fixture
def in_parts(monkeypatch):
    """Cut to parts of 1,000 rows; returns the parts as they are judged."""
    monkeypatch.setattr(list_check, "BATCH_ROWS", PART)
    monkeypatch.setattr(list_check, "PART_ROWS", PART)
    judged, judge = [], judging.judge_part

    def noted(lead_list, **part):
        judged.append(part)
        judge(lead_list, **part)

    monkeypatch.setattr(judging, "judge_part", noted)
    return judged


def odd_verdicts(lead_list) -> dict[int, str]:
    """What is said of everything that is not plainly new, and of the odd rows."""
    said = RowVerdict.objects.filter(lead_list=lead_list).values_list("row_no", "verdict", "reason")
    return {n: f"{verdict}:{reason}" for n, verdict, reason in said if n in ODD or verdict != "new"}


EXPECTED = {number: said for number, (_odd, said) in ODD.items()}


def test_a_row_is_compared_with_all_earlier_parts(lead_list, in_parts):
    run_inline(lead_list.job_id)

    assert [(part["after"], part["upto"]) for part in in_parts] == [(0, 1_001), (1_001, 2_001), (2_001, ROWS + 1)]
    assert [part["again"] for part in in_parts] == [[20], [1_500, 1_600], [2_200, 2_300, 2_400]]
    assert odd_verdicts(lead_list) == EXPECTED
    assert RowVerdict.objects.filter(lead_list=lead_list).count() == ROWS


def test_the_whole_list_at_once_is_judged_alike(lead_list):
    run_inline(lead_list.job_id)

    assert odd_verdicts(lead_list) == EXPECTED


def test_who_goes_on_for_a_dead_worker_looks_at_every_row(lead_list, in_parts, monkeypatch):
    copy, copied = list_check._copy, []

    def copy_two(batch):
        copied.append(batch)
        if len(copied) == 3:
            raise OSError("the disk went away")
        copy(batch)

    monkeypatch.setattr(list_check, "_copy", copy_two)
    run_inline(lead_list.job_id)
    assert RowVerdict.objects.filter(lead_list=lead_list).count() == 2 * PART

    Job.objects.filter(pk=lead_list.job_id).update(not_before=database_now())
    run_inline(lead_list.job_id)

    assert in_parts[-1]["again"] is None
    assert odd_verdicts(lead_list) == EXPECTED


def test_the_twin_that_compares_within_a_part_alone_is_caught(lead_list, in_parts, monkeypatch):
    judge = judging.judge_part
    monkeypatch.setattr(judging, "judge_part", lambda lead_list, **part: judge(lead_list, **part | {"again": []}))

    run_inline(lead_list.job_id)

    assert odd_verdicts(lead_list) != EXPECTED


def test_the_list_counts_as_checked_when_its_first_part_was(lead_list, in_parts):
    run_inline(lead_list.job_id)

    lead_list.refresh_from_db()
    assert lead_list.checked_at == in_parts[0]["at"] < in_parts[-1]["at"]


def test_a_list_given_up_while_it_is_read_keeps_neither_rows_nor_verdicts(lead_list, in_parts, monkeypatch):
    judge = list_check._judge

    def judge_and_give_up(run, lead_list, **part):
        cursor = judge(run, lead_list, **part)
        Job.objects.filter(pk=run.job.pk).update(cancel_requested_at=database_now())
        return cursor

    monkeypatch.setattr(list_check, "_judge", judge_and_give_up)

    run_inline(lead_list.job_id)

    lead_list.refresh_from_db()
    assert lead_list.status == "cancelled"
    assert not lead_list.rows.exists()
    assert not lead_list.verdicts.exists()


def test_many_rows_of_one_number_and_customer_number_are_judged_in_one_pass(lead_list):
    """A column taken for the wrong one: the comparison of each row with each other took minutes."""
    file = list_files.workbook([["E1", "", "19100000001", "Foshan", ""] for _row in range(20_000)], heads=HEADINGS)
    same = list_receiving.receive_list(
        file=file, file_name="same.xlsx", name="", source=lead_list.source, city=None, consent_basis="contract",
        by=lead_list.created_by, at=database_now(),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '5s'")
        run_inline(same.job_id)
        cursor.execute("RESET statement_timeout")

    same.refresh_from_db()
    assert same.counts == {"new": 1, "duplicate": 19_999}


def test_a_check_that_an_earlier_program_began_is_ended(lead_list):
    """Its cursor told only the row; nothing was judged."""
    StagedRow.objects.all().delete()
    Job.objects.filter(pk=lead_list.job_id).update(cursor={"row": 0})

    run_inline(lead_list.job_id)

    assert odd_verdicts(lead_list) == EXPECTED
