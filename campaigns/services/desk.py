"""The desk: an agent's states, the dial with the rules asked again, the call, the number, and the way back to the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _, gettext_lazy

from campaigns.models import AgentState, Campaign, InboundCall, Lead, LiveCall
from campaigns.services import claim
from campaigns.services.held import LeadNotYours, check_held, lock_held
from campaigns.services.resting import others_rest
from campaigns.telephony import CallStatus, adapter
from core.audit import audit
from core.calendar import business_date, day_bounds
from core.errors import DomainError
from core.rows import row
from core.sealed import unseal
from customers.models import Contact, Customer, Phone
from people.models import User

State = AgentState.State
NUMBERS_A_DAY = 250
OWNED_FOR = timedelta(days=30)

# the call that was dialled in this hold of a lead, and has no result yet
OF_HOLD = "lead_id = %s AND settled_at IS NULL AND placed_at >= %s"
ENTER_STATE = "SELECT * FROM campaigns_enter_state(%s, %s, %s, %s, %s, %s)"

# The lock that the claim takes: a call that comes in at this moment waits, or is seen. The disk is not waited for: of a server that dies in
# the next moment the hand-out is gone whole from the database, and the page that still shows the customer is told so at its next step; the
# dial's own commit waits, and for this one with it. It holds for the whole transaction: nothing else belongs into it.
LOCK_HAND = (
    "SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(hashtext('campaigns.agent'), %s)"
)
# a statement of its own: the one that waits for the lock sees what was there before
HOW_IT_STANDS = """
SELECT EXISTS (SELECT FROM campaigns_inboundcall WHERE agent_id = %s AND lead_id IS NULL),
    (SELECT state FROM campaigns_agentstate WHERE agent_id = %s AND ended_at IS NULL)"""

# What an agent does in each phase of a call.
STATE_IN = {"ringing": State.DIALLING, "talking": State.TALKING, "over": State.AFTER_CALL}

# Breaks with their names; the key is what the log of states keeps.
BREAKS = {
    "short": gettext_lazy("Short break"),
    "meal": gettext_lazy("Meal"),
    "training": gettext_lazy("Training"),
    "meeting": gettext_lazy("Meeting, coaching"),
    "fault": gettext_lazy("Technical fault"),
}

# The sentences behind the codes of campaigns_dial_refusal().
REFUSALS = {
    "suppressed": gettext_lazy("This customer must not be called any more. The lead has left your desk."),
    "campaign_off": gettext_lazy("This campaign has just been stopped. The lead went back to the queue."),
    "stage": gettext_lazy("This campaign is not in a calling stage any more. The lead went back to the queue."),
    "product_off": gettext_lazy("This product must not be sold any more for now. The lead went back to the queue."),
    "city_off": gettext_lazy("Calling has just been stopped in this customer's city. The lead went back to the queue."),
    "zone_unknown": gettext_lazy(
        "The time zone of this customer's city is not known, so nobody is called there. The lead went back to the queue."
    ),
    "hours": gettext_lazy("Calling hours are over where this customer lives. The lead went back to the queue."),
    "grey": gettext_lazy(
        "This customer is called only under conditions that this call does not meet. The lead went back to the queue."
    ),
    "quiet": gettext_lazy("This customer asked not to be disturbed at this time. The lead went back to the queue."),
    "register": gettext_lazy(
        "The do-not-call register is missing or older than the rules allow, so nobody is called. The lead went back to the queue."
    ),
    "consent": gettext_lazy("There is no consent of this customer any more. The lead went back to the queue."),
    "number": gettext_lazy("This customer has no number that may be dialled. The lead went back to the queue."),
    "segment_hours": gettext_lazy(
        "It is no calling hour for the segment to which this customer belongs. The lead went back to the queue."
    ),
    "cap": gettext_lazy("This customer has been called as often as the rules allow. The lead went back to the queue."),
}


class DialRefused(DomainError):
    """The rules, asked again at the dial, say no. The lead has been given back when this is raised. `code` names the rule."""

    def __init__(self, code: str) -> None:
        super().__init__(str(REFUSALS[code]))
        self.code = code


class NotDialled(DomainError):
    """There is no call on this lead."""


class NumberNotShown(DomainError):
    """With this telephone nobody sees digits, or today's quota is used up."""


class LeadInHand(DomainError):
    """A dialled lead needs its result before a break."""


class UnknownBreak(DomainError):
    """No such kind of break."""


# ---------------------------------------------------------------- states


def set_state(*, agent: User, state: str, at: datetime, reason: str = "", campaign_id: int | None = None) -> AgentState:
    """Close the agent's open stretch and begin another; the same state, reason and campaign again goes on. Raises claim.NoTeamToday."""
    team = agent.team_at(at)
    with connection.cursor() as cursor:
        cursor.execute(ENTER_STATE, [agent.pk, team.pk if team else None, state, reason, campaign_id, at])
        entered = dict(zip([column.name for column in cursor.description], cursor.fetchone(), strict=True))
    if entered["id"] is None:
        raise claim.NoTeamToday(_("You belong to no team today. Ask your team leader."))
    return AgentState(**entered)


@transaction.atomic
def sign_out(*, agent: User, at: datetime) -> None:
    """End of work at the desk: an undialled lead goes back. Raises LeadInHand while a result is missing."""
    _put_away(agent, at)
    _one_at_a_time(agent)
    for stretch in AgentState.objects.current().filter(agent=agent):
        AgentState.objects.filter(pk=stretch.pk).update(ended_at=max(at, stretch.began_at))


@transaction.atomic
def take_break(*, agent: User, reason: str, at: datetime) -> AgentState:
    """Away from the desk; an undialled lead goes back to its queue. Raises LeadInHand, UnknownBreak."""
    if reason not in BREAKS:
        raise UnknownBreak(_("Choose the kind of break."))
    _put_away(agent, at)
    return set_state(agent=agent, state=State.AWAY, reason=reason, at=at)


def current_state(agent: User) -> AgentState | None:
    return row(AgentState, "agent_id = %s AND ended_at IS NULL", [agent.pk])


def is_at_work(agent: User) -> bool:
    """Whether the agent has not left the desk, and has no break."""
    state = current_state(agent)
    return state is not None and state.state != State.AWAY


def heartbeat(*, agent: User, at: datetime) -> None:
    """The desk page is open: the lead in hand stays there, the state is alive."""
    AgentState.objects.current().filter(agent=agent).update(seen_at=at)
    lead = Lead.objects.held_by(agent).select_related("campaign").first()
    if lead is not None:
        lease = at + timedelta(seconds=lead.campaign.lease_seconds)
        Lead.objects.held_by(agent).filter(pk=lead.pk, lease_until__lt=lease).update(lease_until=lease)


def _put_away(agent: User, at: datetime) -> None:
    if InboundCall.objects.filter(agent=agent, lead=None).exists():
        raise LeadInHand(_("A call is open at your desk. End it first."))
    lead = Lead.objects.held_by(agent).first()
    if lead is None:
        return
    if lead.dialled_at is not None:
        raise LeadInHand(_("Record the result of this call first."))
    claim.give_back(lead=lead, agent=agent, at=at, reason="break")


def _one_at_a_time(agent: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('campaigns.agent_state'), %s)", [agent.pk])


# ---------------------------------------------------------------- next lead


@transaction.atomic
def next_lead(*, agent: User, at: datetime, goes_on: bool = False) -> Lead | None:
    """Claim, and log what the agent does now: reading the lead, or waiting when there is none. None while a call that came in is open.
    `goes_on`: after a result; None for who has left the desk meanwhile, or has a break."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_HAND, [agent.pk])
        cursor.execute(HOW_IT_STANDS, [agent.pk, agent.pk])
        is_called, state = cursor.fetchone()
    if is_called or (goes_on and state in (None, State.AWAY)):
        return None
    lead = claim.claim_next_lead(agent=agent, at=at)
    if lead is None:
        set_state(agent=agent, state=State.WAITING, at=at)
    elif lead.dialled_at is None:
        set_state(agent=agent, state=State.PREVIEW, at=at, campaign_id=lead.campaign_id)
    return lead


# ---------------------------------------------------------------- the call


def dial(*, lead: Lead, agent: User, at: datetime) -> LiveCall:
    """Call the customer of the lead in hand. The rules are asked again with the database's clock; when they say no the lead is given
    back and DialRefused says why. A lead that was dialled already keeps its call. Raises LeadNotYours, DialRefused.
    """
    code, call = _dial_or_refuse(lead, agent, at)
    if code:
        raise DialRefused(code)
    assert call is not None
    return call


@transaction.atomic
def _dial_or_refuse(lead: Lead, agent: User, at: datetime) -> tuple[str, LiveCall | None]:
    """One transaction either way: the refusal, too, is kept."""
    customer, held = lock_held(lead, agent)
    call = LiveCall.objects.unsettled().filter(lead=held, placed_at__gte=held.held_at).first()
    if call is not None:
        return "", call
    code = refusal_at_dial(held, at=at)
    if code:
        audit("campaigns.dial.refused", held, by=agent, at=at, refused=True, campaign_id=held.campaign_id, reason=code)
        claim.give_back(lead=held, agent=agent, at=at, reason=code)
        set_state(agent=agent, state=State.WAITING, at=at)
        return code, None
    return "", _place(held, customer, agent, at)


def refusal_at_dial(lead: Lead, *, at: datetime) -> str:
    """The code of the first rule against dialling this lead now, "" when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT campaigns_dial_refusal(%s, %s, greatest(%s, clock_timestamp()))", [lead.pk, business_date(at), at]
        )
        return cursor.fetchone()[0] or ""


def _place(lead: Lead, customer: Customer, agent: User, at: datetime) -> LiveCall:
    campaign = Campaign.objects.get(pk=lead.campaign_id)
    assert lead.held_at is not None  # a held lead has its moment: a constraint
    phone = _number_to_dial(lead, campaign, at)
    # a call of an earlier hold whose result never came
    LiveCall.objects.unsettled().filter(lead=lead).update(settled_at=at)
    telephone = adapter(campaign.telephony)
    call = LiveCall(lead=lead, agent=agent, phone_id=phone.pk, adapter=telephone.name, placed_at=at)
    telephone.place(call=call, number=unseal(bytes(phone.sealed)), at=at)
    call.save()
    lead.dialled_at = at
    lead.save(update_fields=["dialled_at"])
    Contact.objects.filter(
        at=lead.held_at, customer_id=customer.pk, lead_id=lead.pk, state=Contact.State.RESERVED
    ).update(state=Contact.State.MADE, phone_id=phone.pk)
    others_rest(customer)
    if campaign.exclusion_group:
        customer.owner_campaign_id, customer.owner_group = campaign.pk, campaign.exclusion_group
        customer.owner_until = at + OWNED_FOR
        customer.save(update_fields=["owner_campaign_id", "owner_group", "owner_until"])
    set_state(agent=agent, state=State.DIALLING, at=at, campaign_id=campaign.pk)
    audit("campaigns.lead.dialled", lead, by=agent, at=at, campaign_id=campaign.pk, telephone=telephone.name)
    return call


def _number_to_dial(lead: Lead, campaign: Campaign, at: datetime) -> Phone:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT campaigns_number_to_dial(%s, %s, %s, %s)", [lead.customer_id, campaign.pk, campaign.product_id, at]
        )
        return Phone.objects.get(pk=cursor.fetchone()[0])


def live_call(lead: Lead) -> LiveCall | None:
    """The call on the lead in hand, if it was dialled when the lead was read."""
    if lead.held_at is None or lead.dialled_at is None:
        return None
    return row(LiveCall, OF_HOLD, [lead.pk, lead.held_at])


def status(call: LiveCall, at: datetime) -> CallStatus:
    return adapter(call.adapter).status(call=call, at=at)


def follow_call(*, lead: Lead, agent: User, at: datetime) -> CallStatus | None:
    """How the call on the lead stands, and the agent's state brought in step with it (dialling, talking, after call)."""
    call = live_call(lead)
    return None if call is None else _followed(call, lead, agent, at)


def _followed(call: LiveCall, lead: Lead, agent: User, at: datetime) -> CallStatus:
    now = status(call, at)
    wanted = STATE_IN[now.phase]
    current = current_state(agent)
    if current is None or current.state != wanted:
        if wanted == State.AFTER_CALL and now.is_connected and current and current.state == State.DIALLING:
            with transaction.atomic():
                _talked(lead, agent, now)
                set_state(agent=agent, state=wanted, at=now.since, campaign_id=lead.campaign_id)
        else:
            set_state(agent=agent, state=wanted, at=now.since, campaign_id=lead.campaign_id)
    return now


def _talked(lead: Lead, agent: User, now: CallStatus) -> None:
    """Nobody asked while they talked."""
    began = now.since - timedelta(seconds=now.talk_seconds)
    set_state(agent=agent, state=State.TALKING, at=began, campaign_id=lead.campaign_id)


@transaction.atomic
def hang_up(*, lead: Lead, agent: User, at: datetime) -> CallStatus:
    """End the call on the lead in hand. Raises LeadNotYours, NotDialled."""
    return _hung_up(_own_call(lead, agent), agent, at)


def _hung_up(call: LiveCall, agent: User, at: datetime) -> CallStatus:
    adapter(call.adapter).hang_up(call=call, at=at)
    call.save(update_fields=["hung_up_at"])
    return _followed(call, call.lead, agent, at)


@transaction.atomic
def mark_answered(*, lead: Lead, agent: User, at: datetime) -> CallStatus:
    """With a telephone that cannot tell, the agent says that somebody answered. Raises LeadNotYours, NotDialled."""
    call = _own_call(lead, agent)
    if not adapter(call.adapter).knows_outcome and call.answered_at is None and call.hung_up_at is None:
        call.answered_at, call.outcome = at, LiveCall.Outcome.ANSWERED
        call.save(update_fields=["answered_at", "outcome"])
    return _followed(call, call.lead, agent, at)


@transaction.atomic
def reveal_number(*, lead: Lead, agent: User, reason: str, at: datetime) -> str:
    """The digits to dial by hand, for the call in hand only, counted and audited. Raises LeadNotYours, NotDialled, NumberNotShown."""
    call = _own_call(lead, agent)
    if not adapter(call.adapter).shows_number or call.is_inbound:
        raise NumberNotShown(_("The number goes to the telephone by itself; nobody needs to see it."))
    if call.revealed_at is None:
        start, end = day_bounds(business_date(at))
        seen = LiveCall.objects.filter(
            agent=agent, placed_at__gte=start, placed_at__lt=end, revealed_at__isnull=False
        ).count()
        if seen >= NUMBERS_A_DAY:
            raise NumberNotShown(
                _("You have seen %(count)s numbers today, which is the limit. Ask your supervisor.")
                % {"count": NUMBERS_A_DAY}
            )
        call.revealed_at, call.reveal_reason = at, reason.strip()[:120] or "dial"
        call.save(update_fields=["revealed_at", "reveal_reason"])
        audit(
            "campaigns.number.revealed", call.lead, by=agent, at=at, phone_id=call.phone_id, reason=call.reveal_reason
        )
    assert call.phone_id is not None  # a call that we dialled
    return unseal(bytes(Phone.objects.get(pk=call.phone_id).sealed))


def _own_call(lead: Lead, agent: User) -> LiveCall:
    _customer, held = lock_held(lead, agent)
    return _call_on(held)


def _call_on(held: Lead) -> LiveCall:
    call = row(LiveCall, OF_HOLD, [held.pk, held.held_at], lock=True)
    if call is None:
        raise NotDialled(_("This lead has not been dialled yet."))
    call.lead = held
    return call


# ---------------------------------------------------------------- times for the record


@dataclass(frozen=True)
class Timing:
    """What record_call() needs to know of the call's times."""

    started_at: datetime
    ring_seconds: int
    talk_seconds: int
    after_call_seconds: int
    # the call, when the customer made it
    inbound: LiveCall | None = None


@transaction.atomic
def timing_of(*, lead: Lead, agent: User, at: datetime) -> Timing:
    """Times of the call on the lead, ended here if it still goes on. Raises LeadNotYours, NotDialled."""
    _customer, held = lock_held(lead, agent)
    return timing_of_locked(held, agent, at)


def timing_of_locked(lead: Lead, agent: User, at: datetime) -> Timing:
    """timing_of() for whoever has locked person and lead in this transaction."""
    check_held(lead, agent)
    call = _call_on(lead)
    # the agent's state followed a call that was hung up when it was
    ended = _hung_up(call, agent, at) if call.hung_up_at is None else status(call, at)
    return Timing(
        started_at=ended.started_at,
        ring_seconds=ended.ring_seconds,
        talk_seconds=ended.talk_seconds if ended.is_connected else 0,
        after_call_seconds=max(0, int((at - ended.since).total_seconds())),
        inbound=call if call.is_inbound else None,
    )


__all__ = ["DialRefused", "LeadNotYours", "NotDialled", "NumberNotShown", "dial", "hang_up", "set_state"]
