"""Pages of forms: the list, a version as scorers read it, the builder of a draft, publishing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from people.access import must
from qa import queries_evaluations as queries, rules
from qa.forms import ItemForm, MarksForm, QualityFormForm, StageForm
from qa.models import FormItem, FormStage, FormVersion, QualityForm
from qa.services import forms as services
from scripts.rules import can_write_articles


def forms_crumbs() -> list[tuple[str, str]]:
    return [(_("Forms"), reverse("qa:forms"))]


@never_cache
@require_GET
def quality_forms(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_see_forms(request.user))
    context = {"forms": queries.forms_shown(), "may_write": rules.can_write_forms(request.user)}
    return render(request, "qa/forms.html", context)


@require_http_methods(["GET", "POST"])
def form_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_write_forms(request.user))
    form = QualityFormForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_form(form=form.instance, by=request.user, at=database_now())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("qa:form-edit", pk=made.pk)
    context = {"form": form, "crumbs": forms_crumbs()}
    return render(request, "qa/form_new.html", context, status=422 if form.errors else 200)


@require_POST
def draft_begin(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with the form's draft, or begin the next version."""
    must(request, rules.can_write_forms(request.user))
    form = get_object_or_404(QualityForm, pk=pk)
    return redirect("qa:form-edit", pk=services.new_version(form=form, by=request.user, at=database_now()).pk)


@never_cache
@require_GET
def version(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_see_forms(request.user))
    row = get_object_or_404(FormVersion.objects.with_items().select_related("published_by"), pk=pk)
    context = {
        "version": row,
        "versions": row.form.versions.order_by("-number"),
        "findings": services.findings(row) if row.is_draft else [],
        "may_write": rules.can_write_forms(request.user),
        "may_publish": rules.can_publish_forms(request.user),
        "may_read_retired": can_write_articles(request.user),
        "crumbs": forms_crumbs(),
    }
    return render(request, "qa/form_version.html", context)


# -- the builder -------------------------------------------------------------------------------------------------------


def _draft(request: HttpRequest, pk: int) -> FormVersion:
    must(request, rules.can_write_forms(request.user))
    return get_object_or_404(FormVersion.objects.select_related("form"), pk=pk)


@never_cache
@require_GET
def draft(request: HttpRequest, pk: int) -> HttpResponse:
    row = _draft(request, pk)
    if not row.is_draft:
        return redirect("qa:form-version", pk=pk)
    context = {**_builder(row), "articles": queries.article_titles(), "crumbs": forms_crumbs()}
    return render(request, "qa/form_edit.html", context)


def _builder(row: FormVersion) -> dict[str, Any]:
    """The draft as it stands now, each stage and item with its form; forms tell their fields apart by prefix only on the page."""
    row = FormVersion.objects.with_items().get(pk=row.pk)
    stages = [
        (stage, StageForm(instance=stage, auto_id=f"s{stage.pk}-%s"),
         [(item, ItemForm(instance=item, auto_id=f"i{item.pk}-%s")) for item in stage.items.all()],
         ItemForm(auto_id=f"n{stage.pk}-%s"))
        for stage in row.stages.all()
    ]  # fmt: skip
    return {
        "version": row,
        "stages": stages,
        "marks_form": MarksForm(instance=row),
        "stage_form": StageForm(auto_id="new-%s"),
        **_state(row),
    }


def _state(row: FormVersion) -> dict[str, Any]:
    weights = sum(row.stages.values_list("weight", flat=True))
    return {"findings": services.findings(row), "whole_weight": weights}


def _answer(request: HttpRequest, row: FormVersion, fault: str, *, drawn: bool, status: int = 422) -> HttpResponse:
    """After a change: the whole builder when rows came, went or moved, else only what is said about the draft."""
    if not request.headers.get("HX-Request"):
        if fault:
            messages.error(request, fault)
        return redirect("qa:form-edit", pk=row.pk)
    if not row.is_draft:
        drawn = False
    context = {**(_builder(row) if drawn else {"version": row, **_state(row)}), "fault": fault, "oob": True}
    template = "qa/_form_draft.html" if drawn else "qa/_form_state.html"
    response = render(request, template, context, status=status if fault else 200)
    if not drawn:
        response["HX-Reswap"] = "none"  # the rows stay as they are, with what was typed
    return response


def first_fault(form: BaseForm) -> str:
    """The first fault of a form, with the name of its field."""
    name, faults = next(iter(form.errors.items()))
    if name not in form.fields:
        return str(faults[0])
    return _("%(field)s: %(fault)s") % {"field": form.fields[name].label, "fault": faults[0]}


def _change(request: HttpRequest, row: FormVersion, form: BaseForm | None, verb: Any, *, drawn: bool) -> HttpResponse:
    """Do `verb` when the form is whole; a refusal comes back as its sentence."""
    if form is not None and not form.is_valid():
        return _answer(request, row, first_fault(form), drawn=False)
    try:
        verb()
    except DomainError as refusal:
        return _answer(request, FormVersion.objects.get(pk=row.pk), str(refusal), drawn=False, status=409)
    return _answer(request, row, "", drawn=drawn)


@require_POST
def marks(request: HttpRequest, pk: int) -> HttpResponse:
    row = _draft(request, pk)
    form = MarksForm(request.POST)
    return _change(request, row, form, lambda: services.set_marks(
        version=row, by=request.user, at=database_now(), **form.cleaned_data
    ), drawn=False)  # fmt: skip


@require_POST
def stage_add(request: HttpRequest, pk: int) -> HttpResponse:
    row = _draft(request, pk)
    form = StageForm(request.POST)
    return _change(
        request, row, form, lambda: services.save_stage(version=row, stage=form.instance, by=request.user), drawn=True
    )


def _stage(row: FormVersion, pk: int) -> FormStage:
    return get_object_or_404(FormStage, version=row, pk=pk)


@require_POST
def stage_edit(request: HttpRequest, pk: int, stage_pk: int) -> HttpResponse:
    row = _draft(request, pk)
    form = StageForm(request.POST, instance=_stage(row, stage_pk))
    return _change(
        request, row, form, lambda: services.save_stage(version=row, stage=form.instance, by=request.user), drawn=False
    )


@require_POST
def stage_move(request: HttpRequest, pk: int, stage_pk: int) -> HttpResponse:
    row = _draft(request, pk)
    return _move(request, row, _stage(row, stage_pk))


@require_POST
def stage_drop(request: HttpRequest, pk: int, stage_pk: int) -> HttpResponse:
    row = _draft(request, pk)
    return _drop(request, row, _stage(row, stage_pk))


@require_POST
def item_add(request: HttpRequest, pk: int, stage_pk: int) -> HttpResponse:
    row = _draft(request, pk)
    form = ItemForm(request.POST, instance=FormItem(stage=_stage(row, stage_pk)))
    return _change(
        request, row, form, lambda: services.save_item(version=row, item=form.instance, by=request.user), drawn=True
    )


def _item(row: FormVersion, pk: int) -> FormItem:
    return get_object_or_404(FormItem.objects.select_related("stage", "article"), stage__version=row, pk=pk)


@require_POST
def item_edit(request: HttpRequest, pk: int, item_pk: int) -> HttpResponse:
    row = _draft(request, pk)
    form = ItemForm(request.POST, instance=_item(row, item_pk))
    return _change(
        request, row, form, lambda: services.save_item(version=row, item=form.instance, by=request.user), drawn=False
    )


@require_POST
def item_move(request: HttpRequest, pk: int, item_pk: int) -> HttpResponse:
    row = _draft(request, pk)
    return _move(request, row, _item(row, item_pk))


@require_POST
def item_drop(request: HttpRequest, pk: int, item_pk: int) -> HttpResponse:
    row = _draft(request, pk)
    return _drop(request, row, _item(row, item_pk))


def _move(request: HttpRequest, row: FormVersion, thing: FormStage | FormItem) -> HttpResponse:
    up = request.POST.get("to") == "up"
    return _change(
        request, row, None, lambda: services.move(version=row, thing=thing, up=up, by=request.user), drawn=True
    )


def _drop(request: HttpRequest, row: FormVersion, thing: FormStage | FormItem) -> HttpResponse:
    return _change(request, row, None, lambda: services.drop(version=row, thing=thing, by=request.user), drawn=True)
