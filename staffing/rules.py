"""Who may do what in staffing."""

from __future__ import annotations

from datetime import datetime, timedelta

from people.models import Membership, Team, User
from people.scopes import scope_in
from qa.rules import can_see_evaluations
from staffing.models import CoachingSession

Role = Membership.Role
LEADERS, TRAINERS = (Role.TEAM_LEADER,), (Role.TRAINER,)
BACK, AHEAD = timedelta(days=31), timedelta(days=366)  # of a session, from the time at which it is planned


def can_see_growth(user: User) -> bool:
    """Of whom is asked of Evaluation.visible_to: an agent sees the own, a leader the team's, others their cities'."""
    return can_see_evaluations(user)


def can_see_coaching(user: User) -> bool:
    """Which ones is asked of CoachingSession.visible_to: an agent and a coach see their own, a city's manager the city's."""
    return user.has_role(Role.AGENT, Role.CITY_MANAGER, *LEADERS, *TRAINERS)


def can_coach(user: User) -> bool:
    return user.has_role(*LEADERS, *TRAINERS)


def is_time_of_session(planned_at: datetime, at: datetime) -> bool:
    """Not years away by a slip of the hand."""
    return at - BACK <= planned_at <= at + AHEAD


def can_see_problems(user: User) -> bool:
    """What a team has in common: who leads, trains or answers for it."""
    return user.has_role(Role.CITY_MANAGER, *LEADERS, *TRAINERS)


def can_coach_team(user: User, team: Team | None) -> bool:
    """A leader the own teams, a trainer those of the own cities. Notes lie in a city, and so does the team."""
    if team is None or team.city_id is None or not can_coach(user):
        return False
    trained = scope_in(user, TRAINERS)
    in_place = trained.is_region or team.city_id in trained.city_ids or team.pk in trained.led_team_ids
    return team.pk in scope_in(user, LEADERS).led_team_ids or (user.has_role(*TRAINERS) and in_place)


def can_lead_session(user: User, session: CoachingSession) -> bool:
    """Write the coach's words, move and cancel: who planned it."""
    return user.pk == session.coach_id
