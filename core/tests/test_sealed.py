import json
import os
import stat
import threading

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models

from core import sealed
from core.models import RingCheck
from core.sealed import BulkSealer, KeyMissing, SealBroken, SealedTextField, blind_index, seal, unseal


@pytest.fixture(autouse=True)
def own_keys(settings, tmp_path):
    settings.KEYS_DIR = tmp_path / "keys"
    return settings.KEYS_DIR / "keyring.json"


def test_what_is_sealed_can_be_opened_and_is_never_twice_the_same():
    first, second = seal("8619100007548"), seal("8619100007548")

    assert unseal(first) == unseal(second) == "8619100007548"
    assert first != second
    assert b"7548" not in first


def test_the_empty_text_stays_empty():
    assert seal("") == b""
    assert unseal(b"") == ""


def test_each_sealed_value_names_its_key():
    assert seal("a")[0] == 1
    sealed.add_key()
    assert seal("a")[0] == 2


def test_an_altered_value_is_noticed():
    blob = bytearray(seal("8619100007548"))
    blob[-1] ^= 1

    with pytest.raises(SealBroken):
        unseal(bytes(blob))


def test_a_value_moved_to_another_row_is_noticed():
    blob = seal("张三", aad=b"row 1")

    assert unseal(blob, aad=b"row 1") == "张三"
    with pytest.raises(SealBroken):
        unseal(blob, aad=b"row 2")


def test_a_lost_key_file_is_told_in_a_sentence(own_keys):
    sealed.add_key()
    blob = seal("a")
    own_keys.unlink()

    with pytest.raises(KeyMissing, match="Key 2 is not in the key file"):
        unseal(blob)


def test_the_blind_index_is_the_same_for_the_same_number_and_keyed(own_keys):
    first = blind_index("8619100007548")

    assert len(first) == 16
    assert blind_index("8619100007548") == first
    assert blind_index("8619100007549") != first
    own_keys.unlink()
    assert blind_index("8619100007548") != first


def test_bulk_and_single_agree():
    bulk = BulkSealer()

    for number in range(5000):
        index, blob = bulk.index_and_seal(f"86191{number:08}")
        if number % 1000 == 0:
            assert index == blind_index(f"86191{number:08}")
            assert unseal(blob) == f"86191{number:08}"


def test_bulk_never_uses_a_nonce_twice():
    bulk = BulkSealer()

    nonces = {bulk.seal("a")[1:13] for _number in range(10_000)}

    assert len(nonces) == 10_000


def test_the_key_file_is_for_its_owner_alone(own_keys):
    seal("a")

    assert stat.S_IMODE(own_keys.stat().st_mode) == 0o600
    assert stat.S_IMODE(own_keys.parent.stat().st_mode) == 0o700


def test_processes_that_start_together_share_one_key_file(own_keys):
    rings, barrier = [], threading.Barrier(8)

    def start():
        barrier.wait()
        rings.append(sealed.key_ring().keys[1])

    threads = [threading.Thread(target=start) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(rings)) == 1
    assert os.listdir(own_keys.parent) == ["keyring.json"]


def test_a_new_key_reaches_running_processes_and_the_old_stay(own_keys):
    old = seal("a")

    assert sealed.add_key() == 2
    assert sealed.key_ring().current == 2
    assert unseal(old) == "a"
    assert sorted(json.loads(own_keys.read_text())["keys"]) == ["1", "2"]


@pytest.fixture
def note(transactional_db):
    """A model with a sealed field, in a table of its own."""

    class Note(models.Model):
        text = SealedTextField(null=True, blank=True)

        class Meta:
            app_label = "core"
            db_table = "core_test_note"

    with connection.schema_editor() as editor:
        editor.create_model(Note)
    yield Note
    with connection.schema_editor() as editor:
        editor.delete_model(Note)
    del apps.all_models["core"]["note"]
    apps.clear_cache()


def test_a_sealed_field_reads_as_text_and_rests_as_bytes(note):
    note.objects.bulk_create([note(pk=1, text="张三"), note(pk=2, text=""), note(pk=3, text=None)])
    note.objects.filter(pk=1).update(text="李四")

    assert list(note.objects.order_by("pk").values_list("text", flat=True)) == ["李四", "", None]
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM core_test_note ORDER BY id")
        raw = [None if row[0] is None else bytes(row[0]) for row in cursor.fetchall()]
    assert raw[1:] == [b"", None]
    assert "李四".encode() not in raw[0]
    assert raw[0][0] == 1


def test_a_sealed_field_cannot_be_searched(note):
    with pytest.raises(TypeError, match="blind index"):
        note.objects.filter(text="张三")
    assert note.objects.filter(text__isnull=True).count() == 0


def test_rotation_seals_everything_again(note, capsys):
    note.objects.bulk_create([note(text="张三"), note(text=""), note(text="李四")])
    sealed.register_sealed("core.Note", "text")

    try:
        call_command("rotate_keys")
    finally:
        sealed._sealed_fields.clear()

    with connection.cursor() as cursor:
        cursor.execute("SELECT get_byte(text, 0) FROM core_test_note WHERE text <> ''")
        assert cursor.fetchall() == [(2,), (2,)]
    assert sorted(note.objects.values_list("text", flat=True)) == ["", "张三", "李四"]
    assert "Key 2 is in force; 2 values sealed again." in capsys.readouterr().out


# ---------------------------------------------------------------- the ring and its database


@pytest.fixture
def checking(settings, db):
    settings.CHECK_KEY_RING = True


def test_a_lost_key_file_is_not_replaced_beside_a_database_that_has_had_one(checking, own_keys):
    seal("a")
    own_keys.unlink()

    for _attempt in range(2):
        with pytest.raises(KeyMissing, match="is gone"):
            seal("a")
    assert not own_keys.exists()


def test_the_key_file_of_another_database_is_refused(checking, own_keys):
    seal("a")
    own = own_keys.read_bytes()
    RingCheck.objects.update(value=bytes(32))
    os.replace(sealed._write_draft(own_keys, json.loads(own)), own_keys)  # another state of the file

    for _attempt in range(2):
        with pytest.raises(KeyMissing, match="belongs to another database"):
            seal("a")


def test_a_rotation_keeps_the_check(checking):
    seal("a")

    sealed.add_key()

    assert unseal(seal("a")) == "a"


def test_the_database_is_asked_once_per_process(checking, django_assert_num_queries):
    seal("a")

    with django_assert_num_queries(0):
        seal("b")
