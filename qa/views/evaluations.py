"""Pages of evaluations: the list, one as QA, leader and agent read it; accepting, appeals, decisions, taking back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from campaigns.models import Call
from campaigns.queries_calls import Names
from core.clock import database_now
from core.columns import Column
from core.errors import DomainError, PermissionRefused
from people.access import must
from qa import queries_evaluations as queries, queries_work, rules, scoring
from qa.explaining import explain
from qa.figure_lists import FigureListing
from qa.filters import EvaluationFilter
from qa.forms import DecideForm, ReasonForm
from qa.models import Appeal, Evaluation, EvaluationAnswer, FormVersion
from qa.services import evaluations as services
from qa.views.forms import first_fault
from qa.views.recordings import player_context
from scripts.rules import can_write_articles


def _address(row: Evaluation) -> str:
    return reverse("qa:evaluation" if row.is_submitted or row.withdrawn_at else "qa:score", args=[row.pk])


def columns(names: Names) -> list[Column]:
    return [
        Column("call_started_at", _("Time of the call"), kind="moment", width=18, link=_address),
        Column("agent", _("Agent"), value=lambda row: "" if row.is_blind else names.agent(row.agent_id), sort=""),
        Column("team", _("Team"), value=lambda row: "" if row.is_blind else names.teams.get(row.team_id), sort=""),
        Column("form", _("Form"), value=lambda row: str(row.version), sort=""),
        Column("scorer", _("Scorer"), value=lambda row: str(row.scorer), sort=""),
        Column("pick", _("Why this call"), value="pick_shown", sort=""),
        Column("score", _("Score"), value="raw", num=True, sort="", template="qa/_evaluation_score.html"),
        Column("coverage", _("Coverage"), value="coverage", num=True, sort="", template="qa/_evaluation_coverage.html"),
        Column("outcome", _("Outcome"), value="outcome", sort="", template="qa/_evaluation_outcome.html"),
        Column("appeal", _("Appeal"), value="appeal_state", sort="", template="qa/_evaluation_appeal.html"),
    ]  # fmt: skip


class EvaluationListing(FigureListing):
    @property
    def note(self) -> str:
        """Why a scorer finds fewer than a figure says (EvaluationFilter.by_pick), and fewer than others find (Evaluation.visible_to)."""
        is_cut = self._said.get("pick") == "published" and rules.can_work(self.request.user)
        own = _("What you scored yourself is left out: which of it is scored twice is not to be told.")
        blind = _("What you are still to score without knowing what others found is left out here and in your figures.")
        return f"{super().note} {own} {blind}".strip() if is_cut else super().note


@never_cache
@require_GET
def evaluations(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_see_evaluations(request.user))
    names = Names()
    listing = EvaluationListing(
        request, queries.evaluations_shown(request.user), columns(names), names=names, name="qa.evaluations", title=_("Evaluations"),
        filterset=EvaluationFilter, order="-call_started_at", may_export=False, row_link=_address,
        empty_title=_("No evaluations yet."), empty_text=_empty_text(request),
    )  # fmt: skip
    return listing.page_or_export("qa/evaluations.html", {"may_see_appeals": rules.can_see_appeals(request.user)})


def _empty_text(request: HttpRequest) -> str:
    if rules.picks_of(request.user):
        return _("Open a call or a recording and choose “Score this call”.")
    return _("They appear here as soon as calls are scored and submitted.")


def head_of(row: Evaluation) -> dict[str, Any]:
    """Whose call it is, in words; unsaid to a scorer who is not to know."""
    names = Names()
    is_blind = queries_work.is_blind(row)
    return {
        "is_blind": is_blind,
        "agent": _("Agent not shown") if is_blind else names.agent(row.agent_id),
        "team": "" if is_blind else names.teams.get(row.team_id, ""),
        "campaign": names.campaigns.get(row.campaign_id, ""),
        "city": names.cities.get(row.city_id, ""),
        "crumbs": [(_("Evaluations"), reverse("qa:evaluations"))],
    }


def source_of(request: HttpRequest, row: Evaluation, version: FormVersion) -> dict[str, Any]:
    """Where the parts of the script stand that items name, asked only when one does."""
    items = [item for stage in version.stages.all() for item in stage.items.all()]
    named = any(item.script_part for item in items)
    may_read_retired = can_write_articles(request.user)
    return {"script_url": queries.script_url(request.user, row) if named else "", "may_read_retired": may_read_retired}


def player_of(request: HttpRequest, row: Evaluation) -> dict[str, Any]:
    """What the player needs; without a recording that the user may hear, `recording` is None."""
    heard = queries.heard_recording(request.user, row) if rules.can_hear(request.user) else None
    if heard is None:
        return {"recording": None}
    found = player_context(request, heard)
    return {name: found[name] for name in ("recording", "sound", "rest", "fault", "turns", "hints")}


def _row(request: HttpRequest, pk: int) -> Evaluation:
    must(request, rules.can_see_evaluations(request.user))
    rows = queries.evaluations_shown(request.user).select_related("recording__sound")
    return get_object_or_404(rows, pk=pk)


@never_cache
@require_GET
def evaluation(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(request, pk)
    if not (row.is_submitted or row.withdrawn_at):
        return redirect("qa:score", pk=pk)
    return render(request, "qa/evaluation.html", _page(request, row))


def _page(request: HttpRequest, row: Evaluation) -> dict[str, Any]:
    user, version = request.user, FormVersion.objects.with_items().get(pk=row.version_id)
    kept = queries.answers_of(row)
    if services.is_locked(row):
        queries.without_words(row, kept.values())
    stages = [(stage, [(item, kept.get(item.pk)) for item in stage.items.all()]) for stage in version.stages.all()]
    is_mine = user.pk == row.agent_id and row.is_submitted and row.withdrawn_at is None
    in_time = row.is_submitted and database_now() <= row.submitted_at + services.APPEAL_WITHIN
    return {
        "evaluation": row,
        "version": version,
        "stages": stages,
        "explained": explain(version, {str(pk): answer.answer for pk, answer in kept.items()}),
        "is_explained": row.definition
        == scoring.VERSION,  # what another definition counted is not explained by this one
        "has_call": Call.objects.visible_to(user).filter(pk=row.call_id).exists(),
        "may_accept": is_mine and row.accepted_at is None and row.appeal_state != "open",
        "may_appeal": is_mine and row.accepted_at is None and in_time,
        "appeal_until": row.submitted_at + services.APPEAL_WITHIN if row.submitted_at else None,
        "may_decide": rules.can_decide(user, row),
        "may_decide_further": rules.can_decide(user, row, Appeal.LAST_LEVEL),
        "may_appeal_further": is_mine and row.accepted_at is None,
        "further_after": database_now() - services.FURTHER_WITHIN,
        "may_withdraw": rules.can_withdraw(user, row) and row.withdrawn_at is None and not row.appeal_state,
        "has_next": row.scorer_id == user.pk and rules.can_work(user) and queries_work.next_task(user) is not None,
        "at": database_now(),
        **head_of(row),
        **source_of(request, row, version),
        **player_of(request, row),
    }


@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(request, pk)
    return _do(request, row, None, lambda: services.accept(evaluation=row, by=request.user, at=database_now()), _("Accepted."))  # fmt: skip


@require_POST
def appeal(request: HttpRequest, pk: int, answer_pk: int) -> HttpResponse:
    row = _row(request, pk)
    answer = get_object_or_404(EvaluationAnswer.objects.select_related("evaluation"), evaluation=row, pk=answer_pk)
    form = ReasonForm(request.POST)
    return _do(request, row, form, lambda: services.appeal(
        answer=answer, by=request.user, at=database_now(), **form.cleaned_data
    ), _("Your appeal is with QA; another than the scorer decides."))  # fmt: skip


@require_POST
def appeal_further(request: HttpRequest, pk: int, appeal_pk: int) -> HttpResponse:
    row = _row(request, pk)
    found = get_object_or_404(Appeal, answer__evaluation=row, pk=appeal_pk)
    form = ReasonForm(request.POST)
    return _do(request, row, form, lambda: services.appeal_further(
        appeal=found, by=request.user, at=database_now(), **form.cleaned_data
    ), _("Your appeal is with the managers of your city and region."))  # fmt: skip


@require_POST
def decide(request: HttpRequest, pk: int, appeal_pk: int) -> HttpResponse:
    row = _row(request, pk)
    found = get_object_or_404(Appeal, answer__evaluation=row, pk=appeal_pk)
    form = DecideForm(request.POST)
    return _do(request, row, form, lambda: services.decide(
        appeal=found, by=request.user, at=database_now(), **form.cleaned_data
    ), _("Decided; agent and scorer see it at the item."))  # fmt: skip


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    row = _row(request, pk)
    form = ReasonForm(request.POST)
    return _do(request, row, form, lambda: services.withdraw(
        evaluation=row, by=request.user, at=database_now(), **form.cleaned_data
    ), _("Taken back; it counts in no figure any more."))  # fmt: skip


def _do(request: HttpRequest, row: Evaluation, form: Form | None, verb: Callable[[], Any], done: str) -> HttpResponse:
    """One verb on the evaluation's page; a refusal stays on the page as its sentence."""
    try:
        if form is not None and not form.is_valid():
            raise services.AnswersMissing(first_fault(form))
        verb()
    except PermissionRefused:
        raise
    except DomainError as refusal:
        return render(request, "qa/evaluation.html", {**_page(request, row), "fault_said": str(refusal), "said": request.POST}, status=409)  # fmt: skip
    messages.success(request, done)
    return redirect("qa:evaluation", pk=row.pk)
