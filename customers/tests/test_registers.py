"""Do-not-call registers: the file becomes suppressions, the next edition lifts what is gone, and a wrong file does no harm."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from core.clock import database_now
from core.errors import PermissionRefused
from core.jobs import run_inline
from core.models import AuditEvent, PrivateFile
from core.phones import clean_phone
from core.sealed import blind_index
from customers.models import Customer, Register, RegisterNumber, RulePack, Suppression
from customers.rule_values import tightens
from customers.services import contacts, registers
from customers.services.list_receiving import FileRefused
from customers.services.suppress import suppress
from customers.signals import customer_suppressed
from customers.tests.factories import CustomerFactory
from customers.tests.list_files import csv_file, workbook
from people.tests.factories import CityFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db
A, B, C, D = "19100007541", "19100007542", "19100007543", "19100007544"
DAY = date(2026, 11, 1)


@pytest.fixture
def data():
    return UserFactory(role="data")


def numbers_file(*numbers):
    return csv_file("\n".join(["phone", *numbers]) + "\n")


def receive(file, by, *, dated_on=DAY, source="MIIT", **more) -> Register:
    return registers.receive_register(
        file=file, file_name="register.csv", source=source, dated_on=dated_on, by=by, at=database_now(), **more
    )


def load(file, by, **more) -> Register:
    row = receive(file, by, **more)
    assert run_inline(row.job_id)
    row.refresh_from_db()
    return row


def in_force() -> set[str]:
    rows = Suppression.objects.in_force(database_now()).filter(kind="register")
    held = {bytes(row.phone_blind) for row in rows}
    return {number for number in (A, B, C, D) if blind_index(clean_phone(number)) in held}


def test_every_number_is_not_called_from_then_on_whoever_it_belongs_to(data):
    customer = CustomerFactory(number=A)
    told = []
    customer_suppressed.connect(heard := lambda sender, **news: told.append(news["customer_id"]))

    row = load(workbook([[A], [f"+86 {B}"], ["no number"], [A]], heads=["手机"]), data)
    customer_suppressed.disconnect(heard)

    assert (row.status, row.number_count, row.fault_count, row.added_count) == ("applied", 2, 1, 2)
    assert in_force() == {A, B}
    assert Customer.objects.get(pk=customer.pk).is_suppressed
    assert told == [customer.pk]
    assert RegisterNumber.objects.count() == 0
    assert PrivateFile.objects.get(pk=row.file_id).destroyed_at is not None
    assert AuditEvent.objects.filter(action="customers.register.applied", detail__numbers=2).count() == 1


def test_a_file_without_headings_is_read_by_its_first_column(data):
    assert load(csv_file(f"{A}\n{B}\n"), data).number_count == 2
    assert in_force() == {A, B}


def test_the_next_edition_adds_what_is_new_and_lifts_what_is_gone_with_the_reason(data):
    gone, stays = CustomerFactory(number=A), CustomerFactory(number=B)
    load(numbers_file(A, B, C), data)

    row = load(numbers_file(B, C, D), data, dated_on=DAY + timedelta(days=10))

    assert (row.added_count, row.lifted_count) == (1, 1)
    assert in_force() == {B, C, D}
    lifted = Suppression.objects.get(lifted_at__isnull=False)
    assert (lifted.lifted_by, "2026-11-11" in lifted.lift_reason) == (data, True)
    assert not Customer.objects.get(pk=gone.pk).is_suppressed
    assert Customer.objects.get(pk=stays.pk).is_suppressed


def test_another_register_and_what_people_entered_are_not_lifted(data):
    at = database_now()
    suppress(phone=A, kind="register", by=data, at=at, source="by hand")
    load(numbers_file(B), data, source="Trade body")
    load(numbers_file(C), data)

    load(numbers_file(D), data, dated_on=DAY + timedelta(days=1))

    assert in_force() == {A, B, D}


def test_the_same_edition_again_changes_nothing(data):
    load(numbers_file(A, B), data)

    again = load(numbers_file(A, B), data)

    assert (again.added_count, again.lifted_count, Suppression.objects.count()) == (0, 0, 2)


def test_parts_of_one_edition_lift_only_with_the_last(data):
    load(numbers_file(A, B, C), data)
    later = DAY + timedelta(days=5)

    part = load(numbers_file(B), data, dated_on=later, is_whole=False)
    assert (part.lifted_count, in_force()) == (0, {A, B, C})
    last = load(numbers_file(C, D), data, dated_on=later)

    assert (last.lifted_count, in_force()) == (1, {B, C, D})
    assert RegisterNumber.objects.count() == 0


def test_a_file_with_less_than_half_of_the_numbers_is_not_taken_unless_that_is_said(data):
    load(numbers_file(A, B, C), data)
    later = DAY + timedelta(days=5)

    wrong = load(numbers_file(D), data, dated_on=later)
    assert (wrong.status, wrong.fault, in_force()) == ("failed", "shrunk", {A, B, C})
    right = load(numbers_file(D), data, dated_on=later, may_shrink=True)

    assert (right.status, in_force()) == ("applied", {D})


def test_a_file_without_any_number_fails_and_one_that_is_no_list_is_refused(data):
    assert load(csv_file("phone\nnone\n"), data).fault == "no_numbers"
    with pytest.raises(FileRefused):
        receive(csv_file("<html></html>"), data)

    assert not Suppression.objects.exists()


def test_an_older_edition_one_of_tomorrow_and_one_beside_another_at_work_are_refused(data):
    load(numbers_file(A), data)

    with pytest.raises(registers.RegisterTooOld):
        receive(numbers_file(B), data, dated_on=DAY - timedelta(days=1))
    with pytest.raises(registers.RegisterTooOld):
        receive(numbers_file(B), data, dated_on=date(2199, 1, 1))
    with pytest.raises(registers.SourceMissing):
        receive(numbers_file(B), data, source=" ")
    receive(numbers_file(B), data)
    with pytest.raises(registers.RegisterAtWork):
        receive(numbers_file(C), data)


@pytest.mark.parametrize("role", ["campaign_manager", "qa", "supervisor"])
def test_who_does_not_keep_the_regions_data_loads_no_register(role):
    city = CityFactory() if role == "supervisor" else None

    with pytest.raises(PermissionRefused):
        receive(numbers_file(A), UserFactory(role=role, city=city))


def test_the_data_team_of_one_city_loads_no_register_of_all():
    with pytest.raises(PermissionRefused):
        receive(numbers_file(A), UserFactory(role="data", city=CityFactory()))


# ---------------------------------------------------------------- its age


def rules_asking_for(days):
    pack = RulePack.objects.create(code="OWN", name="OWN")
    hours = {"days": [1, 2, 3, 4, 5, 6, 7], "opens": "00:00", "closes": "24:00"}
    for key, value in (("hours", hours), ("register_age", {"days": days})):
        pack.rules.create(key=key, value=value, valid_from=date(2020, 1, 1))
    return pack


def why(at):
    rules = contacts.rules_for(pack_ids=[RulePack.objects.get(code="OWN").pk], on=at.date())
    return [reason.code for reason in contacts.why_not(customer=CustomerFactory(), rules=rules, at=at)]


def test_without_a_register_or_with_one_too_old_nobody_is_called(data):
    rules_asking_for(30)
    at = database_now()
    today = at.date()
    assert why(at) == ["register"]

    load(numbers_file(A), data, dated_on=today - timedelta(days=29))

    assert why(at) == []
    assert why(at + timedelta(days=3)) == ["register"]


def test_a_part_or_a_failed_register_makes_nothing_younger(data):
    rules_asking_for(30)
    at = database_now()
    load(numbers_file(A), data, dated_on=at.date() - timedelta(days=1), is_whole=False)
    load(csv_file("phone\nnone\n"), data, dated_on=at.date() - timedelta(days=1))

    assert why(at) == ["register"]


def test_a_younger_age_is_stricter():
    assert tightens("register_age", {"days": 20}, "block", {"days": 30}, "block")
    assert not tightens("register_age", {"days": 31}, "block", {"days": 30}, "block")


# ---------------------------------------------------------------- pages


def text(answer) -> str:
    return answer.content.decode()


def test_a_register_is_uploaded_and_shown_with_its_age_and_count(client, data):
    client.force_login(data)
    file = SimpleUploadedFile("r.csv", f"phone\n{A}\n{B}\n".encode())

    answer = client.post(
        reverse("customers:register-new"), {"file": file, "source": "MIIT", "dated_on": "2026-11-01", "is_whole": "on"}
    )
    row = Register.objects.get()
    assert answer.url == reverse("customers:register", args=[row.pk])
    assert client.get(answer.url).status_code == 200
    assert run_inline(row.job_id)

    age = (timezone.localdate() - DAY).days
    page = text(client.get(reverse("customers:registers")))
    for part in ("MIIT", f"{age} days", "In force"):
        assert part in page
    assert A not in page + text(client.get(answer.url))


def test_what_is_wrong_with_an_upload_is_said_on_its_form(client, data):
    client.force_login(data)
    file = SimpleUploadedFile("r.csv", b"<html></html>")

    answer = client.post(reverse("customers:register-new"), {"file": file, "source": "MIIT", "dated_on": "2026-11-01"})

    assert answer.status_code == 422
    assert "web page" in text(answer)


def test_who_reads_suppressions_sees_registers_and_loads_none(client):
    client.force_login(UserFactory(role="qa"))

    assert "No register has been loaded yet." in text(client.get(reverse("customers:registers")))
    assert client.get(reverse("customers:register-new")).status_code == 403


def test_agents_see_no_registers(client):
    client.force_login(UserFactory(agent=TeamFactory()))

    assert client.get(reverse("customers:registers")).status_code == 403
