"""What the desk page shows, gathered once per request from the state on the server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from campaigns import desk_fields, queries_desk, queries_guide, queries_inbound, queries_script, queries_waiting
from campaigns.funnel import classes, words
from campaigns.guide import Notes
from campaigns.models import AgentState, InboundCall, Lead, LiveCall
from campaigns.queries_desk import Why
from campaigns.queries_registers import stale_under
from campaigns.queries_waiting import Queue, TeamQueues
from campaigns.services import arms, callbacks, claim, desk, desk_script, guide, inbound, withdrawal
from campaigns.telephony import CallStatus, adapter
from core.rows import row
from customers.models import Phone
from customers.services import contacts, greylist, quiet_times
from people.models import User
from scripts.models import Product

# What a lead that is due may still be held back by; which of them, the desk does not count.
HELD_BACK = (
    classes.CAP,
    classes.QUIET,
    classes.HELD,
    classes.OWNED,
    classes.CONSENT,
    classes.GREY,
    classes.NUMBER,
    classes.SUPPRESSED,
)
# of a state without a campaign, and the shortest time that is left to read a customer whom the desk shows anew
AFTER_CALL_LIMIT = 90
SHORTEST_LOOK = 3
PILLS = {
    AgentState.State.WAITING: "idle",
    AgentState.State.PREVIEW: "idle",
    AgentState.State.DIALLING: "ring",
    AgentState.State.TALKING: "talk",
    AgentState.State.AFTER_CALL: "wrap",
    AgentState.State.AWAY: "away",
}


def context_of(*, agent: User, at: datetime) -> dict[str, Any]:
    """Everything the desk's templates need. `screen`: off, away, empty or work."""
    team = agent.team_at(at)
    lead = claim.held_lead(agent)
    state = desk.current_state(agent)
    if lead is not None and state is None:
        # the desk was closed for silence while a call was open: whoever looks at it is back
        state = desk.set_state(agent=agent, state=AgentState.State.PREVIEW, at=at, campaign_id=lead.campaign_id)
    due = queries_desk.due_promises(agent)
    common = {
        "at": at, "team": team, "own": queries_desk.own_figures(agent, at), "breaks": desk.BREAKS, "lead": lead,
        "handed": callbacks.handed_today(agent, at), "promises": queries_desk.own_promises(agent, at) if due else [],
    }  # fmt: skip
    if lead is not None:
        return common | {"screen": "work"} | _work(lead, agent, state, due, at)
    came_in, now = inbound.follow(agent=agent, at=at)
    if came_in is not None and now is not None:
        return common | {"screen": "inbound", **_pill(state, at)} | _inbound(came_in, now, agent, at)
    screen = "off" if state is None else "away" if state.state == AgentState.State.AWAY else "empty"
    return common | {
        "screen": screen,
        **_pill(state, at),
        "can_ring": queries_inbound.can_ring(team),
        "why": why_nothing(agent=agent, at=at) if screen == "empty" else [],
        "break_name": desk.BREAKS.get(state.reason, state.reason) if state else "",
    }


def _pill(state: AgentState | None, at: datetime, after_call_limit: int = AFTER_CALL_LIMIT) -> dict[str, Any]:
    if state is None:
        return {"pill": None}
    seconds = max(0, int((at - state.began_at).total_seconds()))
    limits = {"wrap": (after_call_limit, 2 * after_call_limit), "idle": (120, 300)}.get(
        PILLS[AgentState.State(state.state)], (10**9, 10**9)
    )
    age = sum(seconds >= limit for limit in limits)
    return {
        "pill": {
            "state": PILLS[AgentState.State(state.state)],
            "label": state.get_state_display(),
            "since": int(state.began_at.timestamp()),
            "seconds": seconds,
            "age": age,
        }
    }


def _inbound(call: InboundCall, now: CallStatus, agent: User, at: datetime) -> dict[str, Any]:
    """A call that came in and has no customer yet: what the agent has to say of it."""
    return {
        "came_in": call,
        "status": now,
        "phase": f"in-{now.phase.value}",
        "choice": inbound.choice_of(call, agent=agent, at=at),
        "endings": inbound.ENDINGS,
    }


def _work(lead: Lead, agent: User, state: AgentState | None, due: Sequence[datetime], at: datetime) -> dict[str, Any]:
    """The lead in hand: person, script, call and the results that are valid now. `due`: own promises, which a new one stands beside."""
    status = desk.follow_call(lead=lead, agent=agent, at=at)
    call = desk.live_call(lead) if status else None
    notes = guide.notes_of(lead)
    lead.campaign = arms.campaign_of(lead, agent, spoken=notes.script if notes else None)
    customer, campaign, seen = lead.customer, lead.campaign, desk_fields.seen(lead)
    rules = contacts.rules_of(campaign, at=at, city_id=lead.city_id, segment_ids=customer.rule_segments)
    grey = greylist.entries_of(customer, at)
    zone = contacts.zone_of(customer.city.zone.name if customer.city.zone else None)
    products, offers = queries_desk.products_to_sell(campaign, at)
    withdrawn = withdrawal.why_withdrawn(lead, at=at) if status else ""
    return {
        "withdrawn": withdrawn,
        "withdrawn_words": withdrawal.said_in_call(withdrawn),
        **_pill(desk.current_state(agent) if status else state, at, campaign.after_call_limit_seconds),
        "countdown": _countdown(lead, status, at),
        **_call_context(lead, call, status),
        **(_of_caller(lead, at) if call and call.is_inbound else {}),
        "customer": customer,
        "campaign": campaign,
        "phone": row(Phone, "customer_id = %s ORDER BY is_dead, NOT is_primary, id", [customer.pk]),
        "seen": seen,
        "facts": queries_desk.facts(seen.attributes),
        "consent": queries_desk.consent_in_force(customer.pk, at),
        "consent_needed": rules.consent_needed,
        "hours_today": _spans(rules.hours, at.astimezone(zone).isoweekday()) if zone else "",
        "quiet_times": [quiet_times.in_words(row) for row in customer.quiet_times.standing(at).order_by("pk")]
        if customer.has_quiet_times
        else [],
        "attempts": _attempts(rules, customer.attempts, at),
        "warnings": _warnings(lead, rules, at),
        "history": queries_desk.history(customer.pk),
        **_guide(lead, agent, notes, products, at),
        "slot_days": queries_desk.slot_days(
            hours=greylist.narrowed(rules.hours, grey),
            zone=zone,
            due=due,
            at=at,
            free_from=contacts.first_promised(customer, rules, at),
            closed=quiet_times.quiet_spans(customer, start=at, days=queries_desk.SLOT_DAYS),
        )
        if zone
        else [],
        "zone_name": zone.key if zone else "",
        "products": products,
        "offers": offers,
        "is_callback": lead.callback_agent_id is not None,
        "promise": lead.callbacks.filter(state="promised").first() if lead.callback_agent_id else None,
    }


def _guide(lead: Lead, agent: User, notes: Notes | None, products: list[Product], at: datetime) -> dict[str, Any]:
    """The middle: the version that is spoken in this hold, what was noted so far, what fits the customer, what an order reads back."""
    version_id = lead.campaign.script_version_id
    values = queries_script.blanks(lead, agent)
    drawn = desk_script.drawn(version_id, at=at)
    said = drawn.must_say
    return {
        "script": drawn.parts,
        "steps_html": drawn.closed(values),
        "script_version_id": version_id,
        "notes": json.dumps(notes.as_json(at), ensure_ascii=False, separators=(",", ":")) if notes else "",
        "hold": f"{lead.pk}-{int(lead.held_at.timestamp())}" if lead.held_at else "",
        "arm_scenario": queries_guide.arm_scenario(lead.campaign, values),
        "proposals": queries_guide.proposals(lead, values, at=at),
        "read_back": said,
        "read_back_of": [
            (
                product,
                [point for point in queries_script.points_of([product.mandatory_statements]) if point not in said],
            )
            for product in products
            if product.mandatory_statements.strip()
        ],
    }


def _call_context(lead: Lead, call: LiveCall | None, status: CallStatus | None) -> dict[str, Any]:
    telephone = adapter(call.adapter if call else lead.campaign.telephony)
    phase = status.phase.value if status else "preview"
    groups = _groups(lead, status, telephone.knows_outcome)
    return {
        "phase": phase,
        "groups": groups,
        "suggested": _suggested(status),
        "shows_number": telephone.shows_number
        and status is not None
        and not status.is_over
        and not (call and call.is_inbound),
        "asks_answered": not telephone.knows_outcome and phase == "ringing",
        "status": status,
    }


@dataclass(frozen=True)
class Countdown:
    """Seconds left of the time to read a customer, or of the after-call work (below 0: over). `dials`: at its end the desk dials by itself;
    with an own handset the agent is told to."""

    kind: str
    left: int
    dials: bool = False


def _countdown(lead: Lead, status: CallStatus | None, at: datetime) -> Countdown | None:
    """None where the campaign sets no limit. The supervisor's floor shows who is over; nothing that was typed is taken away."""
    campaign = lead.campaign
    if status is None:
        if campaign.preview_limit_seconds is None or lead.held_at is None:
            return None
        left = campaign.preview_limit_seconds - int((at - lead.held_at).total_seconds())
        return Countdown("preview", max(SHORTEST_LOOK, left), dials=adapter(campaign.telephony).knows_outcome)
    if not status.is_over:
        return None
    return Countdown("after_call", campaign.after_call_limit_seconds - int((at - status.since).total_seconds()))


def _of_caller(lead: Lead, at: datetime) -> dict[str, Any]:
    """What somebody who calls in may ask about, and what the agent must not do."""
    caller = InboundCall.objects.filter(lead=lead).first()
    return {
        "is_inbound": True,
        "caller_mask": caller.mask if caller else "",
        "open_orders": queries_desk.open_orders(lead.customer_id),
        "other_promises": queries_desk.other_promises(lead),
        "forbidden": [
            _(
                "Not to be called: %(kind)s. Answer what is asked; promise no call, and offer nothing of your own accord."
            )
            % {"kind": row.get_kind_display()}
            for row in contacts.suppressions_of(lead.customer, at)
        ],
    }


def _groups(lead: Lead, status: CallStatus | None, knows_outcome: bool) -> list[queries_desk.ResultGroup]:
    """Only what can have happened: nothing before the call, connected results while and after somebody answered."""
    if status is None or (status.phase == "ringing" and knows_outcome):
        return []
    if status.is_connected:
        return queries_desk.result_groups(lead.campaign_id, connected=True)
    return queries_desk.result_groups(lead.campaign_id, connected=False if knows_outcome else None)


def _suggested(status: CallStatus | None) -> str:
    """The result that the network has told, already chosen for the agent."""
    if status is None or not status.is_over or status.is_connected:
        return ""
    return status.outcome or ""


def _spans(hours: dict[int, Any], weekday: int) -> str:
    """ "09:00-12:00, 14:00-20:00" """
    return ", ".join(f"{_clock(opens)}–{_clock(closes)}" for opens, closes in hours.get(weekday, ()))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _attempts(rules: contacts.ContactRules, attempts: list[datetime], at: datetime) -> str:
    """How much of the cap over some days is used, this attempt included."""
    caps = [cap for cap in rules.caps if cap.hours >= 48] or list(rules.caps)
    if not caps:
        return ""
    cap = caps[0]
    used = sum(1 for moment in attempts if moment > at - cap.window)
    told = {"used": used, "days": max(1, cap.hours // 24), "most": cap.most}
    return _("no. %(used)s in %(days)s days, at most %(most)s") % told


def _warnings(lead: Lead, rules: contacts.ContactRules, at: datetime) -> list[str]:
    """What speaks against calling just now without forbidding it."""
    if rules.warn is None or lead.dialled_at is not None:
        return []
    reasons = contacts.why_not(
        customer=lead.customer, rules=rules, at=at, campaign_id=lead.campaign_id, product_id=lead.campaign.product_id, lead_id=lead.pk,
        purpose=lead.campaign.purpose,
        callback=lead.callback_agent_id is not None,
    )  # fmt: skip
    return [reason.sentence for reason in reasons if not reason.blocks]


# ---------------------------------------------------------------- no lead


def why_nothing(*, agent: User, at: datetime) -> list[Why]:
    """Why there is no lead, in words, with counts and the time when each reason passes; the largest first."""
    team = agent.team_at(at)
    if team is None:
        return [Why(_("You belong to no team today."))]
    queues = queries_waiting.of_team(team, at=at)
    if not queues.campaigns:
        return [Why(_("Your team works on no campaign yet."))]
    found = [_stopped(campaign) for campaign in queues.campaigns if campaign not in queues.calling]
    found += [
        Why(f"{campaign.name}: {stale}")
        for campaign in queues.calling
        if (stale := stale_under(queues.rules[campaign.pk], campaign, at=at, city_id=team.city_id))
    ]
    found += _waiting(queues, queries_waiting.own_promises(agent, queues, at=at), at)
    if queues.calling and not any(why.count for why in found):
        found.append(Why(_("All customers of your campaigns have been called. New lists come from the data team.")))
    return sorted(found, key=lambda why: -why.count)


def _stopped(campaign: Any) -> Why:
    told = {"campaign": campaign.name}
    if not campaign.is_on:
        return Why(_("%(campaign)s has been stopped.") % told)
    if not campaign.product.is_on:
        return Why(_("%(campaign)s: its product must not be sold for now.") % told)
    return Why(
        _("%(campaign)s is not in a calling stage: %(stage)s.") % {**told, "stage": campaign.get_stage_display()}
    )


def _waiting(team: TeamQueues, promised: list[Queue], at: datetime) -> list[Why]:
    queues = [*team.queues, *promised]
    due = [(queue, *team.opening(queue, at)) for queue in queues if queue.ready]
    off = [queue for queue, _is_open, _opens in due if team.is_stopped(queue)]
    closed = [queue for queue, is_open, _opens in due if not is_open and queue not in off]
    held = [queue for queue, is_open, _opens in due if is_open]
    opening = [opens for queue, _is_open, opens in due if queue in closed]
    cooling = [queue for queue in team.queues if queue.waiting]
    agreed = [queue for queue in promised if queue.waiting]
    reasons = [
        _why(words.either(classes.COOLING, classes.CAP), cooling, sum(queue.waiting for queue in cooling), [queue.next_at for queue in cooling]),
        _why(words.either(classes.PROMISED), agreed, sum(queue.waiting for queue in agreed), [queue.next_at for queue in agreed]),
        _why(words.either(classes.HOURS), closed, sum(queue.ready for queue in closed), opening),
        _why(words.either(classes.OFF), off, sum(queue.ready for queue in off), []),
        _why(words.either(*HELD_BACK), held, sum(queue.ready for queue in held), []),
    ]  # fmt: skip
    return [why for why in reasons if why.count]


def _why(text: str, queues: list[Queue], count: int, times: list[datetime | None]) -> Why:
    until = min((time for time in times if time), default=None)
    return Why(text, count, until, is_capped=any(queue.is_capped for queue in queues))
