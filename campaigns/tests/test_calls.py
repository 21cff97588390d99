"""Recording a call, and what follows from it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from campaigns.models import Answer, Call, Callback, Disposition, Lead, Order, OrderEvent, RetryRule
from campaigns.services import calls
from campaigns.services.held import LeadNotYours
from campaigns.services.orders import OrderNumberTaken, Sale
from campaigns.signals import call_recorded
from campaigns.tests.factories import (
    AT,
    CampaignFactory,
    CityFactory,
    CustomerFactory,
    LeadFactory,
    TeamFactory,
    add_phone,
    agent_of,
    held_lead,
    hold,
    result,
)
from core.models import AuditEvent
from core.partitions import ensure_partitions
from customers.models import Contact, Suppression
from people.models import Membership
from scripts.models import ScriptQuestion
from scripts.tests.factories import ScriptVersionFactory, live_version

pytestmark = pytest.mark.django_db
START = AT - timedelta(minutes=3)


@pytest.fixture(autouse=True)
def months():
    for parent in ("campaigns_call", "customers_contact"):
        ensure_partitions(parent, date(2026, 10, 1), 3)


def record(lead, code="no_answer", **more):
    agent = more.pop("agent", None) or lead.agent
    connected = result(code).connected if Disposition.objects.filter(code=code, campaign=None).exists() else True
    given = {
        "started_at": START,
        "ring_seconds": 12,
        "talk_seconds": 60 if connected else 0,
        "after_call_seconds": 5,
        "at": AT,
    }
    return calls.record_call(lead=lead, agent=agent, disposition_code=code, **{**given, **more})


def test_a_call_keeps_its_circumstances_as_they_are_now():
    version = live_version()
    lead = held_lead(campaign=CampaignFactory(script=version.script, script_version=version))

    call = record(lead, "considering")

    call = Call.objects.get(pk=call.pk)
    assert (call.customer_id, call.city_id, call.agent_id) == (lead.customer_id, lead.city_id, lead.agent_id)
    assert call.team_city_id == lead.city_id
    assert (call.campaign_id, call.product_id, call.script_version_id) == (
        lead.campaign_id,
        lead.campaign.product_id,
        version.pk,
    )
    assert (call.source_id, call.list_id, call.attempt) == (lead.source_id, None, 1)
    assert (call.connected, call.right_party, call.sale, call.recommended) == (True, True, False, True)
    assert (call.ring_seconds, call.talk_seconds, call.after_call_seconds) == (12, 60, 5)
    assert call.phone_id == lead.customer.phones.get().pk


def test_the_call_stays_with_the_team_of_that_day_when_the_agent_moves_on():
    lead = held_lead()
    call = record(lead)
    Membership.objects.filter(user=lead.agent).update(team=TeamFactory())

    assert Call.objects.get(pk=call.pk).team_id != lead.agent.team_at(AT + timedelta(days=1)).pk


def test_a_campaigns_own_result_has_the_class_of_the_common_one_it_counts_as():
    lead = held_lead()
    own = Disposition.objects.create(
        campaign=lead.campaign, maps_to=result("considering"), code="wants_mail", label="Wants mail", follow="retry"
    )

    call = record(lead, "wants_mail")

    assert call.disposition_id == own.pk
    assert call.connected
    assert call.right_party


@pytest.mark.parametrize(("code", "hours", "minutes"), [("no_answer", 3, 0), ("busy", 0, 30), ("considering", 48, 0)])
def test_without_a_rule_of_the_campaign_the_lead_comes_back_after_the_usual_delay(code, hours, minutes):
    lead = held_lead()
    call = record(lead, code)

    lead.refresh_from_db()
    ended = START + timedelta(seconds=12 + call.talk_seconds)
    assert lead.state == Lead.State.OPEN
    assert lead.due_at == lead.ready_at == ended + timedelta(hours=hours, minutes=minutes)
    assert lead.agent is None
    assert lead.attempts_made == 1
    assert lead.last_disposition == result(code)


def test_the_campaigns_own_retry_rule_wins():
    lead = held_lead()
    RetryRule.objects.create(campaign=lead.campaign, disposition=result("no_answer"), delay_minutes=10, most_attempts=2)
    record(lead)

    lead.refresh_from_db()
    assert lead.due_at == START + timedelta(seconds=12, minutes=10)


def test_a_lead_is_not_ready_before_the_person_may_be_called():
    lead = held_lead()
    free_from = AT + timedelta(days=2)
    type(lead.customer).objects.filter(pk=lead.customer_id).update(callable_from=free_from)
    record(lead)

    lead.refresh_from_db()
    assert lead.due_at < free_from
    assert lead.ready_at == free_from


def test_after_the_last_attempt_the_lead_is_exhausted():
    lead = held_lead(attempts_made=1)
    RetryRule.objects.create(campaign=lead.campaign, disposition=result("no_answer"), delay_minutes=10, most_attempts=2)
    call = record(lead)

    lead.refresh_from_db()
    assert (lead.state, lead.outcome, call.attempt) == (Lead.State.DONE, Lead.Outcome.EXHAUSTED, 2)


def test_the_person_is_let_go_and_the_reserved_contact_is_made():
    lead = held_lead()
    reserved = Contact.objects.create(
        at=lead.held_at,
        customer_id=lead.customer_id,
        city_id=lead.city_id,
        lead_id=lead.pk,
        state=Contact.State.RESERVED,
        agent_id=lead.agent_id,
    )
    call = record(lead, "considering")

    contact = Contact.objects.get()
    assert (contact.pk, contact.state, contact.call_id) == (reserved.pk, Contact.State.MADE, call.pk)
    lead.customer.refresh_from_db()
    assert lead.customer.held_lead_id is None
    assert lead.customer.answered_at == START


def test_a_call_that_nobody_reserved_still_weighs_on_the_budget():
    lead = held_lead()
    record(lead)

    lead.customer.refresh_from_db()
    assert lead.customer.attempts == [START]
    assert Contact.objects.get().state == Contact.State.MADE


def test_a_callback_is_promised_and_comes_back_to_the_agent_who_promised():
    lead = held_lead()
    agent, due = lead.agent, AT + timedelta(hours=23)
    record(lead, "callback", callback_at=due, note="after work")

    lead.refresh_from_db()
    assert (lead.state, lead.callback_agent, lead.due_at, lead.ready_at) == (Lead.State.OPEN, agent, due, due)
    promise = Callback.objects.get()
    assert (promise.agent, promise.due_at, promise.state, promise.note) == (agent, due, "promised", "after work")


# AT is 11:00 in China; calls are allowed from 9 to 20, twice in 24 hours
@pytest.mark.parametrize(
    ("attempts", "due", "said"),
    [
        ([], AT + timedelta(hours=10), "20 Nov, 09:00"),
        ([AT - timedelta(hours=1)], AT + timedelta(hours=2), "20 Nov, 10:00"),
        ([AT - timedelta(hours=2)], AT + timedelta(hours=21, minutes=30), "20 Nov, 09:00"),
    ],
)
def test_a_callback_is_not_promised_for_a_time_at_which_the_rules_forbid_it(attempts, due, said):
    lead = held_lead()
    lead.customer.attempts = attempts
    lead.customer.save(update_fields=["attempts"])

    with pytest.raises(calls.PromiseForbidden) as refusal:
        record(lead, "callback", callback_at=due)

    assert said in str(refusal.value)
    assert not Call.objects.exists()


def test_a_callback_may_come_before_the_gap_between_attempts_is_over():
    lead = held_lead()

    record(lead, "callback", callback_at=AT + timedelta(minutes=10))

    assert Callback.objects.get().due_at == AT + timedelta(minutes=10)


@pytest.mark.parametrize(("minutes_late", "state"), [(5, "kept"), (40, "late")])
def test_a_promise_is_kept_or_kept_late(minutes_late, state):
    lead = held_lead()
    Callback.objects.create(lead=lead, agent=lead.agent, due_at=START - timedelta(minutes=minutes_late))
    record(lead)

    promise = Callback.objects.get()
    assert (promise.state, promise.kept_at) == (state, START)


def test_a_sale_closes_the_lead_and_makes_the_order():
    lead = held_lead()
    call = record(lead, "sold", order=Sale())

    order = Order.objects.get()
    assert (order.call_id, order.call_started_at, order.amount_cents, order.number) == (
        call.pk,
        START,
        9_900,
        f"T{call.pk}",
    )
    event = OrderEvent.objects.get()
    assert (event.kind, event.occurred_at, event.by) == ("sold", START, lead.agent)
    lead.refresh_from_db()
    assert (lead.state, lead.outcome) == (Lead.State.DONE, Lead.Outcome.WON)


def test_an_order_number_is_used_once_and_nothing_of_the_second_call_is_stored():
    record(held_lead(), "sold", order=Sale(number="A1"))
    lead = held_lead()

    with pytest.raises(OrderNumberTaken):
        record(lead, "sold", order=Sale(number="A1"))

    lead.refresh_from_db()
    assert lead.state == Lead.State.HELD
    assert Call.objects.count() == 1


@pytest.mark.parametrize(
    ("code", "more", "refusal"),
    [
        ("callback", {}, calls.DetailMissing),
        ("callback", {"callback_at": AT - timedelta(hours=1)}, calls.DetailMissing),
        ("no_answer", {"callback_at": AT + timedelta(hours=1)}, calls.DetailMissing),
        ("sold", {}, calls.DetailMissing),
        ("considering", {"order": Sale()}, calls.DetailMissing),
        ("complaint", {"reason": " "}, calls.DetailMissing),
        ("no_such_result", {}, calls.ResultUnknown),
        ("no_answer", {"talk_seconds": 3}, calls.TimesImpossible),
        ("considering", {"talk_seconds": -1}, calls.TimesImpossible),
        ("considering", {"started_at": AT + timedelta(minutes=1)}, calls.TimesImpossible),
        ("considering", {"talk_seconds": 3600}, calls.TimesImpossible),
    ],
)
def test_what_cannot_be_is_refused_and_the_lead_stays_in_hand(code, more, refusal):
    lead = held_lead()

    with pytest.raises(refusal):
        record(lead, code, **more)

    lead.refresh_from_db()
    assert lead.state == Lead.State.HELD
    assert not Call.objects.exists()


def test_breaking_off_needs_a_step():
    version = live_version()
    lead = held_lead(campaign=CampaignFactory(script=version.script, script_version=version))

    with pytest.raises(calls.DetailMissing):
        record(lead, "refused_mid_call")

    step = version.steps.first()
    call = record(lead, "refused_mid_call", step_id=step.pk)
    assert (call.step_id, call.left_out) == (step.pk, [])


def test_a_step_and_answers_of_another_script_are_left_out_and_hold_up_no_result():
    version, other = live_version(), live_version()
    lead = held_lead(campaign=CampaignFactory(script=version.script, script_version=version))

    call = record(lead, "refused_mid_call", step_id=other.steps.first().pk, answers={987654: "yes"})

    assert (call.step_id, Answer.objects.count()) == (None, 0)
    assert call.left_out == [
        "1 answer belongs to a script that is not the one of this call and was left out.",
        "The step named is not in the script of this call and was left out.",
    ]


def test_a_result_posted_twice_is_refused():
    lead = held_lead()
    agent = lead.agent
    record(lead)

    with pytest.raises(LeadNotYours):
        record(lead, agent=agent)
    assert Call.objects.count() == 1


def test_a_result_for_somebody_elses_lead_is_refused():
    lead = held_lead()
    with pytest.raises(LeadNotYours):
        record(lead, agent=agent_of(TeamFactory()))


def test_a_result_that_comes_after_the_lead_went_back_is_refused():
    lead = held_lead()
    agent = lead.agent
    Lead.objects.filter(pk=lead.pk).update(state="open", agent=None, held_at=None, lease_until=None)
    with pytest.raises(LeadNotYours):
        record(lead, agent=agent)


def test_an_agent_without_a_team_that_day_records_nothing():
    lead = held_lead()
    Membership.objects.filter(user=lead.agent).update(valid_from=date(2026, 12, 1))
    with pytest.raises(calls.NoTeam):
        record(lead)


def test_answers_are_kept_with_the_call():
    version = ScriptVersionFactory(six_parts=True)
    question = ScriptQuestion.objects.create(
        step=version.steps.first(), position=1, code="spend", text="Monthly spend?", kind="number"
    )
    lead = held_lead(campaign=CampaignFactory(script=version.script, script_version=version))
    call = record(lead, "considering", answers={question.pk: 88})

    answer = Answer.objects.get()
    assert (answer.call_id, answer.call_started_at, answer.value) == (call.pk, START, 88)


# ---------------------------------------------------------------- refusals


def test_asking_not_to_be_called_suppresses_everywhere_and_takes_the_persons_other_leads_away():
    customer = CustomerFactory()
    lead = held_lead(customer=customer)
    waiting = LeadFactory(customer=customer)
    promise = Callback.objects.create(lead=waiting, agent=lead.agent, due_at=AT)
    stranger = LeadFactory()

    call = record(lead, "do_not_call")

    customer.refresh_from_db()
    assert customer.is_suppressed
    row = Suppression.objects.get()
    assert (row.customer, row.kind, row.campaign_id, row.product_id, row.valid_to, row.call_id) == (
        customer,
        "refusal",
        None,
        None,
        None,
        call.pk,
    )
    for one in (lead, waiting):
        one.refresh_from_db()
        assert (one.state, one.outcome) == (Lead.State.DONE, Lead.Outcome.SUPPRESSED)
    promise.refresh_from_db()
    assert promise.state == Callback.State.DROPPED
    stranger.refresh_from_db()
    assert stranger.state == Lead.State.OPEN


def test_a_suppression_from_elsewhere_takes_the_lead_out_of_the_agents_hand():
    from customers.services.suppress import suppress

    lead = held_lead()
    agent = lead.agent
    suppress(customer=lead.customer, kind="manual", by=agent, at=AT)

    lead.refresh_from_db()
    lead.customer.refresh_from_db()
    assert (lead.state, lead.outcome, lead.agent, lead.customer.held_lead_id) == ("done", "suppressed", None, None)
    with pytest.raises(LeadNotYours):
        record(lead, agent=agent)


def test_refusing_the_offer_closes_this_lead_and_rests_the_product_for_ninety_days():
    customer = CustomerFactory()
    campaign = CampaignFactory()
    lead = held_lead(customer=customer, campaign=campaign)
    same_product = LeadFactory(customer=customer, campaign=CampaignFactory(product=campaign.product))
    other_product = LeadFactory(customer=customer)

    record(lead, "refused_price")

    until = AT + timedelta(days=90)
    lead.refresh_from_db()
    same_product.refresh_from_db()
    other_product.refresh_from_db()
    customer.refresh_from_db()
    assert (lead.state, lead.outcome) == ("done", "refused")
    assert (same_product.state, same_product.ready_at) == ("open", until)
    assert other_product.ready_at < AT
    assert not customer.is_suppressed
    row = Suppression.objects.get()
    assert (row.kind, row.product_id, row.valid_to) == ("offer_refused", campaign.product_id, until)


def test_a_complaint_holds_the_persons_leads_without_ending_them():
    customer = CustomerFactory()
    lead = held_lead(customer=customer)
    waiting = LeadFactory(customer=customer)

    record(lead, "complaint", reason="called twice a day")

    customer.refresh_from_db()
    waiting.refresh_from_db()
    assert customer.is_suppressed
    assert waiting.state == Lead.State.OPEN
    assert Suppression.objects.get().kind == "complaint"


def test_the_wrong_person_closes_the_lead_and_the_number_is_not_dialled_again():
    lead = held_lead()
    call = record(lead, "wrong_person")

    lead.refresh_from_db()
    lead.customer.refresh_from_db()
    assert (lead.state, lead.outcome) == ("done", "closed")
    assert lead.customer.phones.get(pk=call.phone_id).is_dead
    assert not lead.customer.is_suppressed


def test_a_dead_number_closes_the_lead_of_a_person_who_has_no_other():
    lead = held_lead()
    record(lead, "invalid_number")

    lead.refresh_from_db()
    assert lead.customer.phones.get().is_dead
    assert (lead.state, lead.outcome) == ("done", "bad_number")


def test_after_a_dead_number_the_next_one_is_tried():
    lead = held_lead()
    second = add_phone(lead.customer, "19100007777")
    record(lead, "invalid_number")

    lead.refresh_from_db()
    assert lead.state == "open"
    hold(lead, agent_of(TeamFactory(city=lead.city)))
    assert record(lead).phone_id == second.pk


def test_a_recorded_call_is_audited_without_personal_data_and_told_after_commit(django_capture_on_commit_callbacks):
    heard = []
    listener = lambda sender, **news: heard.append(news)  # noqa: E731
    call_recorded.connect(listener)
    lead = held_lead()

    with django_capture_on_commit_callbacks(execute=True):
        call = record(lead, "considering", note="likes blue")

    assert heard == [{"signal": call_recorded, "call_id": call.pk, "started_at": START, "city_id": lead.city_id}]
    event = AuditEvent.objects.get(action="campaigns.call.recorded")
    assert event.detail == {"result": "considering", "lead_id": lead.pk}
    call_recorded.disconnect(listener)


# ---------------------------------------------------------------- who sees


def test_a_citys_calls_are_invisible_to_another_city():
    from campaigns.tests.factories import person

    lead = held_lead()
    call = record(lead)
    own, other = person("city_manager", city=lead.city), person("city_manager", city=CityFactory())
    leader = person("team_leader", team=lead.agent.team_at(AT))

    assert list(Call.objects.visible_to(own)) == [call]
    assert list(Call.objects.visible_to(leader)) == [call]
    assert list(Call.objects.visible_to(lead.agent)) == [call]
    assert not Call.objects.visible_to(other).exists()
    assert not Call.objects.visible_to(agent_of(TeamFactory(city=lead.city))).exists()


def test_times_are_cut_by_the_business_day_of_the_region():
    lead = held_lead()
    record(lead, started_at=datetime(2026, 11, 19, 2, 0, tzinfo=UTC))
    assert Call.objects.filter(started_at__date=date(2026, 11, 19)).count() == 1
