import errno
import io
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest

from core import files
from core.files import DiskFull, FileGone, FileTooBig, destroy_overdue, open_file, path_of, store
from core.models import AuditEvent, PrivateFile
from core.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def own_root(settings, tmp_path, monkeypatch):
    settings.FILES_DIR = tmp_path / "files"
    monkeypatch.setattr(files, "_kinds", dict(files._kinds))


def keep(content=b"0123456789", *, by=None, name="leads.xlsx", kind="test", **more):
    return store(name=name, stream=io.BytesIO(content), kind=kind, by=by, at=AT, keep_for=DAY, **more)


def content(row):
    with open_file(row) as stream:
        return stream.read()


def test_a_file_is_stored_whole_under_a_random_name():
    row = keep(b"abc")

    assert content(row) == b"abc"
    assert (row.size, row.sha256) == (3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    assert row.ready_at == AT
    assert row.keep_until == AT + DAY
    assert "leads" not in row.path
    assert stat.S_IMODE(path_of(row).stat().st_mode) == 0o600


def test_a_library_may_write_the_file_itself():
    with files.writing(name="report.xlsx", kind="test", by=None, at=AT, keep_for=DAY) as draft:
        draft.path.write_bytes(b"written by a library")

    assert content(draft.row) == b"written by a library"
    assert draft.row.size == 20


def test_a_path_in_the_name_is_dropped():
    assert keep(name="../../etc/passwd").name == "passwd"
    assert keep(name="C:\\lists\\leads.xlsx").name == "leads.xlsx"


def test_too_many_bytes_leave_nothing_behind(settings):
    with pytest.raises(FileTooBig):
        keep(b"x" * 11, limit=10)

    assert not PrivateFile.objects.exists()
    assert [path for path in settings.FILES_DIR.rglob("*") if path.is_file()] == []


def test_a_full_disk_leaves_nothing_behind_and_says_so(settings):
    def pieces():
        yield b"some bytes"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFull, match=r"The disk is full\. Nothing was stored"):
        store(name="a", stream=pieces(), kind="test", by=None, at=AT, keep_for=DAY)

    assert not PrivateFile.objects.exists()
    assert [path for path in settings.FILES_DIR.rglob("*") if path.is_file()] == []


def test_files_whose_time_is_over_are_destroyed_with_their_names(settings):
    old, young = keep(), keep()
    PrivateFile.objects.filter(pk=young.pk).update(keep_until=AT + 3 * DAY)

    assert destroy_overdue(at=AT + 2 * DAY) == 1
    assert destroy_overdue(at=AT + 2 * DAY) == 0

    old.refresh_from_db()
    assert old.name == "test"
    assert old.destroyed_at == AT + 2 * DAY
    assert not path_of(old).exists()
    assert path_of(young).exists()
    with pytest.raises(FileGone):
        open_file(old)
    assert AuditEvent.objects.filter(action="core.file.destroyed").count() == 1


def test_drafts_of_dead_processes_are_swept(settings):
    row = keep()
    draft = path_of(row).with_name(".left.part")
    draft.write_bytes(b"half")
    os.utime(draft, (AT.timestamp(), AT.timestamp()))

    destroy_overdue(at=AT + timedelta(hours=23))
    assert draft.exists()
    destroy_overdue(at=AT + 2 * DAY)
    assert not draft.exists()


def body(response):
    return b"".join(response.streaming_content)


def test_the_owner_downloads_and_it_is_audited(client):
    owner = UserFactory()
    client.force_login(owner)
    row = keep(by=owner, name="名单.xlsx")

    response = client.get(f"/files/{row.pk}/")

    assert body(response) == b"0123456789"
    assert "attachment" in response.headers["Content-Disposition"]
    assert "%E5%90%8D%E5%8D%95.xlsx" in response.headers["Content-Disposition"]
    assert response.headers["Cache-Control"] == "private, no-store"
    assert AuditEvent.objects.get(action="core.file.downloaded").actor_id == owner.pk


def test_for_everybody_else_it_does_not_exist_and_the_try_is_recorded(client):
    client.force_login(UserFactory())
    row = keep(by=UserFactory())

    assert client.get(f"/files/{row.pk}/").status_code == 404
    assert AuditEvent.objects.get(refused=True).detail["file"] == row.pk


def test_a_kinds_rule_decides(client):
    files.register_kind("shared", may_download=lambda user, row: True, is_audited=False)
    client.force_login(UserFactory())
    row = keep(by=UserFactory(), kind="shared")

    assert body(client.get(f"/files/{row.pk}/")) == b"0123456789"
    assert not AuditEvent.objects.filter(action="core.file.downloaded").exists()


@pytest.mark.parametrize(
    ("wanted", "status", "expected", "span"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=0-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=5-2", 416, b"", "bytes */10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("pages=1-2", 200, b"0123456789", None),
        ("bytes=a-b", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=\u00b2-4", 200, b"0123456789", None),
        ("bytes=-\u00b2", 200, b"0123456789", None),
        (f"bytes={'9' * 5000}-", 200, b"0123456789", None),
    ],
)
def test_players_may_ask_for_a_part(client, wanted, status, expected, span):
    owner = UserFactory()
    client.force_login(owner)
    row = keep(by=owner, content_type="audio/mpeg")

    response = client.get(f"/files/{row.pk}/", headers={"range": wanted})

    assert response.status_code == status
    assert (body(response) if response.streaming else response.content) == expected
    assert response.headers.get("Content-Range") == span


def test_a_stranger_is_sent_to_the_sign_in(client):
    assert client.get(f"/files/{keep().pk}/").status_code == 302


def test_a_day_later_files_without_a_row_are_gone_and_others_stay():
    kept, young = keep(b"abc"), keep(b"abc")
    orphan = path_of(kept).with_name("0" * 38)
    orphan.write_bytes(b"its transaction was undone")
    PrivateFile.objects.filter(pk=kept.pk).update(keep_until=AT + 9 * DAY)
    young_path = path_of(young)
    PrivateFile.objects.filter(pk=young.pk).delete()
    for path in (path_of(kept), orphan):
        os.utime(path, (0, (AT - timedelta(hours=25)).timestamp()))
    os.utime(young_path, (0, (AT - timedelta(hours=23)).timestamp()))

    destroy_overdue(at=AT)

    assert content(kept) == b"abc"
    assert (orphan.exists(), young_path.exists()) == (False, True)
