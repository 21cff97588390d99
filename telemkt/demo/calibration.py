"""Calibration in the demo: two more of quality, a session that shows its answers, one being scored, and calls scored twice.

Enough of them that the page of agreement says something: one item is unclear, and one scorer is stricter than the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from campaigns.models import Call
from core.calendar import business_date
from people.models import Membership, User
from qa import scoring
from qa.models import Evaluation, EvaluationAnswer, FormItem, FormVersion, QualityForm, Recording, ScoringTask
from qa.services import calibration, evaluations, queue, work
from telemkt.demo.accounts import People, Role, person_name

SEED = 414
TWICE = 36  # calls
UNCLEAR_PLACE, STRICT_PLACE = 6, 2
UNCLEAR, STRICT = "这一项没有听到明确的表述。", "开场没有完整说明来意。"
GROUND = "客户已经主动说明了用量，再问一遍反而拖长通话，按“是”记。"


def make_calibration(people: People, at: datetime) -> None:
    """Sessions, and calls with a second answer, of the last days."""
    lead, version = people.by_role[str(Role.QA)], _version()
    others = list(_scorers(people, at))
    recordings = list(_recordings(at))
    if version is None or len(recordings) < TWICE + 2:
        return
    _session(recordings[0], version, "每月校准：异议处理", [lead, *others], at - timedelta(days=1), lead, open_seats=0)
    _session(recordings[1], version, "新话术试听校准", [lead, *others], at - timedelta(hours=3), lead, open_seats=1)
    dice = Random(SEED)
    for recording in recordings[2 : TWICE + 2]:
        _twice(recording, version, others[0], others[1], dice, at)


def _version() -> FormVersion | None:
    return FormVersion.objects.with_items().published().filter(form=QualityForm.objects.get(code="coaching")).first()


def _scorers(people: People, at: datetime) -> Iterator[User]:
    """Of QA like the one whose account is printed; they cannot sign in."""
    names = Random(SEED)
    for number in (2, 3):
        user = User(username=f"qa-{number}", display_name=person_name(names), language=User.Language.CHINESE)
        user.set_unusable_password()
        user.save()
        Membership.objects.create(user=user, role=Role.QA, valid_from=business_date(at) - timedelta(days=200))
        yield user


def _recordings(at: datetime) -> Iterator[Recording]:
    """Those that nobody has scored, the oldest first."""
    scored = Evaluation.objects.values("call_id")
    waiting = ScoringTask.objects.values("call_id")
    rows = Recording.objects.select_related("sound").filter(call_started_at__lte=at - timedelta(hours=4))
    yield from (
        rows.exclude(call_id__in=scored).exclude(call_id__in=waiting).order_by("call_started_at", "pk")[: TWICE + 2]
    )


def _call(recording: Recording) -> Call:
    return Call.objects.get(pk=recording.call_id, started_at=recording.call_started_at)


def _items(version: FormVersion) -> list[FormItem]:
    return [item for stage in version.stages.all() for item in stage.items.all()]


def _session(
    recording: Recording,
    version: FormVersion,
    name: str,
    scorers: list[User],
    at: datetime,
    lead: User,
    open_seats: int,
) -> None:
    session = calibration.open_session(
        call=_call(recording),
        form=version.form,
        scorers=scorers,
        name=name,
        by=lead,
        at=at,
        due_at=at + timedelta(days=3),
    )
    seats = list(session.seats.select_related("task", "scorer").order_by("pk"))
    for number, seat in enumerate(seats[open_seats:]):
        made = queue.begin(task=seat.task, by=seat.scorer, at=at)
        if made is not None:
            _submit(made, version, {UNCLEAR_PLACE: UNCLEAR} if number == 0 else {}, at + timedelta(hours=1))
    if not open_seats:
        item = _items(version)[UNCLEAR_PLACE]
        calibration.decide(session=session, item=item, right_answer=item.good, ground=GROUND, by=lead, at=at + timedelta(hours=2))  # fmt: skip
        calibration.close(session=session, by=lead, at=at + timedelta(hours=2))


def _twice(recording: Recording, version: FormVersion, one: User, other: User, dice: Random, at: datetime) -> None:
    """`one` draws no line at the unclear item where `other` does, and is stricter about the opening."""
    call, then = _call(recording), at - timedelta(days=1)
    first = evaluations.begin(
        call=call,
        version=version,
        scorer=one,
        pick=Evaluation.Pick.RANDOM,
        probability=0.02,
        at=then,
        recording=recording,
    )
    _submit(first, version, _wrong(dice, unclear=0.5, strict=0.3), then)
    task = work.give(
        call=call, form=version.form, pick=Evaluation.Pick.CALIBRATION, source=ScoringTask.Source.DOUBLE, at=then, scorer=other,
        source_id=first.pk, blind=True, due_at=then + timedelta(days=7),
    )  # fmt: skip
    second = queue.begin(task=task, by=other, at=then)
    if second is not None:
        _submit(second, version, _wrong(dice, unclear=0.5, strict=0.02), then + timedelta(hours=2))


def _wrong(dice: Random, *, unclear: float, strict: float) -> dict[int, str]:
    return {
        place: words
        for place, words, share in ((UNCLEAR_PLACE, UNCLEAR, unclear), (STRICT_PLACE, STRICT, strict))
        if dice.random() < share
    }


def _submit(made: Evaluation, version: FormVersion, wrong: dict[int, str], at: datetime) -> None:
    EvaluationAnswer.objects.bulk_create(
        _answer(made, item, wrong.get(place, "")) for place, item in enumerate(_items(version))
    )
    evaluations.submit(evaluation=made, by=made.scorer, at=at)


def _answer(made: Evaluation, item: FormItem, wrong: str) -> EvaluationAnswer:
    if not wrong:
        return EvaluationAnswer(evaluation=made, item=item, answer=item.good)
    bad = scoring.NO if item.good == scoring.YES else scoring.YES
    return EvaluationAnswer(evaluation=made, item=item, answer=bad, remark=wrong, from_ms=0, until_ms=1000)
