"""The simulated telephone records where the demo was made, and nowhere else."""

from __future__ import annotations

import pytest

from campaigns.models import LiveCall
from campaigns.tests.calling import Floor
from campaigns.tests.factories import AT
from qa.models import Recording, Sound
from qa.tests.factories import call_of
from telemkt.demo import sounds

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.FILES_DIR = tmp_path / "files"


def carried(floor: Floor, *, adapter: str = "simulator", **fields):
    """A call that a telephone of this kind has carried."""
    lead = floor.lead()
    LiveCall.objects.create(
        lead=lead,
        agent=floor.agent,
        phone_id=1,
        adapter=adapter,
        placed_at=AT,
        outcome="answered",
        answered_at=AT,
        settled_at=AT,
    )
    return call_of(
        floor.team, agent=floor.agent, customer=lead.customer, campaign=floor.campaign, lead_id=lead.pk, **fields
    )


def play(call) -> int:
    return sounds.play_sample(call_id=call.pk, started_at=call.started_at, clock=lambda: AT)


def test_without_a_demo_nothing_is_recorded():
    assert play(carried(Floor())) == 0
    assert not Sound.objects.exists()


def test_with_a_demo_every_simulated_talk_is_recorded_once_and_no_other_call():
    floor = Floor()
    sounds.make_recordings(AT)
    talk = carried(floor)

    assert [play(talk), play(talk)] == [1, 0]
    assert play(carried(floor, adapter="handset")) == 0
    assert play(carried(floor, connected=False, talk_seconds=0)) == 0
    row = Recording.objects.get()
    assert (row.call_id, row.origin, row.transcript["segments"][0]["speaker"]) == (talk.pk, "telephony", "agent")
    assert row.transcript["language"] in ("zh", "en")


def test_past_calls_of_the_demo_share_two_sounds():
    floor = Floor()
    calls = [carried(floor) for _n in range(2 * sounds.ONE_IN)]

    assert sounds.make_recordings(AT) == 2
    assert sounds.make_recordings(AT) == 0
    assert Sound.objects.count() == 2
    assert all(pk % sounds.ONE_IN == 0 for pk in Recording.objects.values_list("call_id", flat=True))
    assert len(calls) == 12
