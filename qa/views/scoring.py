"""Scoring a call: begin, answer item by item beside the sound, submit."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from campaigns.models import Call
from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from people.access import must
from qa import queries_evaluations as queries, rules
from qa.explaining import explain
from qa.forms import AnswerForm, BeginForm
from qa.models import Evaluation, FormItem, FormVersion
from qa.services import evaluations as services
from qa.views.evaluations import head_of, player_of, source_of
from qa.views.forms import first_fault


@require_POST
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """The evaluation of this call on this form that the user began before, or a new one."""
    must(request, bool(rules.picks_of(request.user)))
    call = get_object_or_404(Call.objects.visible_to(request.user), pk=pk)
    form = BeginForm(request.POST, user=request.user)
    if not form.is_valid():
        messages.error(request, _("Choose a form in force, and why this call is scored."))
        return redirect("campaigns:call", pk=pk)
    recording = queries.newest_recording(request.user, call)
    try:
        made = services.begin(
            call=call, scorer=request.user, at=database_now(), recording=recording, **form.cleaned_data
        )
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("campaigns:call", pk=pk)
    return redirect("qa:score", pk=made.pk)


def _own(request: HttpRequest, pk: int) -> Evaluation:
    """An evaluation of the user's own; those of others do not exist here."""
    must(request, rules.can_see_evaluations(request.user))
    rows = Evaluation.objects.visible_to(request.user).filter(scorer=request.user)
    return get_object_or_404(rows.select_related("recording__sound", "version__form"), pk=pk)


@never_cache
@require_GET
def score(request: HttpRequest, pk: int) -> HttpResponse:
    row = _own(request, pk)
    if row.is_submitted or row.withdrawn_at:
        return redirect("qa:evaluation", pk=pk)
    return render(request, "qa/score.html", {**_sheet(request, row), **head_of(row), **player_of(request, row)})


def _sheet(request: HttpRequest, row: Evaluation) -> dict[str, Any]:
    """Stages with their items, each with its answer and what was decided about its words before; and the sum."""
    version = FormVersion.objects.with_items().get(pk=row.version_id)
    kept, decided = queries.answers_of(row), queries.precedents(request.user, version)
    if services.is_locked(row):
        queries.without_words(row, kept.values())
    stages = [
        (stage, [(item, kept.get(item.pk), decided.get(item.asked, [])) for item in stage.items.all()])
        for stage in version.stages.all()
    ]
    return {
        "evaluation": row,
        "version": version,
        "stages": stages,
        "has_points": any(item.most_points for _stage, lines in stages for item, _kept, _decided in lines),
        **source_of(request, row, version),
        **_sum(row, version, {str(pk): answer.answer for pk, answer in kept.items()}),
    }


def _sum(row: Evaluation, version: FormVersion, given: dict[str, str]) -> dict[str, Any]:
    return {"explained": explain(version, given), "saved": row.saves, "missing": []}


@require_POST
def answer(request: HttpRequest, pk: int, item_pk: int) -> HttpResponse:
    """Keep one answer, with its remark and its place in the recording."""
    row = _own(request, pk)
    item = get_object_or_404(FormItem.objects.select_related("stage"), stage__version=row.version_id, pk=item_pk)
    form, kept = AnswerForm(request.POST), row.answers.filter(item=item).first()
    fault, status = "", 200
    try:
        if not form.is_valid():
            raise services.NotToScore(first_fault(form))
        said = form.cleaned_data
        given = said["answer"] or (kept.answer if kept else "")
        if not given:
            raise services.NotToScore(_("Answer first; the remark and the place go with the answer."))
        span = None if said["from_ms"] is None else (said["from_ms"], said["until_ms"])
        row = services.save_answer(
            evaluation=row,
            item=item,
            answer=given,
            by=request.user,
            remark=said["remark"],
            span=span,
            saves=said["saves"],
        )
    except services.SavedElsewhere as refusal:
        return _anew(request, row, str(refusal))
    except services.EvaluationIsFixed as refusal:
        fault, status = str(refusal), 409
    except PermissionRefused:
        raise
    except DomainError as refusal:
        fault, status = str(refusal), 422
    if not request.headers.get("HX-Request"):
        if fault:
            messages.error(request, fault)
        return redirect("qa:score", pk=pk)
    context = {**_sheet(request, Evaluation.objects.get(pk=pk)), "oob": True, "fault": fault}
    found = next(line for _stage, lines in context["stages"] for line in lines if line[0].pk == item.pk)
    context |= {"item": found[0], "kept": found[1], "decided": found[2]}
    return render(request, "qa/_score_answered.html", context, status=status)


def _anew(request: HttpRequest, row: Evaluation, fault: str) -> HttpResponse:
    """Another window has saved: the whole sheet as it stands now."""
    context = {**_sheet(request, Evaluation.objects.get(pk=row.pk)), "oob": True, "fault": fault}
    response = render(request, "qa/_score_sheet.html", context, status=409)
    response["HX-Retarget"], response["HX-Reswap"] = "#sheet", "outerHTML"
    return response


@require_POST
def remark(request: HttpRequest, pk: int) -> HttpResponse:
    row = _own(request, pk)
    try:
        row = services.save_remark(evaluation=row, remark=request.POST.get("remark", ""), by=request.user)
    except (services.EvaluationIsFixed, services.NotToScore, services.PersonRests) as refusal:
        messages.error(request, str(refusal))
        return redirect("qa:evaluation", pk=pk)
    if not request.headers.get("HX-Request"):
        return redirect("qa:score", pk=pk)
    return render(request, "qa/_score_sum.html", {**_sheet(request, row), "oob": True})


@require_POST
def submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Stands from here on; what is missing comes back in sentences."""
    row = _own(request, pk)
    try:
        services.submit(evaluation=row, by=request.user, at=database_now())
    except services.AnswersMissing:
        context = {**_sheet(request, row), **head_of(row), **player_of(request, row), "missing": services.missing(row)}
        return render(request, "qa/score.html", context, status=422)
    except (services.EvaluationIsFixed, services.NotToScore, services.PersonRests) as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, _("The evaluation is submitted; the agent can read it now."))
    return redirect("qa:evaluation", pk=pk)
