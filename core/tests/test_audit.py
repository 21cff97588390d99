import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from core.audit import audit, seal_events, verify_chain
from core.models import AuditEvent, AuditSeal
from core.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def sql(text, *values):
    with connection.cursor() as cursor:
        cursor.execute(text, values)


def write(count=3, **more):
    return [
        audit("core.test.done", by=None, at=AT + timedelta(seconds=number), number=number, **more)
        for number in range(count)
    ]


def test_a_row_says_who_did_what_to_what_and_when():
    actor, subject = UserFactory(display_name="陈美玲"), UserFactory()

    event = audit("people.user.changed", subject, by=actor, at=AT, city_id=4, fields=["theme"])

    event.refresh_from_db()
    assert (event.actor_id, event.actor_name) == (actor.pk, "陈美玲")
    assert (event.subject_type, event.subject_id) == ("people.user", str(subject.pk))
    assert (event.at, event.city_id, event.refused, event.detail) == (AT, 4, False, {"fields": ["theme"]})
    assert list(AuditEvent.objects.about(subject)) == [event]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_auditevent SET action = 'x'",
        "DELETE FROM core_auditevent",
        "TRUNCATE core_auditevent",
        "UPDATE core_auditseal SET hash = ''",
        "DELETE FROM core_auditseal",
        "TRUNCATE core_auditseal",
    ],
)
def test_the_trail_can_only_grow(statement):
    write()
    seal_events()
    sql("SELECT set_config('telemkt.audit_truncate', 'refuse', true)")

    with pytest.raises(DatabaseError, match="append only"), transaction.atomic():
        sql(statement)

    assert AuditEvent.objects.count() == 3


def test_sealed_rows_are_sound_and_each_is_sealed_once():
    write(3)
    assert seal_events() == 3
    write(2)
    assert seal_events() == 2
    assert seal_events() == 0

    found = verify_chain()

    assert (found.is_sound, found.seals, found.events, found.unsealed) == (True, 2, 5, 0)


def test_rows_younger_than_the_last_seal_are_only_counted():
    write(3)
    seal_events()
    write(2)

    assert verify_chain().unsealed == 2


def tamper(statement, *values):
    sql("ALTER TABLE core_auditevent DISABLE TRIGGER USER")
    sql(statement, *values)
    sql("ALTER TABLE core_auditevent ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    "change", ["actor_name = 'somebody else'", "detail = '{}'", "refused = true", "at = at + interval '1 second'"]
)
def test_an_altered_row_is_found(change, capsys):
    write(2)
    seal_events()
    victim = write(3)[1]
    seal_events()
    tamper(f"UPDATE core_auditevent SET {change} WHERE id = %s", victim.pk)

    assert verify_chain().broken == 2
    with pytest.raises(CommandError, match="Seal 2 does not fit"):
        call_command("verify_audit")


def test_a_removed_row_is_found_and_named():
    victim = write(3)[1]
    seal_events()
    tamper("DELETE FROM core_auditevent WHERE id = %s", victim.pk)

    found = verify_chain()

    assert (found.broken, found.missing) == (1, [victim.pk])


def test_a_seal_taken_out_of_the_chain_is_found():
    for _seal in range(3):
        write(1)
        seal_events()
    sql("ALTER TABLE core_auditseal DISABLE TRIGGER USER")
    AuditSeal.objects.filter(seq=2).delete()
    sql("ALTER TABLE core_auditseal ENABLE TRIGGER USER")

    assert verify_chain().broken == 2


def test_the_command_says_that_all_is_well(capsys):
    write(3)
    seal_events()

    call_command("verify_audit")

    assert "1 seals over 3 events are sound; 0 not sealed yet" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_a_row_that_commits_late_is_sealed_later():
    """Its id is lower than those already sealed; nothing may be skipped."""
    written, go, faults = threading.Event(), threading.Event(), []

    def slow_transaction():
        try:
            with transaction.atomic():
                audit("core.test.late", by=None, at=AT)
                written.set()
                go.wait(10)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=slow_transaction)
    thread.start()
    written.wait(10)
    write(2)
    assert seal_events() == 2
    go.set()
    thread.join()

    assert seal_events() == 1
    assert faults == []
    found = verify_chain()
    assert (found.is_sound, found.events, found.unsealed) == (True, 3, 0)


@pytest.mark.django_db(transaction=True)
def test_two_sealers_at_once_make_one_chain():
    write(50)
    threads = []

    def work():
        try:
            seal_events()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = verify_chain()
    assert (found.is_sound, found.events) == (True, 50)


@pytest.fixture
def heads(settings, tmp_path):
    settings.AUDIT_HEADS_DIR = tmp_path / "audit"
    return settings.AUDIT_HEADS_DIR / f"audit-{connection.settings_dict['NAME']}.heads"


def forget_seals(**which):
    sql("ALTER TABLE core_auditseal DISABLE TRIGGER USER")
    AuditSeal.objects.filter(**which).delete()
    sql("ALTER TABLE core_auditseal ENABLE TRIGGER USER")


def test_the_head_of_the_chain_survives_outside_the_database(heads):
    for _seal in range(2):
        write(1)
        seal_events()

    assert [line.split()[0] for line in heads.read_text().splitlines()] == ["1", "2"]
    assert heads.read_text().split()[-1] == verify_chain().head
    assert stat.S_IMODE(heads.stat().st_mode) == 0o600
    assert verify_chain().is_sound


def test_newest_rows_taken_out_together_with_their_seal_are_noticed(heads):
    for _seal in range(2):
        write(1)
        seal_events()
    forget_seals(seq=2)
    tamper("DELETE FROM core_auditevent WHERE id = (SELECT max(id) FROM core_auditevent)")

    assert verify_chain().broken == 2


def test_a_chain_made_anew_by_who_holds_the_keys_is_noticed(heads):
    victim = write(2)[0]
    seal_events()
    kept = heads.read_text()
    forget_seals()
    tamper("DELETE FROM core_auditevent WHERE id = %s", victim.pk)
    seal_events()
    heads.write_text(kept)

    assert verify_chain().broken == 1


def test_a_row_that_commits_hours_late_is_sealed_at_night():
    events = write(2)
    late = events[0].pk
    tamper("DELETE FROM core_auditevent WHERE id = %s", late)  # not committed yet
    seal_events()
    sql("ALTER TABLE core_auditseal DISABLE TRIGGER USER")
    sql("UPDATE core_auditseal SET sealed_at = now() - interval '2 hours'")
    sql("ALTER TABLE core_auditseal ENABLE TRIGGER USER")
    sql("INSERT INTO core_auditevent (id, at, action, actor_name, subject_type, subject_id, refused, detail)"
        " VALUES (%s, now(), 'core.test.late', '', '', '', false, '{}')", late)  # fmt: skip

    assert seal_events() == 0
    assert seal_events(all_rows=True) == 1
    assert verify_chain().unsealed == 0
