"""What endangers a promise: it is late, the customer's permitted hours end before anybody is free, or who promised is not there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from campaigns import queries_desk
from campaigns.models import AgentState, Callback, Campaign
from campaigns.queries_desk import Promise
from campaigns.queries_kept import KEPT_WITHIN
from core.calendar import business_date
from customers.services.calling_hours import closes_at
from customers.services.combined_rules import ContactRules, combine
from customers.services.packs import rules_in_force
from customers.services.quiet_times import Span, quiet_spans_of
from people.models import Membership, User

LATE, CLOSING, ABSENT, SOON, PLANNED = "late", "closing", "absent", "soon", ""
# The gravest first; the board goes by this order.
ORDER = (LATE, CLOSING, ABSENT, SOON, PLANNED)
WORDS = {LATE: _("overdue"), CLOSING: _("hours end"), ABSENT: _("agent absent")}
# Who promised has to be at the desk so long before.
THERE_BEFORE = timedelta(hours=1)
# What a promised call takes, its result included, when several wait for one agent.
CALL_TAKES = timedelta(minutes=10)
# Hours are asked of the coming day only; rules and queues of later days are not known yet.
AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class Judged:
    """A promise with all that endangers it, the gravest first. `closes_at`: the end of the permitted hours at the time agreed (or now,
    when that has passed), None outside them or not asked."""

    promise: Promise
    risks: tuple[str, ...]
    closes_at: datetime | None = None

    @property
    def row(self) -> Callback:
        return self.promise.row

    @property
    def is_endangered(self) -> bool:
        return bool(self.risks) and self.risks[0] in WORDS

    @property
    def place(self) -> tuple[Any, ...]:
        """Its place on the board: by the gravest risk, then by how many there are, then by time."""
        first = self.risks[0] if self.risks else PLANNED
        return ORDER.index(first), -len(self.risks), self.row.due_at, self.row.pk


def plain(callbacks: Iterable[Callback], at: datetime) -> list[Judged]:
    """Promises with the little that their time alone says."""
    return [Judged(row, (row.risk,) if row.risk else ()) for row in queries_desk.promises(callbacks, at)]


def judge(callbacks: Sequence[Callback], at: datetime) -> list[Judged]:
    """Open promises with their risks, the most endangered first. Rows need lead__customer__city__zone, lead__customer__phones, lead__campaign."""
    near = [row for row in callbacks if row.due_at <= at + AHEAD]
    ends = _ends_of_hours(near, at)
    signed_in = signed_in_of({row.agent_id for row in callbacks})
    free = _free_from(near, at, signed_in)
    gone = _gone(callbacks, at)
    judged = []
    for promise in queries_desk.promises(callbacks, at):
        row = promise.row
        risks = _risks(row, at, ends=ends, free=free, is_there=row.agent_id in signed_in, is_gone=row.pk in gone)
        judged.append(Judged(promise, risks, ends.get(row.pk)))
    return sorted(judged, key=lambda one: one.place)


def counts(judged: Iterable[Judged]) -> Counter[str]:
    return Counter(risk for one in judged for risk in one.risks)


def _risks(
    row: Callback,
    at: datetime,
    *,
    ends: dict[int, datetime | None],
    free: dict[int, datetime],
    is_there: bool,
    is_gone: bool,
) -> tuple[str, ...]:
    found = []
    if row.due_at < at:
        found.append(LATE)
    if row.pk in ends:
        end = ends[row.pk]
        if end is None or end <= free[row.pk]:
            found.append(CLOSING)
    if is_gone or (not is_there and row.due_at <= at + THERE_BEFORE):
        found.append(ABSENT)
    if not found and row.due_at <= at + queries_desk.SLOT / 2:
        found.append(SOON)
    return tuple(found)


# ---------------------------------------------------------------- who is there


def signed_in_of(agents: Iterable[int]) -> set[int]:
    """Those of the agents who have a stretch open at the desk, a break included."""
    return set(AgentState.objects.current().filter(agent__in=list(agents)).values_list("agent", flat=True))


def _gone(callbacks: Sequence[Callback], at: datetime) -> set[int]:
    """Promises whose agent belongs to no team on the day agreed, or may not sign in any more."""
    agents = {row.agent_id for row in callbacks}
    active = set(User.objects.filter(pk__in=agents, is_active=True).values_list("pk", flat=True))
    member = Membership.objects.filter(user__in=agents, role=Membership.Role.AGENT)
    spans: dict[int, list[tuple[date, date | None]]] = defaultdict(list)
    for user, begins, ends in member.values_list("user", "valid_from", "valid_to"):
        spans[user].append((begins, ends))
    gone = set()
    for row in callbacks:
        day = business_date(max(row.due_at, at))
        is_member = any(begins <= day and (ends is None or day < ends) for begins, ends in spans[row.agent_id])
        if row.agent_id not in active or not is_member:
            gone.add(row.pk)
    return gone


# ---------------------------------------------------------------- when somebody is free


def _free_from(near: Sequence[Callback], at: datetime, signed_in: set[int]) -> dict[int, datetime]:
    """When somebody can call at the earliest, by promise: who promised, after the promises before it, when there; else anybody, who may
    take it half an hour after the time agreed."""
    anybody = {row.pk: max(at, row.due_at + KEPT_WITHIN) for row in near}
    own: dict[int, datetime] = {}
    busy_until: dict[int, datetime] = {}
    queues = Callback.objects.filter(
        agent__in={row.agent_id for row in near}, state=Callback.State.PROMISED, due_at__lte=at + AHEAD
    ).order_by("due_at", "pk")
    for pk, agent, due_at in queues.values_list("pk", "agent", "due_at"):
        own[pk] = max(due_at, at, busy_until.get(agent, at))
        busy_until[agent] = own[pk] + CALL_TAKES
    return {
        row.pk: min(anybody[row.pk], own.get(row.pk, anybody[row.pk]))
        if row.agent_id in signed_in or row.due_at > at + THERE_BEFORE
        else anybody[row.pk]
        for row in near
    }


# ---------------------------------------------------------------- the customer's hours


def _ends_of_hours(near: Sequence[Callback], at: datetime) -> dict[int, datetime | None]:
    """The end of the permitted hours (calling hours less the customer's own do-not-disturb times) around each promise."""
    rules = _rules_of(near, at)
    quiet = quiet_spans_of({row.lead.customer for row in near}, start=at, days=2)
    found: dict[int, datetime | None] = {}
    for row in near:
        zone = row.lead.customer.city.zone
        end = closes_at(zone.name if zone else None, rules[row.lead.campaign_id, row.lead.city_id], max(row.due_at, at))
        found[row.pk] = _before_quiet(end, max(row.due_at, at), quiet.get(row.lead.customer_id, []))
    return found


def _before_quiet(end: datetime | None, moment: datetime, spans: list[Span]) -> datetime | None:
    for begins, ends in spans:
        if begins <= moment < ends:
            return None
        if end is not None and moment < begins < end:
            end = begins
    return end


def _rules_of(near: Sequence[Callback], at: datetime) -> dict[tuple[int, int], ContactRules]:
    """The rules by campaign and city; packs that several campaigns share are read once."""
    campaigns = Campaign.objects.prefetch_related("packs").in_bulk({row.lead.campaign_id for row in near})
    by_packs: dict[frozenset[int], Any] = {}
    found: dict[tuple[int, int], ContactRules] = {}
    for row in near:
        key = row.lead.campaign_id, row.lead.city_id
        if key in found:
            continue
        campaign = campaigns[key[0]]
        packs = frozenset(pack.pk for pack in campaign.packs.all())
        if packs not in by_packs:
            by_packs[packs] = rules_in_force(pack_ids=sorted(packs), on=business_date(at))
        found[key] = combine(by_packs[packs], city_id=key[1], campaign_id=campaign.pk, product_id=campaign.product_id)
    return found
