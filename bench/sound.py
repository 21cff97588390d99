"""Hearing a call of ten minutes: its first sound as the player asks for it, its waveform drawn from the whole of it, its heads read at the upload."""

from __future__ import annotations

import io
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench.figures import Figure

ROUNDS = int(os.environ.get("BENCH_SOUND_ROUNDS", "40"))
DRAWN = int(os.environ.get("BENCH_SOUND_DRAWN", "5"))
DATABASE = "telemkt_bench_sound"
SAMPLE = "call_en.mp3"  # 57 seconds of two channels
SECONDS = 600
AT = datetime(2026, 3, 20, 1, tzinfo=UTC)


def run() -> list[Figure]:
    """All figures; the bench works in a database and a place for files of its own and drops both."""
    from bench.scratch import scratch_database

    with scratch_database(DATABASE), _own_files():
        return [figure for name, content in _calls() for figure in _measure(name, content)]


@contextmanager
def _own_files() -> Iterator[None]:
    from django.conf import settings

    before = settings.FILES_DIR
    with tempfile.TemporaryDirectory() as place:
        settings.FILES_DIR = Path(place)
        yield
        settings.FILES_DIR = before


def _calls() -> list[tuple[str, bytes]]:
    """The sample in the repository, one time after the other, in each format that is taken."""
    import numpy as np
    import soundfile
    from django.conf import settings

    samples, rate = soundfile.read(
        Path(settings.BASE_DIR) / "telemkt" / "demo" / "sounds" / SAMPLE, dtype="int16", always_2d=True
    )
    whole = np.tile(samples, (SECONDS * rate // len(samples) + 1, 1))[: SECONDS * rate]

    def written(container: str, codec: str) -> bytes:
        target = io.BytesIO()
        soundfile.write(target, whole, rate, format=container, subtype=codec)
        return target.getvalue()

    return [
        ("WAV", written("WAV", "PCM_16")),
        ("MP3", written("MP3", "MPEG_LAYER_III")),
        ("Opus", written("OGG", "OPUS")),
    ]


def _measure(name: str, content: bytes) -> list[Figure]:
    from core import files
    from qa.sound.parent import head_of, waveform_of

    row = _recording(name, content)
    path = files.path_of(row.sound.file)
    first, client = _first_sounds(row), _client(row)
    before = _processor_seconds()
    drawn = _seconds(DRAWN, lambda: waveform_of(path))
    worked = (_processor_seconds() - before) / DRAWN
    read = _seconds(DRAWN, lambda: head_of(path))
    asked = _seconds(ROUNDS, lambda: _peaks(client, row))
    size = f"{len(content) / 1024 / 1024:.1f} MB, {row.seconds / 60:.1f} min, {row.sound.channels} channels"
    p95 = quantiles(first, n=20)[-1] * 1000
    return [
        Figure(f"{name}: first sound, p95", p95, "ms", None, size, "under 1,000 ms", p95 < 1000),
        Figure(f"{name}: waveform drawn, the slowest of {DRAWN}", max(drawn), "s", None, f"median {median(drawn):.2f} s, {worked:.2f} s of processors each", "under 2 s", max(drawn) < 2),
        Figure(f"{name}: waveform given to the player, p95", quantiles(asked, n=20)[-1] * 1000, "ms"),
        Figure(f"{name}: heads read at the upload", median(read) * 1000, "ms"),
    ]  # fmt: skip


def _processor_seconds() -> float:
    """What the processes that draw have used until now, whatever else the machine had to do."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _seconds(rounds: int, work: Callable[[], Any]) -> list[float]:
    found = []
    for _n in range(rounds):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return found


def _first_sounds(row: Any) -> list[float]:
    """Seconds until the first bytes are there; each time another listener, since the first piece of each is written down."""
    from django.urls import reverse

    client, address = _client(row), reverse("qa:recording-sound", args=[row.pk])
    found = []
    for _n in range(ROUNDS + 1):
        _forget_listenings(row)
        begun = time.perf_counter()
        answer = client.get(address, headers={"Range": "bytes=0-"})
        pieces = iter(answer.streaming_content)
        assert answer.status_code == 206
        assert next(pieces)
        found.append(time.perf_counter() - begun)
        for _piece in pieces:  # read to the end, so that the file is closed
            pass
    return found[1:]  # a server has answered before


def _forget_listenings(row: Any) -> None:
    from qa.models import Listening

    Listening.objects.filter(recording=row).delete()


def _peaks(client: Any, row: Any) -> None:
    from django.urls import reverse

    assert client.get(reverse("qa:recording-peaks", args=[row.pk])).status_code == 200


# -- what is there -----------------------------------------------------------------------------------------------------


def _recording(name: str, content: bytes) -> Any:
    """Stored and drawn as an upload is."""
    from core.jobs import run_inline
    from core.models import Job
    from qa.models import Recording
    from qa.services.recordings import store_recording

    stored = store_recording(
        call=_call(name), stream=io.BytesIO(content), by=None, at=AT, origin=Recording.Origin.UPLOAD
    )
    for job in Job.objects.filter(kind="qa.draw_waveform", state=Job.State.QUEUED):
        run_inline(job.pk)
    row = Recording.objects.select_related("sound__file").get(pk=stored.recording.pk)
    assert row.sound.state == "ready", row.sound.fault
    return row


def _call(name: str) -> Any:
    from bench.rollup import _places
    from campaigns.models import Call, Campaign, Disposition
    from core.partitions import ensure_partitions
    from customers.models import Customer

    product = Campaign.objects.values_list("product", flat=True).first() or _places()
    ensure_partitions("campaigns_call", AT.date(), 1)
    campaign = Campaign.objects.get_or_create(code="B1", defaults={"name": "Bench", "product_id": product})[0]
    customer = Customer.objects.create(city_id=1, name=name)
    result = Disposition.objects.get(code="considering", campaign=None)
    return Call.objects.create(
        started_at=AT, customer_id=customer.pk, city_id=1, agent_id=1, team_id=1, team_city_id=1,
        campaign_id=campaign.pk, product_id=product, disposition_id=result.pk, connected=True, talk_seconds=SECONDS,
    )  # fmt: skip


def _client(row: Any) -> Any:
    """Signed in as QA of the region."""
    from django.conf import settings
    from django.test import Client

    from people.models import Membership, User

    settings.ALLOWED_HOSTS = ["testserver"]
    user, is_new = User.objects.get_or_create(username="bench-qa")
    if is_new:
        Membership.objects.create(user=user, role=Membership.Role.QA, valid_from=AT.date())
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client
