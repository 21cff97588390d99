"""Handing out the next lead, and taking it back undialled."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from campaigns import queries_set_up
from campaigns.models import Lead, LeadSkip
from campaigns.services import refusals
from campaigns.services.held import lock_held
from campaigns.services.returning import let_go, return_undialled
from core.audit import audit
from core.calendar import business_date
from core.errors import DomainError
from core.rows import row
from customers.models import Customer
from people.models import User

# A lead that an agent skipped goes to the others first.
SKIPPED_REST = timedelta(minutes=30)
# A dialled lead whose agent went silent counts as an attempt and waits like one.
SILENT_REST = timedelta(hours=2)


class NoTeamToday(DomainError):
    """Only agents of a team are handed leads."""


class AlreadyDialled(DomainError):
    """A dialled lead needs its result; it cannot be given back."""


class ReasonMissing(DomainError):
    """A skip without a reason."""


def claim_next_lead(*, agent: User, at: datetime) -> Lead | None:
    """The lead in the agent's hand, or the next one: own promises that are due, then the team's campaigns. None: nothing to call.

    All rules are judged inside the database function at the later of `at` and the database's clock. An agent who holds a lead gets
    the same one again: there is no next lead before a result. Raises NoTeamToday.
    """
    team = agent.team_at(at)
    if team is None:
        raise NoTeamToday(_("You belong to no team today, so there is no lead for you. Ask your team leader."))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT campaigns_claim_lead(%s, %s, %s, %s, %s)", [agent.pk, team.pk, team.city_id, business_date(at), at]
        )
        lead_id = cursor.fetchone()[0]
    return Lead.objects.get(pk=lead_id) if lead_id else None


def held_lead(agent: User) -> Lead | None:
    """The lead in the agent's hand, with what the desk shows of it. Its campaign, source and city are to be read from only."""
    lead = row(Lead, "agent_id = %s", [agent.pk])
    if lead is not None:
        lead.campaign = queries_set_up.campaign(lead.campaign_id)
        lead.source = queries_set_up.source(lead.source_id)
        lead.customer.city = queries_set_up.city(lead.customer.city_id)
    return lead


@transaction.atomic
def give_back(
    *, lead: Lead, agent: User, at: datetime, reason: str = "", rest: timedelta = timedelta(), is_skip: bool = False
) -> Lead:
    """Return an undialled lead to its queue, void its reserved contact and restore the person's budget as it was.

    A skip needs a reason, is counted, and rests half an hour, so that others get it first. Raises LeadNotYours, AlreadyDialled, ReasonMissing.
    """
    if is_skip and not reason.strip():
        raise ReasonMissing(_("Say why you skip this customer."))
    customer, lead = lock_held(lead, agent)
    if lead.dialled_at is not None:
        raise AlreadyDialled(_("This lead was dialled: record its result, then it leaves your desk."))
    return_undialled(lead, customer, due_at=at + (SKIPPED_REST if is_skip else rest) if is_skip or rest else None)
    if is_skip:
        _note_skip(lead, agent, reason.strip()[:120], at)
    audit(
        "campaigns.lead.skipped" if is_skip else "campaigns.lead.given_back",
        lead, by=agent, at=at, campaign_id=lead.campaign_id, reason=reason.strip()[:120],
    )  # fmt: skip
    return lead


def _note_skip(lead: Lead, agent: User, reason: str, at: datetime) -> None:
    LeadSkip.objects.create(
        agent=agent, team=agent.team_at(at), lead=lead, campaign_id=lead.campaign_id, reason=reason, at=at
    )


def return_lead(lead: Lead, customer: Customer, *, at: datetime) -> None:
    """Take a held, locked lead from an agent who went silent. Undialled: as if it had never been handed out. Dialled: the attempt
    was made and stays on the budget, the lead waits like after an attempt."""
    if lead.dialled_at is None:
        return_undialled(lead, customer, due_at=None)
        return
    lead.attempts_made += 1
    lead.last_call_at = lead.dialled_at
    let_go(lead, customer, due_at=max(lead.due_at, at + SILENT_REST))
    refusals.catch_up(lead, customer, at=at)
