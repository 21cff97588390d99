"""Verbs on evaluations: begin, answer, submit, take back; and the agent's: accept, appeal, hear the decision."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns.models import Call
from core.audit import audit
from core.errors import DomainError, PermissionRefused
from customers.models import Customer
from customers.queries import heirs_of, was_erased
from people.models import User
from qa import rules, scoring
from qa.models import Appeal, Evaluation, EvaluationAnswer, FirstRuling, FormItem, FormVersion, Recording
from qa.services import work
from qa.services.notes import check_span

APPEAL_WITHIN = timedelta(days=7)  # after the evaluation was submitted
FURTHER_WITHIN = timedelta(days=7)  # after the first decision
DECIDE_WITHIN = timedelta(days=5)  # after the appeal
FORGOTTEN = "–"  # a decision has a ground, even when its words are gone


class NotToScore(DomainError):
    """This call, form or person does not go with an evaluation."""


class EvaluationIsFixed(DomainError):
    """The evaluation is submitted or taken back: its answers stay."""


class AnswersMissing(DomainError):
    """What is missing before the evaluation can be submitted."""


class SavedElsewhere(DomainError):
    """Another window has saved since this one was loaded."""


class TooLate(DomainError):
    """The time for it is over."""


class AlreadyDone(DomainError):
    """It was decided, accepted or appealed before."""


class PersonRests(DomainError):
    """The customer's data are locked, or the customer was erased: nothing is written about the person."""


@transaction.atomic
def begin(
    *, call: Call, version: FormVersion, scorer: User, pick: str, at: datetime, probability: float | None = None, recording: Recording | None = None
) -> Evaluation:  # fmt: skip
    """The scorer's evaluation of the call on this form: the one begun before, or a new one.

    Raises PermissionRefused, NotToScore (form not published, own call, submitted before).
    """
    if call.agent_id == scorer.pk:
        raise NotToScore(_("Nobody scores an own call."))
    if not rules.can_score(scorer, pick, call):
        raise PermissionRefused(_("Your role does not allow you to score calls of this place."))
    same = Evaluation.objects.filter(call_id=call.pk, version=version, scorer=scorer, withdrawn_at=None)
    found = same.first()
    if found and found.is_submitted:
        raise NotToScore(_("You have scored this call with this form already."))
    if found:
        return found
    if version.status != FormVersion.Status.PUBLISHED:
        raise NotToScore(_("Calls are scored with a published form. Choose the version in force."))
    fields = {name: getattr(call, name) for name in ("customer_id", "city_id", "agent_id", "team_id", "campaign_id")}
    try:
        with transaction.atomic():
            made = Evaluation.objects.create(
                call_id=call.pk, call_started_at=call.started_at, recording=recording, version=version, scorer=scorer,
                pick=pick, probability=probability, started_at=at, **fields,
            )  # fmt: skip
    except IntegrityError:
        return same.get()  # begun in another window at the same moment
    audit("qa.evaluation.begun", made, by=scorer, at=at, call_id=call.pk, pick=pick)
    return made


@transaction.atomic
def save_answer(
    *, evaluation: Evaluation, item: FormItem, answer: str, by: User, remark: str = "", span: tuple[int, int | None] | None = None, saves: int | None = None,
) -> Evaluation:  # fmt: skip
    """Keep one answer ("" takes it back) with its remark and its span of the recording in milliseconds.

    `saves` is how many saves the window knew of; with another number the window shows what is there now. Raises PermissionRefused,
    EvaluationIsFixed, SavedElsewhere, NotToScore, OutsideRecording.
    """
    evaluation = _draft(evaluation, by)
    check_words(evaluation, remark)
    if saves is not None and saves != evaluation.saves:
        raise SavedElsewhere(_("Another window has saved since. This is what stands there now."))
    if item.stage.version_id != evaluation.version_id:
        raise NotToScore(_("This item belongs to another version of the form."))
    _check_answer(item, answer)
    if span and evaluation.recording:
        check_span(evaluation.recording, *span)
    from_ms, until_ms = span if span and evaluation.recording else (None, None)
    if answer:
        EvaluationAnswer.objects.update_or_create(
            evaluation=evaluation, item=item,
            defaults={"answer": answer, "remark": remark.strip()[:500], "from_ms": from_ms, "until_ms": until_ms},
        )  # fmt: skip
    else:
        evaluation.answers.filter(item=item).delete()
    evaluation.saves += 1
    evaluation.save(update_fields=["saves"])
    return evaluation


@transaction.atomic
def save_remark(*, evaluation: Evaluation, remark: str, by: User) -> Evaluation:
    """The remark on the whole call. Raises PermissionRefused, EvaluationIsFixed, NotToScore."""
    evaluation = _draft(evaluation, by)
    check_words(evaluation, remark)
    evaluation.remark = remark.strip()[:2000]
    evaluation.saves += 1
    evaluation.save(update_fields=["remark", "saves"])
    return evaluation


def _check_answer(item: FormItem, answer: str) -> None:
    """ "" takes an answer back. Raises NotToScore."""
    if not answer or answer in item.as_item().answers:
        return
    if item.most_points is None:
        raise NotToScore(_("Answer Yes, No, or that it does not apply."))
    raise NotToScore(_("Give 0 to %(most)s points, or answer that it does not apply.") % {"most": item.most_points})


def given(evaluation: Evaluation) -> dict[str, str]:
    """{item id: answer}, as qa.scoring reads it."""
    return {str(answer.item_id): answer.answer for answer in evaluation.answers.all()}


def missing(evaluation: Evaluation) -> list[str]:
    """What is missing before it can be submitted, in sentences: an answer to every item, and of one that is not
    the best (No, or less than full points) a remark and where it is heard."""
    kept = {answer.item_id: answer for answer in evaluation.answers.all()}
    is_forgotten = _was_erased(evaluation)  # the remarks went with the person, and none may be written anew
    items = list(FormItem.objects.filter(stage__version=evaluation.version_id).order_by("stage__position", "position"))
    found = []
    open_items = [item for item in items if item.pk not in kept]
    if open_items:
        found.append(
            _("%(count)s items have no answer yet, the first is “%(item)s”.")
            % {"count": len(open_items), "item": open_items[0]}
        )
    for item in items:
        answer = kept.get(item.pk)
        if answer is None or answer.answer in (scoring.NOT_APPLICABLE, item.as_item().best) or is_forgotten:
            continue
        if not answer.remark:
            found.append(_("“%(item)s”: say in a remark what was wrong.") % {"item": item})
        if evaluation.recording_id and answer.from_ms is None:
            found.append(_("“%(item)s”: mark where it is heard.") % {"item": item})
    return found


@transaction.atomic
def submit(*, evaluation: Evaluation, by: User, at: datetime) -> Evaluation:
    """The evaluation stands, with its score as qa_score.v1 counts it now and never again. The agent sees it from here on.

    Raises PermissionRefused, EvaluationIsFixed, NotToScore, AnswersMissing.
    """
    evaluation = _draft(evaluation, by)
    faults = missing(evaluation)
    if faults:
        raise AnswersMissing(" ".join(faults[:5]))
    said = given(evaluation)
    found = scoring.score(evaluation.version.sheet(), said)
    evaluation.submitted_at, evaluation.definition = at, scoring.VERSION
    evaluation.raw, evaluation.reported, evaluation.coverage = (
        _stored(found.raw), _stored(found.reported), _stored(found.coverage)
    )  # fmt: skip
    evaluation.outcome, evaluation.is_grave = found.outcome, bool(found.failed_by)
    evaluation.answers_given = len(said)
    evaluation.answers_na = sum(answer == scoring.NOT_APPLICABLE for answer in said.values())
    evaluation.pick, evaluation.probability = work.choice_of(evaluation)
    evaluation.save()
    work.close_with(evaluation=evaluation, at=at)
    audit("qa.evaluation.submitted", evaluation, by=by, at=at, outcome=found.outcome, failed_by=list(found.failed_by))
    return evaluation


@transaction.atomic
def withdraw(*, evaluation: Evaluation, reason: str, by: User, at: datetime) -> None:
    """Take an evaluation out of every figure; it stays to be read. Its scorer may, before an appeal. Raises PermissionRefused, AlreadyDone, AnswersMissing."""
    evaluation = Evaluation.objects.select_for_update(of=("self",)).get(pk=evaluation.pk)
    if not rules.can_withdraw(by, evaluation):
        raise PermissionRefused(_("Only its scorer takes an evaluation back."))
    if evaluation.withdrawn_at or Appeal.objects.filter(answer__evaluation=evaluation).exists():
        raise AlreadyDone(_("It was taken back before, or the agent has appealed: then the decision stands beside it."))
    if not reason.strip():
        raise AnswersMissing(_("Say why it is taken back."))
    evaluation.withdrawn_at = at
    evaluation.save(update_fields=["withdrawn_at"])
    work.reopen(evaluation=evaluation)
    audit("qa.evaluation.withdrawn", evaluation, by=by, at=at, reason=reason.strip()[:200])


@transaction.atomic
def accept(*, evaluation: Evaluation, by: User, at: datetime) -> Evaluation:
    """The agent has read it and agrees. Twice is once. Raises PermissionRefused, AlreadyDone."""
    evaluation = _own(evaluation, by)
    if Appeal.objects.filter(answer__evaluation=evaluation, decision="").exists():
        raise AlreadyDone(_("Your appeal is not decided yet."))
    if evaluation.accepted_at is None:
        evaluation.accepted_at = at
        evaluation.save(update_fields=["accepted_at"])
        audit("qa.evaluation.accepted", evaluation, by=by, at=at)
    return evaluation


@transaction.atomic
def appeal(*, answer: EvaluationAnswer, reason: str, by: User, at: datetime) -> Appeal:
    """The agent does not agree with one answer. Raises PermissionRefused, TooLate, AlreadyDone, AnswersMissing."""
    evaluation = _own(answer.evaluation, by)
    assert evaluation.submitted_at is not None
    if at > evaluation.submitted_at + APPEAL_WITHIN:
        raise TooLate(_("An appeal is made within %(days)s days of the evaluation.") % {"days": APPEAL_WITHIN.days})
    if evaluation.accepted_at:
        raise AlreadyDone(_("You have accepted this evaluation."))
    check_words(evaluation, reason)
    if not reason.strip():
        raise AnswersMissing(_("Say what you heard instead."))
    if Appeal.objects.filter(answer=answer).exists():
        raise AlreadyDone(_("You have appealed this item before."))
    made = Appeal.objects.create(answer=answer, reason=reason.strip()[:1000], appealed_at=at, due_at=at + DECIDE_WITHIN)
    audit("qa.appeal.made", made, by=by, at=at, evaluation=evaluation.pk, city_id=evaluation.city_id)
    return made


@transaction.atomic
def appeal_further(*, appeal: Appeal, reason: str, by: User, at: datetime) -> Appeal:
    """An answer that QA upheld goes to who answers for the place, once; what QA said stays beside it.

    Raises PermissionRefused, AlreadyDone, TooLate, AnswersMissing.
    """
    evaluation = _own(appeal.answer.evaluation, by)  # before its appeal, as whoever appeals or erases does
    appeal = _locked(appeal)
    if appeal.level == Appeal.LAST_LEVEL:
        raise AlreadyDone(_("This appeal has gone further before; the second decision is the last."))
    if appeal.decision != Appeal.Decision.UPHELD or evaluation.accepted_at:
        raise AlreadyDone(
            _("Only an answer that stands after the first decision, of an evaluation not accepted, goes further.")
        )
    assert appeal.decided_at is not None  # a decision is whole
    assert appeal.decided_by_id is not None
    if at > appeal.decided_at + FURTHER_WITHIN:
        raise TooLate(
            _("An appeal goes further within %(days)s days of its first decision.") % {"days": FURTHER_WITHIN.days}
        )
    check_words(evaluation, reason)
    if not reason.strip():
        raise AnswersMissing(_("Say what the first decision overlooked."))
    FirstRuling.objects.create(
        appeal=appeal, reason=appeal.reason, appealed_at=appeal.appealed_at, ground=appeal.ground,
        decided_by_id=appeal.decided_by_id, decided_at=appeal.decided_at,
    )  # fmt: skip
    appeal.level, appeal.reason = Appeal.LAST_LEVEL, reason.strip()[:1000]
    appeal.appealed_at, appeal.due_at = at, at + DECIDE_WITHIN
    appeal.decision = appeal.right_answer = appeal.ground = ""
    appeal.decided_by = appeal.decided_at = None
    appeal.save()
    audit("qa.appeal.taken_further", appeal, by=by, at=at, evaluation=evaluation.pk, city_id=evaluation.city_id)
    return appeal


def _locked(appeal: Appeal) -> Appeal:
    rows = Appeal.objects.select_for_update(of=("self",)).select_related("answer__evaluation", "answer__item", "first")
    return rows.get(pk=appeal.pk)


@transaction.atomic
def decide(*, appeal: Appeal, right_answer: str, ground: str, by: User, at: datetime) -> Appeal:
    """Say which answer is right, and why. The evaluation stays as it was submitted; the decision is shown beside it, and at this item
    of the form from now on. Raises PermissionRefused, AlreadyDone, AnswersMissing."""
    appeal = _locked(appeal)
    evaluation = appeal.answer.evaluation
    if not rules.can_decide_appeal(by, appeal):
        raise PermissionRefused(_who_decides(appeal.level))
    if appeal.decision:
        raise AlreadyDone(_("This appeal is decided."))
    check_open(evaluation)
    if right_answer not in appeal.answer.item.as_item().answers or not ground.strip():
        raise AnswersMissing(_("Say which answer is right, and why."))
    if _is_worse(appeal.answer, right_answer):
        raise AnswersMissing(
            _("An appeal makes no answer worse for the agent. Choose the answer as it was given, or a better one.")
        )
    stands = right_answer == appeal.answer.answer
    appeal.decision = Appeal.Decision.UPHELD if stands else Appeal.Decision.OVERTURNED
    appeal.right_answer, appeal.ground = right_answer, FORGOTTEN if _was_erased(evaluation) else ground.strip()[:1000]
    appeal.decided_by, appeal.decided_at = by, at
    appeal.save()
    audit("qa.appeal.decided", appeal, by=by, at=at, decision=appeal.decision, city_id=evaluation.city_id)
    return appeal


def _is_worse(given: EvaluationAnswer, right_answer: str) -> bool:
    """Earns less; what does not apply earns neither more nor less."""
    item = given.item.as_item()
    earned, would_earn = item.earned(given.answer), item.earned(right_answer)
    return earned is not None and would_earn is not None and would_earn < earned


def _who_decides(level: int) -> str:
    if level == Appeal.LAST_LEVEL:
        return _("Another manager of the call's city or region than who decided first decides what QA has upheld.")
    return _("Another member of QA of the call's place than the scorer decides.")


def _draft(evaluation: Evaluation, by: User) -> Evaluation:
    """The evaluation, locked. Raises PermissionRefused, EvaluationIsFixed, NotToScore (its scorer has left the place)."""
    evaluation = (
        Evaluation.objects.select_for_update(of=("self",)).select_related("version__form", "recording__sound").get(pk=evaluation.pk)
    )  # fmt: skip
    if evaluation.scorer_id != by.pk:
        raise PermissionRefused(_("Only its scorer changes an evaluation."))
    if evaluation.is_submitted or evaluation.withdrawn_at:
        raise EvaluationIsFixed(_("This evaluation is submitted and stays as it is."))
    if not rules.can_score(by, evaluation.pick, evaluation):
        raise NotToScore(
            _(
                "You no longer score where this call was made. Take the evaluation back, so that somebody there scores the call."
            )
        )
    check_open(evaluation)
    return evaluation


def is_locked(evaluation: Evaluation) -> bool:
    """Whether the customer's data rest; then what was said about the call is shown to nobody."""
    return Customer.objects.filter(pk=evaluation.customer_id, is_locked=True).exists()


def check_open(evaluation: Evaluation) -> None:
    """Raises PersonRests."""
    if is_locked(evaluation):
        raise PersonRests(_("This person's data are locked: the evaluation rests until the lock ends."))


def check_words(evaluation: Evaluation, words: str) -> None:
    """Nothing is written about who is locked or was erased. Raises PersonRests."""
    check_open(evaluation)
    if words.strip() and _was_erased(evaluation):
        raise PersonRests(_("This person was erased at their request: answer without words."))


def _was_erased(evaluation: Evaluation) -> bool:
    return any(was_erased(customer) for customer in heirs_of(evaluation.customer_id))


def _own(evaluation: Evaluation, by: User) -> Evaluation:
    evaluation = Evaluation.objects.select_for_update(of=("self",)).get(pk=evaluation.pk)
    if evaluation.agent_id != by.pk or not evaluation.is_submitted or evaluation.withdrawn_at:
        raise PermissionRefused(_("This is not an evaluation of your own."))
    return evaluation


def _stored(value: Fraction | None) -> Decimal | None:
    return None if value is None else scoring.in_thousandths(value)
