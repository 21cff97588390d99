"""Pages of products, offers and scripts."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.audit import audit_refusal
from core.clock import database_now
from core.errors import DomainError
from people.access import must
from people.models import User
from scripts import queries, rules, services
from scripts.forms import OfferForm, ProductForm, ScriptForm, StepsForm
from scripts.models import Offer, Product, Script, ScriptVersion

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
        saved = services.save_product(product=form.save(commit=False), by=request.user, at=database_now())
        messages.success(request, _("%(product)s is stored.") % {"product": saved.name})
        return redirect("scripts:product", pk=saved.pk)
    return render(request, "scripts/product.html", {"form": form, "product": product})


@require_http_methods(["GET", "POST"])
def offer_edit(request: HttpRequest, product_pk: int, pk: int | None = None) -> HttpResponse:
    product = get_object_or_404(Product, pk=product_pk)
    must(request, rules.can_write_products(request.user))
    offer = get_object_or_404(Offer, pk=pk, product=product) if pk else Offer(product=product)
    form = OfferForm(request.POST or None, instance=offer)
    if request.method == "POST" and form.is_valid():
        saved = services.save_offer(offer=form.save(commit=False), by=request.user, at=database_now())
        return redirect("scripts:offer", product_pk=product.pk, pk=saved.pk)
    return render(request, "scripts/offer.html", {"form": form, "product": product, "offer": offer})


@require_GET
def script_list(request: HttpRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()
    page = Paginator(queries.scripts(search), PAGE).get_page(request.GET.get("page"))
    for script in page:
        script.newest_label = ScriptVersion.Status(script.newest_status).label if script.newest_status else ""
    return render(
        request, "scripts/scripts.html", {"page": page, "q": search, "may_write": rules.can_write_scripts(request.user)}
    )


@require_http_methods(["GET", "POST"])
def script_new(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_write_scripts(request.user))
    form = ScriptForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        version = services.create_script(script=form.save(commit=False), by=request.user, at=database_now())
        return redirect("scripts:version_edit", pk=version.pk)
    return render(request, "scripts/script_new.html", {"form": form})


@require_GET
def script_detail(request: HttpRequest, pk: int) -> HttpResponse:
    script = get_object_or_404(Script.objects.select_related("product"), pk=pk)
    versions = list(queries.versions_of(script))
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
            "may_approve": bool(shown) and rules.can_approve(request.user, shown),
        },
    )


@require_http_methods(["GET", "POST"])
def version_edit(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_write_scripts(request.user))
    version = get_object_or_404(ScriptVersion.objects.select_related("script"), pk=pk)
    if version.status != ScriptVersion.Status.DRAFT:
        return redirect(_script_url(version))
    form = StepsForm(request.POST or None, version=version)
    if request.method == "POST" and form.is_valid():
        try:
            services.write_steps(version=version, steps=form.steps(), by=request.user, at=database_now())
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The draft is stored."))
            return redirect(_script_url(version))
    return render(request, "scripts/version_edit.html", {"form": form, "version": version})


@require_POST
def version_new(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_write_scripts(request.user))
    version = services.new_version(script=get_object_or_404(Script, pk=pk), by=request.user, at=database_now())
    return redirect("scripts:version_edit", pk=version.pk)


def _step(
    request: HttpRequest, pk: int, allowed: Callable[[User, ScriptVersion], bool], verb: Callable[..., ScriptVersion]
) -> HttpResponse:
    version = get_object_or_404(ScriptVersion, pk=pk)
    must(request, allowed(request.user, version))
    try:
        verb(version=version, by=request.user, at=database_now())
    except DomainError as error:
        audit_refusal(request, reason=type(error).__name__)
        messages.error(request, str(error))
    return redirect(_script_url(version))


@require_POST
def version_submit(request: HttpRequest, pk: int) -> HttpResponse:
    return _step(request, pk, lambda user, _version: rules.can_write_scripts(user), services.submit_version)


@require_POST
def version_send_back(request: HttpRequest, pk: int) -> HttpResponse:
    return _step(request, pk, lambda user, _version: rules.can_write_scripts(user), services.send_back)


@require_POST
def version_approve(request: HttpRequest, pk: int) -> HttpResponse:
    return _step(request, pk, lambda user, _version: user.has_role(*rules.APPROVERS), services.approve_version)


@require_POST
def version_live(request: HttpRequest, pk: int) -> HttpResponse:
    return _step(request, pk, lambda user, _version: user.has_role(*rules.APPROVERS), services.make_live)


def _script_url(version: ScriptVersion) -> str:
    return f"{reverse('scripts:script', args=[version.script_id])}?version={version.number}"
