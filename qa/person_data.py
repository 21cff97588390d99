"""What recordings and evaluations hold about a person: for the copy they may ask for, for the erasing, and the duty to keep."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _, pgettext

from core.columns import shown
from core.workbooks import Column
from customers import person_data
from customers.models import Customer
from customers.person_data import Sheet
from customers.queries import former_ids
from qa.models import (
    Appeal,
    CalibrationDecision,
    Clip,
    Complaint,
    ComplaintStep,
    Evaluation,
    EvaluationAnswer,
    FirstRuling,
    Recording,
    RecordingNote,
    SurveyAnswer,
    SurveyAsk,
)
from qa.services import keeping
from qa.services.evaluations import FORGOTTEN

WIDE = 60


def _persons(customer: Customer) -> list[int]:
    return [customer.pk, *former_ids(customer.pk)]


def facts(customer: Customer) -> list[Sheet]:
    """Recordings with the text of the call, what was noted at them, and clips."""
    rows = Recording.objects.kept().filter(customer_id__in=_persons(customer)).order_by("call_started_at", "pk")
    notes = RecordingNote.objects.filter(recording__in=rows).select_related("recording")
    clips = Clip.objects.kept().filter(customer_id__in=_persons(customer)).order_by("made_at", "pk")
    return [
        Sheet(
            _("Recordings"),
            [_("Call"), Column(_("Length, seconds"), format="#,##0"), _("Kept until"), Column(_("Text of the call"), WIDE)],
            [[row.call_started_at, row.seconds, row.keep_until, _said(row)] for row in rows],
        ),
        Sheet(
            _("Remarks at recordings"),
            [_("Call"), Column(_("Second"), format="#,##0"), Column(_("Remark"), WIDE)],
            [[note.recording.call_started_at, note.from_ms // 1000, note.text] for note in notes.order_by("recording", "from_ms")],
        ),
        Sheet(
            _("Clips of calls"),
            [_("Chosen"), _("Kept until"), pgettext("of a recording", "Consent"), Column(_("What is good about it"), WIDE)],
            [[clip.made_at, clip.keep_until, clip.get_consent_display(), clip.title] for clip in clips],
        ),
        Sheet(
            _("Evaluations of calls"),
            [_("Call"), Column(_("Item"), WIDE), Column(_("Remark"), WIDE)],
            [[at, item, remark] for at, item, remark in _remarks(customer)],
        ),
        Sheet(
            _("Answers to surveys"),
            [_("Call"), pgettext("survey", "Answered"), Column(_("Answer from 1 to 5"), format="0"), Column(_("In the customer's words"), WIDE)],
            [[row.ask.call_started_at, row.at, row.score, row.words] for row in _survey_answers(customer)],
        ),
        Sheet(
            _("Complaints"),
            [_("Received"), Column(_("What the customer says"), WIDE), Column(_("Answer to the customer"), WIDE), Column(_("Steps"), WIDE)],
            [[row.received_at, row.words, row.answer, _steps(row)] for row in _complaints(customer)],
        ),
    ]  # fmt: skip


def _remarks(customer: Customer) -> list[tuple[datetime, str, str]]:
    """(time of the call, item or nothing, what was remarked) at evaluations of the person's calls."""
    rows = Evaluation.objects.filter(customer_id__in=_persons(customer)).order_by("call_started_at", "pk")
    answers = EvaluationAnswer.objects.filter(evaluation__in=rows).exclude(remark="")
    said = [(row.call_started_at, "", row.remark) for row in rows if row.remark]
    return said + [
        (answer.evaluation.call_started_at, str(answer.item), answer.remark)
        for answer in answers.select_related("evaluation", "item").order_by("evaluation", "pk")
    ]


def _survey_answers(customer: Customer) -> QuerySet[SurveyAnswer]:
    rows = SurveyAnswer.objects.filter(ask__customer_id__in=_persons(customer))
    return rows.select_related("ask").order_by("at", "pk")


def _complaints(customer: Customer) -> QuerySet[Complaint]:
    rows = Complaint.objects.filter(customer_id__in=_persons(customer)).order_by("received_at", "pk")
    return rows.prefetch_related("steps")


def _steps(row: Complaint) -> str:
    return "\n".join(step.words for step in sorted(row.steps.all(), key=lambda step: step.pk) if step.words)


def _said(row: Recording) -> str:
    return "\n".join(f"{turn['speaker']}: {turn['text']}" for turn in (row.transcript or {}).get("segments", []))[
        :30_000
    ]


def forget(customer: Customer, at: datetime) -> None:
    """Sound, words, remarks and clips go; that there was a recording, who heard it, and what a call was scored with, stays."""
    persons = _persons(customer)
    keeping.destroy_recordings(rows=Recording.objects.filter(customer_id__in=persons), at=at)
    keeping.destroy_clips(rows=Clip.objects.filter(customer_id__in=persons), at=at)
    rows = Evaluation.objects.filter(customer_id__in=persons)
    rows.exclude(remark="").update(remark="")
    answers = EvaluationAnswer.objects.filter(evaluation__in=rows)
    answers.exclude(remark="").update(remark="")
    complaints = Complaint.objects.filter(customer_id__in=persons)
    complaints.update(words="", answer="")
    ComplaintStep.objects.filter(complaint__in=complaints).update(words="")
    # the link in the person's hand opens nothing any more
    SurveyAsk.objects.filter(customer_id__in=persons).update(token_digest=None, refusal="")
    SurveyAsk.objects.filter(customer_id__in=persons, state__in=SurveyAsk.WAITING).update(
        state="refused", reason="locked"
    )
    SurveyAsk.objects.filter(customer_id__in=persons, state="sent").update(state="expired")
    # after the links, whose rows an answer in flight holds: its words are there to be emptied by now
    _survey_answers(customer).order_by().update(words="")
    appeals = Appeal.objects.filter(answer__in=answers)
    appeals.update(reason="")
    appeals.exclude(decision="").update(ground=FORGOTTEN)
    FirstRuling.objects.filter(appeal__in=appeals).update(reason="", ground=FORGOTTEN)
    CalibrationDecision.objects.filter(session__customer_id__in=persons).update(ground=FORGOTTEN)


def duty(customer: Customer, at: datetime) -> str:
    """A rule may say that recordings must be kept, such as those of insurance sold."""
    kept = Recording.objects.kept().filter(customer_id__in=_persons(customer))
    table, until = keeping.KeepTable(), at
    for product_id, sale, started_at in kept.values_list("product_id", "sale", "call_started_at"):
        rule = table.rule(product_id=product_id, sale=sale)
        if rule.is_duty:
            until = max(until, started_at + timedelta(days=rule.days))
    if until <= at:
        return ""
    return _("A recording of this person must be kept until %(day)s.") % {"day": shown(until, "day")}


def register() -> None:
    person_data.register(facts=facts, forget=forget, duty=duty)
