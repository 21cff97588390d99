"""Second scorers: some of the drawn calls that were scored are given to another scorer, who is not told."""

from __future__ import annotations

import random
import secrets
from collections import defaultdict
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from campaigns.models import Call
from core.audit import audit
from core.calendar import business_date, day_bounds
from core.errors import DomainError, PermissionRefused
from customers.models import Customer
from people.models import User
from qa import rules
from qa.models import CalibrationSeat, DoubleDraw, DoubleShare, Evaluation, ScoringTask
from qa.services import work
from qa.services.scorers import Scorers

DEFAULT_PERCENT = DoubleShare.LEAST
DUE_WITHIN = timedelta(days=7)
BACK_DAYS = 7  # a day on which the job did not run is drawn later, but not for ever


class NotAShare(DomainError):
    """Outside the bounds."""


class DayNotOver(DomainError):
    """Evaluations of this day can still be submitted."""


@transaction.atomic
def set_share(*, percent: int, by: User, at: datetime) -> DoubleShare:
    """From the next draw on. The share that holds already is not set again. Raises PermissionRefused, NotAShare."""
    if not rules.can_set_double_share(by):
        raise PermissionRefused(_("Your role does not allow this."))
    if not DoubleShare.LEAST <= percent <= DoubleShare.MOST:
        raise NotAShare(
            _("Between %(least)s and %(most)s of 100 calls are scored twice.")
            % {"least": DoubleShare.LEAST, "most": DoubleShare.MOST}
        )
    newest = DoubleShare.objects.order_by("-pk").first()
    if newest and newest.percent == percent:
        return newest
    made = DoubleShare.objects.create(percent=percent, set_by=by, set_at=at)
    audit("qa.double_share.set", made, by=by, at=at, percent=percent)
    return made


def share() -> int:
    """How many of 100 are scored twice."""
    newest = DoubleShare.objects.order_by("-pk").first()
    return newest.percent if newest else DEFAULT_PERCENT


def days_due(at: datetime) -> list[date]:
    """The last days that are over and not drawn, the earliest first."""
    today = business_date(at)
    last = [today - timedelta(days=back) for back in range(BACK_DAYS, 0, -1)]
    drawn = set(DoubleDraw.objects.filter(day__in=last).values_list("day", flat=True))
    return [day for day in last if day not in drawn]


@transaction.atomic
def draw_day(*, day: date, at: datetime, chance: random.Random | None = None) -> DoubleDraw:
    """Draw from what was submitted that day, in each city its share, rounded up or down by lot so that it is kept in the long run.

    Drawn before, the draw that is there. Raises DayNotOver.
    """
    if day >= business_date(at):
        raise DayNotOver(_("This day is not over yet: evaluations can still come."))
    chance, percent = chance or secrets.SystemRandom(), share()
    try:
        with transaction.atomic():
            made = DoubleDraw.objects.create(
                day=day, percent=percent, evaluations=0, picked=0, without=0, drawn_at=at
            )  # fmt: skip
    except IntegrityError:
        return DoubleDraw.objects.get(day=day)
    scorers = Scorers(at)
    for rows in _by_city(day):
        wanted = int(len(rows) * percent / 100 + chance.random())
        picked, without = _give(chance.sample(rows, len(rows)), wanted, scorers, at, chance)
        made.evaluations += len(rows)
        made.picked += picked
        made.without += without
    made.save(update_fields=["evaluations", "picked", "without"])
    audit("qa.double.drawn", made, by=None, at=at, day=day.isoformat(), picked=made.picked)
    return made


def _by_city(day: date) -> list[list[Evaluation]]:
    """Submitted evaluations of calls that were drawn and can still be scored. The audio of one that was scored with audio is still there."""
    since, until = day_bounds(day)
    locked = Customer.objects.filter(pk=OuterRef("customer_id"), is_locked=True)
    rows = Evaluation.objects.submitted().filter(
        pick__in=Evaluation.PUBLISHED_PICKS,
        submitted_at__gte=since,
        submitted_at__lt=until,
        version__status="published",
    )
    rows = rows.exclude(Exists(locked)).exclude(recording__destroyed_at__isnull=False)
    found: dict[int, list[Evaluation]] = defaultdict(list)
    for row in rows.select_related("version__form").order_by("pk"):
        found[row.city_id].append(row)
    return list(found.values())


def _give(
    rows: list[Evaluation], wanted: int, scorers: Scorers, at: datetime, chance: random.Random
) -> tuple[int, int]:
    """Go through them until as many as wanted have a second scorer. Returns (given, passed over for want of one)."""
    picked = without = 0
    for row in rows:
        if picked >= wanted:
            break
        call = Call.objects.filter(pk=row.call_id, started_at=row.call_started_at).first()
        free = sorted(set(scorers.of(row)) - _knowing(row))
        second = User.objects.get(pk=chance.choice(free)) if free else None
        if call is None or second is None:
            without += 1
            continue
        first = ScoringTask.objects.filter(evaluation=row, source=ScoringTask.Source.PLAN).first()
        work.give(
            call=call, form=row.version.form, pick=Evaluation.Pick.CALIBRATION, source=ScoringTask.Source.DOUBLE, at=at, scorer=second,
            source_id=row.pk, blind=first.blind if first else True, due_at=at + DUE_WITHIN,
        )  # fmt: skip
        picked += 1
    return picked, without


def _knowing(row: Evaluation) -> set[int]:
    """Who has scored this call, is about to, or has a seat in a session about it."""
    of_call = Evaluation.objects.filter(call_id=row.call_id, withdrawn_at=None).values_list("scorer", flat=True)
    waiting = ScoringTask.objects.open().filter(call_id=row.call_id, scorer__isnull=False)
    seats = CalibrationSeat.objects.filter(session__call_id=row.call_id)
    return {
        row.scorer_id,
        *of_call,
        *waiting.values_list("scorer", flat=True),
        *seats.values_list("scorer", flat=True),
    }


@transaction.atomic
def settle(*, at: datetime) -> int:
    """Second scorers who have left the place, and calls whose first evaluation was taken back, wait no longer. Returns how many."""
    rows = ScoringTask.objects.open().filter(source=ScoringTask.Source.DOUBLE)
    taken_back = Evaluation.objects.filter(withdrawn_at__isnull=False)
    gone = set(rows.filter(Q(source_id__in=taken_back.values("pk"))).values_list("pk", flat=True))
    scorers, dropped = Scorers(at), 0
    for task in rows.order_by("pk"):
        if task.pk in gone or task.scorer_id not in scorers.of(task):
            work.drop(task=task, why=_("No second answer is needed any more."), at=at)
            dropped += 1
    return dropped
