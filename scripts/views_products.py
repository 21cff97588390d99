"""A product and an offer as everybody reads them."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET

from core.numbers import number_or_none
from scripts import queries, queries_knowledge, rules
from scripts.models import Offer, Product

PAGE = 50
STATES = {
    queries_knowledge.VALID: gettext_lazy("valid"),
    queries_knowledge.COMING: gettext_lazy("not valid yet"),
    queries_knowledge.OVER: gettext_lazy("over"),
}


@require_GET
def product_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What it is, what is said about it, and what belongs to it."""
    product = get_object_or_404(Product, pk=pk)
    context = {
        "product": product,
        "points": product.selling_points.splitlines(),
        "statements": product.mandatory_statements.splitlines(),
        "offers": queries_knowledge.offers_of(product),
        "articles": queries_knowledge.articles_of(product),
        "scripts": queries.scripts().filter(product=product),
        "objections": queries_knowledge.objections_of(product),
        "today": timezone.localdate(),
        "may_write": rules.can_write_products(request.user),
        "crumbs": [(_("Products"), reverse("scripts:products"))],
    }
    return render(request, "scripts/product_detail.html", context)


@require_GET
def offer_list(request: HttpRequest) -> HttpResponse:
    """The offers of all products side by side."""
    state, product = request.GET.get("state", ""), number_or_none(request.GET.get("product", ""))
    rows = queries_knowledge.offers(timezone.localdate(), product=product, state=state if state in STATES else "")
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "products": Product.objects.order_by("name"),
        "product": product,
        "state": state,
        "states": STATES.items(),
        "may_see_effect": rules.can_see_effects(request.user),
        "crumbs": [(_("Products"), reverse("scripts:products"))],
    }
    return render(request, "scripts/offers.html", context)


@require_GET
def offer_detail(request: HttpRequest, product_pk: int, pk: int) -> HttpResponse:
    """Price, validity and terms; what it did in calls stands on a page of its own."""
    offer = get_object_or_404(Offer.objects.select_related("product"), pk=pk, product_id=product_pk)
    today = timezone.localdate()
    context = {
        "offer": offer,
        "may_see_effect": rules.can_see_effects(request.user),
        "is_ahead": offer.valid_from > today,
        "is_over": offer.valid_to is not None and offer.valid_to <= today,
        "may_write": rules.can_write_products(request.user),
        "crumbs": [
            (_("Products"), reverse("scripts:products")),
            (offer.product.name, reverse("scripts:product", args=[product_pk])),
        ],
    }
    return render(request, "scripts/offer_detail.html", context)
