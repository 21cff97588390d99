"""The dial with the rules asked again, the call, the states, the leases, the number."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import AgentState, Call, Callback, Lead, LiveCall
from campaigns.services import callbacks, claim, desk, leases, results
from campaigns.services.calls import DetailMissing
from campaigns.services.held import LeadNotYours
from campaigns.tests.calling import AT, Floor, drawn
from campaigns.tests.factories import agent_of, person
from core.models import AuditEvent
from customers.models import Contact, ContactRule, Customer, Suppression

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def floor():
    return Floor()


def in_hand(floor: Floor) -> Lead:
    floor.lead()
    return desk.next_lead(agent=floor.agent, at=AT)


def dialled(floor: Floor, outcome: str = "answered", **drawing) -> Lead:
    lead = in_hand(floor)
    desk.dial(lead=lead, agent=floor.agent, at=AT)
    drawn(lead, outcome, at=AT, **drawing)
    return Lead.objects.get(pk=lead.pk)


def test_times_are_read_in_a_transaction_also_where_the_caller_has_none(floor):
    """The tests' own transaction would hide that there is none: rows are locked, which PostgreSQL refuses Django outside of one."""
    lead = dialled(floor)

    with CaptureQueriesContext(connection) as asked:
        desk.timing_of(lead=lead, agent=floor.agent, at=AT + timedelta(seconds=60))

    assert asked[0]["sql"].startswith("SAVEPOINT")


def test_dialling_counts_the_attempt_and_starts_the_call(floor):
    lead = in_hand(floor)

    call = desk.dial(lead=lead, agent=floor.agent, at=AT)

    lead.refresh_from_db()
    assert (lead.state, lead.dialled_at) == ("held", AT)
    assert Contact.objects.get(lead_id=lead.pk).state == "made"
    assert call.phone_id == lead.customer.phones.get().pk
    assert desk.current_state(floor.agent).state == "dialling"


def test_dialling_twice_is_one_call(floor):
    lead = in_hand(floor)

    first = desk.dial(lead=lead, agent=floor.agent, at=AT)
    second = desk.dial(lead=lead, agent=floor.agent, at=AT + SECOND)

    assert first == second


def change(floor, lead, what):
    if what == "suppressed":
        Customer.objects.filter(pk=lead.customer_id).update(is_suppressed=True)
    elif what == "product rest":
        Suppression.objects.create(
            customer=lead.customer, kind="offer_refused", product_id=floor.campaign.product_id, valid_from=AT
        )
    elif what in ("campaign_off", "product_off", "city_off"):
        thing = {"campaign_off": floor.campaign, "product_off": floor.campaign.product, "city_off": floor.city}[what]
        type(thing).objects.filter(pk=thing.pk).update(is_on=False)
    elif what == "stage":
        type(floor.campaign).objects.filter(pk=floor.campaign.pk).update(stage="wrap_up")
    elif what == "zone_unknown":
        type(floor.city).objects.filter(pk=floor.city.pk).update(zone=None)
    elif what == "hours":
        ContactRule.objects.filter(key="hours").update(
            value={"days": [1, 2, 3, 4, 5, 6, 7], "opens": "09:00", "closes": "10:00"}
        )
    elif what == "number":
        lead.customer.phones.update(is_dead=True)
    elif what == "consent":
        pack = floor.campaign.packs.get()
        ContactRule.objects.create(pack=pack, key="consent", value={"needed": True}, valid_from="2020-01-01")


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("suppressed", "suppressed"), ("product rest", "suppressed"), ("campaign_off", "campaign_off"), ("product_off", "product_off"),
        ("city_off", "city_off"), ("stage", "stage"), ("zone_unknown", "zone_unknown"), ("hours", "hours"), ("number", "number"),
        ("consent", "consent"),
    ],
)  # fmt: skip
def test_what_changed_since_the_hand_out_stops_the_dial_and_gives_the_lead_back(floor, what, code):
    lead = in_hand(floor)
    change(floor, lead, what)

    with pytest.raises(desk.DialRefused) as refusal:
        desk.dial(lead=lead, agent=floor.agent, at=AT)

    assert refusal.value.code == code
    lead.refresh_from_db()
    person = Customer.objects.get(pk=lead.customer_id)
    assert (lead.state, lead.agent, person.held_lead_id, person.attempts) == ("open", None, None, [])
    assert Contact.objects.get(lead_id=lead.pk).state == "void"
    assert not LiveCall.objects.exists()
    assert AuditEvent.objects.get(action="campaigns.dial.refused").refused


def test_only_the_agent_who_holds_a_lead_dials_it(floor):
    lead = in_hand(floor)

    with pytest.raises(LeadNotYours):
        desk.dial(lead=lead, agent=agent_of(floor.team), at=AT)


def test_a_dialled_lead_is_not_given_back_and_no_break_is_taken_before_its_result(floor):
    lead = dialled(floor)

    with pytest.raises(claim.AlreadyDialled):
        claim.give_back(lead=lead, agent=floor.agent, at=AT, is_skip=True, reason="x")
    with pytest.raises(desk.LeadInHand):
        desk.take_break(agent=floor.agent, reason="meal", at=AT)


def test_the_states_follow_the_call(floor):
    lead = dialled(floor, rings=5, talks=60)
    seen = []
    for seconds in (2, 10, 70):
        desk.follow_call(lead=lead, agent=floor.agent, at=AT + seconds * SECOND)
        seen.append(desk.current_state(floor.agent).state)

    assert seen == ["dialling", "talking", "after_call"]
    stretches = {row.state: row for row in AgentState.objects.filter(agent=floor.agent)}
    assert stretches["talking"].ended_at - stretches["talking"].began_at == 60 * SECOND
    assert stretches["after_call"].began_at == AT + 65 * SECOND


def test_a_call_that_nobody_watched_still_leaves_its_talk_in_the_log(floor):
    lead = dialled(floor, rings=5, talks=60)

    desk.follow_call(lead=lead, agent=floor.agent, at=AT + 5 * MINUTE)

    talk = AgentState.objects.get(agent=floor.agent, state="talking")
    assert (talk.began_at, talk.ended_at) == (AT + 5 * SECOND, AT + 65 * SECOND)


def test_the_result_takes_its_times_from_the_telephone(floor):
    lead = dialled(floor, rings=5, talks=60)

    call = results.record_result(lead=lead, agent=floor.agent, at=AT + 90 * SECOND, disposition_code="considering")

    assert (call.started_at, call.ring_seconds, call.talk_seconds, call.after_call_seconds) == (AT, 5, 60, 25)
    assert LiveCall.objects.get(lead=lead).settled_at == AT + 90 * SECOND


def test_saving_while_they_talk_hangs_up(floor):
    lead = dialled(floor, rings=5, talks=600)

    call = results.record_result(lead=lead, agent=floor.agent, at=AT + 35 * SECOND, disposition_code="refused_price")

    assert (call.talk_seconds, call.after_call_seconds) == (30, 0)


def test_a_result_that_waited_in_the_browser_counts_from_when_it_was_saved(floor):
    lead = dialled(floor, rings=5, talks=60)

    call = results.record_result(
        lead=lead, agent=floor.agent, at=AT + 10 * MINUTE, waited=8 * MINUTE, disposition_code="considering"
    )

    assert call.after_call_seconds == 55  # saved at 2:00, the call had ended at 1:05


def test_a_callback_agreed_on_without_a_connection_is_judged_from_when_it_was_saved(floor):
    lead = dialled(floor, rings=5, talks=60)
    agreed = AT + timedelta(hours=3)

    results.record_result(
        lead=lead, agent=floor.agent, at=agreed + 10 * MINUTE, waited=timedelta(hours=3), disposition_code="callback",
        callback_at=agreed,
    )  # fmt: skip

    assert Callback.objects.get().due_at == agreed
    lead.refresh_from_db()
    assert (lead.state, lead.due_at) == ("open", agreed)


def test_a_callback_that_had_passed_when_it_was_saved_is_refused(floor):
    lead = dialled(floor, rings=5, talks=60)

    with pytest.raises(DetailMissing, match="has passed already"):
        results.record_result(
            lead=lead, agent=floor.agent, at=AT + 30 * MINUTE, waited=20 * MINUTE, disposition_code="callback",
            callback_at=AT + 9 * MINUTE,
        )  # fmt: skip


def test_a_result_before_the_dial_is_refused(floor):
    lead = in_hand(floor)

    with pytest.raises(desk.NotDialled):
        results.record_result(lead=lead, agent=floor.agent, at=AT, disposition_code="no_answer")


def test_not_connected_comes_back_by_the_retry_rule(floor):
    lead = dialled(floor, "no_answer")
    at = AT + MINUTE
    results.record_result(lead=lead, agent=floor.agent, at=at, disposition_code="no_answer")

    assert claim.claim_next_lead(agent=floor.agent, at=AT + timedelta(hours=2, minutes=50)) is None
    again = claim.claim_next_lead(agent=floor.agent, at=AT + timedelta(hours=3, minutes=1))

    assert again == lead
    assert again.attempts_made == 1


def test_a_promised_callback_comes_first_at_its_time(floor):
    lead = dialled(floor)
    results.record_result(
        lead=lead, agent=floor.agent, at=AT + 2 * MINUTE, disposition_code="callback", callback_at=AT + 20 * MINUTE
    )
    other = floor.lead(priority=9)
    assert claim.claim_next_lead(agent=floor.agent, at=AT + 5 * MINUTE) == other
    claim.give_back(lead=other, agent=floor.agent, at=AT + 6 * MINUTE)

    # 18 minutes after they spoke: neither the gap nor the answered call of the day stands against a promise
    assert claim.claim_next_lead(agent=floor.agent, at=AT + 20 * MINUTE) == lead


# ---------------------------------------------------------------- leases


def test_a_lead_whose_agent_went_silent_returns_as_if_never_handed_out(floor):
    lead = in_hand(floor)
    assert leases.release_stale_claims(at=AT + 14 * MINUTE) == 0

    assert leases.release_stale_claims(at=AT + 16 * MINUTE) == 1

    lead.refresh_from_db()
    assert (lead.state, lead.agent) == ("open", None)
    assert Customer.objects.get(pk=lead.customer_id).attempts == []
    assert Contact.objects.get(lead_id=lead.pk).state == "void"


def test_a_lead_that_cannot_be_returned_holds_up_no_other(floor, monkeypatch):
    bad, good = in_hand(floor), floor.lead()
    claim.claim_next_lead(agent=agent_of(floor.team), at=AT + MINUTE)
    usual = claim.return_lead

    def return_lead(lead, customer, *, at):
        if lead.pk == bad.pk:
            raise RuntimeError("the telephone does not answer")
        usual(lead, customer, at=at)

    monkeypatch.setattr(claim, "return_lead", return_lead)

    assert leases.release_stale_claims(at=AT + 20 * MINUTE) == 1
    assert [Lead.objects.get(pk=lead.pk).state for lead in (bad, good)] == ["held", "open"]


def test_a_dialled_lead_returns_with_its_attempt_counted(floor):
    lead = dialled(floor, talks=30)

    leases.release_stale_claims(at=AT + 16 * MINUTE)

    lead.refresh_from_db()
    person = Customer.objects.get(pk=lead.customer_id)
    assert (lead.state, lead.attempts_made, lead.last_call_at) == ("open", 1, AT)
    assert lead.due_at == AT + 16 * MINUTE + timedelta(hours=2)
    assert (person.attempts, person.answered_at) == ([AT], AT)
    assert Contact.objects.get(lead_id=lead.pk).state == "made"


def test_a_heartbeat_keeps_the_lead(floor):
    lead = in_hand(floor)
    desk.heartbeat(agent=floor.agent, at=AT + 10 * MINUTE)

    assert leases.release_stale_claims(at=AT + 16 * MINUTE) == 0
    lead.refresh_from_db()
    assert lead.lease_until == AT + 25 * MINUTE


def test_a_result_that_comes_after_the_lease_is_taken_if_nobody_called_meanwhile(floor):
    lead = dialled(floor, rings=5, talks=60)
    leases.release_stale_claims(at=AT + 16 * MINUTE)

    call = results.record_result(
        lead=lead, agent=floor.agent, at=AT + 30 * MINUTE, waited=28 * MINUTE, disposition_code="considering"
    )

    lead.refresh_from_db()
    assert (call.attempt, lead.attempts_made) == (1, 1)
    assert Contact.objects.filter(lead_id=lead.pk).count() == 1
    assert Customer.objects.get(pk=lead.customer_id).attempts == [AT]


def test_a_late_result_is_refused_when_somebody_else_has_the_customer(floor):
    lead = dialled(floor, "no_answer")
    leases.release_stale_claims(at=AT + 16 * MINUTE)
    other = claim.claim_next_lead(agent=agent_of(floor.team), at=AT + timedelta(hours=3))
    assert other == lead

    with pytest.raises(LeadNotYours):
        results.record_result(lead=lead, agent=floor.agent, at=AT + timedelta(hours=3), disposition_code="no_answer")
    assert not Call.objects.exists()


def test_a_result_twice_is_refused_the_second_time(floor):
    lead = dialled(floor, "no_answer")
    results.record_result(lead=lead, agent=floor.agent, at=AT + MINUTE, disposition_code="no_answer")

    with pytest.raises(LeadNotYours):
        results.record_result(lead=lead, agent=floor.agent, at=AT + MINUTE, disposition_code="no_answer")
    assert Call.objects.count() == 1


# ---------------------------------------------------------------- states


def test_the_log_of_states_has_no_holes_and_one_open_row(floor):
    desk.set_state(agent=floor.agent, state="waiting", at=AT)
    desk.take_break(agent=floor.agent, reason="meal", at=AT + 10 * MINUTE)
    desk.set_state(agent=floor.agent, state="waiting", at=AT + 40 * MINUTE)
    desk.sign_out(agent=floor.agent, at=AT + 60 * MINUTE)

    rows = list(AgentState.objects.filter(agent=floor.agent).order_by("began_at"))

    assert [(row.state, row.reason, row.ended_at - row.began_at) for row in rows] == [
        ("waiting", "", 10 * MINUTE), ("away", "meal", 30 * MINUTE), ("waiting", "", 20 * MINUTE),
    ]  # fmt: skip


def test_a_break_gives_an_undialled_lead_back(floor):
    lead = in_hand(floor)

    desk.take_break(agent=floor.agent, reason="short", at=AT + MINUTE)

    lead.refresh_from_db()
    assert (lead.state, desk.current_state(floor.agent).state) == ("open", "away")


def test_a_break_needs_its_kind(floor):
    with pytest.raises(desk.UnknownBreak):
        desk.take_break(agent=floor.agent, reason="holiday", at=AT)


def test_a_desk_that_nobody_sits_at_is_closed_at_its_last_sign_of_life(floor):
    desk.set_state(agent=floor.agent, state="waiting", at=AT)
    desk.heartbeat(agent=floor.agent, at=AT + 2 * MINUTE)

    assert leases.close_silent_desks(at=AT + 6 * MINUTE) == 0
    assert leases.close_silent_desks(at=AT + 8 * MINUTE) == 1

    assert AgentState.objects.get(agent=floor.agent).ended_at == AT + 2 * MINUTE


# ---------------------------------------------------------------- the number


def test_with_the_simulated_telephone_nobody_sees_digits(floor):
    lead = dialled(floor)

    with pytest.raises(desk.NumberNotShown):
        desk.reveal_number(lead=lead, agent=floor.agent, reason="dial", at=AT)


def test_with_a_handset_the_number_is_shown_once_dialled_counted_and_audited():
    floor = Floor(telephony="handset")
    lead = in_hand(floor)
    with pytest.raises(desk.NotDialled):
        desk.reveal_number(lead=lead, agent=floor.agent, reason="dial", at=AT)
    desk.dial(lead=lead, agent=floor.agent, at=AT)

    digits = desk.reveal_number(lead=lead, agent=floor.agent, reason="dial", at=AT)
    desk.reveal_number(lead=lead, agent=floor.agent, reason="dial", at=AT)

    assert digits.startswith("861900000")
    event = AuditEvent.objects.get(action="campaigns.number.revealed")
    assert digits not in str(event.detail)


def test_the_quota_of_numbers_ends_the_showing(monkeypatch):
    monkeypatch.setattr(desk, "NUMBERS_A_DAY", 0)
    floor = Floor(telephony="handset")
    lead = in_hand(floor)
    desk.dial(lead=lead, agent=floor.agent, at=AT)

    with pytest.raises(desk.NumberNotShown):
        desk.reveal_number(lead=lead, agent=floor.agent, reason="dial", at=AT)


def test_with_a_handset_the_agent_says_that_somebody_answered():
    floor = Floor(telephony="handset")
    lead = in_hand(floor)
    desk.dial(lead=lead, agent=floor.agent, at=AT)
    desk.mark_answered(lead=lead, agent=floor.agent, at=AT + 12 * SECOND)
    desk.hang_up(lead=lead, agent=floor.agent, at=AT + 52 * SECOND)

    call = results.record_result(lead=lead, agent=floor.agent, at=AT + MINUTE, disposition_code="family")

    assert (call.ring_seconds, call.talk_seconds, call.after_call_seconds) == (12, 40, 8)


# ---------------------------------------------------------------- promises handed over


def promised(floor: Floor) -> Callback:
    lead = dialled(floor)
    results.record_result(
        lead=lead, agent=floor.agent, at=AT + 2 * MINUTE, disposition_code="callback", callback_at=AT + 20 * MINUTE
    )
    return Callback.objects.get(lead=lead)


def test_a_promise_handed_over_comes_to_the_other_agent(floor):
    promise, other = promised(floor), agent_of(floor.team)

    callbacks.hand_over(callback=promise, to=other, by=person("supervisor"), at=AT + 3 * MINUTE)

    assert claim.claim_next_lead(agent=floor.agent, at=AT + 21 * MINUTE) is None
    assert claim.claim_next_lead(agent=other, at=AT + 21 * MINUTE) == promise.lead


def test_a_promise_goes_only_to_agents_of_the_campaign(floor):
    promise = promised(floor)

    with pytest.raises(callbacks.AgentNotThere):
        callbacks.hand_over(callback=promise, to=agent_of(Floor().team), by=person("supervisor"), at=AT)


def test_a_kept_promise_is_not_handed_over(floor):
    promise = promised(floor)
    Callback.objects.filter(pk=promise.pk).update(state="kept")

    with pytest.raises(callbacks.PromiseIsOver):
        callbacks.hand_over(callback=promise, to=agent_of(floor.team), by=person("supervisor"), at=AT)
