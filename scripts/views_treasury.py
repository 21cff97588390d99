"""Pages of objections with their answers, and of best phrases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from core.numbers import number_or_none
from people.access import must
from scripts import queries_treasury as queries, rules, services_objections as services
from scripts.forms_treasury import AnswerForm, ObjectionForm, PhraseForm
from scripts.models import Objection, ObjectionAnswer, Phrase, Product
from scripts.seen import WrittenMeanwhile
from scripts.sources import SourceRefused

PAGE = 50
ANSWER_VERBS = {
    "use": ObjectionAnswer.Status.IN_USE,
    "drop": ObjectionAnswer.Status.DROPPED,
    "draft": ObjectionAnswer.Status.DRAFT,
}


def chosen_product(request: HttpRequest) -> int | None:
    return number_or_none(request.GET.get("product", ""))


def common(request: HttpRequest) -> dict[str, Any]:
    """What the filters of these pages need."""
    return {
        "products": Product.objects.order_by("name"),
        "product": chosen_product(request),
        "with_retired": request.GET.get("retired") == "1",
        "may_write": rules.can_write_treasury(request.user),
    }


@require_GET
def objection_list(request: HttpRequest) -> HttpResponse:
    context = common(request) | {"q": request.GET.get("q", "").strip()}
    rows = queries.objections(search=context["q"], product=context["product"], with_retired=context["with_retired"])
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "scripts/objections.html", context | {"page": page})


@require_http_methods(["GET", "POST"])
def objection_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """An objection and its answers. Beside a cluster of refusals it begins with the reason that was given."""
    objection = get_object_or_404(Objection.objects.select_related("product"), pk=pk) if pk else Objection()
    may_write = rules.can_write_treasury(request.user)
    if request.method == "POST" or not pk:
        must(request, may_write)
    begun = (
        {} if pk else {name: request.GET[name][:120] for name in ("text", "reason", "product") if name in request.GET}
    )
    form = ObjectionForm(request.POST or None, instance=objection, initial=begun)
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.save_objection(
                objection=form.save(commit=False), by=request.user, at=database_now(), seen=form.cleaned_data["seen"]
            )
        except WrittenMeanwhile as refusal:
            form.refuse(str(refusal))
        else:
            messages.success(request, _("The objection is saved."))
            return redirect("scripts:objection", pk=saved.pk)
    return _objection_page(request, objection, form=form, status=422 if form.errors else 200)


def _objection_page(
    request: HttpRequest, objection: Objection, *, form: Any = None, answer_form: Any = None, status: int = 200
) -> HttpResponse:
    may_write = rules.can_write_treasury(request.user)
    context = {
        "objection": objection,
        "form": form or ObjectionForm(instance=objection),
        "answer_form": answer_form or AnswerForm(),
        "answers": queries.answers(objection, with_drafts=may_write) if objection.pk else [],
        "may_write": may_write,
    }
    return render(request, "scripts/objection.html", context, status=status)


@require_POST
def answer_new(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_write_treasury(request.user))
    objection = get_object_or_404(Objection, pk=pk)
    form = AnswerForm(request.POST)
    if form.is_valid():
        told = form.cleaned_data
        try:
            services.write_answer(objection=objection, by=request.user, at=database_now(), **told)
        except DomainError as refusal:
            form.add_error(_field_of(refusal), str(refusal))
        else:
            messages.success(
                request, _("The answer is kept as a draft. Put it into use when it may be shown to agents.")
            )
            return redirect("scripts:objection", pk=pk)
    return _objection_page(request, objection, answer_form=form, status=422)


def _field_of(refusal: DomainError) -> str:
    return "call_id" if isinstance(refusal, SourceRefused) else "text"


@require_POST
def answer_move(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    must(request, rules.can_write_treasury(request.user))
    answer = get_object_or_404(ObjectionAnswer.objects.select_related("objection"), pk=pk)
    return _done(
        request,
        lambda: services.set_answer_status(
            answer=answer, status=ANSWER_VERBS[verb], by=request.user, at=database_now()
        ),
        to="scripts:objection",
        pk=answer.objection_id,
    )


@require_POST
def objection_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Out of use, or back into it, as the form says: pressed twice it is still what was meant."""
    must(request, rules.can_write_treasury(request.user))
    objection = get_object_or_404(Objection, pk=pk)
    verb = services.retire_objection if _wants_retired(request) else services.revive_objection
    return _done(
        request,
        lambda: verb(objection=objection, by=request.user, at=database_now()),
        to="scripts:objection",
        pk=pk,
    )


def _wants_retired(request: HttpRequest) -> bool:
    state = request.POST.get("state", "")
    if state not in ("retired", "in_use"):
        raise BadRequest
    return state == "retired"


def _done(request: HttpRequest, verb: Callable[[], Any], *, to: str, **kwargs: Any) -> HttpResponse:
    try:
        verb()
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect(to, **kwargs)


# ---------------------------------------------------------------- phrases


@require_GET
def phrase_list(request: HttpRequest) -> HttpResponse:
    context = common(request)
    rows = queries.phrases(request.user, product=context["product"], with_retired=context["with_retired"])
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "scripts/phrases.html", context | {"page": page})


@require_http_methods(["GET", "POST"])
def phrase_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    must(request, rules.can_write_treasury(request.user))
    phrase = get_object_or_404(Phrase, pk=pk) if pk else Phrase()
    form = PhraseForm(request.POST or None, instance=phrase)
    if request.method == "POST" and form.is_valid():
        try:
            services.save_phrase(
                phrase=form.save(commit=False), by=request.user, at=database_now(), seen=form.cleaned_data["seen"]
            )
        except WrittenMeanwhile as refusal:
            form.refuse(str(refusal))
        except DomainError as refusal:
            form.add_error(_field_of(refusal), str(refusal))
        else:
            messages.success(request, _("The phrase is saved."))
            return redirect("scripts:phrases")
    context = {"form": form, "phrase": phrase}
    return render(request, "scripts/phrase.html", context, status=422 if form.errors else 200)


@require_POST
def phrase_vote(request: HttpRequest, pk: int) -> HttpResponse:
    phrase = get_object_or_404(Phrase, pk=pk)
    return _done(
        request, lambda: services.vote(phrase=phrase, by=request.user, at=database_now()), to="scripts:phrases"
    )


@require_POST
def phrase_retire(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_write_treasury(request.user))
    phrase = get_object_or_404(Phrase, pk=pk)
    verb = services.retire_phrase if _wants_retired(request) else services.revive_phrase
    return _done(request, lambda: verb(phrase=phrase, by=request.user, at=database_now()), to="scripts:phrases")
