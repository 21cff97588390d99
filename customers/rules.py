"""Who may do what with customers, sources, suppressions and rules of contact. Which rows is asked of visible_to."""

from __future__ import annotations

from customers.models import RuleChange, Suppression
from customers.models.people import ANSWERERS
from people.models import Membership, User

Role = Membership.Role
TOP = (Role.REGIONAL_MANAGER, Role.ADMINISTRATOR)
WORK = (Role.DATA, Role.CAMPAIGN_MANAGER, Role.SUPERVISOR, *TOP)
LOOK = (*WORK, Role.CITY_MANAGER, Role.QA)


def can_see_customers(user: User) -> bool:
    return user.has_role(*LOOK)


def can_change_customers(user: User) -> bool:
    """Tags and consents by hand; search by exact number."""
    return user.has_role(*WORK)


def can_export_customers(user: User) -> bool:
    """Take the list along as a file, numbers masked; many rows with the consent of a second person (people.exports)."""
    return user.has_role(Role.DATA, Role.CAMPAIGN_MANAGER, *TOP)


def can_reveal_number(user: User) -> bool:
    """See one number in full, with a reason and within the quota."""
    return user.has_role(*WORK)


def can_see_suppressions(user: User) -> bool:
    return user.has_role(*LOOK)


def can_load_registers(user: User) -> bool:
    """A register reaches customers of every city: the data team of the region, and the top."""
    return user.has_role(Role.DATA, *TOP) and user.scope().is_region


def can_suppress(user: User) -> bool:
    """Whoever speaks with customers' wishes may enter that somebody is not to be called."""
    return user.has_role(*LOOK)


def can_lift(user: User, suppression: Suppression) -> bool:
    """A wish not to be called is lifted at the top or by the data team, a complaint by QA, what was entered by hand by those who work with
    customers' data and by whoever entered it."""
    if suppression.kind == Suppression.Kind.LOCKED:
        return False  # unlocked through the request by which the person was locked
    if suppression.kind == Suppression.Kind.COMPLAINT:
        return user.has_role(Role.QA, *TOP)
    if suppression.kind in (Suppression.Kind.REFUSAL, Suppression.Kind.REGISTER):
        return user.has_role(Role.DATA, *TOP)
    is_own = suppression.kind == Suppression.Kind.MANUAL and suppression.created_by_id == user.pk
    return user.has_role(*WORK) or (is_own and can_suppress(user))


def can_add_quiet_time(user: User) -> bool:
    """As a wish not to be called at all."""
    return can_suppress(user)


def can_end_quiet_time(user: User) -> bool:
    """Only at the customer's word, by those who also change consents."""
    return can_change_customers(user)


def can_change_greylist(user: User) -> bool:
    """Enter and lift: those who change consents."""
    return can_change_customers(user)


def can_see_rules(user: User) -> bool:
    return user.has_role(*LOOK)


def can_change_rules(user: User) -> bool:
    return user.has_role(*TOP)


def can_decide_rule_change(user: User, change: RuleChange) -> bool:
    """A second person: whoever may propose, except who did."""
    return can_change_rules(user) and change.asked_by_id != user.pk and change.state == RuleChange.State.ASKED


def can_withdraw_rule_change(user: User, change: RuleChange) -> bool:
    """What holds at once already is not taken back alone."""
    return change.asked_by_id == user.pk and change.state == RuleChange.State.ASKED and not change.at_once


def can_see_sources(user: User) -> bool:
    return user.has_role(Role.DATA, Role.CAMPAIGN_MANAGER, *TOP)


def can_change_sources(user: User) -> bool:
    return user.has_role(Role.DATA, *TOP)


def can_see_segments(user: User) -> bool:
    """Which ones is asked of Segment.visible_to; their customers are shown to them with masked numbers."""
    return user.has_role(Role.DATA, Role.CAMPAIGN_MANAGER, Role.CITY_MANAGER, *TOP)


def can_change_segments(user: User) -> bool:
    """Make, change, count anew and archive segments, and so decide which customers a tag follows."""
    return user.has_role(Role.DATA, Role.CAMPAIGN_MANAGER, *TOP)


def can_see_requests(user: User) -> bool:
    """What persons ask about their own data: entered by whoever speaks with customers."""
    return user.has_role(*LOOK)


def can_answer_requests(user: User) -> bool:
    """Give a copy, correct, erase, lock; see whom nobody else sees any more."""
    return user.has_role(*ANSWERERS)


def can_decide_same_persons(user: User) -> bool:
    """See who may be the same person, tell them apart, merge them and undo a merge: the data team, of the pairs that it sees."""
    return user.has_role(Role.DATA)


def can_see_canaries(user: User) -> bool:
    """Which customers are made up, and in which files they stood."""
    return user.has_role(Role.ADMINISTRATOR)
