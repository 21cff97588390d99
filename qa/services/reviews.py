"""Verbs of checkpoints 1 and 2: open a review of a gate, look again, answer an item, close it with a verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _, ngettext

from campaigns.models import Call, Campaign, Gate
from campaigns.rules import can_decide_gate
from campaigns.services.planning import decide_gate, next_stage
from core.audit import audit
from core.errors import DomainError, PermissionRefused
from core.jobs import enqueue
from people.models import User
from qa import checkpoints, queries_reviews as queries
from qa.models import ComplaintRisk, Evaluation, GateReview, GateReviewItem, QualityForm
from qa.services import work

Kind, Result, Verdict = GateReviewItem.Kind, GateReviewItem.Result, GateReview.Verdict
AT_ONCE = 100  # so many recordings are queued with the click, more by a job
BATCH = 200


class NotReviewable(DomainError):
    """This gate cannot be reviewed (now)."""


class ReviewClosed(DomainError):
    """A closed review never changes."""


class NotByHand(DomainError):
    """The machine fills this item, or the answer lacks its remark."""


class NotInOrder(DomainError):
    """What keeps the gate from being passed, in words."""


@transaction.atomic
def open_review(*, gate: Gate, by: User, at: datetime, form: QualityForm | None = None) -> GateReview:
    """Begin a round of the checkpoint; the one that is open already is answered with. Before the full run all recordings of the trial are
    given to be scored on `form`. Raises PermissionRefused, NotReviewable."""
    gate = _locked(gate, by)
    found = gate.reviews.open().first()
    if found:
        return found
    _check_reviewable(gate)
    listens = gate.stage == Campaign.Stage.RUNNING
    if listens and form is None:
        raise NotReviewable(_("Choose the form on which the recordings of the trial are scored."))
    review = GateReview.objects.create(gate=gate, form=form if listens else None, opened_by=by, opened_at=at)
    GateReviewItem.objects.bulk_create(
        GateReviewItem(review=review, position=n, key=item.key, kind=item.kind, at=at if item.kind == Kind.MACHINE else None)
        for n, item in enumerate(checkpoints.LISTS[gate.stage], start=1)
    )  # fmt: skip
    audit("qa.gate_review.opened", review, by=by, at=at, **_place(gate))
    _look(review, at)
    return review


def _locked(gate: Gate, by: User) -> Gate:
    gate = (
        Gate.objects.select_for_update(of=("self",)).select_related("campaign__script_version__script").get(pk=gate.pk)
    )
    if not can_decide_gate(by, gate.campaign):
        raise PermissionRefused(_("Your role does not allow this."))
    return gate


def _check_reviewable(gate: Gate) -> None:
    if not gate.is_reviewed:
        raise NotReviewable(_("This gate has no list; it is decided on the page of the campaign."))
    if gate.status == Gate.Status.OVERRIDDEN:
        raise NotReviewable(_("This gate was overridden, which is shown with the campaign for ever."))
    if next_stage(gate.campaign) != gate.stage:
        raise NotReviewable(
            _("The campaign is in stage %(stage)s; this checkpoint is not the next one.")
            % {"stage": gate.campaign.get_stage_display()}
        )


def _place(gate: Gate) -> dict[str, Any]:
    return {"campaign": gate.campaign.code, "stage": gate.stage}


def _held(review: GateReview, by: User) -> GateReview:
    """Locked after its gate, open, and of somebody who may decide."""
    gate = _locked(review.gate, by)
    review = GateReview.objects.select_for_update(of=("self",)).select_related("form").get(pk=review.pk)
    review.gate = gate
    if not review.is_open:
        raise ReviewClosed(_("This review is closed; it stays as it was."))
    return review


@transaction.atomic
def refresh(*, review: GateReview, by: User, at: datetime) -> GateReview:
    """Have the machine look again, and queue the recordings that came since. Raises PermissionRefused, ReviewClosed."""
    review = _held(review, by)
    _look(review, at)
    return review


def _look(review: GateReview, at: datetime) -> None:
    if review.form_id:
        _queue(review, at)
    for item in fresh_items(review, at):
        if item.kind == Kind.MACHINE:
            item.at = at
            item.save(update_fields=["result", "found", "at"])


def fresh_items(review: GateReview, at: datetime) -> list[GateReviewItem]:
    """The items in order; of an open review those of the machine as it sees them now, unsaved."""
    items = list(review.items.select_related("by").order_by("position"))
    seen = queries.looks(review.gate, at) if review.is_open else {}
    for item in items:
        if item.kind == Kind.MACHINE and item.key in seen:
            item.result, item.found = seen[item.key]
    return items


# -- the recordings of the trial ----------------------------------------------------------------------------------------


def _queue(review: GateReview, at: datetime) -> None:
    """Some are given at once; with many a job does."""
    count = queries.unqueued(review.gate).count()
    if count <= AT_ONCE:
        give_batch(review=review, at=at)
    else:
        enqueue(kind="qa.queue_trial", key=f"{review.pk}/{at.isoformat()}", args={"review": review.pk})


@transaction.atomic
def give_batch(*, review: GateReview, at: datetime) -> int:
    """Give the next recordings that nobody was asked to score; 0 when there are none. Asked twice it gives none twice."""
    if not review.is_open or review.form is None:
        return 0
    rows = list(queries.unqueued(review.gate).order_by("pk")[:BATCH])
    calls = {call.pk: call for call in Call.objects.filter(pk__in=[row.call_id for row in rows])}
    for row in rows:
        work.give(
            call=calls[row.call_id], form=review.form, pick=Evaluation.Pick.REQUESTED, source=queries.SOURCE, source_id=review.gate_id, at=at
        )  # fmt: skip
    return len(rows)


# -- answers and verdicts -----------------------------------------------------------------------------------------------


@transaction.atomic
def answer(*, review: GateReview, key: str, result: str, remark: str, by: User, at: datetime) -> GateReviewItem:
    """Say that an item of QA is in order, is not (with what is wrong), or is open again.
    Raises PermissionRefused, ReviewClosed, NotByHand."""
    review = _held(review, by)
    item = review.items.filter(key=key).first()
    if item is None or item.kind != Kind.QA or result not in Result.values:
        raise NotByHand(_("This item is filled by the machine."))
    said = " ".join(remark.split())[:500]
    if result == Result.FAILED and not said:
        raise NotByHand(_("Say what is not in order."))
    if result == Result.OPEN:
        item.result, item.remark, item.by, item.at = result, "", None, None
    elif (item.result, item.remark) != (result, said):
        item.result, item.remark, item.by, item.at = result, said, by, at
    else:
        return item
    item.save(update_fields=["result", "remark", "by", "at"])
    audit("qa.gate_review.answered", review, by=by, at=at, item=key, result=result, **_place(review.gate))
    return item


@transaction.atomic
def close(*, review: GateReview, verdict: str, reason: str, by: User, at: datetime) -> GateReview:
    """Pass the gate, send the campaign back with a reason, or (trial) say that it is too early for rates, with about how many more calls.
    What stands then is frozen. Raises PermissionRefused, ReviewClosed, NotInOrder, GateClosed, GateOpen."""
    review = _held(review, by)
    if verdict not in (Verdict.PASS, Verdict.BACK, Verdict.EARLY):
        raise NotInOrder(_("Choose a verdict."))
    _look(review, at)
    rates = queries.rates(review.gate.campaign, at) if review.form_id else None
    if verdict == Verdict.PASS and (found := faults(review)):
        raise NotInOrder(_("The gate is not passed yet: %(faults)s.") % {"faults": "; ".join(found)})
    if verdict == Verdict.EARLY:
        _check_early(rates)
    if verdict == Verdict.BACK and not reason.strip():
        raise NotInOrder(_("Say what has to be changed before this gate can be passed."))
    _freeze(review, verdict, reason, rates, by, at)
    if verdict != Verdict.EARLY:
        decide_gate(gate=review.gate, passed=verdict == Verdict.PASS, reason=review.reason, by=by, at=at)
    return review


def _check_early(rates: queries.Rates | None) -> None:
    if rates is None:
        raise NotInOrder(_("Before the trial call there are no rates."))
    if not rates.is_early:
        raise NotInOrder(_("The calls are enough to judge the rates: pass the gate, or send the campaign back."))


def _freeze(review: GateReview, verdict: str, reason: str, rates: queries.Rates | None, by: User, at: datetime) -> None:
    campaign = review.gate.campaign
    review.evidence = evidence(review, rates, at)
    review.verdict, review.reason, review.closed_by, review.closed_at = verdict, reason.strip()[:1000], by, at
    review.more_calls = rates.more_calls if rates and verdict == Verdict.EARLY else None
    review.script_version = campaign.script_version
    review.save()
    audit(
        "qa.gate_review.closed", review, by=by, at=at, verdict=str(verdict), version=campaign.script_version_id, **_place(review.gate)
    )  # fmt: skip


def faults(review: GateReview) -> list[str]:
    """What keeps the gate from being passed, in words: items open or not in order, and risks that nobody has cleared."""
    found = [
        f"{checkpoints.label(review.gate.stage, item.key)} ({item.get_result_display()})"
        for item in review.items.order_by("position")
        if item.result != Result.OK
    ]
    uncleared = ComplaintRisk.objects.open().filter(campaign=review.gate.campaign_id).count()
    if uncleared:
        words = ngettext("%(n)s complaint risk is not cleared", "%(n)s complaint risks are not cleared", uncleared)
        found.append(words % {"n": uncleared})
    return found


def evidence(review: GateReview, rates: queries.Rates | None, at: datetime) -> dict[str, Any]:
    """What stands now, as it is kept with the verdict."""
    campaign, version = review.gate.campaign, review.gate.campaign.script_version
    risks = ComplaintRisk.objects.filter(campaign=campaign)
    open_risks = risks.filter(cleared_at=None).count()
    found: dict[str, Any] = {
        "script": {"version": version.pk, "script": str(version.script), "number": version.number, "status": version.status} if version else None,
        "items": list(review.items.order_by("position").values("key", "kind", "result", "found", "remark")),
        "risks": {"open": open_risks, "cleared": risks.count() - open_risks},
    }  # fmt: skip
    if rates is not None:
        found["rates"] = {"lines": rates.lines, "calls": rates.calls, "more_calls": rates.more_calls}
        found["steps"] = queries.refusals_by_step(campaign, at)
    return found


def must_be_reviewed(gate: Gate, passed: bool, at: datetime) -> None:
    """Refuse to decide a gate otherwise than by closing its review at this moment. Raises NotInOrder."""
    verdict = Verdict.PASS if passed else Verdict.BACK
    if not gate.reviews.filter(verdict=verdict, closed_at=at).exists():
        raise NotInOrder(_("This gate is decided by the review of its checkpoint."))


@transaction.atomic
def close_overridden(*, gate: Gate, by: User, at: datetime) -> None:
    """Two persons opened the gate over an open review: it is closed as it stands."""
    review = GateReview.objects.open().select_for_update(of=("self",)).filter(gate=gate).first()
    if review is None:
        return
    review.gate = Gate.objects.select_related("campaign__script_version__script").get(pk=gate.pk)
    rates = queries.rates(review.gate.campaign, at) if review.form_id else None
    _freeze(review, Verdict.OVERRIDDEN, gate.reason, rates, by, at)
