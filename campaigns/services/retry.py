"""What becomes of a lead after a call: called again, called back, won, closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns import queries_set_up
from campaigns.models import Call, Callback, Disposition, Lead
from campaigns.queries_kept import KEPT_WITHIN
from customers.models import Customer, Phone
from people.models import User

NEXT_NUMBER_AFTER = timedelta(minutes=5)
STAYS = (Lead.Outcome.WON, Lead.Outcome.SUPPRESSED, Lead.Outcome.WITHDRAWN, Lead.Outcome.MERGED)


@dataclass(frozen=True)
class Retry:
    """Call again after `delay`, as long as fewer than `most_attempts` were made."""

    delay: timedelta
    most_attempts: int


def _minutes(minutes: int, most_attempts: int) -> Retry:
    return Retry(timedelta(minutes=minutes), most_attempts)


# for campaigns that have no rule of their own for a result
DEFAULTS: dict[str, Retry] = {
    "no_answer": _minutes(3 * 60, 6),
    "busy": _minutes(30, 6),
    "switched_off": _minutes(6 * 60, 6),
    "decision_maker_absent": _minutes(4 * 60, 5),
    "family": _minutes(24 * 60, 5),
    "considering": _minutes(48 * 60, 5),
}
OTHERWISE = _minutes(4 * 60, 6)


def common_of(disposition: Disposition) -> Disposition:
    """The region's result that a campaign's own one counts as; of a common one, itself."""
    return disposition.maps_to or disposition


def rule_for(campaign_id: int, disposition: Disposition) -> Retry:
    """The campaign's rule for this result, else for the one it counts as, else the default."""
    rules = {
        rule.disposition_id: Retry(timedelta(minutes=rule.delay_minutes), rule.most_attempts)
        for rule in queries_set_up.retry_rules(campaign_id)
    }
    own = rules.get(disposition.pk) or rules.get(disposition.maps_to_id or 0)
    return own or DEFAULTS.get(common_of(disposition).code, OTHERWISE)


def settle(
    lead: Lead,
    call: Call,
    disposition: Disposition,
    customer: Customer,
    *,
    agent: User,
    callback_at: datetime | None,
    note: str = "",
    ended: str = "",
) -> Lead:
    """Let go of a lead that is in the agent's hand, by the result of its call. The lead and the person are locked by the caller.

    `ended`: how it had ended before the customer called in. One that was won or must not be called stays so, unless the call sold, was
    refused for ever, or another was agreed on.
    """
    keep_promise(lead, call)
    lead.attempts_made = call.attempt
    lead.last_disposition = disposition
    lead.last_call_at = call.started_at
    lead.last_team_id = call.team_id
    lead.agent = lead.held_at = lead.lease_until = lead.dialled_at = None
    lead.callback_agent = None
    if callback_at is not None:
        _promise(lead, call, agent, callback_at, note)
    elif ended in STAYS and not (call.sale or call.refuses_calls):
        _close(lead, ended)
    elif call.bad_number:
        _after_bad_number(lead, call, customer)
    elif disposition.follow in (Disposition.Follow.RETRY, Disposition.Follow.CALLBACK):
        _call_again(lead, call, disposition, customer)
    else:
        _close(lead, outcome_of(disposition, call))
    lead.save(
        update_fields=[
            "state",
            "outcome",
            "agent",
            "held_at",
            "lease_until",
            "dialled_at",
            "callback_agent",
            "attempts_made",
            "last_disposition",
            "last_call_at",
            "last_team_id",
            "due_at",
            "ready_at",
        ]
    )
    return lead


def outcome_of(disposition: Disposition, call: Call) -> str:
    """How a lead ends that is not called again."""
    if call.refuses_calls:
        return Lead.Outcome.SUPPRESSED
    ends: dict[str, str] = {Disposition.Follow.WON: Lead.Outcome.WON, Disposition.Follow.REFUSED: Lead.Outcome.REFUSED}
    return ends.get(disposition.follow, Lead.Outcome.CLOSED)


def keep_promise(lead: Lead, call: Call) -> None:
    """The customer was called: an open promise is kept, or kept late."""
    for promise in Callback.objects.select_for_update().filter(lead=lead, state=Callback.State.PROMISED):
        late = call.started_at > promise.due_at + KEPT_WITHIN
        promise.state = Callback.State.LATE if late else Callback.State.KEPT
        promise.kept_at = call.started_at
        promise.save(update_fields=["state", "kept_at"])


def _promise(lead: Lead, call: Call, agent: User, callback_at: datetime, note: str) -> None:
    """What the customer asked for goes before gaps: the lead is ready at the time agreed, for the agent who promised."""
    Callback.objects.create(
        lead=lead, agent=agent, due_at=callback_at, note=note[:300], call_id=call.pk, call_started_at=call.started_at
    )
    lead.state, lead.outcome = Lead.State.OPEN, ""
    lead.callback_agent = agent
    lead.due_at = lead.ready_at = callback_at


def _call_again(lead: Lead, call: Call, disposition: Disposition, customer: Customer) -> None:
    rule = rule_for(lead.campaign_id, disposition)
    if lead.attempts_made >= rule.most_attempts:
        _close(lead, Lead.Outcome.EXHAUSTED)
        return
    _reopen(lead, call_ended(call) + rule.delay, customer)


def _after_bad_number(lead: Lead, call: Call, customer: Customer) -> None:
    """Go on with the person's next live number, soon; without one the lead is over."""
    if Phone.objects.filter(customer=customer, is_dead=False).exists():
        _reopen(lead, call_ended(call) + NEXT_NUMBER_AFTER, customer)
    else:
        _close(lead, Lead.Outcome.BAD_NUMBER)


def _reopen(lead: Lead, due_at: datetime, customer: Customer) -> None:
    lead.state, lead.outcome = Lead.State.OPEN, ""
    lead.due_at = due_at
    lead.ready_at = max(due_at, customer.callable_from)


def _close(lead: Lead, outcome: str) -> None:
    lead.state, lead.outcome = Lead.State.DONE, outcome


def call_ended(call: Call) -> datetime:
    return call.started_at + timedelta(seconds=call.ring_seconds + call.talk_seconds + call.hold_seconds)
