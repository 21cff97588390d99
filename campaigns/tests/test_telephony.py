"""The simulated telephone: believable, decided at the dial, the same for every process that asks."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from campaigns.models import Lead, LiveCall
from campaigns.telephony import UnknownTelephony, adapter
from campaigns.tests.calling import AT


def placed(number: int) -> LiveCall:
    call = LiveCall(lead=Lead(pk=number), phone_id=1, adapter="simulator", placed_at=AT)
    adapter("simulator").place(call=call, number="8619100000000", at=AT)
    return call


def test_outcomes_come_in_believable_shares():
    outcomes = Counter(placed(number).outcome for number in range(4000))

    assert 1500 < outcomes["answered"] < 1860  # 42 percent
    assert 1350 < outcomes["no_answer"] < 1690
    assert set(outcomes) == {"answered", "no_answer", "busy", "switched_off", "invalid_number"}


def test_the_same_dial_always_ends_the_same():
    assert placed(7).outcome == placed(7).outcome
    assert placed(7).ends_at == placed(7).ends_at


def call_that(**fields) -> LiveCall:
    return LiveCall(lead=Lead(pk=1), phone_id=1, adapter="simulator", placed_at=AT, **fields)


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("after", "phase", "ring", "talk"),
    [(3, "ringing", 3, 0), (5, "talking", 5, 0), (25, "talking", 5, 20), (65, "over", 5, 60), (500, "over", 5, 60)],
)
def test_a_call_rings_then_talks_then_the_customer_hangs_up(after, phase, ring, talk):
    call = call_that(outcome="answered", answered_at=AT + 5 * SECOND, ends_at=AT + 65 * SECOND)

    status = adapter("simulator").status(call=call, at=AT + after * SECOND)

    assert (status.phase, status.ring_seconds, status.talk_seconds) == (phase, ring, talk)


def test_the_agent_may_hang_up_first():
    call = call_that(outcome="answered", answered_at=AT + 5 * SECOND, ends_at=AT + 65 * SECOND)
    adapter("simulator").hang_up(call=call, at=AT + 20 * SECOND)
    adapter("simulator").hang_up(call=call, at=AT + 30 * SECOND)  # once is enough

    status = adapter("simulator").status(call=call, at=AT + 90 * SECOND)

    assert (status.phase, status.talk_seconds, status.since) == ("over", 15, AT + 20 * SECOND)


def test_who_hangs_up_while_it_rings_has_reached_nobody():
    call = call_that(outcome="answered", answered_at=AT + 5 * SECOND, ends_at=AT + 65 * SECOND)
    adapter("simulator").hang_up(call=call, at=AT + 2 * SECOND)

    status = adapter("simulator").status(call=call, at=AT + 90 * SECOND)

    assert (status.is_connected, status.outcome, status.talk_seconds) == (False, "no_answer", 0)


def test_the_outcome_is_not_told_before_it_happens():
    call = call_that(outcome="busy", ends_at=AT + 3 * SECOND)

    assert adapter("simulator").status(call=call, at=AT + SECOND).outcome is None
    assert adapter("simulator").status(call=call, at=AT + 3 * SECOND).outcome == "busy"


def test_an_unknown_telephone_is_named():
    with pytest.raises(UnknownTelephony, match="carrier pigeon"):
        adapter("carrier pigeon")


def test_a_number_that_is_not_in_use_stays_so_at_every_dial():
    dead = next(number for number in range(4000) if placed(number).outcome == "invalid_number")
    again = LiveCall(lead=Lead(pk=dead, attempts_made=3), phone_id=1, adapter="simulator", placed_at=AT + 9 * SECOND)

    adapter("simulator").place(call=again, number="8619100000000", at=AT + 9 * SECOND)

    assert again.outcome == "invalid_number"
