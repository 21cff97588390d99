"""The editor of a draft: one page, and the small requests by which it keeps what is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from core.htmx import toast
from core.numbers import LARGEST_ID, number_or_none
from people.access import must
from scripts import blanks, queries_versions, rules, services_questions, services_steps as verbs
from scripts.forms_steps import MoveForm, QuestionForm, StepForm
from scripts.models import (
    Article,
    ScriptQuestion,
    ScriptStep,
    ScriptVersion,
)

UNDO = "scripts.undo"  # in the session: what was deleted last, by the key of its step
UNDOABLE = 5


def _version(request: HttpRequest, pk: int) -> ScriptVersion:
    must(request, rules.can_write_scripts(request.user))
    return get_object_or_404(ScriptVersion.objects.select_related("script__product"), pk=pk)


def _step(request: HttpRequest, pk: int) -> ScriptStep:
    must(request, rules.can_write_scripts(request.user))
    return get_object_or_404(ScriptStep.objects.select_related("version__script__product"), pk=pk)


def _question(request: HttpRequest, pk: int) -> ScriptQuestion:
    must(request, rules.can_write_scripts(request.user))
    return get_object_or_404(ScriptQuestion.objects.select_related("step__version__script__product"), pk=pk)


@require_GET
def version_edit(request: HttpRequest, pk: int) -> HttpResponse:
    version = _version(request, pk)
    if version.status != ScriptVersion.Status.DRAFT:
        return redirect(f"{reverse('scripts:script', args=[version.script_id])}?version={version.number}")
    return render(request, "scripts/version_edit.html", {**_whole(version), "blanks": blanks.offered()})


@require_http_methods(["GET", "POST"])
def steps(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: all steps anew. POST: one more at the end of a part."""
    version = _version(request, pk)
    if request.method == "GET":
        return _editor(request, version, oob=True)
    part = request.POST.get("part", "")
    if part not in ScriptStep.Part.values:
        raise Http404
    return _all_anew(request, version, lambda: verbs.add_step(version=version, part=part, **_who(request)))


@require_POST
def step_save(request: HttpRequest, pk: int) -> HttpResponse:
    step = _step(request, pk)
    form = StepForm(request.POST)
    if not form.is_valid():
        return _not_saved(request, _first_fault(form))
    return _saved(
        request,
        step.version,
        lambda: verbs.save_step(step=step, values=form.values(), seen=request.POST.get("seen"), **_who(request)),
        stamp_id=f"step-{step.pk}-seen",
    )


@require_POST
def step_delete(request: HttpRequest, pk: int) -> HttpResponse:
    step = _step(request, pk)
    version = step.version

    def delete() -> None:
        memento = verbs.delete_step(step=step, **_who(request))
        kept = list(request.session.get(UNDO, {}).items())[1 - UNDOABLE :]
        request.session[UNDO] = dict([*kept, (str(step.key), memento)])

    answer = _all_anew(request, version, delete, focus=f"add-{step.part}")
    if answer.status_code == 200:
        toast(answer, _("The step is deleted."), undo=reverse("scripts:step_restore", args=[version.pk, step.key]))
    return answer


@require_POST
def step_restore(request: HttpRequest, pk: int, key: Any) -> HttpResponse:
    version = _version(request, pk)
    memento = request.session.get(UNDO, {}).get(str(key))
    if memento is None:
        raise Http404
    try:
        step = verbs.restore_step(version=version, memento=memento, **_who(request))
    except DomainError as error:
        return toast(HttpResponse(status=204), str(error))
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"script-changed": {"focus": _field(step)}})})


@require_POST
def step_duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    step = _step(request, pk)
    return _all_anew(request, step.version, lambda: verbs.duplicate_step(step=step, **_who(request)))


@require_POST
def step_move(request: HttpRequest, pk: int) -> HttpResponse:
    step = _step(request, pk)
    form = MoveForm(request.POST)
    if not form.is_valid() or not (form.cleaned_data["to"] or form.cleaned_data["part"]):
        return HttpResponse(status=400)
    to, part, place = (form.cleaned_data[name] for name in ("to", "part", "place"))

    def move() -> None:
        if to:
            verbs.nudge_step(step=step, up=to == "up", **_who(request))
        else:
            verbs.move_step(step=step, part=part, place=place or 0, **_who(request))

    return _all_anew(request, step.version, move)


# ---------------------------------------------------------------- questions and what is at hand


@require_POST
def question_add(request: HttpRequest, pk: int) -> HttpResponse:
    step = _step(request, pk)
    return _step_anew(
        request, step, lambda: services_questions.add_question(step=step, **_who(request)), focus_question=True
    )


@require_POST
def question_save(request: HttpRequest, pk: int) -> HttpResponse:
    question = _question(request, pk)
    form = QuestionForm(request.POST)
    if not form.is_valid():
        return _not_saved(request, _first_fault(form))
    values = {name: form.cleaned_data[name] for name in ("text", "kind", "is_required", "answers")}
    return _saved(
        request,
        question.step.version,
        lambda: services_questions.save_question(
            question=question, seen=request.POST.get("seen"), **values, **_who(request)
        ),
        stamp_id=f"question-{question.pk}-seen",
    )


@require_POST
def question_delete(request: HttpRequest, pk: int) -> HttpResponse:
    question = _question(request, pk)
    return _step_anew(
        request, question.step, lambda: services_questions.delete_question(question=question, **_who(request))
    )


@require_POST
def question_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Up, down, or to a place among the questions of its step."""
    question = _question(request, pk)
    form = MoveForm(request.POST)
    if not form.is_valid() or not (form.cleaned_data["to"] or form.cleaned_data["place"] is not None):
        return HttpResponse(status=400)
    to, place = form.cleaned_data["to"], form.cleaned_data["place"]

    def move() -> ScriptQuestion:
        if to:
            return services_questions.nudge_question(question=question, up=to == "up", **_who(request))
        return services_questions.move_question(question=question, place=place, **_who(request))

    return _step_anew(request, question.step, move, focus_question=True)


@require_POST
def step_objection(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an objection to a step by its words, or (with `off`, its number) from it."""
    step = _step(request, pk)
    if "off" in request.POST:
        number = _number(request, "off")
        return _step_anew(
            request, step, lambda: verbs.unlink_objection(step=step, objection_id=number, **_who(request))
        )
    text = request.POST.get("objection", "").strip()
    found = [one for one in queries_versions.objections_named(step.version, [text]).get(text, []) if not one.retired_at]
    if not found:
        return _step_anew(request, step, _refuse(_("Choose one of the objections that are offered.")))
    if len(found) > 1:
        sentence = _("More than one objection reads “%(text)s”. Give them different words.") % {"text": text}
        return _step_anew(request, step, _refuse(sentence))
    return _step_anew(request, step, lambda: verbs.link_objection(step=step, objection=found[0], **_who(request)))


@require_POST
def step_quote(request: HttpRequest, pk: int) -> HttpResponse:
    """Quote an article, by its title or (`again`) its number, as it stands now; or (with `off`, its number) no longer."""
    step = _step(request, pk)
    if "off" in request.POST:
        number = _number(request, "off")
        return _step_anew(request, step, lambda: verbs.unquote_article(step=step, article_id=number, **_who(request)))
    if "again" in request.POST:
        found = [get_object_or_404(Article.objects.live(), pk=_number(request, "again"))]
    else:
        title = request.POST.get("article", "").strip()
        found = queries_versions.articles_named(step.version, [title]).get(title, [])
        found = [one for one in found if not one.retired_at]
    if not found:
        return _step_anew(request, step, _refuse(_("Choose one of the articles that are offered.")))
    if len(found) > 1:
        sentence = _("More than one article is called “%(title)s”. Give them different titles.") % {"title": title}
        return _step_anew(request, step, _refuse(sentence))
    return _step_anew(request, step, lambda: verbs.quote_article(step=step, article=found[0], **_who(request)))


def _refuse(sentence: str) -> Callable[[], Any]:
    def refuse() -> None:
        raise DomainError(sentence)

    return refuse


# ---------------------------------------------------------------- answers


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.user, "at": database_now()}


def _number(request: HttpRequest, name: str) -> int:
    number = number_or_none(request.POST.get(name, ""), most=LARGEST_ID)
    if number is None:
        raise Http404
    return number


def _field(step: ScriptStep) -> str:
    return f"step-{step.pk}-text"


def _whole(version: ScriptVersion) -> dict[str, Any]:
    """What the steps of a draft are drawn from."""
    flow = queries_versions.flow_of(version)
    comments: dict[int | None, list[Any]] = {}
    for said in queries_versions.comments_of(version).filter(settled_at=None):
        comments.setdefault(said.step_id, []).append(said)
    return {
        "version": version,
        "flow": flow,
        "parts": [(part, flow.of_part(part.value)) for part in ScriptStep.Part],
        "kinds": ScriptQuestion.Kind.choices,
        "comments": comments,
        "findings": queries_versions.findings(version, flow),
        "objections": queries_versions.objections_at_hand(version),
        "articles": queries_versions.articles_at_hand(version),
        "saved_at": None,
    }


def _editor(request: HttpRequest, version: ScriptVersion, **more: Any) -> HttpResponse:
    status = 409 if more.get("fault") else 200
    return render(request, "scripts/_editor.html", {**_whole(version), **more}, status=status)


def _all_anew(
    request: HttpRequest, version: ScriptVersion, verb: Callable[[], ScriptStep | None], *, focus: str = ""
) -> HttpResponse:
    """Do it and answer with all steps: their numbers, and the places answers may lead to, are others now."""
    try:
        step = verb()
    except DomainError as error:
        return _editor(request, version, fault=str(error))
    answer = _editor(request, version, saved_at=database_now(), oob=True)
    if focus or step:
        target = {"focus": focus or _field(step)}
        answer.headers["HX-Trigger-After-Settle"] = json.dumps({"script-drawn": target})
    return answer


def _step_anew(
    request: HttpRequest, step: ScriptStep, verb: Callable[[], Any], *, focus_question: bool = False
) -> HttpResponse:
    """Do it and answer with the lower half of the step: its questions and what is at hand."""
    fault = ""
    made = None
    try:
        made = verb()
    except DomainError as error:
        fault = str(error)
    whole = _whole(step.version)
    drawn = whole["flow"].by_pk.get(step.pk)
    if drawn is None:
        return _editor(request, step.version, fault=fault)
    context = {**whole, "step": drawn, "fault": fault, "saved_at": None if fault else database_now(), "oob": True}
    answer = render(request, "scripts/_step_more.html", context, status=409 if fault else 200)
    if focus_question and made is not None:
        answer.headers["HX-Trigger-After-Settle"] = json.dumps({"script-drawn": {"focus": f"question-{made.pk}-text"}})
    return answer


def _saved(
    request: HttpRequest, version: ScriptVersion, verb: Callable[[], ScriptStep | ScriptQuestion], *, stamp_id: str
) -> HttpResponse:
    """Do it and say when; the fields stay as they are, for somebody is writing in them. Only the stamp beside them is that of now."""
    try:
        written = verb()
    except DomainError as error:
        return _not_saved(request, str(error))
    stamp = (
        verbs.stamp_of(written) if isinstance(written, ScriptStep) else services_questions.stamp_of_question(written)
    )
    context = {
        "version": version,
        "saved_at": database_now(),
        "findings": queries_versions.findings(version),
        "oob": True,
        "stamp_id": stamp_id,
        "stamp": stamp,
    }
    return render(request, "scripts/_saved.html", context)


def _not_saved(request: HttpRequest, sentence: str) -> HttpResponse:
    return render(request, "scripts/_saved.html", {"fault": sentence}, status=409)


def _first_fault(form: Any) -> str:
    return next(str(fault) for faults in form.errors.values() for fault in faults)
