"""Files of sound as bytes, and recordings of calls, for tests."""

from __future__ import annotations

import io
import struct
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from campaigns.models import Call, Disposition
from campaigns.tests.factories import AT, CampaignFactory
from core.jobs import run_inline
from core.models import Job
from customers.models import Customer
from customers.tests.factories import CustomerFactory
from people.models import Team, User
from people.tests.factories import TeamFactory, UserFactory
from qa.models import Recording
from qa.services.recordings import store_recording

SAMPLES = Path(settings.BASE_DIR) / "telemkt" / "demo" / "sounds"
RATE = 8000


def wav(
    seconds: float = 2.0, *, channels: int = 2, tone: int = 9000, codec: int = 1, claims: int | None = None
) -> bytes:
    """A square tone in the first channel for the first half, in the last channel for the second half."""
    half = int(seconds * RATE / 32)  # waves of 16 frames in each half
    body = b"".join(_wave(tone, channels, place) * half for place in (0, channels - 1))
    size = len(body) if claims is None else claims
    shape = struct.pack("<HHIIHH", codec, channels, RATE, RATE * channels * 2, channels * 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(body))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + shape
        + b"data"
        + struct.pack("<I", size)
        + body
    )


def _wave(tone: int, channels: int, place: int) -> bytes:
    frames = [[(tone if n < 8 else -tone) if channel == place else 0 for channel in range(channels)] for n in range(16)]
    return b"".join(struct.pack(f"<{channels}h", *frame) for frame in frames)


def sample(name: str = "call_en.mp3") -> bytes:
    return (SAMPLES / name).read_bytes()


def call_of(
    team: Team | None = None,
    *,
    agent: User | None = None,
    at: datetime = AT,
    customer: Customer | None = None,
    **fields: Any,
) -> Call:
    """A call that was answered, of an agent of the team to a customer of the team's city."""
    team = team or TeamFactory()
    agent = agent or UserFactory(agent=team)
    customer = customer or CustomerFactory(city=team.city)
    campaign = fields.pop("campaign", None) or CampaignFactory()
    result = Disposition.objects.get(code=fields.pop("result", "considering"), campaign=None)
    return Call.objects.create(
        started_at=at, customer_id=customer.pk, city_id=customer.city_id, agent_id=agent.pk, team_id=team.pk, team_city_id=team.city_id,
        campaign_id=campaign.pk, product_id=campaign.product_id, disposition_id=result.pk,
        **{"sale": result.sale, "connected": True, "talk_seconds": 50, **fields},
    )  # fmt: skip


def recording_of(
    call: Call | None = None, *, sound: bytes | None = None, at: datetime = AT, **fields: Any
) -> Recording:
    call = call or call_of()
    stored = store_recording(
        call=call,
        stream=io.BytesIO(wav() if sound is None else sound),
        by=None,
        at=at,
        origin=Recording.Origin.TELEPHONY,
        **fields,
    )
    return stored.recording


def work_off() -> None:
    """Do the jobs of quality that wait."""
    for job in Job.objects.filter(kind__startswith="qa.", state=Job.State.QUEUED):
        run_inline(job.pk)
