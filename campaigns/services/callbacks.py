"""Promises to customers: given to another agent when the one who promised cannot keep them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from campaigns.models import Callback, CampaignTeam, Lead
from core.audit import audit
from core.calendar import business_date, day_bounds
from core.errors import DomainError
from people.models import Membership, Team, User

TOLD = 8


class PromiseIsOver(DomainError):
    """The promise was kept or dropped meanwhile."""


class PromiseInHand(DomainError):
    """The lead of the promise is with an agent just now."""


class AgentNotThere(DomainError):
    """The other agent does not work on this campaign in this city."""


def agents_for(callback: Callback, *, at: datetime) -> QuerySet[User]:
    """Agents who can keep the promise: of a team of the campaign that calls the customer's city."""
    links = CampaignTeam.objects.filter(campaign=callback.lead.campaign_id).values("team")
    teams = Team.objects.filter(Q(city=callback.lead.city_id) | Q(city=None), pk__in=links, is_active=True)
    members = Membership.objects.valid_on(business_date(at)).filter(role=Membership.Role.AGENT, team__in=teams)
    return User.objects.filter(pk__in=members.values("user"), is_active=True).order_by("display_name", "username")


@transaction.atomic
def hand_over(
    *, callback: Callback, to: User, by: User | None, at: datetime, why: str = Callback.Handed.BY_HAND
) -> Callback:
    """Another agent keeps the promise, at the time agreed; both desks tell it. Raises PromiseIsOver, PromiseInHand, AgentNotThere."""
    lead = Lead.objects.select_for_update(of=("self",)).get(pk=callback.lead_id)
    callback = Callback.objects.select_for_update(of=("self",)).select_related("lead").get(pk=callback.pk)
    if callback.state != Callback.State.PROMISED:
        raise PromiseIsOver(_("This promise was kept or dropped meanwhile."))
    if lead.state == Lead.State.HELD:
        raise PromiseInHand(_("An agent has this customer on the desk just now."))
    if not agents_for(callback, at=at).filter(pk=to.pk).exists():
        raise AgentNotThere(_("%(agent)s does not work on this campaign in this city.") % {"agent": to})
    before = callback.agent_id
    callback.agent = to
    if before != to.pk:
        callback.handed_from_id, callback.handed_at, callback.handed_why = before, at, why
    callback.save(update_fields=["agent", "handed_from", "handed_at", "handed_why"])
    if lead.state == Lead.State.OPEN:
        lead.callback_agent = to
        lead.save(update_fields=["callback_agent"])
    audit(
        "campaigns.callback.handed_over",
        callback,
        by=by,
        at=at,
        city_id=lead.city_id,
        from_agent=before,
        to_agent=to.pk,
        why=why,
    )
    return callback


HANDED = """
SELECT * FROM campaigns_callback
WHERE (handed_from_id = %(agent)s OR agent_id = %(agent)s AND handed_from_id IS NOT NULL) AND state = 'promised' AND handed_at >= %(since)s
ORDER BY handed_at DESC, id LIMIT %(most)s"""


def handed_today(agent: User, at: datetime) -> list[Callback]:
    """Open promises that went from or to this agent today, for both desks to tell: when and who, nothing of the customer."""
    start, _end = day_bounds(business_date(at))
    rows = Callback.objects.raw(HANDED, {"agent": agent.pk, "since": start, "most": TOLD})
    return list(rows.prefetch_related("agent", "handed_from"))
