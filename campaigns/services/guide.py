"""Notes of the call in hand: kept as they are given, and made into facts with the result."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns import guide, queries_set_up
from campaigns.guide import Notes
from campaigns.models import AnswerUse, Call, CallPath, DeskDraft, Disposition, Lead, Order, ScenarioUse
from campaigns.queries_script import must_say_of, step_numbers
from campaigns.services.answers import how_to_answer
from campaigns.services.held import LeadNotYours
from core.errors import DomainError
from core.rows import row
from people.models import User
from scripts.models import ObjectionAnswer, Scenario, ScriptQuestion, ScriptStep


class NotesBehind(DomainError):
    """Another window has noted more. `newer` is what stands."""

    def __init__(self, newer: Notes) -> None:
        super().__init__(_("Another window went on meanwhile. This is where the script stands."))
        self.newer = newer


class AnswerMissing(DomainError):
    """A required question of a step that was spoken has no answer, or none that fits it, and the conversation came to its end."""


# ---------------------------------------------------------------- while the call runs


@transaction.atomic
def save_notes(*, lead: Lead, agent: User, notes: Notes, at: datetime) -> DeskDraft:
    """Keep what the agent has noted so far. The same post again changes nothing. Raises LeadNotYours, NotesBehind."""
    # the lead alone is locked: whoever takes it away waits, and nobody here waits for the person
    held = row(Lead, "id = %s AND agent_id = %s", [lead.pk, agent.pk], lock=True)
    if held is None or held.held_at is None:
        raise LeadNotYours(
            _("This lead is no longer with you. Its result was recorded before, or it went back to the queue.")
        )
    draft = _draft(held)
    if draft is not None and (draft.version, draft.writer) == (notes.version, notes.writer):
        return draft
    if draft is not None and notes.version <= draft.version:
        raise NotesBehind(_restored(draft))
    draft = DeskDraft(
        lead=held, agent=agent, held_at=held.held_at, version=notes.version, writer=notes.writer, content=notes.stored(), saved_at=at
    )  # fmt: skip
    told = ["agent", "held_at", "version", "writer", "content", "saved_at"]
    DeskDraft.objects.bulk_create([draft], update_conflicts=True, unique_fields=["lead"], update_fields=told)
    return draft


def notes_of(lead: Lead) -> Notes | None:
    """What was noted in this hold of the lead; None when nothing was."""
    draft = _draft(lead) if lead.held_at else None
    return _restored(draft) if draft else None


def _draft(lead: Lead) -> DeskDraft | None:
    return row(DeskDraft, "lead_id = %s AND held_at = %s", [lead.pk, lead.held_at])


def _restored(draft: DeskDraft) -> Notes:
    return guide.restored(draft.content, version=draft.version, writer=draft.writer)


def newest(posted: Notes | None, kept: Notes | None) -> Notes | None:
    """Of what came with the result and what was kept, what is ahead."""
    if posted is None or kept is None:
        return posted or kept
    return kept if kept.version > posted.version else posted


# ---------------------------------------------------------------- with the result


def keep_notes(*, call: Call, notes: Notes, is_late: bool = False) -> None:
    """Path, answers to objections, scenarios and the read-back become facts of the call. Cheap: one row for the path, further ones only
    for what was shown. Raises AnswerMissing; of a late result, whose customer has left the desk, what is missing is told with `left_out`
    of the call instead: nobody can ask any more, and the result must not be lost for it."""
    begins = call.started_at + timedelta(seconds=call.ring_seconds)
    steps = _steps(call) if call.connected and notes.path else {}
    if call.connected and steps:
        try:
            _check_required(call, notes, steps)
        except AnswerMissing as missing:
            if not is_late:
                raise
            call.left_out = [*call.left_out, str(missing)]
        _keep_path(call, notes, steps, begins)
    _keep_answers(call, notes)
    _keep_scenarios(call, notes)
    if call.sale:
        _keep_read_back(call, notes)


def _steps(call: Call) -> Mapping[int, ScriptStep]:
    return queries_set_up.steps(call.script_version_id) if call.script_version_id is not None else {}


def _ends_script(call: Call) -> bool:
    """Sold, or closed with the right person: whoever refuses, breaks off or asks for another time has not come to the end."""
    if not call.right_party or call.refuses_offer or call.refuses_calls or call.mid_call or call.complaint:
        return False
    result = queries_set_up.all_results().get(call.disposition_id)
    return call.sale or (result is not None and result.follow in (Disposition.Follow.WON, Disposition.Follow.CLOSED))


def _check_required(call: Call, notes: Notes, steps: Mapping[int, ScriptStep]) -> None:
    if not _ends_script(call):
        return
    asked = ScriptQuestion.objects.filter(step__in=[pk for pk in notes.walked if pk in steps], is_required=True)
    for question in asked.order_by("step__position", "position"):
        given = notes.answers.get(question.pk)
        if given is None or guide.fitting(question.kind, question.choices, given) is None:
            raise AnswerMissing(_open_question(question, steps, is_answered=given is not None))


def _open_question(question: ScriptQuestion, steps: Mapping[int, ScriptStep], *, is_answered: bool) -> str:
    told = {"number": step_numbers(list(steps.values()))[question.step_id], "question": question.text}
    if not is_answered:
        return _("Step %(number)s: the question “%(question)s” still needs its answer.") % told
    told["how"] = how_to_answer(question)
    return _("Step %(number)s: the answer to “%(question)s” does not fit. %(how)s") % told


def _keep_path(call: Call, notes: Notes, steps: Mapping[int, ScriptStep], begins: datetime) -> None:
    known = [visit for visit in notes.path if visit.step in steps or visit.step == guide.END]
    found = guide.spent(known, begins=begins, ends=begins + timedelta(seconds=call.talk_seconds))
    if call.step_id and call.step_id in steps and call.step_id not in {visit.step for visit in found}:
        found.append(guide.Spent(call.step_id, 0))  # the agent said where it broke off, and knows best
    if not found or call.script_version_id is None:
        return
    CallPath.objects.create(
        call_id=call.pk,
        call_started_at=call.started_at,
        script_version_id=call.script_version_id,
        campaign_id=call.campaign_id,
        city_id=call.city_id,
        team_id=call.team_id,
        step_ids=[visit.step for visit in found],
        seconds=[visit.seconds for visit in found],
        left_step_id=call.step_id or found[-1].step,
        end=_end(call),
    )


def _end(call: Call) -> str:
    if call.sale:
        return CallPath.End.SOLD
    if call.mid_call:
        return CallPath.End.MID_CALL
    return CallPath.End.REFUSED if call.refuses_offer or call.refuses_calls else CallPath.End.OTHER


def _keep_answers(call: Call, notes: Notes) -> None:
    if not notes.shown:
        return
    known = ObjectionAnswer.objects.filter(pk__in=list(notes.shown)).values_list("pk", flat=True)
    AnswerUse.objects.bulk_create(
        AnswerUse(
            call_id=call.pk,
            call_started_at=call.started_at,
            answer_id=pk,
            step_id=notes.shown[pk].step,
            helped=notes.shown[pk].helped,
            sale=call.sale,
        )
        for pk in known
    )


def _keep_scenarios(call: Call, notes: Notes) -> None:
    if not notes.scenarios:
        return
    known = Scenario.objects.filter(pk__in=list(notes.scenarios)).values_list("pk", flat=True)
    ScenarioUse.objects.bulk_create(
        ScenarioUse(
            call_id=call.pk, call_started_at=call.started_at, scenario_id=pk, used=notes.scenarios[pk], sale=call.sale
        )
        for pk in known
    )


def _keep_read_back(call: Call, notes: Notes) -> None:
    order = Order.objects.filter(call_id=call.pk).select_related("product").first()
    if order is None:
        return
    points = must_say_of(call.script_version_id, order.product)
    Order.objects.filter(pk=order.pk).update(
        read_back=[{"text": point, "said": point in notes.said} for point in points]
    )


def forget_old_notes(*, at: datetime) -> int:
    """Notes that outlived their hold, of leads that ended while they were in a hand; how many."""
    return DeskDraft.objects.filter(saved_at__lt=at - timedelta(days=1)).delete()[0]
