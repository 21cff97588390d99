"""A list from its file to customers: verdicts by hand, decisions, commit, isolation of cities."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.db import connection

from core.clock import database_now
from core.errors import PermissionRefused
from core.jobs import run_inline
from core.models import Job, PrivateFile
from core.phones import clean_phone
from core.sealed import blind_index, unseal
from customers import list_queries
from customers.models import Consent, Customer, LeadList, Phone, RowVerdict, StagedRow, Suppression
from customers.retention import forget_held_rows
from customers.services import list_decisions, list_receiving, lists
from customers.services.suppress import suppress
from customers.signals import list_committed
from customers.tests import list_files
from customers.tests.factories import CustomerFactory, SourceFactory
from people.tests.factories import CityFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
A, B, C, D = "19100007541", "19100007542", "19100007543", "19100007544"


@pytest.fixture
def foshan():
    return CityFactory(name="Foshan", name_zh="佛山")


@pytest.fixture
def guangzhou():
    return CityFactory(name="Guangzhou", name_zh="广州")


@pytest.fixture
def data():
    """A member of the region's data team."""
    return UserFactory(role="data")


@pytest.fixture
def source():
    return SourceFactory(name="bank")


def receive(file: io.BytesIO, by, source, *, city=None, file_name="list.xlsx", **known) -> LeadList:
    return list_receiving.receive_list(
        file=file,
        file_name=file_name,
        name="",
        source=source,
        city=city,
        consent_basis="contract of 2026",
        by=by,
        at=database_now(),
        **known,
    )


def check(file: io.BytesIO, by, source, **options) -> LeadList:
    """Receive and check, as a worker would."""
    lead_list = receive(file, by, source, **options)
    assert run_inline(lead_list.job_id)
    lead_list.refresh_from_db()
    return lead_list


def commit(lead_list: LeadList, by) -> LeadList:
    assert run_inline(lists.commit_list(lead_list=lead_list, by=by, at=database_now()).pk)
    lead_list.refresh_from_db()
    assert lead_list.status == LeadList.Status.COMMITTED, Job.objects.get(pk=lead_list.job_id).last_error
    return lead_list


def verdicts(lead_list: LeadList) -> list[str]:
    """verdict, or verdict:reason, in the order of the file."""
    rows = RowVerdict.objects.filter(lead_list=lead_list).order_by("row_no")
    return [":".join(filter(None, (row.verdict, row.reason))) for row in rows]


def rows_file(*rows, heads=list_files.HEADS):
    return list_files.workbook(rows, heads)


def person(number: str) -> Customer:
    return Phone.objects.get(blind_index=blind_index(clean_phone(number))).customer


# ---------------------------------------------------------------- verdicts


def test_a_new_list_becomes_customers_in_the_order_of_its_rows(data, source, foshan):
    lead_list = check(
        rows_file(["E1", "张国", A, "Foshan", 58, "gold"], ["E2", "孙明", B, "佛山", 44, ""]), data, source
    )

    assert lead_list.status == LeadList.Status.CHECKED
    assert verdicts(lead_list) == ["new", "new"]
    assert not Customer.objects.exists()

    commit(lead_list, data)

    first, second = Customer.objects.order_by("pk")
    assert (first.name, first.external_id, first.city, first.source, first.age) == ("张国", "E1", foshan, source, 58)
    assert (first.attributes, second.attributes) == ({"plan": "gold"}, {})
    assert (first.name_sort, second.name) == ("zhang guo", "孙明")
    phone = first.phones.get()
    assert (phone.mask, phone.prefix, phone.is_primary, unseal(phone.sealed)) == (
        "191****7541",
        "191",
        True,
        "8619100007541",
    )
    consent = second.consents.get()
    assert (consent.basis, consent.stated_by) == ("contract of 2026", str(data))


def test_the_same_file_again_changes_nothing(data, source, foshan):
    file = rows_file(["E1", "张国", A, "Foshan", 58, "gold"], ["E2", "孙明", B, "佛山", 44, "x"])
    commit(check(file, data, source), data)
    before = list(Customer.objects.values()), Phone.objects.count(), Consent.objects.count()

    again = check(file, data, source)
    assert verdicts(again) == ["unchanged", "unchanged"]
    commit(again, data)

    assert (list(Customer.objects.values()), Phone.objects.count(), Consent.objects.count()) == before


def test_the_same_file_while_it_is_open_is_the_same_upload(data, source, foshan):
    file = rows_file(["E1", "张国", A, "Foshan", 58, ""])
    first = receive(file, data, source)
    second = receive(file, data, source)

    assert second == first
    assert LeadList.objects.count() == 1
    assert PrivateFile.objects.filter(destroyed_at=None).count() == 1
    assert receive(file, data, SourceFactory()) != first


def test_an_update_shows_old_values_and_never_erases(data, source, foshan):
    commit(check(rows_file(["E1", "张国", A, "Foshan", 58, "gold"]), data, source), data)

    lead_list = check(rows_file(["E1", "", A, "Foshan", 59, "silver"]), data, source)

    assert verdicts(lead_list) == ["update"]
    assert RowVerdict.objects.get(lead_list=lead_list).before == {"age": 58, "attributes": {"plan": "gold"}}
    commit(lead_list, data)
    known = Customer.objects.get()
    assert (known.name, known.age, known.attributes) == ("张国", 59, {"plan": "silver"})


def test_every_kind_of_verdict_counted_by_hand(data, source, foshan, guangzhou):
    at = database_now()
    CustomerFactory(
        city=foshan, source=source, external_id="E1", name="old", number="19100008001"
    )  # known by another number
    CustomerFactory(
        city=foshan, source=source, external_id="E9", name="other", number="19100008002"
    )  # known by another customer number
    CustomerFactory(city=guangzhou, name="away", number="19100008003")
    blocked = CustomerFactory(city=foshan, name="no", number="19100008004")
    suppress(customer=blocked, kind=Suppression.Kind.REFUSAL, by=data, at=at)
    suppress(phone="19100008005", kind=Suppression.Kind.REGISTER, by=data, at=at)
    CustomerFactory(city=foshan, name="same", number="19100008006")

    lead_list = check(
        rows_file(
            ["E1", "a", A, "Foshan", "", ""],
            ["E2", "b", "19100008002", "Foshan", "", ""],
            ["", "c", "19100008003", "Foshan", "", ""],
            ["", "d", "19100008004", "Foshan", "", ""],
            ["", "e", "19100008005", "Foshan", "", ""],
            ["", "same", "19100008006", "Foshan", "", ""],
            ["", "g", B, "Foshan", "", ""],
            ["", "h", B, "Foshan", "", ""],
            ["", "i", "1.38E+10", "Foshan", "", ""],
            ["E7", "j", C, "Foshan", "", ""],
            ["E7", "j", D, "Foshan", "", ""],
        ),
        data,
        source,
    )

    assert verdicts(lead_list) == [
        "undecided:new_number", "undecided:other_customer_number", "undecided:other_city", "suppressed:customer", "suppressed:register", "unchanged", "new",
        "duplicate:same_number", "invalid:phone_lost_digits", "new", "undecided:second_number",
    ]  # fmt: skip
    assert lead_list.counts == {"undecided": 4, "suppressed": 2, "unchanged": 1, "new": 2, "duplicate": 1, "invalid": 1}
    assert lead_list.row_count == 11


def test_a_row_that_needs_a_decision_has_ways_out(data, source, foshan, guangzhou):
    known = CustomerFactory(city=foshan, source=source, external_id="E1", name="one", number="19100008001")
    away = CustomerFactory(city=guangzhou, name="away", number="19100008003")
    shared = CustomerFactory(city=foshan, source=source, external_id="E9", name="other", number="19100008002")
    lead_list = check(
        rows_file(
            ["E1", "one", A, "Foshan", "", ""], ["", "away", "19100008003", "Foshan", "", ""], ["E2", "both", "19100008002", "Foshan", 30, ""],
            ["E7", "j", C, "Foshan", "", ""], ["E7", "j", D, "Foshan", "", ""],
        ),
        data, source,
    )  # fmt: skip

    decided = list_decisions.decide_rows(lead_list=lead_list, accept=True, by=data, at=database_now())
    lead_list.refresh_from_db()
    assert (decided, lead_list.counts) == (4, {"new": 1, "update": 4})
    commit(lead_list, data)

    assert {phone.mask for phone in known.phones.all()} == {"191****8001", "191****7541"}
    assert known.phones.get(is_primary=True).mask == "191****8001"
    away.refresh_from_db()
    shared.refresh_from_db()
    assert away.city == foshan
    assert (shared.name, shared.external_id, shared.age) == ("both", "E9", 30)
    assert person(D) == person(C)


def test_rows_set_aside_are_not_stored(data, source, foshan):
    CustomerFactory(city=foshan, source=source, external_id="E1", number="19100008001")
    lead_list = check(rows_file(["E1", "a", A, "Foshan", "", ""]), data, source)

    list_decisions.decide_rows(lead_list=lead_list, accept=False, by=data, at=database_now(), rows=[2])

    assert verdicts(lead_list) == ["invalid:skipped"]
    commit(LeadList.objects.get(), data)
    assert Phone.objects.count() == 1


# ---------------------------------------------------------------- another city


def told(lead_list: LeadList, user) -> list[str]:
    """What the rows are told as to this reader, by whatever way they ask."""
    shown = list_queries.rows_of(lead_list, list(list_queries.verdicts_of(lead_list, user)), user)
    for verdict in RowVerdict.Verdict:
        asked = list_queries.verdicts_of(lead_list, user, verdict=verdict).values_list("row_no", flat=True)
        assert list(asked) == [row.row_no for row in shown if row.verdict == verdict]
    return [":".join(filter(None, (row.verdict, row.reason_code))) for row in shown]


def test_who_works_for_a_city_learns_nothing_of_another_citys_customer(source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, source=source, external_id="E1", name="theirs", number=A)
    refused = CustomerFactory(city=guangzhou, name="refused", number=B)
    suppress(customer=refused, kind=Suppression.Kind.REFUSAL, by=None, at=database_now())
    local = UserFactory(role="data", city=foshan)

    lead_list = check(
        rows_file(
            ["", "x", A, "", "", ""], ["", "x", B, "", "", ""], ["E1", "y", C, "", "", ""], ["", "z", D, "广州", "", ""]
        ),
        local,
        source,
        city=foshan,
    )

    assert verdicts(lead_list) == ["undecided:region", "undecided:region", "undecided:region", "invalid:city_foreign"]
    assert not RowVerdict.objects.filter(lead_list=lead_list).exclude(customer_id=None).exists()
    assert not RowVerdict.objects.filter(lead_list=lead_list).exclude(before=None).exists()
    assert (
        list_decisions.decide_rows(lead_list=lead_list, accept=True, by=local, at=database_now(), reason="region") == 0
    )


def test_the_regions_data_team_judges_what_was_left_to_it(data, source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, name="theirs", number=A)
    lead_list = check(rows_file(["", "x", A, "", "", ""]), UserFactory(role="data", city=foshan), source, city=foshan)

    list_decisions.decide_rows(lead_list=lead_list, accept=True, by=data, at=database_now(), reason="region")

    assert verdicts(lead_list) == ["undecided:other_city"]
    assert told(lead_list, lead_list.created_by) == ["new"]

    list_decisions.decide_rows(lead_list=lead_list, accept=True, by=data, at=database_now())
    assert verdicts(lead_list) == ["update:moved"]
    commit(lead_list, lead_list.created_by)
    assert person(A).city == foshan
    assert (told(lead_list, lead_list.created_by), lead_list.counts) == (["new"], {"new": 1})


def test_to_a_city_another_citys_customer_is_told_as_one_who_is_not_there(data, source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, name="theirs", number=A)
    CustomerFactory(city=guangzhou, source=source, external_id="E1", name="theirs too", number="19100008009")
    CustomerFactory(city=foshan, source=source, external_id="E2", name="ours", number=B)
    listed = CustomerFactory(city=guangzhou, name="on the register", number=C)
    Suppression.objects.create(phone_blind=listed.phones.get().blind_index, kind="register", valid_from=database_now())
    local = UserFactory(role="data", city=foshan)

    lead_list = check(
        rows_file(
            ["", "x", A, "", "", ""], ["E1", "y", D, "", "", ""], ["E2", "ours", A[:-1] + "9", "", "", ""], ["", "c", C, "", "", ""],
            ["E2", "ours", "19100008009", "", "", ""], ["", "d", "19100008010", "", "", ""],
        ),
        local, source, city=foshan,
    )  # fmt: skip

    assert verdicts(lead_list) == [
        "undecided:region", "undecided:region", "undecided:new_number", "undecided:region", "undecided:region", "new",
    ]  # fmt: skip
    assert told(lead_list, local) == [
        "new",
        "new",
        "undecided:new_number",
        "suppressed:register",
        "undecided:second_number",
        "new",
    ]
    assert told(lead_list, data) == verdicts(lead_list)
    assert lead_list.counts == {"new": 3, "suppressed": 1, "undecided": 2}
    assert {v: n for v, n in list_queries.counts_for(lead_list, data).items() if n} == {"undecided": 5, "new": 1}
    assert [row.customer_id for row in list_queries.rows_of(lead_list, [*lead_list.verdicts.all()], local)] == [
        None
    ] * 6

    # a decision about what was told is kept, and moves nothing of the other city
    assert list_decisions.decide_rows(lead_list=lead_list, accept=True, by=local, at=database_now()) == 2
    assert told(lead_list, local)[2] == told(lead_list, local)[4] == "update:add_number"
    assert verdicts(lead_list)[4] == "undecided:region"
    commit(lead_list, local)
    assert lead_list.counts == {"new": 3, "suppressed": 1, "update": 2}
    assert (person(A).name, person("19100008009").name, person("19100008010").name) == ("theirs", "theirs too", "d")
    assert Phone.objects.filter(blind_index=blind_index(clean_phone(D))).count() == 0


def test_the_same_list_again_is_told_to_a_city_as_if_its_rows_had_been_stored(source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, name="theirs", age=70, number=A)
    local = UserFactory(role="data", city=foshan)
    rows = ["", "x", A, "", 30, ""], ["", "y", B, "", 30, ""]
    commit(check(rows_file(*rows), local, source, city=foshan), local)

    again = check(rows_file(*rows), local, source, city=foshan)
    changed = check(rows_file(["", "x", A, "", 31, ""], ["", "y", B, "", 31, ""]), local, source, city=foshan)

    assert verdicts(again) == ["undecided:region", "unchanged"]
    assert told(again, local) == ["unchanged", "unchanged"]
    shown = list_queries.rows_of(changed, list(changed.verdicts.order_by("row_no")), local)
    assert [(row.verdict, [(c.old, c.new) for c in row.changes]) for row in shown] == [("update", [("30", "31")])] * 2
    assert forget_held_rows(database_now() + timedelta(days=364)) == 0
    assert forget_held_rows(database_now() + timedelta(days=366)) == 1


def test_a_list_that_the_region_brings_for_one_city_tells_that_city_nothing_of_others(data, source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, name="theirs", number=A)

    lead_list = check(rows_file(["", "x", A, "", "", ""], ["", "y", B, "", "", ""]), data, source, city=foshan)

    assert verdicts(lead_list) == ["undecided:other_city", "new"]
    assert told(lead_list, UserFactory(role="data", city=foshan)) == ["new", "new"]


def test_a_list_for_one_city_of_an_uploader_of_two_tells_its_readers_nothing_of_the_other(source, foshan, guangzhou):
    CustomerFactory(city=guangzhou, name="theirs", number=A)
    CustomerFactory(city=foshan, name="ours", number=B)
    both = UserFactory(role="data", city=foshan)
    MembershipFactory(user=both, role="data", city=guangzhou)
    rows = ["", "x", A, "", "", ""], ["", "ours", B, "", "", ""], ["", "z", C, "", "", ""]

    lead_list = check(rows_file(*rows), both, source, city=foshan)

    assert verdicts(lead_list) == ["undecided:other_city", "unchanged", "new"]
    for reader in (both, UserFactory(role="data", city=foshan)):
        assert told(lead_list, reader) == ["new", "unchanged", "new"]
    commit(lead_list, both)
    again = check(rows_file(*rows, ["", "d", D, "", "", ""]), both, source, city=foshan)
    assert told(again, both) == ["unchanged", "unchanged", "unchanged", "new"]


def test_what_the_city_set_aside_is_set_aside_for_the_region_too(data, source, foshan, guangzhou):
    CustomerFactory(city=foshan, source=source, external_id="E2", name="ours", number=B)
    CustomerFactory(city=guangzhou, name="theirs", number=A)
    local = UserFactory(role="data", city=foshan)
    lead_list = check(rows_file(["E2", "ours", A, "", "", ""]), local, source, city=foshan)
    assert (verdicts(lead_list), told(lead_list, local)) == (["undecided:region"], ["undecided:new_number"])

    assert list_decisions.decide_rows(lead_list=lead_list, accept=False, by=local, at=database_now()) == 1

    assert told(lead_list, local) == verdicts(lead_list) == ["invalid:skipped"]
    assert list_decisions.decide_rows(lead_list=lead_list, accept=True, by=data, at=database_now()) == 0


def test_a_city_must_be_ones_own(source, foshan, guangzhou):
    local = UserFactory(role="data", city=foshan)
    file = rows_file(["", "x", A, "", "", ""])

    for city in (None, guangzhou):
        with pytest.raises(PermissionRefused):
            receive(file, local, source, city=city)
    assert not PrivateFile.objects.exists()


@pytest.mark.parametrize("role", ["agent_like", "supervisor", "campaign_manager", "regional_manager", "qa"])
def test_only_the_data_team_uploads_and_commits(role, data, source, foshan):
    other = UserFactory(role=None if role == "agent_like" else role)
    lead_list = check(rows_file(["", "x", A, "Foshan", "", ""]), data, source)

    with pytest.raises(PermissionRefused):
        receive(rows_file(["", "y", B, "Foshan", "", ""]), other, source)
    with pytest.raises(PermissionRefused):
        lists.commit_list(lead_list=lead_list, by=other, at=database_now())
    with pytest.raises(PermissionRefused):
        lists.give_up_list(lead_list=lead_list, by=other, at=database_now())


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (lambda: rows_file(heads=["phone", "city"]), "header_only"),
        (lambda: rows_file(["张国", "佛山"], heads=["name", "city"]), "no_phone_column"),
        (lambda: rows_file([A, B], heads=["手机", "电话"]), "two_phone_columns"),
        (lambda: list_files.csv_file('phone,city\n"19100007541,Foshan\n' + "x" * 1_100_000), "bad_csv"),
        (lambda: list_files.raw_workbook("<worksheet>"), "empty_file"),
        (lambda: list_files.raw_workbook(list_files.sheet_xml([])), "empty_file"),
    ],
)
def test_a_file_that_cannot_be_taken_leaves_the_list_with_its_fault(file, code, data, source, foshan):
    lead_list = check(file(), data, source)

    assert (lead_list.status, lead_list.fault) == (LeadList.Status.FAILED, code)
    assert not StagedRow.objects.exists()
    with pytest.raises(lists.NothingToCommit):
        lists.commit_list(lead_list=lead_list, by=data, at=database_now())


@pytest.mark.parametrize(
    "file",
    [
        list_files.far_cell,
        list_files.bomb,
        list_files.macros,
        list_files.doctype,
        lambda: list_files.ole(encrypted=True),
    ],
)
def test_a_dangerous_file_is_refused_at_the_door(file, data, source):
    with pytest.raises(list_receiving.FileRefused) as refusal:
        receive(file(), data, source)

    assert len(str(refusal.value)) > 40
    assert not LeadList.objects.exists()
    assert not PrivateFile.objects.exists()


def test_a_gbk_csv_and_a_false_dimension_are_read_whole(data, source, foshan):
    gbk = check(list_files.csv_file(f"手机,姓名,城市\r\n{A},张国,佛山\r\n", "gb18030"), data, source, file_name="a.csv")
    dimension = check(list_files.false_dimension(), data, source)

    assert verdicts(gbk) == ["new"]
    assert StagedRow.objects.get(lead_list=gbk).name == "张国"
    assert dimension.row_count == 3


def test_one_person_uploads_so_many_files_a_day(data, source, foshan, monkeypatch):
    monkeypatch.setattr(list_receiving, "DAILY_FILES", 1)
    receive(rows_file(["", "x", A, "Foshan", "", ""]), data, source)

    with pytest.raises(list_receiving.QuotaUsedUp):
        receive(rows_file(["", "y", B, "Foshan", "", ""]), data, source)


def test_giving_up_destroys_the_file_and_forgets_the_rows(data, source, foshan):
    lead_list = check(rows_file(["", "x", A, "Foshan", "", ""]), data, source)

    lists.give_up_list(lead_list=lead_list, by=data, at=database_now())

    assert not StagedRow.objects.exists()
    assert not RowVerdict.objects.exists()
    assert PrivateFile.objects.get().destroyed_at
    with pytest.raises(lists.ListIsOver):
        lists.give_up_list(lead_list=lead_list, by=data, at=database_now())


# ---------------------------------------------------------------- commit


def test_a_number_taken_between_check_and_commit_is_judged_again(data, source, foshan):
    lead_list = check(
        rows_file(["", "new", A, "Foshan", "", ""], ["", "b", B, "Foshan", "", ""], ["", "c", C, "Foshan", "", ""]),
        data,
        source,
    )
    CustomerFactory(city=foshan, name="quick", number=A)
    suppress(phone=B, kind=Suppression.Kind.REGISTER, by=data, at=database_now())

    commit(lead_list, data)

    assert verdicts(lead_list) == ["update", "suppressed:register", "new"]
    assert lead_list.counts == {"update": 1, "suppressed": 1, "new": 1}
    assert Customer.objects.get(phones__mask="191****7541").name == "new"
    assert Customer.objects.count() == 2


def test_a_commit_that_fails_in_the_middle_stores_nothing(data, source, foshan, monkeypatch):
    from customers.services import list_commit

    lead_list = check(rows_file(["", "x", A, "Foshan", "", ""]), data, source)
    job = lists.commit_list(lead_list=lead_list, by=data, at=database_now())
    monkeypatch.setattr(list_commit, "CONSENTS", "SELECT 1/0")
    run_inline(job.pk)

    assert not Customer.objects.exists()
    assert LeadList.objects.get().status == LeadList.Status.COMMITTING
    monkeypatch.undo()
    Job.objects.filter(pk=job.pk).update(not_before=database_now() - timedelta(seconds=1))
    assert run_inline(job.pk)
    assert Customer.objects.count() == 1


def test_committing_twice_is_committing_once(data, source, foshan):
    lead_list = check(rows_file(["", "x", A, "Foshan", "", ""]), data, source)
    at = database_now()
    first = lists.commit_list(lead_list=lead_list, by=data, at=at)
    assert lists.commit_list(lead_list=lead_list, by=data, at=at + timedelta(seconds=1)) == first
    run_inline(first.pk)

    with pytest.raises(lists.NothingToCommit):
        lists.commit_list(lead_list=lead_list, by=data, at=at)
    assert Customer.objects.count() == 1


def test_a_commit_that_was_stopped_waits_for_another(data, source, foshan):
    lead_list = check(rows_file(["", "x", A, "Foshan", "", ""]), data, source)
    lists.commit_list(lead_list=lead_list, by=data, at=database_now())

    lists.stop_commit(lead_list=lead_list, by=data, at=database_now())

    assert not Customer.objects.exists()
    commit(lead_list, data)
    assert Customer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_floors_above_hear_of_a_commit_inside_its_transaction():
    """What they enqueue is then stored with the list or not at all: a crash right after the commit loses nothing."""
    CityFactory(name="Foshan")
    data, source, heard = UserFactory(role="data"), SourceFactory(), []

    def hear(sender, lead_list_id, **kwargs):
        heard.append((LeadList.objects.get(pk=lead_list_id).status, connection.in_atomic_block))

    list_committed.connect(hear)
    try:
        commit(check(rows_file(["", "x", A, "Foshan", "", ""]), data, source), data)
    finally:
        list_committed.disconnect(hear)
    assert heard == [("committed", True)]


def test_a_consent_that_ended_is_given_anew_by_the_next_list_on_the_same_ground(data, source, foshan):
    known = CustomerFactory(city=foshan, name="x", number=A, consent=False)
    commit(check(rows_file(["", "y", A, "Foshan", "", ""]), data, source), data)
    assert known.consents.in_force(database_now()).count() == 1
    known.consents.update(expires_at=database_now() - timedelta(seconds=1))

    commit(check(rows_file(["", "z", A, "Foshan", "", ""]), data, source), data)

    assert known.consents.in_force(database_now()).count() == 1
