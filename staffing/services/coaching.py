"""Verbs of coaching: plan, prepare with forms and clips, the agent's view, the coach's words, sign, move, cancel."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.errors import DomainError, PermissionRefused
from people.models import User
from qa.models import Clip, Evaluation, FormItem
from staffing import rules
from staffing.models import CoachingSession, CoachingStep


class NoSuchTime(DomainError):
    """No session is planned for a time so far away."""


class SessionFixed(DomainError):
    """Signed or cancelled: it stays as it is."""


class ViewMissing(DomainError):
    """Somebody's words are still missing."""


class ReasonMissing(DomainError):
    """Moved or cancelled without saying why."""


@transaction.atomic
def plan_session(
    *, agent: User, coach: User, planned_at: datetime, at: datetime,
    evaluations: Iterable[Evaluation] = (), clips: Iterable[Clip] = (),
) -> CoachingSession:  # fmt: skip
    """Plan a session of a coach with an agent of a team that the coach may coach. Raises NoSuchTime, and PermissionRefused, also for
    calls of somebody else."""
    team = agent.team_at(at)
    if team is None or team.city_id is None or agent.pk == coach.pk or not rules.can_coach_team(coach, team):
        raise PermissionRefused(_("A leader coaches the agents of the own teams, a trainer those of the own cities."))
    _check_time(planned_at, at)
    prepared, heard = list(evaluations), list(clips)
    if any(evaluation.agent_id != agent.pk or not evaluation.is_submitted for evaluation in prepared):
        raise PermissionRefused(_("Prepare evaluations of this agent that were submitted."))
    hidden = set(heard) - set(Clip.objects.visible_to(coach).kept().filter(pk__in=[clip.pk for clip in heard]))
    if hidden:
        raise PermissionRefused(_("Prepare clips of your own city that are still kept."))
    session = CoachingSession.objects.create(
        agent=agent, coach=coach, team=team, city_id=team.city_id, planned_at=planned_at
    )
    session.evaluations.set(prepared)
    session.clips.set(heard)
    audit("staffing.coaching.planned", session, by=coach, at=at, agent=agent.pk)
    return session


def _check_time(planned_at: datetime, at: datetime) -> None:
    if not rules.is_time_of_session(planned_at, at):
        raise NoSuchTime(_("Choose a time within the last month or the next year."))


@transaction.atomic
def write_own_view(*, session: CoachingSession, by: User, text: str, at: datetime) -> CoachingSession:
    """The agent judges first. Raises PermissionRefused, SessionFixed, ViewMissing."""
    session = _open(session)
    if by.pk != session.agent_id:
        raise PermissionRefused(_("The agent's view is written by the agent."))
    if not text.strip():
        raise ViewMissing(_("Say in your own words how the calls went."))
    session.own_view, session.own_view_at = text.strip(), at
    session.save(update_fields=["own_view", "own_view_at"])
    audit("staffing.coaching.viewed", session, by=by, at=at)
    return session


@transaction.atomic
def write_words(
    *, session: CoachingSession, by: User, good: str, improve: str, expected: str,
    steps: Iterable[tuple[str, date]], next_on: date | None, at: datetime,
    aim: FormItem | None = None,
) -> CoachingSession:  # fmt: skip
    """What was good, what to improve, what is expected, and the steps, which replace those written before.

    `aim` is the item by which both will see whether it helped; without one it is the success rate.
    Raises PermissionRefused, SessionFixed, ViewMissing.
    """
    session = _open(session)
    if by.pk != session.coach_id:
        raise PermissionRefused(_("The coach's words are written by the coach."))
    words = {"good": good.strip(), "improve": improve.strip(), "expected": expected.strip()}
    if not all(words.values()):
        raise ViewMissing(_("Say what was good, what to improve and what is expected."))
    for name, text in {**words, "written_at": at, "next_on": next_on, "aim": aim}.items():
        setattr(session, name, text)
    session.save(update_fields=[*words, "written_at", "next_on", "aim"])
    session.steps.all().delete()
    CoachingStep.objects.bulk_create(CoachingStep(session=session, what=what, due_on=due) for what, due in steps)
    audit("staffing.coaching.written", session, by=by, at=at)
    return session


@transaction.atomic
def sign(*, session: CoachingSession, by: User, at: datetime) -> CoachingSession:
    """Sign for oneself; a second time changes nothing. Raises PermissionRefused, SessionFixed, ViewMissing."""
    session = CoachingSession.objects.select_for_update(of=("self",)).get(pk=session.pk)
    if by.pk not in (session.agent_id, session.coach_id):
        raise PermissionRefused(_("Only the agent and the coach sign."))
    if session.cancelled_at:
        raise SessionFixed(_("This session was cancelled."))
    if not (session.own_view_at and session.written_at):
        raise ViewMissing(_("First the agent's own view and the coach's words are written."))
    field = "agent_signed_at" if by.pk == session.agent_id else "coach_signed_at"
    if getattr(session, field) is None:
        setattr(session, field, at)
        session.save(update_fields=[field])
        audit("staffing.coaching.signed", session, by=by, at=at)
    return session


@transaction.atomic
def look_at_step(*, step: CoachingStep, by: User, is_done: bool, at: datetime) -> CoachingStep:
    """At the next session: done or not. What was signed stays; this is what came of it. Raises PermissionRefused, ViewMissing."""
    step = CoachingStep.objects.select_for_update(of=("self",)).select_related("session").get(pk=step.pk)
    if by.pk != step.session.coach_id:
        raise PermissionRefused(_("The coach says whether a step was done."))
    if not (step.session.coach_signed_at and step.session.agent_signed_at):
        raise ViewMissing(_("First both sign what was agreed."))
    step.is_done, step.looked_at = is_done, at
    step.save(update_fields=["is_done", "looked_at"])
    audit("staffing.coaching.step_looked_at", step, by=by, at=at, done=is_done)
    return step


@transaction.atomic
def move_session(
    *, session: CoachingSession, by: User, planned_at: datetime, why: str, at: datetime
) -> CoachingSession:
    """Raises PermissionRefused, SessionFixed, ReasonMissing, NoSuchTime."""
    session = _changeable(session, by, why)
    _check_time(planned_at, at)
    session.planned_at, session.change_why = planned_at, why.strip()
    session.save(update_fields=["planned_at", "change_why"])
    audit("staffing.coaching.moved", session, by=by, at=at)
    return session


@transaction.atomic
def cancel_session(*, session: CoachingSession, by: User, why: str, at: datetime) -> CoachingSession:
    """Also when the agent has left or moved on meanwhile. Raises PermissionRefused, SessionFixed, ReasonMissing."""
    session = _changeable(session, by, why)
    session.cancelled_at, session.change_why = at, why.strip()
    session.save(update_fields=["cancelled_at", "change_why"])
    audit("staffing.coaching.cancelled", session, by=by, at=at)
    return session


def _open(session: CoachingSession) -> CoachingSession:
    session = CoachingSession.objects.select_for_update(of=("self",)).get(pk=session.pk)
    if session.is_fixed:
        raise SessionFixed(_("This session is signed or cancelled and stays as it is."))
    return session


def _changeable(session: CoachingSession, by: User, why: str) -> CoachingSession:
    session = _open(session)
    if by.pk != session.coach_id:
        raise PermissionRefused(_("Who planned a session moves or cancels it."))
    if not why.strip():
        raise ReasonMissing(_("Say why."))
    return session
