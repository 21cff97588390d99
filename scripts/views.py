"""Pages of products, offers and scripts."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from people.access import must
from scripts import queries, queries_versions, rules, services, services_products
from scripts.forms import OfferForm, ProductForm, ScriptForm
from scripts.models import Offer, Product, Script, ScriptStep, ScriptVersion, StepComment
from scripts.seen import WrittenMeanwhile
from scripts.services_products import CodeTaken

PAGE = 50


@require_GET
def product_list(request: HttpRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()
    page = Paginator(queries.products(search), PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "scripts/products.html",
        {"page": page, "q": search, "may_write": rules.can_write_products(request.user)},
    )


@require_http_methods(["GET", "POST"])
def product_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    product = get_object_or_404(Product, pk=pk) if pk else Product()
    must(request, rules.can_write_products(request.user))
    form = ProductForm(request.POST or None, instance=product)
    if request.method == "POST" and form.is_valid():
        try:
            saved = services_products.save_product(
                product=form.save(commit=False), changed=_touched(form), by=request.user, at=database_now()
            )
        except DomainError as error:
            form.add_error("code", str(error))
        else:
            messages.success(request, _("%(product)s is stored.") % {"product": saved.name})
            return redirect("scripts:product", pk=saved.pk)
    return render(request, "scripts/product.html", {"form": form, "product": product})


def _touched(form: ModelForm) -> list[str] | None:
    """The fields of a row that stands already which the writer changed; None for a new one."""
    return form.changed_data if form.instance.pk else None


@require_POST
def product_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop selling it in every campaign, or let it be sold again."""
    must(request, rules.can_write_products(request.user))
    product = get_object_or_404(Product, pk=pk)
    is_on = request.POST.get("is_on") == "1"
    services_products.switch_product(
        product=product,
        is_on=is_on,
        reason=request.POST.get("reason", "").strip()[:500],
        by=request.user,
        at=database_now(),
    )
    if is_on:
        messages.success(request, _("%(product)s may be sold again.") % {"product": product.name})
    else:
        messages.success(
            request, _("%(product)s is no longer sold: its campaigns hand out nobody.") % {"product": product.name}
        )
    return redirect("scripts:product", pk=pk)


@require_http_methods(["GET", "POST"])
def offer_edit(request: HttpRequest, product_pk: int, pk: int | None = None) -> HttpResponse:
    product = get_object_or_404(Product, pk=product_pk)
    must(request, rules.can_write_products(request.user))
    offer = get_object_or_404(Offer, pk=pk, product=product) if pk else Offer(product=product)
    form = OfferForm(request.POST or None, instance=offer)
    if request.method == "POST" and form.is_valid():
        try:
            saved = services_products.save_offer(
                offer=form.save(commit=False), changed=_touched(form), by=request.user, at=database_now(),
                seen=form.cleaned_data["seen"],
            )  # fmt: skip
        except WrittenMeanwhile as refusal:
            form.refuse(str(refusal))
        except CodeTaken as refusal:
            form.add_error("code", str(refusal))
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("scripts:offer", product_pk=product.pk, pk=saved.pk)
    context = {"form": form, "product": product, "offer": offer}
    return render(request, "scripts/offer.html", context, status=422 if form.errors else 200)


@require_GET
def script_list(request: HttpRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()
    page = Paginator(queries.scripts(search), PAGE).get_page(request.GET.get("page"))
    for script in page:
        script.newest_label = ScriptVersion.Status(script.newest_status).label if script.newest_status else ""
    return render(
        request,
        "scripts/scripts.html",
        {
            "page": page,
            "q": search,
            "may_write": rules.can_write_scripts(request.user),
            "may_read_drafts": rules.can_read_drafts(request.user),
        },
    )


@require_http_methods(["GET", "POST"])
def script_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_write_scripts(request.user))
    form = ScriptForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            version = services.create_script(script=form.save(commit=False), by=request.user, at=database_now())
        except DomainError as error:
            form.add_error("code", str(error))
        else:
            return redirect("scripts:version_edit", pk=version.pk)
    return render(request, "scripts/script_new.html", {"form": form})


@require_GET
def script_detail(request: HttpRequest, pk: int) -> HttpResponse:
    script = get_object_or_404(Script.objects.select_related("product"), pk=pk)
    versions = list(queries.versions_of(script, request.user))
    for version in versions:
        version.script = script
    wanted = request.GET.get("version", "")
    shown = next((v for v in versions if str(v.number) == wanted), versions[0] if versions else None)
    return render(
        request,
        "scripts/script.html",
        {
            "script": script,
            "versions": versions,
            "shown": shown,
            "may_write": rules.can_write_scripts(request.user),
            "may_switch": request.user.has_role(*rules.APPROVERS),
            **(_shown(request, shown) if shown else {}),
        },
    )


def _shown(request: HttpRequest, version: ScriptVersion) -> dict[str, Any]:
    """One version to read: its steps; for those who read drafts also what the checks find and what reviewers say."""
    flow = queries_versions.flow_of(version)
    inside = rules.can_read_drafts(request.user)
    comments = list(queries_versions.comments_of(version)) if inside else []
    by_step: dict[int | None, list[StepComment]] = {}
    for said in comments:
        by_step.setdefault(said.step_id, []).append(said)
    return {
        "parts": [(part, flow.of_part(part.value)) for part in ScriptStep.Part],
        "is_empty": not flow.steps,
        "labels": {step.ref: step.label for step in flow.steps},
        "findings": queries_versions.findings(version, flow) if inside else [],
        "comments": by_step,
        "general": by_step.get(None, []),
        "open_comments": sum(1 for said in comments if said.settled_at is None),
        "may_approve": rules.can_approve(request.user, version),
        "may_comment": rules.can_comment(request.user, version),
    }
