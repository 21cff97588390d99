"""The call history of another dialer: every verdict, and what the imported calls do, counted by hand."""

import csv
import io
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.urls import reverse

from campaigns.models import Call, Callback, CallImport, CallKey, CallVerdict, Lead, Order, OrderEvent, StagedCall
from campaigns.services import history, history_storing, orders
from campaigns.signals import calls_imported
from campaigns.tests.factories import (
    AT,
    CampaignFactory,
    CityFactory,
    CustomerFactory,
    LeadFactory,
    TeamFactory,
    agent_of,
    held_lead,
    person,
    result,
)
from core.errors import PermissionRefused
from core.jobs import request_cancel, run_again, run_inline
from core.models import AuditEvent, Job
from customers.models import Contact, Customer, Suppression
from people.models import City, Membership, Team, User

pytestmark = pytest.mark.django_db
HEAD = ["call_id", "campaign", "agent", "team", "phone", "direction", "started_at", "result", "talk_seconds", "after_call_seconds", "order_id",
        "product", "amount", "cancelled_at"]  # fmt: skip
NUMBER = "19000001111"
CHINA = timezone(timedelta(hours=8))


@pytest.fixture
def world():
    """A campaign, a team with its agent, a customer with a number, and the data team."""
    city = CityFactory(code="gz", name="Guangzhou")
    team = TeamFactory(code="GZ1", city=city)
    return {
        "city": city,
        "team": team,
        "agent": agent_of(team, code="GZ101"),
        "campaign": CampaignFactory(code="HIST"),
        "customer": CustomerFactory(city=city, phone=NUMBER),
        "data": person("data"),
    }


def row(call_id="C1", **cells):
    given = {
        "call_id": call_id,
        "campaign": "HIST",
        "agent": "GZ101",
        "team": "GZ1",
        "phone": NUMBER,
        "direction": "outbound",
        "started_at": "2026-03-05 10:00:00",
        "result": "no_answer",
        "talk_seconds": "0",
        "after_call_seconds": "3",
    }
    return {**given, **cells}


def sold(call_id="C1", **cells):
    return row(
        call_id, **{"result": "sold", "talk_seconds": "200", "order_id": f"O-{call_id}", "amount": "120.50", **cells}
    )


def file_of(rows, head=HEAD):
    text = io.StringIO()
    writer = csv.DictWriter(text, head)
    writer.writeheader()
    writer.writerows(rows)
    return io.BytesIO(text.getvalue().encode())


def bring(rows, by, *, makes=False, at_once=True, file=None):
    call_import = history.receive_calls(
        file=file or file_of(rows), file_name="calls.csv", makes_missing=makes, imports_at_once=at_once, by=by, at=AT
    )
    assert run_inline(call_import.job_id)
    assert Job.objects.get(pk=call_import.job_id).state == "done", Job.objects.get(pk=call_import.job_id).last_error
    call_import.refresh_from_db()
    return call_import


def verdicts(call_import):
    return dict(CallVerdict.objects.filter(call_import=call_import).values_list("row_no", "fault"))


def counts(call_import):
    return {name: number for name, number in call_import.counts.items() if name != "faults" and number}


# ---------------------------------------------------------------- what is stored


def test_a_call_is_stored_with_its_circumstances(world):
    bring([row("C1", result="considering", talk_seconds="61")], world["data"])

    call = Call.objects.get()
    assert call.started_at == datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
    assert (call.customer_id, call.city_id) == (world["customer"].pk, world["city"].pk)
    assert (call.agent_id, call.team_id, call.team_city_id) == (world["agent"].pk, world["team"].pk, world["city"].pk)
    assert (call.campaign_id, call.product_id) == (world["campaign"].pk, world["campaign"].product_id)
    assert (call.connected, call.right_party, call.talk_seconds, call.after_call_seconds) == (True, True, 61, 3)
    assert CallKey.objects.get().call_id == call.pk
    contact = Contact.objects.get()
    assert (contact.state, contact.call_id, contact.at) == ("made", call.pk, call.started_at)


def test_attempts_are_counted_in_the_order_of_time_and_go_on_from_earlier_files(world):
    bring([row("C2", started_at="2026-03-06 10:00"), row("C1", started_at="2026-03-05 10:00")], world["data"])
    bring([row("C3", started_at="2026-03-07 10:00")], world["data"])

    assert list(Call.objects.order_by("started_at").values_list("attempt", flat=True)) == [1, 2, 3]


def test_times_are_local_to_the_region_or_carry_their_offset(world):
    written = {
        "2026-03-05 10:00:00": "2026-03-05T02:00:00+00:00",
        "2026-03-05T10:00:00+09:00": "2026-03-05T01:00:00+00:00",
        "2026-03-05 02:00Z": "2026-03-05T02:00:00+00:00",
        "2026/3/5 9:05": "2026-03-05T01:05:00+00:00",
        "2026年3月5日 9:05": "2026-03-05T01:05:00+00:00",
    }
    bring([row(f"C{number}", started_at=text) for number, text in enumerate(written)], world["data"])

    found = dict(CallKey.objects.values_list("external_id", "call_started_at"))
    assert {text: found[f"C{number}"] for number, text in enumerate(written)} == {
        text: datetime.fromisoformat(meant) for text, meant in written.items()
    }


def test_a_sale_makes_its_order_and_a_cancellation_its_event(world):
    bring(
        [
            sold("C1", cancelled_at="2026-03-20 09:00"),
            sold("C2", started_at="2026-03-06 10:00", order_id="", amount=""),
        ],
        world["data"],
    )

    first, second = Order.objects.order_by("call_started_at")
    assert (first.number, first.amount_cents, first.state) == ("O-C1", 12_050, "cancelled")
    assert (second.number, second.amount_cents, second.state) == ("C2", 0, "sold")
    assert list(first.events.order_by("occurred_at").values_list("kind", "occurred_at")) == [
        ("sold", datetime(2026, 3, 5, 2, tzinfo=UTC)), ("cancelled", datetime(2026, 3, 20, 1, tzinfo=UTC)),
    ]  # fmt: skip


def test_results_may_be_written_in_chinese(world):
    bring([row(result="考虑中", direction="呼出", talk_seconds="5")], world["data"])
    assert Call.objects.get().disposition_id == result("considering").pk


def test_headings_may_be_chinese_and_in_any_order(world):
    names = {
        "call_id": "通话编号",
        "campaign": "战役",
        "agent": "工号",
        "team": "班组",
        "phone": "手机",
        "started_at": "开始时间",
        "result": "结果",
    }
    rows = [{names[field]: cell for field, cell in row().items() if field in names}]
    bring([], world["data"], file=file_of(rows, head=list(reversed(names.values()))))
    assert Call.objects.count() == 1


def test_a_workbook_is_read_like_a_text_file(world):
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEAD)
    sheet.write_row(1, 0, [sold().get(field, "") for field in HEAD])
    sheet.write_number(1, 4, int(NUMBER))
    sheet.write_datetime(
        1, 6, datetime.fromisoformat("2026-03-05T10:00"), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    )
    sheet.write_number(1, 12, 99.9)
    book.close()

    bring([], world["data"], file=stream)

    assert Order.objects.get().amount_cents == 9_990
    assert Call.objects.get().started_at == datetime(2026, 3, 5, 2, tzinfo=UTC)


# ---------------------------------------------------------------- the same again


def test_the_same_file_twice_changes_nothing(world):
    rows = [sold("C1", cancelled_at="2026-03-20 09:00"), row("C2", started_at="2026-03-06 10:00")]
    bring(rows, world["data"])
    before = (
        Call.objects.count(),
        OrderEvent.objects.count(),
        Contact.objects.count(),
        Customer.objects.get(pk=world["customer"].pk).attempts,
    )

    again = bring(rows, world["data"])

    assert counts(again) == {"unchanged": 2}
    assert before == (
        Call.objects.count(),
        OrderEvent.objects.count(),
        Contact.objects.count(),
        Customer.objects.get(pk=world["customer"].pk).attempts,
    )


def test_a_known_call_with_other_content_is_refused(world):
    changes = [
        {"talk_seconds": "9", "result": "considering"},
        {"started_at": "2026-03-05 10:00:01"},
        {"phone": "19000002222"},
        {"team": ""},
    ]
    bring([row(f"C{number}") for number, _change in enumerate(changes)], world["data"])
    again = bring([row(f"C{number}", **change) for number, change in enumerate(changes)], world["data"])

    assert counts(again) == {"conflict": 4}
    assert set(verdicts(again).values()) == {"call_known_otherwise"}
    assert Call.objects.count() == 4


def test_a_cancellation_that_comes_with_a_later_file_is_taken_once(world):
    bring([sold()], world["data"])

    late = bring([sold(cancelled_at="2026-03-20 09:00")], world["data"])
    again = bring([sold(cancelled_at="2026-03-20 09:00")], world["data"])
    other = bring([sold(cancelled_at="2026-03-21 09:00")], world["data"])

    assert [counts(each) for each in (late, again, other)] == [{"cancellation": 1}, {"unchanged": 1}, {"conflict": 1}]
    assert Order.objects.get().state == "cancelled"
    assert OrderEvent.objects.filter(kind="cancelled").count() == 1


def test_rows_repeated_in_one_file_are_told_apart(world):
    once = bring([row("C1"), row("C1"), row("C1", after_call_seconds="4")], world["data"])
    assert verdicts(once) == {2: "", 3: "same_row", 4: "call_id_twice"}
    assert counts(once) == {"new": 1, "unchanged": 1, "conflict": 1}


# ---------------------------------------------------------------- row errors


ROW_ERRORS = [
    ({"call_id": ""}, "call_id_missing"),
    ({"campaign": "NOBODYS"}, "campaign_unknown"),
    ({"agent": "X9"}, "agent_unknown"),
    ({"team": "X9"}, "team_unknown"),
    ({"result": "shrugged"}, "result_unknown"),
    ({"phone": "19000009999"}, "number_unknown"),
    ({"phone": "1.9E+10"}, "phone_lost_digits"),
    ({"phone": ""}, "phone_missing"),
    ({"started_at": ""}, "time_missing"),
    ({"started_at": "yesterday"}, "bad_time"),
    ({"started_at": "1889-01-01 10:00"}, "too_early"),
    ({"started_at": "2027-01-01 10:00"}, "in_future"),
    ({"talk_seconds": "-5"}, "ends_before_it_begins"),
    ({"talk_seconds": "2.5"}, "bad_seconds"),
    ({"talk_seconds": "lots"}, "bad_seconds"),
    ({"talk_seconds": "7"}, "talk_without_connection"),
    ({"after_call_seconds": "999999"}, "too_many_seconds"),
    ({"direction": "sideways"}, "direction_unknown"),
    ({"order_id": "O1"}, "order_without_sale"),
    ({"cancelled_at": "2026-03-20 09:00"}, "cancellation_without_sale"),
    ({"result": "sold", "product": "NOTHING"}, "product_unknown"),
    ({"result": "sold", "amount": "-1"}, "negative_amount"),
    ({"result": "sold", "amount": "much"}, "bad_amount"),
    ({"result": "sold", "cancelled_at": "2026-03-05 09:59"}, "cancelled_before_sale"),
    ({"result": "sold", "cancelled_at": "2027-03-05 09:59"}, "in_future"),
]


def test_what_cannot_be_is_a_row_error_and_the_other_rows_are_imported(world):
    wrong = [row(**{"call_id": f"W{number}", **cells}) for number, (cells, _why) in enumerate(ROW_ERRORS)]
    done = bring([row("C1"), *wrong, row("C2")], world["data"])

    found = verdicts(done)
    assert [(cells, found[number]) for number, (cells, _why) in enumerate(ROW_ERRORS, start=3)] == ROW_ERRORS
    assert counts(done) == {"new": 2, "invalid": len(ROW_ERRORS)}
    assert Call.objects.count() == 2


def test_an_end_before_the_start_is_a_row_error(world):
    rows = [{**row(result="considering", talk_seconds="60"), "ended_at": "2026-03-05 10:00:30"}]
    assert verdicts(bring([], world["data"], file=file_of(rows, [*HEAD, "ended_at"]))) == {2: "ends_before_it_begins"}


def test_an_order_number_belongs_to_one_call(world):
    bring([sold("C1", order_id="O1")], world["data"])
    later = bring([sold("C2", order_id="O1"), sold("C3", order_id="O2"), sold("C4", order_id="O2")], world["data"])
    assert verdicts(later) == {2: "order_known", 3: "", 4: "order_twice"}


def test_without_a_team_the_agents_own_team_of_that_day_counts(world):
    Membership.objects.filter(user=world["agent"]).update(valid_from=date(2026, 3, 1))
    done = bring([row("C1", team=""), row("C2", team="", started_at="2026-02-01 10:00")], world["data"])

    assert verdicts(done) == {2: "", 3: "team_unknown"}
    assert Call.objects.get().team_id == world["team"].pk


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"call_id,campaign\nC1,HIST\n", "failed"), (",".join(HEAD).encode() + b"\n", "failed")],
)
def test_a_file_without_the_columns_or_rows_fails_with_a_sentence_and_stores_nothing(world, content, status):
    done = bring([], world["data"], file=io.BytesIO(content))
    assert done.status == status
    assert done.fault in ("columns_missing", "header_only")
    assert not StagedCall.objects.exists()


def test_what_is_no_list_is_refused_at_once(world):
    with pytest.raises(history.FileRefused):
        history.receive_calls(
            file=io.BytesIO(b"%PDF-1.7 ..."),
            file_name="x.xlsx",
            makes_missing=False,
            imports_at_once=True,
            by=world["data"],
            at=AT,
        )
    assert not CallImport.objects.exists()


# ---------------------------------------------------------------- making what is missing


def test_what_is_missing_is_made_when_asked_for():
    data = person("data")
    done = bring(
        [
            sold("C1", campaign="OLD", agent="A1", team="T1", product="TERM", started_at="2026-03-05 10:00"),
            row("C2", campaign="OLD", agent="A1", team="T2", started_at="2026-03-07 10:00"),
            row("C3", campaign="OLD", agent="A1", team="T2", started_at="2026-03-08 10:00", phone="19000002222"),
        ],
        data,
        makes=True,
    )

    assert counts(done) == {"new": 3}
    assert done.made == {"products": 1, "campaigns": 1, "teams": 2, "agents": 1, "customers": 2}
    agent = User.objects.get(code="A1")
    assert not agent.has_usable_password()
    assert not agent.is_active
    stays = list(agent.memberships.order_by("valid_from").values_list("team__code", "valid_from", "valid_to"))
    assert stays == [("T1", date(2026, 3, 5), date(2026, 3, 7)), ("T2", date(2026, 3, 7), None)]
    assert Team.objects.get(code="T1").city is None
    call = Call.objects.earliest("started_at")
    campaign = call.campaign_id
    from campaigns.models import Campaign

    made = Campaign.objects.get(pk=campaign)
    assert (made.code, made.stage, made.product.code) == ("OLD", "history", "TERM")
    customer = Customer.objects.get(pk=call.customer_id)
    assert (customer.name, customer.city.name_zh, customer.city.zone) == ("", "未知", None)
    assert customer.phones.get().mask == "190****1111"
    assert City.objects.count() == 1


def test_nothing_is_made_for_rows_that_cannot_be_imported():
    data = person("data")
    done = bring([row("C1", campaign="OLD", agent="A1", team="T1", started_at="2030-01-01 10:00")], data, makes=True)
    assert counts(done) == {"invalid": 1}
    assert not Team.objects.exists()
    assert not Customer.objects.exists()


def test_only_those_who_work_for_the_region_may_make_what_is_missing(world):
    with pytest.raises(PermissionRefused):
        bring([row()], person("data", city=world["city"]), makes=True)
    with pytest.raises(PermissionRefused):
        bring([row()], world["agent"])


def test_customers_and_teams_of_another_city_are_unknown_to_a_citys_data_team(world):
    other = person("data", city=CityFactory())
    assert verdicts(bring([row()], other)) == {2: "agent_unknown"}
    TeamFactory(code="SZ1", city=CityFactory())
    own = person("data", city=world["city"])
    assert counts(bring([row()], own)) == {"new": 1}
    CustomerFactory(phone="19000002222")
    assert verdicts(bring([row("C2", phone="19000002222")], own)) == {2: "number_unknown"}
    assert verdicts(bring([row("C3", team="SZ1")], own)) == {2: "team_unknown"}


@pytest.mark.parametrize("team", ["GZ1", ""])
def test_an_agent_of_another_city_reads_like_one_who_does_not_exist(world, team):
    agent_of(TeamFactory(city=CityFactory()), code="SZ201")
    rows = [row("C1", agent="SZ201", team=team), row("C2", agent="X9", team=team), row("C3", team=team)]

    brought = bring(rows, person("data", city=world["city"]))

    assert verdicts(brought) == {2: "agent_unknown", 3: "agent_unknown", 4: ""}
    assert counts(brought) == {"new": 1, "invalid": 2}


# ---------------------------------------------------------------- looking before importing


def test_a_file_is_looked_at_before_it_is_imported(world):
    call_import = bring([row()], world["data"], at_once=False)
    assert (call_import.status, counts(call_import)) == ("checked", {"new": 1})
    assert not Call.objects.exists()

    job = history.start_import(call_import=call_import, by=world["data"], at=AT)
    assert history.start_import(call_import=call_import, by=world["data"], at=AT) == job
    assert run_inline(job.pk)

    call_import.refresh_from_db()
    assert (call_import.status, call_import.imported_by) == ("imported", world["data"])
    assert Call.objects.count() == 1
    with pytest.raises(history.ImportIsOver):
        history.start_import(call_import=call_import, by=world["data"], at=AT)


def test_a_checked_file_can_be_given_up(world):
    call_import = bring([row()], world["data"], at_once=False)
    history.give_up(call_import=call_import, by=world["data"], at=AT)
    assert not StagedCall.objects.exists()
    with pytest.raises(history.ImportIsOver):
        history.start_import(call_import=call_import, by=world["data"], at=AT)


def stopped_after_the_first_piece(world, monkeypatch):
    """Two of three calls are stored when somebody stops the import."""
    monkeypatch.setattr(history, "PIECE_ROWS", 2)
    usual = history_storing.store_piece

    def store_piece(call_import, **more):
        stored = usual(call_import, **more)
        request_cancel(Job.objects.get(pk=call_import.job_id), by=world["data"], at=AT)
        return stored

    monkeypatch.setattr(history_storing, "store_piece", store_piece)
    rows = [row("C1"), sold("C2", started_at="2026-03-06 10:00"), row("C3", started_at="2026-03-07 10:00")]
    call_import = history.receive_calls(
        file=file_of(rows), file_name="calls.csv", makes_missing=False, imports_at_once=True, by=world["data"], at=AT
    )
    assert run_inline(call_import.job_id)
    monkeypatch.setattr(history_storing, "store_piece", usual)
    call_import.refresh_from_db()
    return call_import


def test_an_import_stopped_halfway_says_what_is_stored_and_brings_in_the_rest_when_asked(
    world, monkeypatch, django_capture_on_commit_callbacks
):
    told = []
    calls_imported.connect(lambda **news: told.append(news["call_import_id"]), weak=False, dispatch_uid="test")
    try:
        with django_capture_on_commit_callbacks(execute=True):
            call_import = stopped_after_the_first_piece(world, monkeypatch)
    finally:
        calls_imported.disconnect(dispatch_uid="test")

    assert (call_import.status, counts(call_import)) == ("partly", {"new": 1, "unchanged": 2})
    assert (Call.objects.count(), told) == (2, [call_import.pk])
    event = AuditEvent.objects.get(action="campaigns.calls.import_stopped")
    assert (event.detail["stored"], event.detail["left"]) == (2, 1)
    with pytest.raises(history.ImportIsOver):  # the calls are in: that cannot be taken back
        history.give_up(call_import=call_import, by=world["data"], at=AT)

    assert run_inline(history.start_import(call_import=call_import, by=world["data"], at=AT).pk)
    call_import.refresh_from_db()
    assert (call_import.status, Call.objects.count(), Order.objects.count()) == ("imported", 3, 1)


def test_the_page_of_a_partly_imported_file_offers_the_rest_and_no_giving_up(world, monkeypatch, client):
    call_import = stopped_after_the_first_piece(world, monkeypatch)
    client.force_login(world["data"])
    page = client.get(reverse("campaigns:call_import_detail", args=[call_import.pk])).content.decode()
    assert "Partly imported" in page
    assert "Import 1 row<" in page
    assert "Give up" not in page


def test_a_stopped_import_goes_on_from_the_list_of_jobs(world, monkeypatch):
    call_import = stopped_after_the_first_piece(world, monkeypatch)

    job = run_again(job=Job.objects.get(pk=call_import.job_id), by=world["data"], at=AT)
    assert run_inline(job.pk)

    call_import.refresh_from_db()
    assert (call_import.status, Call.objects.count()) == ("imported", 3)


def test_a_check_done_twice_by_a_dying_worker_still_waits_for_somebody_to_look(world):
    call_import = bring([row()], world["data"], at_once=False)
    Job.objects.filter(pk=call_import.job_id).update(state="queued", finished_at=None)

    assert run_inline(call_import.job_id)

    call_import.refresh_from_db()
    assert (call_import.status, Call.objects.count()) == ("checked", 0)


def test_an_import_stopped_before_its_first_piece_is_still_a_checked_one(world, monkeypatch):
    call_import = bring([row()], world["data"], at_once=False)
    job = history.start_import(call_import=call_import, by=world["data"], at=AT)
    usual = history._make_ready

    def make_ready(run, call_import):
        usual(run, call_import)
        request_cancel(run.job, by=world["data"], at=AT)

    monkeypatch.setattr(history, "_make_ready", make_ready)
    assert run_inline(job.pk)
    monkeypatch.setattr(history, "_make_ready", usual)
    call_import.refresh_from_db()
    assert (call_import.status, counts(call_import)) == ("checked", {"new": 1})

    assert run_inline(run_again(job=job, by=world["data"], at=AT).pk)
    call_import.refresh_from_db()
    assert (call_import.status, Call.objects.count()) == ("imported", 1)


def test_an_import_stopped_while_it_waited_can_be_started_again(world):
    call_import = bring([row()], world["data"], at_once=False)
    first = history.start_import(call_import=call_import, by=world["data"], at=AT)
    request_cancel(first, by=world["data"], at=AT)

    again = history.start_import(call_import=call_import, by=world["data"], at=AT)

    assert again != first
    assert run_inline(again.pk)
    assert Call.objects.count() == 1


def test_what_another_import_brought_in_between_is_left_out_and_told(world):
    first = bring([row("C1"), sold("C2", started_at="2026-03-06 10:00")], world["data"], at_once=False)
    # the second file is checked before the first is stored
    second = bring([row("C1"), row("C3", started_at="2026-03-07 10:00")], world["data"], at_once=False)
    run_inline(history.start_import(call_import=first, by=world["data"], at=AT).pk)
    run_inline(history.start_import(call_import=second, by=world["data"], at=AT).pk)

    second.refresh_from_db()
    assert counts(second) == {"new": 1, "unchanged": 1}
    assert Call.objects.count() == 3


# ---------------------------------------------------------------- what imported calls do


def test_imported_calls_weigh_on_the_persons_budget(world):
    bring(
        [
            row("C1", started_at="2026-11-19 09:00"),
            row("C2", started_at="2026-11-19 10:30", result="considering", talk_seconds="9"),
        ],
        world["data"],
    )

    customer = Customer.objects.get(pk=world["customer"].pk)
    first, second = datetime(2026, 11, 19, 1, tzinfo=UTC), datetime(2026, 11, 19, 2, 30, tzinfo=UTC)
    assert customer.attempts == [second, first]
    assert customer.answered_at == second
    # two in 24 hours by the default pack
    assert customer.callable_from == first + timedelta(hours=24)


def test_asking_not_to_be_called_suppresses_from_the_day_of_the_call_and_ends_the_leads(world):
    lead = LeadFactory(customer=world["customer"])
    bring([row(result="do_not_call", talk_seconds="10")], world["data"])

    row_written = Suppression.objects.get()
    assert (row_written.kind, row_written.valid_from, row_written.valid_to) == (
        "refusal",
        datetime(2026, 3, 5, 2, tzinfo=UTC),
        None,
    )
    assert row_written.call_id == Call.objects.get().pk
    lead.refresh_from_db()
    assert (lead.state, lead.outcome) == ("done", "suppressed")
    assert Customer.objects.get(pk=world["customer"].pk).is_suppressed


def test_a_lead_in_an_agents_hand_is_taken_away_by_an_imported_refusal_of_calls(world):
    lead = held_lead(world["agent"], customer=world["customer"])
    bring([row(result="do_not_call", talk_seconds="10")], world["data"])

    lead.refresh_from_db()
    assert (lead.state, lead.agent, Customer.objects.get(pk=world["customer"].pk).held_lead_id) == ("done", None, None)


def test_a_dialled_lead_stays_in_the_hand_whatever_is_imported_meanwhile(world):
    lead = held_lead(world["agent"], customer=world["customer"])
    Lead.objects.filter(pk=lead.pk).update(dialled_at=AT)
    promise = Callback.objects.create(lead=lead, agent=world["agent"], due_at=AT)
    bring(
        [row("C1", result="do_not_call", talk_seconds="10"), row("C2", result="complaint", talk_seconds="5")],
        world["data"],
    )

    lead.refresh_from_db()
    promise.refresh_from_db()
    assert (lead.state, lead.agent, promise.state) == ("held", world["agent"], "promised")
    assert Customer.objects.get(pk=world["customer"].pk).held_lead_id == lead.pk


def test_an_imported_refusal_gives_the_budget_of_an_undialled_lead_back_and_then_counts_its_own_call(world):
    lead = held_lead(world["agent"], customer=world["customer"])
    Lead.objects.filter(pk=lead.pk).update(callable_before=AT - timedelta(days=9))
    Customer.objects.filter(pk=world["customer"].pk).update(
        attempts=[lead.held_at], callable_from=AT + timedelta(days=1)
    )
    bring([row(result="complaint", talk_seconds="10", started_at="2026-11-19 09:00")], world["data"])

    lead.refresh_from_db()
    customer = Customer.objects.get(pk=world["customer"].pk)
    called = datetime(2026, 11, 19, 1, tzinfo=UTC)
    assert (lead.state, customer.held_lead_id, customer.attempts) == ("open", None, [called])
    # two hours after the imported call by the default pack, no longer a day after the hand-out
    assert customer.callable_from == called + timedelta(hours=2)


@pytest.mark.parametrize(
    ("due", "state"), [("2026-03-06 10:00", "kept"), ("2026-03-05 09:30", "kept"), ("2026-03-05 09:29", "late")]
)
def test_a_lead_that_ends_by_an_imported_call_has_no_open_promise_left(world, due, state):
    lead = LeadFactory(customer=world["customer"], campaign=world["campaign"], callback_agent=world["agent"])
    promise = Callback.objects.create(
        lead=lead,
        agent=world["agent"],
        due_at=datetime.fromisoformat(due).replace(tzinfo=CHINA),
        call_started_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    bring([sold()], world["data"])

    lead.refresh_from_db()
    promise.refresh_from_db()
    assert (lead.state, lead.outcome, lead.callback_agent) == ("done", "won", None)
    assert (promise.state, promise.kept_at) == (state, datetime(2026, 3, 5, 2, tzinfo=UTC))


def test_a_promise_made_after_the_imported_sale_is_dropped_not_kept(world):
    lead = LeadFactory(customer=world["customer"], campaign=world["campaign"], callback_agent=world["agent"])
    promise = Callback.objects.create(
        lead=lead, agent=world["agent"], due_at=AT, call_started_at=AT - timedelta(days=1)
    )
    bring([sold()], world["data"])

    promise.refresh_from_db()
    assert (promise.state, promise.kept_at) == ("dropped", None)


def test_a_lead_that_goes_on_keeps_its_promise(world):
    lead = LeadFactory(customer=world["customer"], campaign=world["campaign"], callback_agent=world["agent"])
    promise = Callback.objects.create(lead=lead, agent=world["agent"], due_at=AT)
    bring([row()], world["data"])

    lead.refresh_from_db()
    promise.refresh_from_db()
    assert (lead.state, lead.callback_agent, promise.state) == ("open", world["agent"], "promised")


def test_a_refused_offer_rests_the_product_as_from_the_day_of_the_call(world):
    lead = LeadFactory(customer=world["customer"], campaign=world["campaign"])
    same = LeadFactory(customer=world["customer"], campaign=CampaignFactory(product=world["campaign"].product))
    bring([row(result="refused_price", talk_seconds="10", started_at="2026-11-01 10:00")], world["data"])

    until = datetime(2026, 11, 1, 2, tzinfo=UTC) + timedelta(days=90)
    rest = Suppression.objects.get()
    assert (rest.kind, rest.product_id, rest.valid_to) == ("offer_refused", world["campaign"].product_id, until)
    lead.refresh_from_db()
    same.refresh_from_db()
    assert (lead.state, lead.outcome) == ("done", "refused")
    assert (same.state, same.ready_at) == ("open", until)


def test_an_imported_complaint_holds_the_person(world):
    lead = LeadFactory(customer=world["customer"])
    bring([row(result="complaint", talk_seconds="10")], world["data"])
    lead.refresh_from_db()
    assert Customer.objects.get(pk=world["customer"].pk).is_suppressed
    assert lead.state == "open"


def test_leads_of_the_campaign_follow_their_imported_calls(world):
    lead = LeadFactory(customer=world["customer"], campaign=world["campaign"])
    bring([row("C1"), row("C2", started_at="2026-03-06 10:00", result="busy")], world["data"])

    lead.refresh_from_db()
    assert (lead.state, lead.attempts_made, lead.last_disposition) == ("open", 2, result("busy"))
    assert lead.due_at == datetime(2026, 3, 6, 2, 30, tzinfo=UTC)
    assert Call.objects.first().lead_id == lead.pk
    assert Call.objects.first().source_id == lead.source_id

    bring([sold("C3", started_at="2026-03-07 10:00")], world["data"])
    lead.refresh_from_db()
    assert (lead.state, lead.outcome, lead.attempts_made) == ("done", "won", 3)


def test_an_imported_lead_is_exhausted_by_its_retry_rule(world):
    lead = LeadFactory(customer=world["customer"], campaign=world["campaign"], attempts_made=5)
    bring([row()], world["data"])
    lead.refresh_from_db()
    assert (lead.state, lead.outcome) == ("done", "exhausted")


def test_an_older_call_does_not_overrule_what_was_decided_later(world):
    lead = LeadFactory(
        customer=world["customer"], campaign=world["campaign"], last_call_at=AT, last_disposition=result("considering")
    )
    bring([row(result="refused_price", talk_seconds="5")], world["data"])
    lead.refresh_from_db()
    assert (lead.state, lead.last_disposition, lead.last_call_at, lead.attempts_made) == (
        "open",
        result("considering"),
        AT,
        1,
    )


def test_a_number_not_in_use_is_marked(world):
    bring([row(result="invalid_number")], world["data"])
    assert world["customer"].phones.get().is_dead


def test_a_number_that_answered_later_stays(world):
    bring(
        [row("C1", result="invalid_number"), row("C2", started_at="2026-03-08 10:00", result="considering")],
        world["data"],
    )
    assert not world["customer"].phones.get().is_dead


def test_an_import_is_audited_with_counts_and_without_numbers(world):
    bring([row()], world["data"])
    event = AuditEvent.objects.get(action="campaigns.calls.imported")
    assert event.detail["new"] == 1
    assert NUMBER not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


def test_rejected_rows_come_back_with_reason_and_without_the_number(world):
    from campaigns.services.history_rejects import rejected_rows

    call_import = bring(
        [row("C1", agent="X9"), row("C2", started_at="soon"), row("C3", phone="19000009999x")], world["data"]
    )
    rows = list(rejected_rows(call_import))

    assert [(number, reason) for number, reason, *_rest in rows] == [
        (2, "Unknown agent"), (3, "A time cannot be read; write it like 2008-05-06 14:30:00"), (4, "Phone number has characters that are no digits"),
    ]  # fmt: skip
    assert rows[0][3:8] == ["C1", "HIST", "X9", "GZ1", "190****1111"]
    assert rows[1][9] == "soon"
    assert "19000009999" not in str(rows)
    assert NUMBER not in str(rows)


def test_an_own_cancellation_is_not_undone_by_the_same_file(world):
    bring([sold()], world["data"])
    orders.cancel_order(order=Order.objects.get(), occurred_at=AT, reason="by phone", by=world["data"], at=AT)
    assert counts(bring([sold()], world["data"])) == {"unchanged": 1}
    assert Order.objects.get().state == "cancelled"


def test_old_staged_rows_go_and_the_calls_stay(world):
    bring([row()], world["data"])
    assert history.drop_old_rows(at=AT + timedelta(days=31)) == 1
    assert Call.objects.count() == 1
    assert not StagedCall.objects.exists()
    assert Lead.objects.count() == 0
