"""Repair in place: rows of a checked list cleaned and judged again, one by one and all of a fault."""

from __future__ import annotations

import pytest

from core.clock import database_now
from core.errors import PermissionRefused
from core.jobs import run_inline
from core.models import AuditEvent, Job
from core.phones import clean_phone
from core.sealed import blind_index, unseal
from customers import list_queries
from customers.corrections import BadCorrection, NotCorrectable, spelling_key
from customers.models import Customer, LeadList, RowVerdict, StagedRow
from customers.services import list_decisions, list_rejects, lists, repairs
from customers.services.repairs import Correction, NotRepairable, StillFaulty
from customers.tests.factories import CustomerFactory, SourceFactory
from customers.tests.test_lists import A, B, C, check, commit, rows_file, told, verdicts
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
HEADS = ("external_id", "name", "phone", "city", "type", "gender", "age", "plan")


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def guangzhou():
    return CityFactory(name="Guangzhou", name_zh="广州")


@pytest.fixture
def data():
    return UserFactory(role="data")


@pytest.fixture
def source():
    return SourceFactory(name="bank")


def checked(by, source, *rows, city=None) -> LeadList:
    return check(rows_file(*rows, heads=HEADS), by, source, city=city)


def repair(lead_list, row_no, by, **values) -> RowVerdict:
    return repairs.repair_row(lead_list=lead_list, row_no=row_no, values=values, by=by, at=database_now())


def correct(lead_list, by, fault, value="", spelling="") -> repairs.Outcome:
    correction = Correction(fault, value, spelling and spelling_key(spelling))
    return repairs.correct_rows(lead_list=lead_list, correction=correction, by=by, at=database_now())


def staged(lead_list, row_no) -> StagedRow:
    return StagedRow.objects.get(lead_list=lead_list, row_no=row_no)


def counts(lead_list) -> dict[str, int]:
    return {name: n for name, n in LeadList.objects.get(pk=lead_list.pk).counts.items() if n}


# ---------------------------------------------------------------- one row


def test_a_repaired_row_is_stored_as_the_file_would_have_stored_it(data, source, foshan):
    lead_list = checked(data, source, ["E1", "张国", "1.91E+10", "佛山", "个人", "女", "38岁", "gold"])
    assert verdicts(lead_list) == ["invalid:phone_lost_digits"]

    verdict = repair(lead_list, 2, data, phone="191 0000 7541")

    assert (verdict.verdict, counts(lead_list)) == ("new", {"new": 1})
    row = staged(lead_list, 2)
    assert (row.name, row.name_sort, row.type, row.gender, row.age, row.attributes) == (
        "张国", "zhang guo", "consumer", "female", 38, {"plan": "gold"},
    )  # fmt: skip
    assert (unseal(row.phone_sealed), row.phone_mask, row.fault, row.cells) == (
        "8619100007541",
        "191****7541",
        "",
        None,
    )
    commit(lead_list, data)
    assert Customer.objects.get().city == foshan


def test_every_field_of_a_good_row_can_be_repaired_and_the_rest_stays(data, source, foshan, guangzhou):
    lead_list = checked(data, source, ["E1", "张国", A, "佛山", "个人", "女", 38, "gold"])

    repair(
        lead_list, 2, data, name="李明", city=str(guangzhou.pk), type="business", gender="", age="40", external_id="E7"
    )

    row = staged(lead_list, 2)
    assert (row.name, row.city_id, row.type, row.gender, row.age, row.external_id) == (
        "李明",
        guangzhou.pk,
        "business",
        "",
        40,
        "E7",
    )
    assert (unseal(row.phone_sealed), row.attributes) == ("86" + A, {"plan": "gold"})


def test_a_repair_that_makes_no_good_row_changes_nothing_and_says_why(data, source, foshan):
    lead_list = checked(data, source, ["E1", "x", "12", "禅城", "", "", "", ""])

    for values, code, field in (
        ({"phone": "13"}, "phone_too_short", "phone"),
        ({"phone": A}, "city_unknown", "city"),
        ({"phone": A, "city": str(foshan.pk), "age": "old"}, "age_not_a_number", "age"),
    ):
        with pytest.raises(StillFaulty) as still:
            repair(lead_list, 2, data, **values)
        assert (still.value.code, still.value.field) == (code, field)
    assert verdicts(lead_list) == ["invalid:phone_too_short"]
    assert repair(lead_list, 2, data, phone=A, city=str(foshan.pk)).verdict == "new"


def test_a_repair_that_makes_a_duplicate_is_told_so_and_the_next_repair_frees_the_other(data, source, foshan):
    lead_list = checked(
        data, source, ["", "a", "12", "佛山", "", "", "", ""], ["", "b", A, "佛山", "", "", "", ""], ["", "c", A, "佛山", "", "", "", ""]
    )  # fmt: skip
    assert verdicts(lead_list) == ["invalid:phone_too_short", "new", "duplicate:same_number"]

    # the repaired row stands above: those below are duplicates now
    assert repair(lead_list, 2, data, phone=A).verdict == "new"
    assert verdicts(lead_list) == ["new", "duplicate:same_number", "duplicate:same_number"]

    repair(lead_list, 2, data, phone=B)
    assert verdicts(lead_list) == ["new", "new", "duplicate:same_number"]
    assert repair(lead_list, 4, data, phone=B).reason == "same_number"
    assert counts(lead_list) == {"new": 2, "duplicate": 1}
    commit(lead_list, data)
    assert Customer.objects.count() == 2


def test_who_was_second_number_of_a_person_is_judged_again_when_the_first_becomes_a_duplicate(data, source, foshan):
    lead_list = checked(
        data, source, ["", "a", "12", "佛山", "", "", "", ""], ["E1", "b", A, "佛山", "", "", "", ""], ["E1", "c", B, "佛山", "", "", "", ""]
    )  # fmt: skip
    assert verdicts(lead_list)[1:] == ["new", "undecided:second_number"]

    repair(lead_list, 2, data, phone=A)

    assert verdicts(lead_list) == ["new", "duplicate:same_number", "new"]


def test_decisions_about_other_rows_stay_while_their_question_is_the_same(data, source, foshan):
    rows = (
        ["", "a", "12", "佛山", "", "", "", ""],
        *[["E1", "b", number, "佛山", "", "", "", ""] for number in (A, B, C)],
    )
    lead_list = checked(data, source, *rows)
    for row_no, accept in ((4, True), (5, False)):
        list_decisions.decide_rows(lead_list=lead_list, accept=accept, by=data, at=database_now(), rows=[row_no])
    assert verdicts(lead_list)[1:] == ["new", "update:add_number", "invalid:skipped"]

    repair(lead_list, 2, data, phone="19100007549", external_id="E1")

    # the repaired row is the first of its customer number now, the one that was becomes a question, the decided ones stay decided
    assert verdicts(lead_list) == ["new", "undecided:second_number", "update:add_number", "invalid:skipped"]


def test_opening_a_row_shows_its_faulty_number_recorded_and_a_good_number_never(data, source, foshan, monkeypatch):
    lead_list = checked(
        data, source, ["E1", "a", "1910000754x", "佛山", "", "", "", ""], ["E2", "b", A, "禅城", "", "", "", ""]
    )

    def opened(row_no):
        return repairs.open_row(lead_list=lead_list, row_no=row_no, by=data, at=database_now())

    first, second = opened(2), opened(3)
    assert (first.values["phone"], first.values["city"], first.seen) == ("1910000754x", str(foshan.pk), {})
    assert (second.values["phone"], second.phone_mask, second.values["city"], second.seen) == (
        "",
        "191****7541",
        "",
        {"city": "禅城"},
    )
    trail = AuditEvent.objects.filter(action=list_rejects.OPENED).order_by("pk").values_list("detail", flat=True)
    assert list(trail) == [{"row": 2, "whole": 1}, {"row": 3, "whole": 0}]

    monkeypatch.setattr(list_rejects, "WHOLE_ROWS_A_DAY", 1)
    assert opened(2).values["phone"] == ""


def test_a_repair_to_another_citys_customer_reveals_nothing(data, source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, source=source, external_id="E9", name="theirs", number=B)
    local = UserFactory(role="data", city=foshan)
    lead_list = checked(
        local, source, ["", "a", "12", "", "", "", "", ""], ["", "b", "13", "", "", "", "", ""], city=foshan
    )

    known = repair(lead_list, 2, local, phone=B)
    unknown = repair(lead_list, 3, local, phone=C, external_id="E9")

    assert known.said_to(False) == unknown.said_to(False) == ("new", "")
    assert told(lead_list, local) == ["new", "new"]
    assert counts(lead_list) == {"new": 2}
    assert verdicts(lead_list) == ["undecided:region"] * 2
    shown = list_queries.rows_of(lead_list, list(lead_list.verdicts.all()), local)
    assert [(row.customer_id, row.changes) for row in shown] == [(None, [])] * 2
    events = (
        AuditEvent.objects.filter(action="customers.list.row_repaired").order_by("pk").values_list("detail", flat=True)
    )
    assert list(events) == [
        {"row": 2, "fault": "phone_too_short", "fields": ["phone"]},
        {"row": 3, "fault": "phone_too_short", "fields": ["external_id", "phone"]},
    ]


def test_who_works_for_a_city_repairs_no_row_into_another(data, source, foshan, guangzhou):
    local = UserFactory(role="data", city=foshan)
    lead_list = checked(data, source, ["", "a", A, "佛山", "", "", "", ""], city=foshan)

    with pytest.raises(StillFaulty) as still:
        repair(lead_list, 2, local, city=str(guangzhou.pk))

    assert still.value.code == "city_foreign"
    assert repair(lead_list, 2, data, city=str(guangzhou.pk)).verdict == "new"


@pytest.mark.parametrize("role", ["supervisor", "campaign_manager", "regional_manager", "qa"])
def test_only_who_may_commit_repairs(role, data, source, foshan):
    lead_list = checked(data, source, ["", "a", "12", "佛山", "", "", "", ""])
    other = UserFactory(role=role)

    with pytest.raises(PermissionRefused):
        repair(lead_list, 2, other, phone=A)
    with pytest.raises(PermissionRefused):
        correct(lead_list, other, "phone_too_short", "0757")
    with pytest.raises(PermissionRefused):
        repairs.open_row(lead_list=lead_list, row_no=2, by=other, at=database_now())


def test_a_committed_list_is_repaired_no_more(data, source, foshan):
    lead_list = commit(checked(data, source, ["", "a", "12", "佛山", "", "", "", ""]), data)

    with pytest.raises(NotRepairable):
        repair(lead_list, 2, data, phone=A)
    with pytest.raises(NotRepairable):
        correct(lead_list, data, "phone_too_short", "0757")


def test_a_row_that_is_not_there_cannot_be_repaired(data, source, foshan):
    with pytest.raises(NotRepairable):
        repair(checked(data, source, ["", "a", "12", "佛山", "", "", "", ""]), 3, data, phone=A)


def test_a_long_remark_outlives_the_repair_of_its_row(data, source, foshan):
    lead_list = checked(data, source, ["", "a", "12", "佛山", "", "", "", "n" * 3_999])

    repair(lead_list, 2, data, phone=A)

    assert staged(lead_list, 2).attributes == {"plan": "n" * 3_999}


# ---------------------------------------------------------------- all rows with a fault


def test_an_area_code_makes_landlines_good_and_leaves_what_it_does_not_help(data, source, foshan):
    lead_list = checked(
        data, source, ["", "a", 81234567, "佛山", "", "", "", ""], ["", "b", "81234568", "佛山", "", "", "", ""], ["", "c", "1234", "佛山", "", "", "", ""],
        ["", "d", "81234569", "禅城", "", "", "", ""], ["", "e", A, "佛山", "", "", "", ""],
    )  # fmt: skip
    faults = verdicts(lead_list)
    assert len(set(faults[:2])) == 1
    fault = faults[0].partition(":")[2]
    asked = Correction(fault, "0757")

    preview = repairs.preview_correction(lead_list=lead_list, correction=asked, by=data)
    assert (preview.good, preview.next_fault) == (2, 1)
    assert verdicts(lead_list) == faults

    done = repairs.correct_rows(lead_list=lead_list, correction=asked, by=data, at=database_now())
    assert done == preview
    assert verdicts(lead_list) == ["new", "new", "invalid:phone_too_short", "invalid:city_unknown", "new"]
    assert unseal(staged(lead_list, 2).phone_sealed) == "8675781234567"

    # the row whose next fault came to light keeps its corrected number
    assert correct(lead_list, data, "city_unknown", str(foshan.pk), "禅城").good == 1
    assert unseal(staged(lead_list, 5).phone_sealed) == "8675781234569"
    assert counts(lead_list) == {"new": 4, "invalid": 1}


def test_the_same_correction_again_finds_nothing(data, source, foshan):
    lead_list = checked(data, source, *[["", "a", f"191000075{n}", "禅城", "", "", "", ""] for n in range(41, 44)])

    first, again = (correct(lead_list, data, "city_unknown", str(foshan.pk)) for _time in range(2))

    assert (first.rows, first.good, again.rows, again.good) == (3, 3, 0, 0)
    assert verdicts(lead_list) == ["new"] * 3
    assert AuditEvent.objects.filter(action="customers.list.rows_corrected").count() == 1


def test_one_spelling_of_a_city_is_mapped_and_the_others_wait(data, source, foshan):
    lead_list = checked(
        data, source, ["", "a", A, "禅城", "", "", "", ""], ["", "b", B, "南海区", "", "", "", ""], ["", "c", C, "禅城", "", "", "", ""]
    )  # fmt: skip
    [fault] = list_queries.faults_of(lead_list)
    assert (fault.code, fault.count, fault.column, [(s.seen, s.count) for s in fault.spellings]) == (
        "city_unknown", 3, "city", [("禅城", 2), ("南海区", 1)],
    )  # fmt: skip

    assert correct(lead_list, data, "city_unknown", str(foshan.pk), "禅城").good == 2

    assert verdicts(lead_list) == ["new", "invalid:city_unknown", "new"]


@pytest.mark.parametrize(
    ("column", "cell", "fault", "value", "stored"),
    [
        ("type", "VIP", "type_unknown", "consumer", "consumer"),
        ("type", "VIP", "type_unknown", "", ""),
        ("gender", "x", "gender_unknown", "female", "female"),
        ("age", "四十", "age_not_a_number", "40", 40),
        ("age", "999", "age_impossible", "", None),
        ("name", "n" * 200, "name_too_long", "", "n" * 120),
        ("external_id", "n" * 70, "external_id_too_long", "", ""),
    ],
)
def test_words_that_nobody_knows_get_a_value_or_none(column, cell, fault, value, stored, data, source, foshan):
    row = {"phone": A, "city": "佛山", column: cell}
    lead_list = checked(data, source, [row.get(head, "") for head in HEADS])
    assert verdicts(lead_list) == [f"invalid:{fault}"]

    assert correct(lead_list, data, fault, value).good == 1

    assert getattr(staged(lead_list, 2), column) == stored


def test_a_correction_that_makes_duplicates_is_judged_as_the_file_would_have_been(data, source, foshan):
    lead_list = checked(
        data, source, ["", "a", "81234567", "佛山", "", "", "", ""], ["", "b", "075781234567", "佛山", "", "", "", ""],
        ["", "c", "81234567", "佛山", "", "", "", ""],
    )  # fmt: skip
    fault = verdicts(lead_list)[0].partition(":")[2]

    correct(lead_list, data, fault, "0757")

    assert verdicts(lead_list) == ["new", "duplicate:same_number", "duplicate:same_number"]


@pytest.mark.parametrize(
    ("fault", "value"),
    [
        ("phone_too_short", ""),
        ("phone_too_short", "07a"),
        ("city_unknown", ""),
        ("gender_unknown", "both"),
        ("age_impossible", "999"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused(fault, value, data, source, foshan):
    lead_list = checked(data, source, ["", "a", "12", "佛山", "", "", "", ""])

    with pytest.raises(BadCorrection):
        correct(lead_list, data, fault, value)


@pytest.mark.parametrize("fault", ["phone_lost_digits", "city_foreign", "nonsense", ""])
def test_what_cannot_be_corrected_together_is_refused(fault, data, source, foshan):
    with pytest.raises(NotCorrectable):
        correct(checked(data, source, ["", "a", "12", "佛山", "", "", "", ""]), data, fault, "1")


def test_thousands_of_rows_are_a_job_meanwhile_nothing_is_committed(data, source, foshan, monkeypatch):
    monkeypatch.setattr(repairs, "AT_ONCE", 1)
    lead_list = checked(data, source, ["", "a", A, "禅城", "", "", "", ""], ["", "b", B, "禅城", "", "", "", ""])

    asked = correct(lead_list, data, "city_unknown", str(foshan.pk), "禅城")

    assert (asked.rows, asked.good) == (2, 0)
    assert "禅城" not in str(Job.objects.get(pk=asked.job).args)
    lead_list.refresh_from_db()
    with pytest.raises(lists.NothingToCommit):
        lists.commit_list(lead_list=lead_list, by=data, at=database_now())
    with pytest.raises(NotRepairable):
        repair(lead_list, 2, data, name="b")
    assert run_inline(asked.job)
    assert Job.objects.get(pk=asked.job).result == {"rows": 2, "good": 2, "next_fault": 0, "no_help": 0}
    assert verdicts(lead_list) == ["new", "new"]
    commit(lead_list, data)


def test_a_correction_of_a_city_tells_it_nothing_of_another(source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, name="theirs", number=A)
    local = UserFactory(role="data", city=foshan)
    lead_list = checked(
        local, source, ["", "a", A, "禅城", "", "", "", ""], ["", "b", B, "禅城", "", "", "", ""], city=foshan
    )

    done = correct(lead_list, local, "city_unknown", str(foshan.pk))

    assert (done.good, told(lead_list, local), counts(lead_list)) == (2, ["new", "new"], {"new": 2})


def test_no_number_reaches_the_trail_or_a_job(data, source, foshan, monkeypatch):
    lead_list = checked(
        data, source, ["", "a", "12", "19100007541888", "", "", "", ""], ["", "b", B, "19100007541888", "", "", "", ""]
    )
    repairs.open_row(lead_list=lead_list, row_no=2, by=data, at=database_now())
    repair(lead_list, 2, data, phone=A, city=str(foshan.pk))
    monkeypatch.setattr(repairs, "AT_ONCE", 0)
    run_inline(correct(lead_list, data, "city_unknown", str(foshan.pk)).job)

    seen = str(
        [
            *AuditEvent.objects.values(),
            *Job.objects.values(),
            *RowVerdict.objects.values(),
            *StagedRow.objects.values("fault_detail"),
        ]
    )
    assert verdicts(lead_list) == ["new", "new"]
    assert not any(number in seen for number in (A, B, "19100007541888"))
    assert blind_index(clean_phone(A)) == bytes(staged(lead_list, 2).phone_blind)


def test_ten_thousand_rows_with_one_fault_are_corrected_in_one_go(data, source, foshan):
    rows = [["", f"n{n}", f"1391{n:07d}", "禅城", "", "", "", ""] for n in range(10_000)]
    lead_list = checked(data, source, *rows)

    asked = correct(lead_list, data, "city_unknown", str(foshan.pk))

    assert run_inline(asked.job)
    assert counts(lead_list) == {"new": 10_000}
