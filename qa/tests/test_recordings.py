"""Storing, hearing, noting, keeping and erasing recordings."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from campaigns.models import CallKey
from campaigns.tests.factories import AT
from core import files
from core.models import AuditEvent, PrivateFile
from core.retention import apply_retention
from customers.models import PersonRequest
from customers.person_data import duties_of, facts_of, forget
from customers.tests.factories import CustomerFactory
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from qa.models import Clip, KeepRule, Listening, Recording, RecordingNote, Sound
from qa.services import keeping, listening, notes, recordings
from qa.services.clips import ClipTooLong, choose_clip, drop_clip
from qa.services.transcripts import TranscriptRefused
from qa.sound import parent
from qa.tests.factories import call_of, recording_of, sample, wav, work_off
from qa.wording import fault_sentence
from scripts.tests.factories import ProductFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def stored_files() -> list:
    return [path for path in files.private_root().rglob("*") if path.is_file()]


# -- storing -----------------------------------------------------------------------------------------------------------


def test_a_recording_keeps_what_was_so_at_its_call_and_is_drawn_in_the_background():
    call = call_of(result="sold")

    row = recording_of(call, sound=sample())
    work_off()

    row.refresh_from_db()
    assert (row.call_id, row.call_started_at, row.agent_id, row.team_id, row.campaign_id, row.sale) == (
        call.pk, call.started_at, call.agent_id, call.team_id, call.campaign_id, True,
    )  # fmt: skip
    assert (row.sound.state, row.sound.format, row.sound.channels, row.seconds) == ("ready", "mp3", 2, 57)
    assert row.sound.size_bytes == len(sample())
    assert AuditEvent.objects.filter(action="qa.recording.stored", subject_id=str(row.pk)).exists()


def test_the_same_bytes_for_the_same_call_are_one_recording_and_for_two_calls_one_file():
    call = call_of()

    first, again, other = recording_of(call), recording_of(call), recording_of(call_of())

    assert first == again
    assert first.sound == other.sound
    assert first != other
    assert len(stored_files()) == PrivateFile.objects.count() == 1


def test_the_name_that_the_file_had_is_nowhere():
    file = io.BytesIO(wav())
    file.name = "13800138000_Wang.wav"

    row = recordings.store_recording(call=call_of(), stream=file, by=None, at=AT, origin="api").recording

    stored = row.sound.file
    assert "138" not in stored.name
    assert "138" not in stored.path
    assert not files.can_download(UserFactory(role="administrator"), stored)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", wav(0), wav(1)[:-10]])
def test_a_file_that_is_no_recording_leaves_nothing_behind(content):
    with pytest.raises(recordings.RecordingRefused) as refusal:
        recording_of(sound=content)

    assert str(refusal.value).endswith(".")
    assert not Recording.objects.exists()
    assert stored_files() == []


def test_no_web_process_opens_what_was_uploaded(monkeypatch):
    """A reader that dies of the file is a refusal with a sentence, and nothing stays."""
    monkeypatch.setattr(parent, "CHILD", "qa.tests.hostile_reader")

    with pytest.raises(recordings.RecordingRefused) as caught:
        recording_of(sound=bytes(16) + b"die")

    assert str(caught.value) == fault_sentence("broken")
    assert stored_files() == []
    assert not Recording.objects.exists()


def test_a_machine_that_cannot_read_it_just_now_says_so_and_nothing_stays(monkeypatch):
    monkeypatch.setattr(parent, "CHILD", "qa.tests.hostile_reader")

    with pytest.raises(recordings.NotReadNow, match="Try it again"):
        recording_of(sound=bytes(16) + b"killed")

    assert stored_files() == []
    assert not Sound.objects.exists()


def test_no_transaction_waits_for_the_reader(monkeypatch):
    call, seen = call_of(), []
    read = recordings.head_of
    monkeypatch.setattr(recordings, "head_of", lambda path: seen.append(len(connection.atomic_blocks)) or read(path))

    recordings.store_recording(call=call, stream=io.BytesIO(wav()), by=None, at=AT, origin="api")

    assert seen == [len(connection.atomic_blocks)]


def test_a_file_is_read_no_further_than_the_limit(monkeypatch):
    monkeypatch.setattr(recordings, "MOST_BYTES", 1024 * 1024)
    read = []

    class Endless(io.RawIOBase):
        def seek(self, *_place):
            return 0

        def read(self, size=-1):
            read.append(size)
            return b"RIFF" + bytes(size - 4)

    with pytest.raises(files.FileTooBig, match="larger than 1 MB"):
        recordings.store_recording(call=call_of(), stream=Endless(), by=None, at=AT, origin="api")
    assert len(read) == 2
    assert stored_files() == []


def test_what_turns_out_broken_says_so_and_is_not_taken_a_second_time():
    call = call_of()
    sound = recording_of(call).sound
    Sound.objects.filter(pk=sound.pk).update(state="broken", fault="undecodable", peaks=None)

    with pytest.raises(recordings.RecordingRefused, match="cannot be decoded"):
        recording_of(call_of())


def test_nothing_is_stored_of_a_person_who_was_erased():
    call = call_of()
    PersonRequest.objects.create(
        customer_id=call.customer_id, kind="erase", state="done", way="phone", received_on=AT.date(), received_by=UserFactory(), due_on=AT.date(),
        decided_by=UserFactory(), decided_at=AT,
    )  # fmt: skip

    with pytest.raises(recordings.PersonErased):
        recording_of(call)


def test_a_call_so_old_that_its_recording_would_go_at_once_is_refused():
    with pytest.raises(recordings.TimeIsOver):
        recording_of(call_of(), at=AT + 181 * DAY)


@pytest.mark.parametrize(
    "words",
    [[], {"segments": [{"speaker": "boss", "start": 0, "end": 1, "text": ""}]}, {"segments": [{"start": 1}]},
     {"segments": [{"speaker": "agent", "start": float("nan"), "end": 1, "text": "x"}]}, {"segments": {"a": 1}}],
)  # fmt: skip
def test_a_text_that_is_in_no_form_is_refused(words):
    with pytest.raises(TranscriptRefused):
        recording_of(transcript=words)


def test_a_folder_of_a_dialer_is_brought_in_once(tmp_path, capsys):
    team = TeamFactory()
    data = UserFactory(role="data", city=team.city)
    call, elsewhere = call_of(team), call_of()
    for number, row in (("A-1", call), ("B-9", elsewhere)):
        CallKey.objects.create(
            system="dialer", external_id=number, content_hash=bytes(32), call_id=row.pk, call_started_at=row.started_at
        )
    (tmp_path / "A-1.mp3").write_bytes(sample())
    (tmp_path / "A-1.json").write_text(
        json.dumps({"segments": [{"speaker": "agent", "start": 0, "end": 2, "text": "Good morning"}]})
    )
    for name in ("B-9.wav", "C-3.wav", "notes.txt"):
        (tmp_path / name).write_bytes(wav())

    def bring_in():
        call_command("import_recordings", str(tmp_path), user=data.username, system="dialer", as_json=True)
        return json.loads(capsys.readouterr().out)

    first, again = bring_in(), bring_in()

    assert (first["new"], first["unchanged"], first["refused"]) == (1, 0, 2)
    assert sorted(first["refusals"]) == ["B-9.wav", "C-3.wav"]
    assert (again["new"], again["unchanged"]) == (0, 1)
    row = Recording.objects.get()
    assert (row.call_id, row.origin, row.transcript["segments"][0]["text"]) == (call.pk, "folder", "Good morning")
    with pytest.raises(CommandError, match="role"):
        call_command("import_recordings", str(tmp_path), user=UserFactory(agent=team).username)


def test_many_calls_share_one_sound():
    calls = [call_of(), call_of(), call_of()]
    sound = recordings.store_sound(stream=io.BytesIO(wav()), at=AT)

    assert recordings.attach_sound(sound=sound, calls=calls, at=AT) == 3
    assert recordings.attach_sound(sound=sound, calls=calls, at=AT) == 0
    assert Recording.objects.filter(sound=sound, origin="telephony").count() == 3


# -- who may hear ------------------------------------------------------------------------------------------------------


def test_who_may_hear_what():
    city, other = CityFactory(), CityFactory()
    team, sister = TeamFactory(city=city), TeamFactory(city=city)
    agent = UserFactory(agent=team)
    own = recording_of(call_of(team, agent=agent))
    of_team = recording_of(call_of(team))
    of_city = recording_of(call_of(sister))
    far = recording_of(call_of(TeamFactory(city=other)))
    everything = {own, of_team, of_city, far}

    heard = {
        "agent": set(Recording.objects.visible_to(agent)),
        "leader": set(Recording.objects.visible_to(UserFactory(role="team_leader", team=team))),
        "qa of the city": set(Recording.objects.visible_to(UserFactory(role="qa", city=city))),
        "qa of the region": set(Recording.objects.visible_to(UserFactory(role="qa"))),
        "city manager": set(Recording.objects.visible_to(UserFactory(role="city_manager", city=other))),
        "regional manager": set(Recording.objects.visible_to(UserFactory(role="regional_manager"))),
        "data team": set(Recording.objects.visible_to(UserFactory(role="data"))),
        "administrator": set(Recording.objects.visible_to(UserFactory(role="administrator"))),
        "nobody": set(Recording.objects.visible_to(UserFactory())),
    }

    assert heard == {
        "agent": {own},
        "leader": {own, of_team},
        "qa of the city": {own, of_team, of_city},
        "qa of the region": everything,
        "city manager": {far},
        "regional manager": everything,
        "data team": set(),
        "administrator": set(),
        "nobody": set(),
    }


def test_a_wide_role_that_does_not_listen_widens_nothing_for_an_agent():
    team = TeamFactory()
    agent = UserFactory(agent=team)
    agent.memberships.create(role="data", valid_from=AT.date())
    own, other = recording_of(call_of(team, agent=agent)), recording_of(call_of(team))

    assert set(Recording.objects.visible_to(agent)) == {own}
    assert other


def test_each_listening_is_written_down_and_the_pieces_of_one_are_one():
    row, qa = recording_of(), UserFactory(role="qa")

    for minutes in (0, 1, 5, 12):
        listening.hear(recording=row, by=qa, at=AT + timedelta(minutes=minutes))
    listening.hear(recording=row, by=UserFactory(role="qa"), at=AT)

    assert list(Listening.objects.filter(by=qa).order_by("at").values_list("at", flat=True)) == [
        AT,
        AT + timedelta(minutes=12),
    ]
    assert AuditEvent.objects.filter(action="qa.recording.heard").count() == 3


def test_the_recording_of_a_locked_person_rests():
    row = recording_of()
    customer = CustomerFactory._meta.model.objects.get(pk=row.customer_id)
    customer.is_locked = True
    customer.save(update_fields=["is_locked"])

    with pytest.raises(listening.PersonLocked):
        listening.hear(recording=row, by=UserFactory(role="qa"), at=AT)
    with pytest.raises(listening.PersonLocked):
        notes.add_note(recording=row, from_ms=0, until_ms=None, text="", by=UserFactory(role="qa"), at=AT)


# -- remarks and clips -------------------------------------------------------------------------------------------------


def test_scorer_and_agent_note_at_a_time_and_each_takes_back_the_own():
    row = recording_of()
    qa, agent = UserFactory(role="qa"), UserFactory()

    marker = notes.add_note(recording=row, from_ms=500, until_ms=None, text=" ", by=qa, at=AT)
    said = notes.add_note(recording=row, from_ms=1000, until_ms=1500, text="I was interrupted", by=agent, at=AT)

    assert [(note.from_ms, note.text) for note in row.notes.order_by("from_ms")] == [
        (500, ""),
        (1000, "I was interrupted"),
    ]
    with pytest.raises(notes.PermissionRefused):
        notes.delete_note(note=said, by=qa, at=AT)
    notes.delete_note(note=marker, by=qa, at=AT)
    assert row.notes.get() == said


@pytest.mark.parametrize(("from_ms", "until_ms"), [(2001, None), (1000, 1000), (1000, 2001), (-1, None)])
def test_a_remark_lies_in_the_recording(from_ms, until_ms):
    with pytest.raises(notes.OutsideRecording):
        notes.add_note(recording=recording_of(), from_ms=from_ms, until_ms=until_ms, text="x", by=UserFactory(), at=AT)


def clip_of(row, **fields):
    given = {
        "from_ms": 200,
        "until_ms": 1200,
        "title": "Calm",
        "stage": "objection",
        "objection": None,
        "consent": "agreed",
        "keep_days": 365,
    }
    return choose_clip(recording=row, at=AT, **{"by": UserFactory(role="qa"), **given, **fields})


def test_a_span_becomes_a_clip_that_outlives_its_recording():
    row = recording_of()
    clip = clip_of(row)
    work_off()
    clip.refresh_from_db()
    assert (clip.state, clip.sound.milliseconds) == ("ready", 1000)
    assert clip.sound != row.sound

    apply_retention(at=AT + 181 * DAY)
    apply_retention(at=AT + 181 * DAY)  # the bytes go with the sweep after

    row.refresh_from_db()
    clip.refresh_from_db()
    assert row.destroyed_at is not None
    assert clip.sound is not None
    assert len(stored_files()) == 1

    apply_retention(at=AT + 365 * DAY)
    apply_retention(at=AT + 365 * DAY)
    clip.refresh_from_db()
    assert (clip.sound, clip.title) == (None, "")
    assert stored_files() == []


def test_a_clip_is_short_and_chosen_by_who_may():
    row = recording_of(sound=wav(301, channels=1, tone=100))
    with pytest.raises(ClipTooLong):
        clip_of(row, from_ms=0, until_ms=300_001)
    with pytest.raises(notes.PermissionRefused):
        clip_of(row, by=UserFactory(role="campaign_manager"))


def test_a_clip_that_is_taken_out_goes_with_its_bytes_before_and_after_it_is_cut():
    qa, row = UserFactory(role="qa"), recording_of()
    clip = clip_of(row, by=UserFactory(role="trainer"))
    drop_clip(clip=clip, by=qa, at=AT)
    work_off()
    clip.refresh_from_db()
    assert clip.sound is None
    with pytest.raises(notes.PermissionRefused):
        drop_clip(clip=clip_of(row), by=UserFactory(role="trainer"), at=AT)


# -- keeping -----------------------------------------------------------------------------------------------------------


def rule(**fields):
    given = {"product": None, "of_sales": False, "days": 90, "is_duty": False, "basis": "law"}
    return keeping.set_keep_rule(by=UserFactory(role="regional_manager"), at=AT, **{**given, **fields})


def test_the_most_particular_rule_says_how_long():
    product = ProductFactory()
    rule(product=product, days=30)
    rule(product=product, of_sales=True, days=3650)
    table = keeping.KeepTable()

    days = {
        (which, sale): table.rule(product_id=which and product.pk, sale=sale).days
        for which in (0, 1)
        for sale in (False, True)
    }

    assert days == {(0, False): 180, (0, True): 1095, (1, False): 30, (1, True): 3650}


def test_a_changed_rule_dates_what_is_there_again():
    row = recording_of()
    assert row.keep_until == row.call_started_at + 180 * DAY

    rule(days=10)
    work_off()

    row.refresh_from_db()
    assert row.keep_until == row.call_started_at + 10 * DAY


def test_only_a_region_sets_rules_and_the_rule_for_all_stays():
    with pytest.raises(keeping.PermissionRefused):
        keeping.set_keep_rule(
            product=None, of_sales=False, days=1, is_duty=False, basis="x", by=UserFactory(role="qa"), at=AT
        )
    with pytest.raises(keeping.RuleNeeded):
        keeping.drop_keep_rule(
            rule=KeepRule.objects.get(product=None, of_sales=False), by=UserFactory(role="administrator"), at=AT
        )


def test_the_night_takes_what_is_overdue_and_the_bytes_with_the_last_who_has_them():
    old, young = recording_of(call_of(at=AT - 5 * DAY)), recording_of()
    notes.add_note(recording=old, from_ms=0, until_ms=None, text="about a person", by=UserFactory(), at=AT)

    erased = apply_retention(at=AT + 178 * DAY)
    apply_retention(at=AT + 178 * DAY)

    old.refresh_from_db()
    assert erased["qa.recording"] == 1
    assert (old.sound, old.transcript) == (None, None)
    assert not RecordingNote.objects.exists()
    assert len(stored_files()) == 1

    apply_retention(at=AT + 181 * DAY)
    apply_retention(at=AT + 181 * DAY)

    assert stored_files() == []
    assert not Sound.objects.exists()
    assert young


def test_erasing_a_person_destroys_recordings_and_clips_and_another_persons_stay():
    row, other = recording_of(sound=wav(2)), recording_of(sound=wav(3))
    clip = clip_of(row)
    work_off()
    customer = CustomerFactory._meta.model.objects.get(pk=row.customer_id)

    forget(customer, AT)

    row.refresh_from_db()
    clip.refresh_from_db()
    assert (row.destroyed_at, row.sound, clip.sound, clip.title) == (AT, None, None, "")
    assert files.destroy_overdue(at=AT) == 2
    assert Recording.objects.kept().get() == other
    assert Clip.objects.kept().count() == 0


def test_a_copy_of_a_persons_data_holds_what_was_said():
    row = recording_of(
        transcript={"segments": [{"speaker": "customer", "start": 0, "end": 1, "text": "Leave me alone"}]}
    )
    customer = CustomerFactory._meta.model.objects.get(pk=row.customer_id)

    told = str([list(sheet.rows) for sheet in facts_of(customer)])

    assert "Leave me alone" in told


def test_a_duty_to_keep_forbids_erasing_until_its_day():
    row = recording_of()
    customer = CustomerFactory._meta.model.objects.get(pk=row.customer_id)
    assert duties_of(customer, AT) == []

    rule(days=3650, is_duty=True)

    assert [duty for duty in duties_of(customer, AT) if "2036" in duty]
    assert duties_of(customer, AT + 3651 * DAY) == []
