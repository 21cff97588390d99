"""The text of a call: read from a file with the place of every fault, brought in with the sound or later, by page."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from campaigns.tests.factories import AT
from core.errors import PermissionRefused
from core.models import AuditEvent
from customers.models import Customer, PersonRequest
from people.tests.factories import CityFactory, MembershipFactory, TeamFactory, UserFactory
from qa.models import Recording
from qa.services import recordings, transcripts
from qa.services.listening import PersonLocked, SoundGone
from qa.services.transcripts import TranscriptRefused, read_transcript
from qa.tests.factories import call_of, recording_of, wav

SAID = {"speaker": "agent", "start": 0, "end": 1.5, "text": "Good morning"}


def said(*segments, **more) -> bytes:
    return json.dumps({"language": "en", "segments": list(segments), **more}).encode()


# -- reading -----------------------------------------------------------------------------------------------------------


def test_a_text_is_kept_with_nothing_besides():
    given = said({**SAID, "confidence": 0.9, "text": "Good\0 morning"}, model="large")

    kept = {"language": "en", "segments": [{"speaker": "agent", "start": 0.0, "end": 1.5, "text": "Good morning"}]}
    assert read_transcript(given) == kept
    assert read_transcript(b"\xef\xbb\xbf" + given) == kept


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (b"", "line 1, character 1"),
        (b'{"segments": [\n  {"speaker" "agent"}\n]}', "line 2, character 14"),
        ('{"segments": []}'.encode("utf-16"), "byte 1"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "JSON with segments"),
        (b'{"segments": {"a": 1}}', "JSON with segments"),
        (said(SAID, "Good morning"), "segment 2: it has no speaker"),
        (said(SAID, SAID, {"speaker": "agent", "start": 1, "end": 2}), "segment 3: “text” is missing"),
        (said({**SAID, "speaker": "boss"}), "segment 1: the speaker is “agent” or “customer”"),
        (said({**SAID, "start": "soon"}), "segment 1: “start” is no number"),
        (said({**SAID, "end": float("nan")}), "segment 1: “end” is no number"),
        (said({**SAID, "start": -1}), "segment 1: “start” is no number"),
        (said({**SAID, "end": 100_000}), "segment 1: “end” is no number"),
        (said({**SAID, "start": 2}), "segment 1: it ends before it starts"),
        (b'{"segments": [{"speaker": "agent", "start": 0, "end": 1, "text": "\\ud800"}]}', "segment 1: it holds characters"),
        (said({**SAID, "text": "x" * 10_001}), "segment 1: its text is longer than 10000"),
        (said(*[SAID] * 5001), "5001 segments"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(given, where):
    with pytest.raises(TranscriptRefused) as caught:
        read_transcript(given)

    assert where in str(caught.value)


def test_a_file_is_read_no_further_than_the_limit(monkeypatch):
    monkeypatch.setattr(transcripts, "MOST_BYTES", 1024 * 1024)

    class Endless:
        def read(self, size):
            assert size == 1024 * 1024 + 1
            return b" " * size

    with pytest.raises(TranscriptRefused, match="larger than 1 MB"):
        read_transcript(Endless())


# -- bringing in -------------------------------------------------------------------------------------------------------


@pytest.fixture
def team(db):
    return TeamFactory()


@pytest.fixture
def qa(team):
    return UserFactory(role="qa", city=team.city)


@pytest.fixture
def row(team):
    return recording_of(call_of(team))


def bring(row, by, text="Good morning"):
    given = read_transcript(said({**SAID, "text": text}))
    return recordings.set_transcript(recording=row, transcript=given, by=by, at=AT)


def test_a_text_is_brought_in_and_a_better_one_takes_its_place(row, qa):
    bring(row, qa)
    bring(row, qa, "Good evening")
    bring(row, qa, "Good evening")  # the same again is nothing new

    row.refresh_from_db()
    assert row.transcript["segments"][0]["text"] == "Good evening"
    assert AuditEvent.objects.filter(action="qa.recording.text_set").count() == 2


def test_only_who_uploads_in_its_place_brings_in_a_text(row, team):
    elsewhere = UserFactory(role="qa", city=CityFactory())
    MembershipFactory(user=elsewhere, role="trainer", city=team.city)

    for by in (elsewhere, UserFactory(role="trainer"), UserFactory(agent=team)):
        with pytest.raises(PermissionRefused):
            bring(row, by)

    row.refresh_from_db()
    assert row.transcript is None


def test_of_a_person_who_is_locked_or_was_erased_and_of_what_has_gone_no_text_is_kept(row, qa, team):
    Customer.objects.filter(pk=row.customer_id).update(is_locked=True)
    with pytest.raises(PersonLocked):
        bring(row, qa)

    Customer.objects.filter(pk=row.customer_id).update(is_locked=False)
    asked = PersonRequest.objects.create(
        customer_id=row.customer_id, kind="erase", way="phone", received_by=qa, received_on=AT.date(), due_on=AT.date(), state="done",
        decided_by=UserFactory(), decided_at=AT,
    )  # fmt: skip
    with pytest.raises(recordings.PersonErased):
        bring(row, qa)

    asked.delete()
    Recording.objects.filter(pk=row.pk).update(sound=None, destroyed_at=AT)
    with pytest.raises(SoundGone):
        bring(row, qa)


# -- by page -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(client, qa):
    client.force_login(qa)
    return client


def url(name, *args):
    return reverse(f"qa:{name}", args=args)


def words_file(content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile("call.json", said(SAID) if content is None else content)


def test_the_page_of_a_recording_takes_a_text_and_shows_it(page, row):
    assert url("recording-text", row.pk) in page.get(url("recording", row.pk)).content.decode()

    shown = page.post(url("recording-text", row.pk), {"transcript": words_file()}, follow=True).content.decode()

    assert "The text of the call is stored." in shown
    assert "Good morning" in shown
    assert "Another file takes the place of the text that is there." in shown


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"{", "not JSON: line 1, character 2"), (b"", "not JSON: line 1, character 1"), (b"[]", "JSON with segments")],
)
def test_a_file_that_cannot_be_read_is_refused_on_the_page_with_the_place(page, row, content, sentence):
    answer = page.post(url("recording-text", row.pk), {"transcript": words_file(content)})

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    row.refresh_from_db()
    assert row.transcript is None


def test_no_file_is_asked_for_again(page, row):
    assert page.post(url("recording-text", row.pk)).status_code == 422


def test_who_hears_and_does_not_upload_is_not_asked_for_a_text(client, row, team):
    for role in ("trainer", "city_manager"):
        client.force_login(UserFactory(role=role, city=team.city))
        assert url("recording-text", row.pk) not in client.get(url("recording", row.pk)).content.decode()
        assert client.post(url("recording-text", row.pk), {"transcript": words_file()}).status_code == 403
    client.force_login(UserFactory(role="qa", city=CityFactory()))
    assert client.post(url("recording-text", row.pk), {"transcript": words_file()}).status_code == 404


def _upload(client, call, words):
    files = {"file": SimpleUploadedFile("a.wav", wav(1)), "transcript": words_file(words)}
    return client.post(url("call-upload", call.pk), files, follow=True).content.decode()


def test_sound_and_text_come_in_together_or_neither(client, team):
    call = call_of(team)
    client.force_login(UserFactory(role="data", city=team.city))

    refused = _upload(client, call, b'{"segments": [{"speaker": "agent"}]}')
    assert "segment 1: “start” is missing" in refused
    assert not Recording.objects.filter(call_id=call.pk).exists()

    assert "The recording is stored." in _upload(client, call, None)
    assert Recording.objects.get(call_id=call.pk).transcript["segments"][0]["text"] == "Good morning"


def test_the_form_of_a_call_offers_both(client, team):
    call = call_of(team)
    client.force_login(UserFactory(role="data", city=team.city))

    part = client.get(url("call-recordings", call.pk)).content.decode()

    assert 'name="file"' in part
    assert 'name="transcript"' in part
