"""Promises of agents who are not there go, shortly before their time, to somebody of the team who is."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from campaigns.models import AgentState, Callback, Lead
from campaigns.queries_kept import KEPT_WITHIN
from campaigns.services import callbacks
from core.calendar import business_date
from core.errors import DomainError
from core.jobs.runner import reason_of
from people.models import Membership, Team, User

logger = logging.getLogger(__name__)
SOON = timedelta(minutes=15)
# Promises of others so near in time count as load.
NEAR = timedelta(minutes=30)
# So many are read at a time, and so many change hands in one run; those that nobody can take count to neither.
PAGE = 200
AT_ONCE = 200


def hand_over_promises(*, at: datetime) -> dict[str, int]:
    """Hand over what is due soon and whose agent is absent: {"handed": promises, "nobody": promises without anybody to go to}.

    Absent is who has no stretch open at the desk; a break is not absence. What is late by half an hour is left alone: anybody gets it.
    Each in a transaction of its own, so that one fault holds up nobody. Where a team has nobody for one campaign and city, its other
    promises there are not tried: a whole team that is away keeps no other team waiting.
    """
    told: Counter[str] = Counter(handed=0, nobody=0)
    teams: dict[int, Team | None] = {}
    empty: set[tuple[Team | None, int, int]] = set()
    for callback in _endangered(at):
        if callback.agent_id not in teams:
            teams[callback.agent_id] = _team_of(callback.agent, at)
        place = teams[callback.agent_id], callback.lead.campaign_id, callback.lead.city_id
        said = False if place in empty else _try_one(callback, place[0], at)
        if said is not None:
            told["handed" if said else "nobody"] += 1
        if said is False:
            empty.add(place)
        if told["handed"] == AT_ONCE:
            break
    return dict(told)


def _endangered(at: datetime) -> Iterator[Callback]:
    """Those due first come first; read page by page, as some change hands meanwhile."""
    at_desk = AgentState.objects.current().filter(agent=OuterRef("agent"))
    rows = (
        Callback.objects.filter(
            ~Exists(at_desk), state=Callback.State.PROMISED, due_at__gt=at - KEPT_WITHIN, due_at__lte=at + SOON
        )
        .filter(lead__state=Lead.State.OPEN, lead__customer__is_locked=False)
        .select_related("lead", "agent")
        .order_by("due_at", "pk")
    )
    page = list(rows[:PAGE])
    while page:
        yield from page
        last = page[-1]
        page = list(rows.filter(Q(due_at__gt=last.due_at) | Q(due_at=last.due_at, pk__gt=last.pk))[:PAGE])


def _try_one(callback: Callback, team: Team | None, at: datetime) -> bool | None:
    try:
        return _hand_over(callback, team, at)
    except DomainError:
        return None  # kept, dropped or taken meanwhile
    except Exception as error:  # one promise at fault must not keep those behind it
        logger.error("promise %s could not be handed over: %s", callback.pk, reason_of(error))
        return None


@transaction.atomic
def _hand_over(callback: Callback, team: Team | None, at: datetime) -> bool | None:
    """Whether somebody could take it; None when the promise has moved meanwhile or is being worked on."""
    still = Lead.objects.select_for_update(of=("self",), skip_locked=True).filter(
        pk=callback.lead_id, state=Lead.State.OPEN, callback_agent=callback.agent_id
    )
    if still.first() is None:  # exists() would not lock
        return None
    to = _least_loaded(callback, team, at)
    if to is None:
        return False
    callbacks.hand_over(callback=callback, to=to, by=None, at=at, why=Callback.Handed.ABSENT)
    return True


def _least_loaded(callback: Callback, team: Team | None, at: datetime) -> User | None:
    """Of those who are there, of the same team and able to keep it, who has promised least around that time, then least in all."""
    there = AgentState.objects.current().exclude(state=AgentState.State.AWAY).values("agent")
    members = Membership.objects.valid_on(business_date(at)).filter(role=Membership.Role.AGENT, team=team)
    able = callbacks.agents_for(callback, at=at).filter(pk__in=there).filter(pk__in=members.values("user"))
    agents = list(able.exclude(pk=callback.agent_id))
    near, all_open = _loads(agents, callback.due_at)
    return min(agents, key=lambda one: (near[one.pk], all_open[one.pk], one.pk), default=None)


def _team_of(agent: User, at: datetime) -> Team | None:
    """The team today, else the one that the agent left last."""
    last = agent.memberships.filter(role=Membership.Role.AGENT, valid_from__lte=business_date(at))
    member = last.select_related("team").order_by("-valid_from").first()
    return member.team if member else None


def _loads(agents: Sequence[User], due_at: datetime) -> tuple[Counter[int], Counter[int]]:
    near: Counter[int] = Counter()
    all_open: Counter[int] = Counter()
    rows = Callback.objects.filter(agent__in=agents, state=Callback.State.PROMISED).values_list("agent", "due_at")
    for agent, due in rows:
        all_open[agent] += 1
        near[agent] += abs(due - due_at) <= NEAR
    return near, all_open
