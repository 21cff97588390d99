"""Pages, sound and API of recordings: what each role gets, what another city does not, and what ranges are answered with."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core import files
from core.models import AuditEvent
from customers.models import Customer
from people.tests.factories import CityFactory, TeamFactory, UserFactory
from qa.models import Clip, KeepRule, Listening, Recording, RecordingNote, Sound
from qa.tests.factories import AT, call_of, recording_of, sample, wav, work_off

pytestmark = pytest.mark.django_db


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def team(city):
    return TeamFactory(city=city)


@pytest.fixture
def qa(city, client):
    user = UserFactory(role="qa", city=city)
    client.force_login(user)
    return user


def url(name, *args):
    return reverse(f"qa:{name}", args=args)


def upload(name="13900001111.mp3", content=None):
    return SimpleUploadedFile(name, sample() if content is None else content)


# -- sound -------------------------------------------------------------------------------------------------------------


def body(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def status_of(client, address) -> int:
    answer = client.get(address)
    body(answer)  # an answer that nobody reads leaves its file open
    return answer.status_code


@pytest.mark.parametrize(
    ("wanted", "status", "first", "last"),
    [
        (None, 200, 0, 64043),
        ("bytes=0-", 206, 0, 64043),
        ("bytes=100-199", 206, 100, 199),
        ("bytes=64000-99999", 206, 64000, 64043),
        ("bytes=-10", 206, 64034, 64043),
        ("bytes=0-9,20-29", 200, 0, 64043),
        ("items=0-9", 200, 0, 64043),
        ("bytes=9-5", 416, None, None),
        ("bytes=64044-", 416, None, None),
        ("bytes=99999-100000", 416, None, None),
        ("bytes=-0", 416, None, None),
        ("bytes=\xb2-", 200, 0, 64043),
        (f"bytes={'9' * 5000}-", 200, 0, 64043),
    ],
)
def test_a_player_gets_the_bytes_it_asks_for(client, qa, team, wanted, status, first, last):
    content = wav()  # 2 seconds, 8 kHz, 2 channels, 2 bytes: 64,000, and 44 of the head
    row = recording_of(call_of(team), sound=content)

    answer = client.get(url("recording-sound", row.pk), headers={"Range": wanted} if wanted else {})

    assert answer.status_code == status
    assert "no-store" in answer["Cache-Control"] if status != 416 else answer["Content-Range"] == "bytes */64044"
    if first is not None:
        assert body(answer) == content[first : last + 1]
        assert answer["Content-Length"] == str(last - first + 1)
        assert (answer["Content-Type"], answer["Accept-Ranges"]) == ("audio/wav", "bytes")
        assert answer["Content-Disposition"].startswith('inline; filename="recording-')
    if status == 206:
        assert answer["Content-Range"] == f"bytes {first}-{last}/64044"


def test_sound_is_heard_by_whom_it_concerns_and_every_one_is_on_record(client, city, team):
    agent = UserFactory(agent=team)
    row = recording_of(call_of(team, agent=agent))
    people = {
        "agent": agent,
        "colleague": UserFactory(agent=team),
        "leader": UserFactory(role="team_leader", team=team),
        "other leader": UserFactory(role="team_leader", team=TeamFactory(city=city)),
        "qa": UserFactory(role="qa", city=city),
        "other qa": UserFactory(role="qa", city=CityFactory()),
        "manager": UserFactory(role="city_manager", city=city),
        "data": UserFactory(role="data", city=city),
        "administrator": UserFactory(role="administrator"),
        "superuser": UserFactory(is_superuser=True),
    }

    answers = {}
    for kind, user in people.items():
        client.force_login(user)
        answers[kind] = [
            status_of(client, url(name, row.pk)) for name in ("recording-sound", "recording-peaks", "recording")
        ]

    assert answers == {
        "agent": [200] * 3, "colleague": [404] * 3, "leader": [200] * 3, "other leader": [404] * 3, "qa": [200] * 3, "other qa": [404] * 3,
        "manager": [200] * 3, "data": [403] * 3, "administrator": [403] * 3, "superuser": [403] * 3,
    }  # fmt: skip
    assert set(Listening.objects.values_list("by", flat=True)) == {
        people[kind].pk for kind in ("agent", "leader", "qa", "manager")
    }


def test_only_who_may_takes_a_recording_away_and_no_other_door_gives_it(client, city, team, qa):
    row = recording_of(call_of(team))
    taken = client.get(url("recording-download", row.pk))
    assert (taken.status_code, body(taken)) == (200, wav())
    assert taken["Content-Disposition"].startswith("attachment")
    assert AuditEvent.objects.filter(action="qa.recording.downloaded").count() == 1
    assert client.get(reverse("core:file", args=[row.sound.file_id])).status_code == 404

    client.force_login(UserFactory(role="team_leader", team=team))
    assert client.get(url("recording-download", row.pk)).status_code == 403


def test_a_locked_persons_recording_cannot_be_heard_and_the_page_says_why(client, qa, team):
    row = recording_of(call_of(team))
    Customer.objects.filter(pk=row.customer_id).update(is_locked=True)

    assert client.get(url("recording-sound", row.pk)).status_code == 404
    assert client.get(url("recording-peaks", row.pk)).status_code == 404
    assert "locked" in client.get(url("recording", row.pk)).content.decode()


def test_a_stranger_is_turned_away(client, team):
    row = recording_of(call_of(team))

    assert client.get(url("recording-sound", row.pk)).status_code == 302
    assert client.get(url("recordings")).status_code == 302


# -- the list ----------------------------------------------------------------------------------------------------------


def test_the_list_shows_what_may_be_heard_and_filters_it(client, qa, team):
    short, long = recording_of(call_of(team)), recording_of(call_of(team, result="sold"), sound=sample())
    far = recording_of()
    Listening.objects.create(recording=long, by=qa, at=AT)

    def shown(**query):
        page = client.get(url("recordings"), query).content.decode()
        return {row for row in (short, long, far) if url("recording", row.pk) in page}

    assert shown() == {short, long}
    assert shown(length="short") == {short}
    assert shown(length="middle") == {long}
    assert shown(result="sold") == {long}
    assert shown(heard="1") == {long}
    assert shown(heard="0") == {short}
    assert shown(campaign=long.campaign_id) == {long}
    assert shown(since="2026-11-20") == set()
    assert shown(agent_code="nobody") == set()
    assert shown(call=short.call_id) == {short}
    assert shown(call="²") == set()


def test_an_empty_list_says_where_recordings_come_from(client, qa):
    assert "They come from the telephone" in client.get(url("recordings")).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_as_much_however_many_recordings(client, qa, team, count, django_assert_max_num_queries):
    for seconds in range(1, count + 1):
        recording_of(call_of(team), sound=wav(seconds))
    client.get(url("recordings"))
    with django_assert_max_num_queries(19):
        client.get(url("recordings"))


# -- the player --------------------------------------------------------------------------------------------------------


def test_the_player_has_waveform_text_and_remarks_and_counts_nobody_as_listener(client, qa, team):
    row = recording_of(
        call_of(team), transcript={"segments": [{"speaker": "customer", "start": 0, "end": 1, "text": "<b>Who is it?"}]}
    )
    work_off()
    RecordingNote.objects.create(recording=row, by=qa, at=AT, from_ms=1000, text="speaks too fast")

    page = client.get(url("recording", row.pk)).content.decode()
    wave = client.get(url("recording-peaks", row.pk)).json()

    assert "&lt;b&gt;Who is it?" in page
    assert "speaks too fast" in page
    assert (wave["milliseconds"], len(wave["channels"])) == (2000, 2)
    assert not Listening.objects.exists()


def test_a_broken_recording_says_what_is_broken(client, qa, team):
    row = recording_of(call_of(team))
    Sound.objects.update(state="broken", fault="undecodable", peaks=None)

    assert "cannot be decoded" in client.get(url("recording", row.pk)).content.decode()


def test_a_remark_is_written_at_its_second_and_taken_back(client, qa, team):
    row = recording_of(call_of(team))
    address = url("note-add", row.pk)

    part = client.post(address, {"from_ms": 500, "until_ms": "", "text": "good"}, headers={"HX-Request": "true"})
    wrong = client.post(address, {"from_ms": 9000, "text": "late"}, headers={"HX-Request": "true"})
    senseless = client.post(address, {"from_ms": "²", "text": "\x00"}, headers={"HX-Request": "true"})
    whole = client.post(address, {"from_ms": 700, "text": ""})

    assert (part.status_code, "good" in part.content.decode()) == (200, True)
    assert (wrong.status_code, "does not lie in the recording" in wrong.content.decode()) == (422, True)
    assert senseless.status_code == 422
    assert whole.status_code == 302
    note = RecordingNote.objects.get(text="good")
    client.post(url("note-delete", row.pk, note.pk))
    assert RecordingNote.objects.get().from_ms == 700


def test_an_agent_answers_at_the_own_recording_and_another_city_cannot(client, team):
    agent = UserFactory(agent=team)
    row = recording_of(call_of(team, agent=agent))
    client.force_login(agent)
    assert client.post(url("note-add", row.pk), {"from_ms": 10, "text": "the line was bad"}).status_code == 302

    client.force_login(UserFactory(role="qa", city=CityFactory()))
    assert client.post(url("note-add", row.pk), {"from_ms": 10, "text": "x"}).status_code == 404
    assert RecordingNote.objects.count() == 1


def test_a_span_goes_into_the_library_and_is_heard_by_the_citys_agents(client, qa, team):
    row = recording_of(call_of(team))
    form = {
        "from_ms": 100,
        "until_ms": 1100,
        "title": "Calm answer",
        "stage": "objection",
        "consent": "agreed",
        "keep_days": 365,
    }
    assert client.post(url("clip-choose", row.pk), {**form, "until_ms": ""}).status_code == 422
    assert client.post(url("clip-choose", row.pk), form).status_code == 302
    work_off()
    clip = Clip.objects.get()

    client.force_login(UserFactory(agent=TeamFactory(city=team.city)))
    page = client.get(url("clips")).content.decode()
    assert "Calm answer" in page
    assert url("recording", row.pk) not in page  # the whole call is not theirs to hear
    locked = Customer.objects.filter(pk=clip.customer_id)
    assert locked.update(is_locked=True)
    assert client.get(url("clip-sound", clip.pk)).status_code == 404
    locked.update(is_locked=False)
    assert body(client.get(url("clip-sound", clip.pk)))[:4] == b"OggS"
    assert body(client.get(url("clip-sound", clip.pk), headers={"Range": "bytes=4-7"}))
    assert AuditEvent.objects.filter(action="qa.clip.heard").count() == 1  # pieces of one hearing
    assert "Calm answer" not in client.get(url("clips"), {"stage": "opening"}).content.decode()
    assert client.post(url("clip-drop", clip.pk)).status_code == 403

    client.force_login(UserFactory(agent=TeamFactory()))
    assert "Calm answer" not in client.get(url("clips")).content.decode()
    assert client.get(url("clip-sound", clip.pk)).status_code == 404

    client.force_login(qa)
    assert client.post(url("clip-drop", clip.pk)).status_code == 302
    assert client.get(url("clip-sound", clip.pk)).status_code == 404


# -- bringing in -------------------------------------------------------------------------------------------------------


def test_a_recording_is_brought_in_on_the_page_of_its_call(client, qa, team):
    call = call_of(team)
    part = client.get(url("call-recordings", call.pk)).content.decode()
    assert url("call-upload", call.pk) in part

    answer = client.post(url("call-upload", call.pk), {"file": upload()}, follow=True)

    assert "The recording is stored." in answer.content.decode()
    row = Recording.objects.get()
    assert (row.call_id, row.uploaded_by, row.origin) == (call.pk, qa, "upload")
    assert url("recording", row.pk) in client.get(url("call-recordings", call.pk)).content.decode()
    again = client.post(url("call-upload", call.pk), {"file": upload("other.wav")}, follow=True)
    assert "has this recording already" in again.content.decode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "The file is empty"), (b"%PDF-1.7", "it is a PDF file"), (wav(0), "0 seconds"), (wav(1)[:-9], "cut off")],
)
def test_a_wrong_file_is_refused_with_a_sentence(client, qa, team, content, sentence):
    answer = client.post(url("call-upload", call_of(team).pk), {"file": upload(content=content)}, follow=True)

    assert sentence in answer.content.decode()
    assert not Recording.objects.exists()


def test_the_part_of_a_call_shows_to_each_what_they_may(client, city, team):
    call = call_of(team)
    row = recording_of(call)
    address = url("call-recordings", call.pk)
    told = {}
    for kind, user in {
        "data": UserFactory(role="data", city=city),
        "leader": UserFactory(role="team_leader", team=team),
        "far": UserFactory(role="qa", city=CityFactory()),
    }.items():
        client.force_login(user)
        answer = client.get(address)
        text = answer.content.decode()
        told[kind] = (answer.status_code, url("recording", row.pk) in text, url("call-upload", call.pk) in text)

    assert told == {"data": (200, False, True), "leader": (200, True, False), "far": (404, False, False)}
    client.force_login(UserFactory(role="team_leader", team=team))
    assert client.post(url("call-upload", call.pk), {"file": upload()}).status_code == 403


def test_the_api_takes_recordings_once_and_tells_what_may_be_heard(client, city, team):
    call = call_of(team)
    data = UserFactory(role="data", city=city)
    client.force_login(data)
    said = '{"segments": [{"speaker": "agent", "start": 0, "end": 1, "text": "hello"}]}'

    def post(**fields):
        return client.post(reverse("api:recording-list"), {"call": call.pk, "file": io.BytesIO(wav()), **fields})

    new, again = post(transcript=said), post()
    assert (new.status_code, again.status_code) == (201, 200)
    assert new.json()["id"] == again.json()["id"]
    assert post(file=io.BytesIO(b"MZ\x00")).status_code == 409
    assert post(call=call_of().pk).status_code == 409
    assert post(transcript="[").status_code == 409
    assert post(call="²").status_code == 400
    assert client.get(reverse("api:recording-list")).status_code == 403

    client.force_login(UserFactory(role="qa", city=city))
    assert [row["id"] for row in client.get(reverse("api:recording-list")).json()["results"]] == [new.json()["id"]]
    assert body(client.get(reverse("api:recording-sound", args=[new.json()["id"]]))) == wav()
    assert post().status_code == 200
    client.force_login(UserFactory(role="qa", city=CityFactory()))
    assert client.get(reverse("api:recording-list")).json()["results"] == []
    assert client.get(reverse("api:recording-sound", args=[new.json()["id"]])).status_code == 404
    client.force_login(UserFactory(agent=team))
    assert post().status_code == 403


# -- rules -------------------------------------------------------------------------------------------------------------


def test_the_region_says_how_long_and_qa_reads_it(client, qa):
    page = client.get(url("keep-rules")).content.decode()
    assert "180" in page
    assert client.post(url("keep-rules"), {"days": 5, "basis": "x"}).status_code == 403

    client.force_login(UserFactory(role="regional_manager"))
    assert client.post(url("keep-rules"), {"days": 0, "basis": "x"}).status_code == 422
    assert client.post(url("keep-rules"), {"days": "²", "basis": "x"}).status_code == 422
    assert client.post(url("keep-rules"), {"days": 99, "basis": "law", "of_sales": "on"}).status_code == 302
    rule = KeepRule.objects.get(of_sales=True)
    assert (rule.days, rule.basis) == (99, "law")
    assert client.post(url("keep-rule-drop", rule.pk)).status_code == 302
    assert not KeepRule.objects.filter(of_sales=True).exists()


def test_of_a_long_sound_a_player_gets_a_piece_at_a_time_and_a_download_is_whole(client, qa, team):
    row = recording_of(call_of(team), sound=wav(40))  # 40 s x 8000 x 2 channels x 2 bytes
    client.force_login(qa)
    size = row.sound.size_bytes
    assert size > files.PLAYED

    piece = client.get(url("recording-sound", row.pk), headers={"Range": "bytes=0-"})
    rest = client.get(url("recording-sound", row.pk), headers={"Range": f"bytes={files.PLAYED}-"})

    assert piece["Content-Range"] == f"bytes 0-{files.PLAYED - 1}/{size}"
    assert body(piece) + body(rest) == body(client.get(url("recording-download", row.pk)))[: 2 * files.PLAYED]


def test_what_was_said_by_a_locked_person_is_not_read_either(client, qa, team):
    row = recording_of(
        call_of(team), transcript={"segments": [{"start": 0, "end": 1, "speaker": "agent", "text": "secret"}]}
    )
    client.force_login(qa)
    assert "secret" in client.get(url("recording", row.pk)).content.decode()
    Customer.objects.filter(pk=row.customer_id).update(is_locked=True)

    assert "secret" not in client.get(url("recording", row.pk)).content.decode()


def test_a_phrase_leads_to_the_second_it_was_said_for_whoever_may_hear_it(client, qa, team):
    row = recording_of(call_of(team), sound=wav(20))
    listen = reverse("qa:listen", args=[row.call_id])
    client.force_login(qa)

    assert client.get(listen, {"second": "12"}).url == f"{url('recording', row.pk)}#t=12000"
    assert client.get(listen, {"second": "²"}).url == f"{url('recording', row.pk)}#t=0"

    client.force_login(UserFactory(agent=TeamFactory(city=team.city)))
    told = client.get(listen, {"second": "12"}, follow=True)
    assert told.redirect_chain[-1][0] == reverse("qa:recordings")
    assert "There is no recording of this call that you may hear." in told.content.decode()
