"""What persons ask about their own data: the clock, the answers, and what each leaves behind."""

import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from core.errors import PermissionRefused
from core.files import can_download, destroy, destroy_overdue, open_file
from core.models import AuditEvent, PrivateFile
from core.phones import clean_phone
from core.sealed import blind_index
from customers import retention
from customers.models import (
    Consent,
    ConsentFile,
    Customer,
    HeldRow,
    NumberUse,
    PersonRequest,
    Phone,
    RowVerdict,
    StagedRow,
    Suppression,
)
from customers.services import requests
from customers.services.contacts import suppressions_of
from customers.services.erasing import MustBeKept, NothingForbids, erase, lock_instead
from customers.services.greylist import add_grey_entry, lift_grey_entry
from customers.services.person_copy import write_copy
from customers.services.persons import QuotaUsedUp, add_consent
from customers.services.quiet_times import add_quiet_time
from customers.services.requests import (
    AnsweredAlready,
    AskedAlready,
    NothingChanged,
    NotLocked,
    OtherRequest,
    ReceivedWhen,
    correct,
    lock,
    open_request,
    refuse_request,
    unlock,
)
from customers.services.suppress import ReasonMissing, lift, suppress
from customers.signals import customer_suppressed
from customers.tests.factories import CustomerFactory, LeadListFactory, SourceFactory, TagFactory
from people.tests.factories import CityFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 19, 3, 0, tzinfo=UTC)
NUMBER = "19100007548"
YEAR = timedelta(days=365)
PDF = b"%PDF-1.7\nI agree to be called."


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.FILES_DIR = tmp_path / "files"


@pytest.fixture
def city():
    return CityFactory(name="Foshan")


@pytest.fixture
def clerk(city):
    """Receives requests: a supervisor of the city, who answers none."""
    return UserFactory(role="supervisor", city=city)


@pytest.fixture
def data(city):
    return UserFactory(role="data", city=city)


@pytest.fixture
def customer(city):
    return CustomerFactory(
        city=city, name="孙明", number=NUMBER, attributes={"plan": 5, "carrier": "CMCC"}, age=40, gender="male", external_id="K7"
    )  # fmt: skip


def asks(customer, kind, by, **fields) -> PersonRequest:
    return open_request(customer=customer, kind=kind, way="phone", by=by, at=AT, **fields)


def trail() -> list[str]:
    return [row.action for row in AuditEvent.objects.filter(action__startswith="customers.request").order_by("pk")]


# ---------------------------------------------------------------- entering and refusing


def test_the_clock_runs_fifteen_days_from_the_receipt(customer, clerk):
    asked = asks(customer, "copy", clerk, received_on=date(2026, 11, 10))

    assert (asked.state, asked.received_by, asked.due_on) == ("open", clerk, date(2026, 11, 25))
    assert AuditEvent.objects.get(action="customers.request.opened").detail == {
        "customer_id": customer.pk, "kind": "copy", "way": "phone", "due": "2026-11-25",
    }  # fmt: skip


def test_the_time_to_answer_is_a_setting(customer, clerk, settings):
    settings.PERSON_REQUEST_DAYS = 30

    assert asks(customer, "copy", clerk).due_on == date(2026, 12, 19)


def test_the_same_is_not_asked_twice_at_a_time_but_something_else_may_be(customer, clerk):
    asks(customer, "copy", clerk)

    with pytest.raises(AskedAlready):
        asks(customer, "copy", clerk)
    assert asks(customer, "lock", clerk).state == "open"


@pytest.mark.parametrize("day", [date(2026, 11, 20), date(2025, 11, 18)])
def test_a_receipt_in_the_future_or_long_ago_is_refused(customer, clerk, day):
    with pytest.raises(ReceivedWhen):
        asks(customer, "copy", clerk, received_on=day)


def test_an_agent_enters_no_request(customer, city):
    with pytest.raises(PermissionRefused):
        asks(customer, "copy", UserFactory(role="trainer", city=city))


def test_a_refusal_needs_a_reason_and_ends_the_request(customer, clerk, data):
    asked = asks(customer, "erase", clerk)
    with pytest.raises(ReasonMissing):
        refuse_request(asked=asked, answer=" ", by=data, at=AT)

    asked = refuse_request(asked=asked, answer="not the person", by=data, at=AT)

    assert (asked.state, asked.decided_by) == ("refused", data)
    assert PersonRequest.objects.get().answer == "not the person"
    assert "not the person" not in str(AuditEvent.objects.values_list("detail", flat=True))
    with pytest.raises(AnsweredAlready):
        refuse_request(asked=asked, answer="again", by=data, at=AT)


def test_who_receives_does_not_answer_and_another_citys_data_team_neither(customer, clerk):
    asked = asks(customer, "lock", clerk)

    for by in (clerk, UserFactory(role="data", city=CityFactory())):
        with pytest.raises(PermissionRefused):
            lock(asked=asked, by=by, at=AT)
    assert PersonRequest.objects.get().state == "open"


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "done"},
        {"due_on": date(2026, 11, 1)},
        {"file_id": 1},
        {"lift_reason": "no lock"},
        {"state": "done", "decided": "received_by"},
    ],
)
def test_half_a_state_cannot_be_stored(customer, clerk, data, fields):
    asked = asks(customer, "erase", clerk)
    if fields.pop("decided", ""):
        fields |= {"decided_by": clerk, "decided_at": AT}

    with pytest.raises(IntegrityError), transaction.atomic():
        PersonRequest.objects.filter(pk=asked.pk).update(**fields)


def test_what_is_overdue_is_open_and_past_its_day(customer, clerk, data):
    asks(customer, "copy", clerk, received_on=date(2026, 11, 1))  # due on the 16th
    refuse_request(asked=asks(customer, "erase", clerk, received_on=date(2026, 11, 1)), answer="no", by=data, at=AT)

    assert PersonRequest.objects.overdue(date(2026, 11, 16)).count() == 0
    assert PersonRequest.objects.overdue(date(2026, 11, 17)).count() == 1


# ---------------------------------------------------------------- a copy


def sheets(private_file) -> dict[str, list[list]]:
    with open_file(private_file) as stream:
        book = openpyxl.load_workbook(io.BytesIO(stream.read()))
    return {sheet.title: [[cell.value for cell in row] for row in sheet.rows] for sheet in book}


def test_the_copy_holds_everything_with_whole_numbers_and_is_gone_after_a_day(customer, clerk, data):
    customer.tags.create(tag=TagFactory(name="vip"))
    suppress(customer=customer, kind="manual", by=clerk, at=AT, note="asked in writing")
    asked = write_copy(asked=asks(customer, "copy", clerk), by=data, at=AT, answer="sent by post")

    file = PrivateFile.objects.get(pk=asked.file_id)
    assert (file.kind, file.keep_until) == ("customers.person_copy", AT + timedelta(hours=24))
    assert "孙明" not in file.name
    book = sheets(file)
    told = str(book)
    for word in ("孙明", "+8619100007548", "Foshan", "CMCC", "vip", "contract", "asked in writing", "K7"):
        assert word in told, word
    assert str(data) in told  # who wrote it, on every sheet
    assert AuditEvent.objects.get(action="customers.request.copied").detail["numbers"] == 1
    assert NumberUse.objects.get(user=data, kind="reveal").count == 1


def test_only_who_wrote_the_copy_downloads_it_and_only_within_its_time(customer, clerk, data, monkeypatch):
    asked = write_copy(asked=asks(customer, "copy", clerk), by=data, at=AT)
    file = PrivateFile.objects.get(pk=asked.file_id)
    monkeypatch.setattr("customers.services.person_copy.database_now", lambda: AT + timedelta(hours=23))
    assert (can_download(data, file), can_download(clerk, file)) == (True, False)

    monkeypatch.setattr("customers.services.person_copy.database_now", lambda: AT + timedelta(hours=25))
    assert not can_download(data, file)


def test_without_quota_no_copy_is_written_and_the_request_stays_open(customer, clerk, data):
    NumberUse.objects.create(user=data, day=date(2026, 11, 19), kind="reveal", count=50)
    asked = asks(customer, "copy", clerk)

    with pytest.raises(QuotaUsedUp):
        write_copy(asked=asked, by=data, at=AT)

    assert (PersonRequest.objects.get().state, PrivateFile.objects.count()) == ("open", 0)


def enter_consent(customer, data) -> Consent:
    return add_consent(
        customer=customer, basis="written", stated_by="Chen", given_at=AT - YEAR, evidence="signed at the shop", by=data, at=AT - YEAR,
        file=io.BytesIO(PDF),
    )  # fmt: skip


def test_files_that_prove_a_consent_come_along_in_an_archive(customer, clerk, data):
    kept, lost = enter_consent(customer, data), enter_consent(customer, data)
    destroy(private_file=PrivateFile.objects.get(pk=lost.file.file_id), at=AT)

    asked = write_copy(asked=asks(customer, "copy", clerk), by=data, at=AT)

    file = PrivateFile.objects.get(pk=asked.file_id)
    assert (file.name, file.content_type) == (f"request {asked.pk}.zip", "application/zip")
    with open_file(file) as stream, zipfile.ZipFile(stream) as archive:
        assert archive.namelist() == [f"request {asked.pk}.xlsx", f"consent-{kept.pk}.pdf"]
        assert archive.read(f"consent-{kept.pk}.pdf") == PDF
        book = openpyxl.load_workbook(io.BytesIO(archive.read(f"request {asked.pk}.xlsx")))
    names = [row[6] for row in book["Consents"].iter_rows(min_row=3, values_only=True)]
    assert names == [None, f"consent-{kept.pk}.pdf", "no longer kept"]
    assert AuditEvent.objects.get(action="customers.request.copied").detail["evidence_files"] == 1


def test_the_copy_holds_what_stands_by_number_why_it_was_lifted_and_what_those_merged_into_the_person_hold(
    customer, clerk, data, city
):
    former = CustomerFactory(city=city, name="孙小明", number="19100007549", consent=False)
    refuse_request(asked=asks(former, "erase", clerk), answer="proof of identity was missing", by=data, at=AT)
    quiet = {
        "days": [1],
        "begins": "12:00",
        "ends": "14:00",
        "stated_on": AT.date(),
        "way": "phone",
        "by": data,
        "at": AT,
    }
    add_quiet_time(customer=former, stated_by="his mother", **quiet)
    Customer.objects.filter(pk=former.pk).update(merged_into=customer)
    grey = {"purposes": ["service"], "callback_only": False, "by": data, "at": AT}
    of_number = add_grey_entry(number=NUMBER, reason="asked by letter", source="letter of May", **grey)
    lift_grey_entry(entry=of_number, by=data, at=AT, reason="wrote that it is settled")
    add_grey_entry(customer=former, reason="of the one merged", source="phone", **grey)
    other = suppress(phone="19100009999", kind="manual", by=clerk, at=AT, note="somebody else")
    asked = write_copy(asked=asks(customer, "copy", clerk), by=data, at=AT)

    told = str(sheets(PrivateFile.objects.get(pk=asked.file_id)))

    for word in ("asked by letter", "letter of May", "wrote that it is settled", "a number of the person", "his mother",
                 "proof of identity was missing", "of the one merged"):  # fmt: skip
        assert word in told, word
    assert other.note not in told


# ---------------------------------------------------------------- a correction


def test_a_correction_writes_the_values_and_keeps_before_and_after_sealed(customer, clerk, data):
    asked = asks(customer, "correct", clerk)

    correct(
        asked=asked, changes={"name": "孙鸣", "age": 41, "attributes": {"plan": 6, "carrier": "CMCC"}}, by=data, at=AT
    )

    customer = Customer.objects.get()
    assert (customer.name, customer.name_sort, customer.age, customer.attributes["plan"]) == ("孙鸣", "sun ming", 41, 6)
    evidence = json.loads(PersonRequest.objects.get().evidence)
    assert evidence["before"] == {"age": 40, "attributes": {"plan": 5, "carrier": "CMCC"}, "name": "孙明"}
    assert evidence["after"]["name"] == "孙鸣"
    row = AuditEvent.objects.get(action="customers.request.corrected")
    assert row.detail == {"customer_id": customer.pk, "fields": ["age", "attributes", "name"]}


def test_nothing_changed_is_no_correction(customer, clerk, data):
    with pytest.raises(NothingChanged):
        correct(asked=asks(customer, "correct", clerk), changes={"name": "孙明"}, by=data, at=AT)


def test_a_city_beyond_ones_own_is_refused(customer, clerk, data):
    elsewhere = CityFactory()

    with pytest.raises(PermissionRefused):
        correct(asked=asks(customer, "correct", clerk), changes={"city": elsewhere}, by=data, at=AT)
    assert Customer.objects.get().city_id != elsewhere.pk


# ---------------------------------------------------------------- erasing


def test_erasing_empties_the_person_destroys_the_number_and_keeps_it_refused(customer, clerk, data):
    customer.tags.create(tag=TagFactory())
    asked = asks(customer, "erase", clerk)

    erase(asked=asked, by=data, at=AT, answer="done")

    gone = Customer.objects.get(pk=customer.pk)
    assert (gone.name, gone.name_sort, gone.external_id, gone.attributes, gone.address, gone.gender, gone.age) == (
        "", "", "", {}, None, "", None,
    )  # fmt: skip
    assert (gone.phones.count(), gone.tags.count(), gone.is_suppressed) == (0, 0, True)
    assert not gone.consents.in_force(AT).exists()
    number = Suppression.objects.get(phone_blind=blind_index(clean_phone(NUMBER)))
    assert (number.customer_id, number.valid_to, number.lifted_at) == (None, None, None)
    event = AuditEvent.objects.get(action="customers.request.erased")
    assert event.detail == {
        "customer_id": customer.pk,
        "numbers": 1,
        "entered_by": clerk.pk,
        "evidence_files": 0,
        "evidence_kept_until": None,
    }


def test_evidence_of_somebody_never_contacted_is_destroyed_with_its_words_also_in_the_history(customer, clerk, data):
    consent = enter_consent(customer, data)
    consent.expires_at = AT + YEAR
    consent.save()  # a state of before is kept with its words

    asked = erase(asked=asks(customer, "erase", clerk), by=data, at=AT)

    row = Consent.objects.get(pk=consent.pk)
    assert (row.basis, row.evidence, row.withdrawn_at) == ("written", "", AT)
    assert set(row.events.values_list("evidence", flat=True)) == {""}
    assert not ConsentFile.objects.exists()
    assert destroy_overdue(at=AT) == 1
    event = AuditEvent.objects.get(action="customers.request.erased")
    assert (event.detail["evidence_files"], event.detail["evidence_kept_until"]) == (1, None)
    assert asked.state == "done"


def test_evidence_of_past_calls_is_kept_three_years_for_those_who_answer_and_then_destroyed(
    client, customer, clerk, data, city
):
    called = AT - YEAR
    Customer.objects.filter(pk=customer.pk).update(attempts=[called])
    consent = enter_consent(customer, data)
    asked = asks(customer, "erase", clerk)
    client.force_login(data)
    page = client.get(reverse("customers:request", args=[asked.pk])).content.decode()
    assert "are kept until 2028-11-18" in page.replace("18 Nov 2028", "2028-11-18")

    erase(asked=asked, by=data, at=AT)

    file = PrivateFile.objects.get(pk=consent.file.file_id)
    assert file.keep_until == called + 3 * YEAR
    assert Consent.objects.get(pk=consent.pk).evidence == "signed at the shop"
    seller = UserFactory(role="campaign_manager", city=city)
    assert (can_download(data, file), can_download(seller, file)) == (True, False)
    for user, is_shown in ((data, True), (seller, False)):
        client.force_login(user)
        page = client.get(reverse("customers:customer", args=[customer.pk])).content.decode()
        assert ("signed at the shop" in page) == is_shown
    client.force_login(data)
    page = client.get(reverse("customers:request", args=[asked.pk])).content.decode()
    assert "wording and files kept until" in page

    assert (retention.forget_evidence(called + 3 * YEAR - timedelta(days=1)), ConsentFile.objects.count()) == (0, 1)
    assert retention.forget_evidence(called + 3 * YEAR) == 1
    assert (Consent.objects.get(pk=consent.pk).evidence, ConsentFile.objects.count()) == ("", 0)
    assert retention.forget_evidence(called + 3 * YEAR) == 0


def test_the_nightly_look_for_evidence_reads_nothing_of_who_was_called_within_its_time(
    customer, clerk, data, django_assert_num_queries
):
    called = AT - YEAR
    Customer.objects.filter(pk=customer.pk).update(attempts=[called])
    enter_consent(customer, data)
    erase(asked=asks(customer, "erase", clerk), by=data, at=AT)

    with django_assert_num_queries(2):
        assert retention.forget_evidence(called + 3 * YEAR - timedelta(days=1)) == 0


def test_evidence_of_who_was_not_erased_stays_and_a_row_without_its_file_goes(customer, data):
    stays, lost = enter_consent(customer, data), enter_consent(customer, data)
    destroy(private_file=PrivateFile.objects.get(pk=lost.file.file_id), at=AT)

    assert retention.forget_evidence(AT + 20 * YEAR) == 1

    assert list(ConsentFile.objects.values_list("consent", flat=True)) == [stays.pk]
    assert Consent.objects.get(pk=lost.pk).evidence == "signed at the shop"


def test_a_later_list_with_the_number_finds_it_refused(customer, clerk, data, city):
    erase(asked=asks(customer, "erase", clerk), by=data, at=AT)

    again = CustomerFactory(city=city, number=NUMBER)

    assert [row.kind for row in suppressions_of(again, AT)] == ["refusal"]


def test_who_entered_the_request_does_not_erase(customer, data):
    with pytest.raises(PermissionRefused, match="second person"):
        erase(asked=asks(customer, "erase", data), by=data, at=AT)
    assert Phone.objects.count() == 1


def test_an_open_complaint_forbids_erasing_until_it_is_cleared(customer, clerk, data):
    complaint = suppress(customer=customer, kind="complaint", by=clerk, at=AT - timedelta(days=1))
    asked = asks(customer, "erase", clerk)
    with pytest.raises(MustBeKept, match="complaint"):
        erase(asked=asked, by=data, at=AT)
    assert Customer.objects.get().name == "孙明"

    lift(suppression=complaint, by=data, at=AT, reason="settled")
    erase(asked=asked, by=data, at=AT)

    assert Customer.objects.get().name == ""


def test_where_the_data_must_be_kept_the_person_is_locked_instead(customer, clerk, data):
    suppress(customer=customer, kind="complaint", by=clerk, at=AT - timedelta(days=1))
    asked = asks(customer, "erase", clerk)

    locked = lock_instead(asked=asked, by=data, at=AT)

    asked.refresh_from_db()
    assert (asked.state, "complaint" in asked.answer) == ("refused", True)
    assert (locked.kind, locked.state, Customer.objects.get().is_locked) == ("lock", "done", True)


def test_nobody_is_locked_instead_when_nothing_forbids_erasing(customer, clerk, data):
    with pytest.raises(NothingForbids):
        lock_instead(asked=asks(customer, "erase", clerk), by=data, at=AT)
    assert not Customer.objects.get().is_locked


def test_erasing_reaches_what_lists_brought_and_what_was_corrected(customer, clerk, data, city):
    index = blind_index(clean_phone(NUMBER))
    HeldRow.objects.create(city=city, source=SourceFactory(), phone_blind=index, name="孙明", kept_at=AT)
    lead_list = LeadListFactory(created_at=AT)
    StagedRow.objects.create(lead_list=lead_list, row_no=1, name="孙明", phone_blind=index, phone_mask="191****7548")
    RowVerdict.objects.create(
        lead_list=lead_list, row_no=1, verdict="update", customer_id=customer.pk, before={"name": "孙明"}
    )
    correct(asked=asks(customer, "correct", clerk), changes={"name": "孙鸣"}, by=data, at=AT)

    erase(asked=asks(customer, "erase", clerk), by=data, at=AT)

    staged = StagedRow.objects.get()
    assert (HeldRow.objects.count(), staged.name, staged.phone_mask) == (0, "", "")
    assert RowVerdict.objects.get().before is None
    assert PersonRequest.objects.get(kind="correct").evidence is None


def test_a_request_for_something_else_erases_nobody(customer, clerk, data):
    with pytest.raises(OtherRequest):
        erase(asked=asks(customer, "lock", clerk), by=data, at=AT)


# ---------------------------------------------------------------- locking


def test_a_locked_person_is_not_called_and_seen_only_by_those_who_answer(customer, clerk, data, city):
    heard = []
    customer_suppressed.connect(lambda sender, **news: heard.append(news["kind"]), weak=False, dispatch_uid="test")
    lock(asked=asks(customer, "lock", clerk), by=data, at=AT)
    customer_suppressed.disconnect(dispatch_uid="test")

    row = Customer.objects.get()
    assert (row.is_suppressed, row.is_locked, str(row), heard) == (True, True, f"#{row.pk}", ["locked"])
    assert not Customer.objects.visible_to(clerk).exists()
    assert not Customer.objects.visible_to(UserFactory(role="qa")).exists()
    assert Customer.objects.visible_to(data).exists()
    assert Customer.objects.visible_to(UserFactory(role="administrator")).exists()


def test_a_lock_is_lifted_with_a_reason_and_what_else_stands_goes_on_standing(customer, clerk, data):
    asked = lock(asked=asks(customer, "lock", clerk), by=data, at=AT)
    with pytest.raises(ReasonMissing):
        unlock(asked=asked, reason=" ", by=data, at=AT)

    asked = unlock(asked=asked, reason="the person agreed", by=data, at=AT)

    row = Customer.objects.get()
    assert (row.is_locked, row.is_suppressed, str(row)) == (False, False, "孙明")
    assert (asked.lifted_by, asked.lift_reason) == (data, "the person agreed")
    with pytest.raises(NotLocked):
        unlock(asked=asked, reason="again", by=data, at=AT)
    suppress(customer=row, kind="refusal", by=clerk, at=AT)
    second = lock(asked=asks(row, "lock", clerk), by=data, at=AT)
    unlock(asked=second, reason="again", by=data, at=AT)
    assert Customer.objects.get().is_suppressed


def test_the_suppression_of_a_lock_is_not_lifted_by_itself(customer, clerk, data):
    from customers.rules import can_lift

    lock(asked=asks(customer, "lock", clerk), by=data, at=AT)

    assert not can_lift(UserFactory(role="administrator"), Suppression.objects.get(kind="locked"))


def test_answers_and_evidence_go_three_years_after_the_answer(customer, clerk, data):
    correct(asked=asks(customer, "correct", clerk), changes={"name": "x"}, by=data, at=AT, answer="corrected")

    assert retention.forget_answers(AT + timedelta(days=3 * 365)) == 0
    assert retention.forget_answers(AT + timedelta(days=3 * 365 + 1)) == 1
    row = PersonRequest.objects.get()
    assert (row.answer, row.evidence, row.state) == (None, None, "done")


def test_every_answer_stands_in_the_trail(customer, clerk, data):
    lock_request = lock(asked=asks(customer, "lock", clerk), by=data, at=AT)
    unlock(asked=lock_request, reason="agreed", by=data, at=AT)

    assert trail() == ["customers.request.opened", "customers.request.locked", "customers.request.unlocked"]
    assert requests.Kind.LOCK == "lock"
