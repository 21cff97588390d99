"""Who may do what with campaigns, leads and calls."""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.models import Call, Campaign, DataRequest, Gate, Opportunity
from campaigns.models.costs import COSTERS
from customers import rules as customer_rules
from people.models import Membership, User
from people.scopes import scope_in
from scripts.rules import TREASURERS, can_write_treasury

Role = Membership.Role
PLANNERS = (Role.CAMPAIGN_MANAGER, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)
GATEKEEPERS = (Role.QA, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)
SWITCHERS = (*PLANNERS, Role.SUPERVISOR, Role.CITY_MANAGER)
GATE_READERS = (*PLANNERS, *GATEKEEPERS, Role.SUPERVISOR, Role.CITY_MANAGER)
READERS = (*PLANNERS, Role.QA, Role.DATA, Role.SUPERVISOR, Role.TEAM_LEADER, Role.CITY_MANAGER, Role.TRAINER)


# -- planning ----------------------------------------------------------------------------------------------------------


def can_read_campaigns(user: User) -> bool:
    return user.has_role(*READERS)


def covers(user: User, campaign: Campaign | None) -> bool:
    """Whether the user's place covers the campaign whole: a city's people read a regional campaign, but it is not theirs to change."""
    scope = user.scope()
    return scope.is_region or campaign is None or campaign.city_id in scope.city_ids


def covers_as(user: User, campaign: Campaign | None, roles: Sequence[str]) -> bool:
    """As covers(), by these roles alone: who decides in one city and trains in another decides nothing in the other."""
    return campaign is None or user.covers_as(campaign.city_id, *roles)


def can_plan(user: User, campaign: Campaign | None = None) -> bool:
    """Plan a new campaign (None), or change this one."""
    return user.has_role(*PLANNERS) and covers_as(user, campaign, PLANNERS)


def can_switch(user: User, campaign: Campaign) -> bool:
    """Stop a campaign, or let it go on: planners, and the supervisor who sees the trouble first."""
    return user.has_role(*SWITCHERS) and covers_as(user, campaign, SWITCHERS)


def can_keep_map(user: User, campaign: Campaign) -> bool:
    """Begin, change and archive the guidance map of the campaign: those who work on what is said, where their place covers it."""
    return can_write_treasury(user) and covers_as(user, campaign, TREASURERS)


def can_read_refusals(user: User) -> bool:
    """What customers refuse and with which words: those who answer it, and those who lead the agents."""
    return user.has_role(*PLANNERS, Role.QA, Role.TRAINER, Role.SUPERVISOR, Role.CITY_MANAGER)


def can_see_experiments(user: User) -> bool:
    """Which ones is asked of Experiment.visible_to."""
    return user.has_role(*READERS)


def can_experiment(user: User, campaign: Campaign) -> bool:
    """Plan, start, stop and decide experiments: adopting puts a script version or an offer in force."""
    return can_plan(user, campaign)


def can_allocate(user: User) -> bool:
    return user.has_role(Role.DATA, *PLANNERS)


def can_send_messages(user: User) -> bool:
    """Take contacts of persons for messages; usually the account of the system that sends them."""
    return user.has_role(Role.DATA, *PLANNERS)


def can_decide_gate(user: User, campaign: Campaign) -> bool:
    return user.has_role(*GATEKEEPERS) and covers_as(user, campaign, GATEKEEPERS)


def can_see_gates(user: User) -> bool:
    """How checkpoints were reviewed. Which ones is asked of GateReview.visible_to."""
    return user.has_role(*GATE_READERS)


def can_confirm_override(user: User, gate: Gate) -> bool:
    """Somebody who may plan or decide, other than the one who asked."""
    roles = (*PLANNERS, *GATEKEEPERS)
    may = user.has_role(*roles) and covers_as(user, gate.campaign, roles)
    return may and gate.decided_by_id not in (None, user.pk)


def can_protect_attributes(user: User) -> bool:
    """Name what likeness to buyers never uses, in the whole region."""
    return user.has_role(Role.ADMINISTRATOR) and user.scope().is_region


# -- data requests: which ones is asked of DataRequest.visible_to -------------------------------------------------------


def can_see_data_requests(user: User) -> bool:
    return user.has_role(*PLANNERS, Role.DATA, Role.CITY_MANAGER)


def can_ask_data(user: User) -> bool:
    """Ask for customers of one's city, or of the region."""
    return user.has_role(*PLANNERS)


def can_decide_data(user: User) -> bool:
    return user.has_role(Role.DATA, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)


def can_decide_request(user: User, request: DataRequest) -> bool:
    """A second person, never the one who asked."""
    return can_decide_data(user) and request.asked_by_id != user.pk and request.state == DataRequest.State.ASKED


def can_withdraw_request(user: User, request: DataRequest) -> bool:
    return request.asked_by_id == user.pk and request.state == DataRequest.State.ASKED


def can_close_data(user: User, request: DataRequest) -> bool:
    """End the use early: who asked, and who may decide."""
    return can_decide_data(user) or (can_ask_data(user) and request.asked_by_id == user.pk)


# -- calls and orders --------------------------------------------------------------------------------------------------

LEADERS = (Role.TEAM_LEADER, Role.SUPERVISOR, Role.CITY_MANAGER, Role.REGIONAL_MANAGER)


def can_read_calls(user: User) -> bool:
    return user.is_superuser or user.has_role(*READERS, Role.AGENT)


def can_read_orders(user: User) -> bool:
    return user.is_superuser or user.has_role(
        *LEADERS, Role.CAMPAIGN_MANAGER, Role.DATA, Role.QA, Role.ADMINISTRATOR, Role.AGENT
    )


def can_change_order(user: User) -> bool:
    """Cancel or reinstate; which orders is asked of Order.visible_to."""
    return user.is_superuser or user.has_role(
        Role.SUPERVISOR, Role.CAMPAIGN_MANAGER, Role.DATA, Role.CITY_MANAGER, Role.REGIONAL_MANAGER, Role.ADMINISTRATOR
    )


def can_read_opportunities(user: User) -> bool:
    """Which ones is asked of Opportunity.visible_to."""
    return user.is_superuser or user.has_role(*LEADERS, Role.CAMPAIGN_MANAGER, Role.AGENT)


CLOSERS = (*LEADERS, Role.CAMPAIGN_MANAGER)


def _leads(user: User, fact: Call | Opportunity) -> bool:
    """By the roles that lead, and no others of the user."""
    scope = scope_in(user, CLOSERS)
    return scope.is_region or fact.city_id in scope.city_ids or fact.team_id in scope.led_team_ids


def can_hand_over_opportunity(user: User, call: Call) -> bool:
    """The agent of the call, and those who lead where it was made."""
    return call.agent_id == user.pk or _leads(user, call)


def can_close_opportunity(user: User, opportunity: Opportunity) -> bool:
    """Write down how it ended, or take that back: those who lead where it came from, but nobody of an own call."""
    return opportunity.agent_id != user.pk and _leads(user, opportunity)


def can_see_costs(user: User) -> bool:
    """Which ones is asked of Cost.visible_to."""
    return user.has_role(*COSTERS)


def can_enter_cost(user: User, *, city_id: int | None, campaign: Campaign | None) -> bool:
    """Enter a cost there, or take it back: of the own city, of a campaign of it; of the region for those whose role covers the region."""
    own = city_id if city_id is not None else campaign.city_id if campaign else None
    sees = campaign is None or Campaign.objects.visible_to(user).filter(pk=campaign.pk).exists()
    return sees and user.covers_as(own, *COSTERS)


def can_import_calls(user: User) -> bool:
    """Bring in the calls of another dialer, by file or one by one."""
    return user.is_superuser or user.has_role(Role.DATA, Role.ADMINISTRATOR)


def can_make_missing(user: User) -> bool:
    """Let an import make campaigns, teams, agents and customers: only for those who see the whole region, since numbers are unique in it."""
    return can_import_calls(user) and (user.is_superuser or user.scope().is_region)


def can_see_names(user: User) -> bool:
    """Names of customers beside their calls: those who work with them, not those who only compare figures."""
    return user.is_superuser or user.has_role(
        Role.AGENT,
        Role.TEAM_LEADER,
        Role.SUPERVISOR,
        Role.QA,
        Role.DATA,
        Role.CAMPAIGN_MANAGER,
        Role.TRAINER,
        Role.ADMINISTRATOR,
    )


def is_bound_by_requests(user: User) -> bool:
    """Who meets customers only through calls sees of those of a data request what the request allows, here as on the desk."""
    return not (user.is_superuser or customer_rules.can_see_customers(user))


# -- the desk ----------------------------------------------------------------------------------------------------------


def can_work_desk(user: User) -> bool:
    """Whoever is an agent of a team, whatever else they are."""
    return user.has_role(Role.AGENT)


def can_see_callbacks(user: User) -> bool:
    return user.has_role(Role.AGENT, *LEADERS, Role.ADMINISTRATOR)


def can_hand_over(user: User) -> bool:
    """Give an agent's promise to another agent."""
    return user.has_role(*LEADERS, Role.ADMINISTRATOR)


def can_see_skips(user: User) -> bool:
    """Which agents put leads away undialled: those who lead them."""
    return user.has_role(*LEADERS)
