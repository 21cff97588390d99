"""Verbs on calibration sessions: open, take a scorer out, close, and record what was agreed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns.models import Call
from core.audit import audit
from core.errors import DomainError, PermissionRefused
from people.models import User
from qa import queries_calibration as queries, rules
from qa.models import (  # fmt: skip
    CalibrationDecision,
    CalibrationSeat,
    CalibrationSession,
    Evaluation,
    FormItem,
    QualityForm,
    ScoringTask,
)
from qa.services import work
from qa.services.evaluations import check_words
from qa.services.scorers import Scorers

LEAST_SCORERS, MOST_SCORERS = 2, 20


class NotASession(DomainError):
    """A session cannot be opened so."""


class NotShownYet(DomainError):
    """Somebody has not scored yet, and the session is open."""


class AlreadyDone(DomainError):
    """It was decided or scored before."""


@transaction.atomic
def open_session(
    *, call: Call, form: QualityForm, scorers: Sequence[User], name: str, by: User, at: datetime, due_at: datetime | None = None
) -> CalibrationSession:  # fmt: skip
    """Have the call scored by each of them, blind to each other. Raises PermissionRefused, NotASession."""
    if not rules.can_calibrate_in(by, call.city_id, call.team_id) or call.agent_id == by.pk:
        raise PermissionRefused(_("Your role does not allow this."))
    people = sorted(set(scorers), key=lambda user: user.pk)
    _check(call, form, people, name, at)
    # a task of an earlier session that came back when its evaluation was taken back
    for task in _open_tasks(call, form):
        work.drop(task=task, why=_("The session is closed."), at=at)
    try:
        with transaction.atomic():
            made = CalibrationSession.objects.create(
                name=name.strip()[:80], form=form, call_id=call.pk, call_started_at=call.started_at, customer_id=call.customer_id,
                city_id=call.city_id, agent_id=call.agent_id, team_id=call.team_id, campaign_id=call.campaign_id, made_by=by, made_at=at,
                due_at=due_at,
            )  # fmt: skip
    except IntegrityError as fault:
        if "calibration_session_open_once" not in str(fault):
            raise
        raise NotASession(_("A session about this call and form is open already.")) from None
    for scorer in people:
        _seat(made, call, scorer, at)
    audit("qa.calibration.opened", made, by=by, at=at, call_id=call.pk, scorers=[user.pk for user in people])
    return made


def _check(call: Call, form: QualityForm, people: list[User], name: str, at: datetime) -> None:
    if not name.strip():
        raise NotASession(_("Give the session a name."))
    if not form.versions.filter(status="published").exists():
        raise NotASession(_("Calls are scored with a published form. Choose the version in force."))
    if not LEAST_SCORERS <= len(people) <= MOST_SCORERS:
        raise NotASession(
            _("Choose %(least)s to %(most)s scorers.") % {"least": LEAST_SCORERS, "most": MOST_SCORERS}
        )  # fmt: skip
    may = Scorers(at).of(call)
    for user in people:
        if user.pk not in may:
            raise NotASession(_("%(scorer)s does not score calls of this place or team.") % {"scorer": user})
    scored = Evaluation.objects.submitted().filter(call_id=call.pk, version__form=form, scorer__in=people)
    if before := scored.select_related("scorer").first():
        raise NotASession(_("%(scorer)s has scored this call on this form already.") % {"scorer": before.scorer})


def _open_tasks(call: Call, form: QualityForm) -> list[ScoringTask]:
    open_session = CalibrationSession.objects.open().filter(call_id=call.pk, form=form)
    rows = ScoringTask.objects.open().filter(call_id=call.pk, form=form, source=ScoringTask.Source.CALIBRATION)
    return [] if open_session.exists() else list(rows)


def _seat(session: CalibrationSession, call: Call, scorer: User, at: datetime) -> None:
    task = work.give(
        call=call, form=session.form, pick=Evaluation.Pick.CALIBRATION, source=ScoringTask.Source.CALIBRATION, at=at,
        scorer=scorer, source_id=session.pk, blind=True, due_at=session.due_at,
    )  # fmt: skip
    CalibrationSeat.objects.create(session=session, scorer=scorer, task=task)


@transaction.atomic
def take_out(*, session: CalibrationSession, scorer: User, by: User | None, at: datetime) -> CalibrationSeat:
    """The session goes on without a scorer who has not scored. Twice is once; `by` is None when they have left the place by themselves.

    Raises PermissionRefused, AlreadyDone.
    """
    session = _locked(session, by)
    seat = session.seats.select_related("task").get(scorer=scorer)
    if seat.left_at:
        return seat
    if seat.task.done_at:
        raise AlreadyDone(_("%(scorer)s has scored; the answers stay in the session.") % {"scorer": scorer})
    seat.left_at = at
    seat.save(update_fields=["left_at"])
    work.drop(task=seat.task, why=_("Taken out of the calibration session."), at=at)
    audit("qa.calibration.left", session, by=by, at=at, scorer=scorer.pk)
    return seat


@transaction.atomic
def close(*, session: CalibrationSession, by: User, at: datetime) -> CalibrationSession:
    """Nobody scores in it any more, and all answers are shown. Twice is once. Raises PermissionRefused."""
    session = _locked(session, by)
    if session.closed_at:
        return session
    for seat in session.seats.filter(task__done_at=None, task__dropped_at=None).select_related("task"):
        work.drop(task=seat.task, why=_("The session is closed."), at=at)
    session.closed_at, session.closed_by = at, by
    session.save(update_fields=["closed_at", "closed_by"])
    audit("qa.calibration.closed", session, by=by, at=at)
    return session


@transaction.atomic
def decide(
    *, session: CalibrationSession, item: FormItem, right_answer: str, ground: str, by: User, at: datetime
) -> CalibrationDecision:
    """Record the answer that was agreed on and why; at these words of the form it is a precedent from now on. Evaluations stay as they are.

    Raises PermissionRefused, NotShownYet, NotASession, AlreadyDone, PersonRests.
    """
    session = _locked(session, by)
    if not queries.is_shown(session):
        raise NotShownYet(_("Answers are agreed on when all have scored or the session is closed."))
    if right_answer not in item.as_item().answers or not ground.strip():
        raise NotASession(_("Say which answer is right, and why."))
    if not item_of(session, item):
        raise NotASession(_("Nobody has answered this item in the session."))
    if session.decisions.filter(item=item).exists():
        raise AlreadyDone(_("This item is decided."))
    check_words(queries.evaluations_of(session)[0], ground)
    made = CalibrationDecision.objects.create(
        session=session,
        item=item,
        right_answer=right_answer,
        ground=ground.strip()[:1000],
        decided_by=by,
        decided_at=at,
    )
    audit("qa.calibration.decided", session, by=by, at=at, item=item.pk, right_answer=right_answer)
    return made


def item_of(session: CalibrationSession, item: FormItem) -> bool:
    return any(row.answers.filter(item=item).exists() for row in queries.evaluations_of(session))


@transaction.atomic
def settle(*, at: datetime) -> int:
    """Scorers who have left the place of an open session leave the session too, so that the others do not wait. Returns how many."""
    seats = CalibrationSeat.objects.filter(
        left_at=None, task__done_at=None, task__dropped_at=None, session__closed_at=None
    )
    scorers, left = Scorers(at), 0
    for seat in seats.select_related("session", "scorer").order_by("pk"):
        if seat.scorer_id not in scorers.of(seat.session):
            take_out(session=seat.session, scorer=seat.scorer, by=None, at=at)
            left += 1
    return left


def _locked(session: CalibrationSession, by: User | None) -> CalibrationSession:
    session = CalibrationSession.objects.select_for_update(of=("self",)).get(pk=session.pk)
    if by is not None and (
        not rules.can_calibrate_in(by, session.city_id, session.team_id) or by.pk == session.agent_id
    ):
        raise PermissionRefused(_("Your role does not allow this."))
    return session
