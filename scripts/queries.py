"""Reads for the pages of products and scripts."""

from __future__ import annotations

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from people.models import User
from scripts.models import Product, Script, ScriptVersion


def products(search: str = "") -> QuerySet[Product]:
    """Products with `script_count`, by name; `search` looks in code and name."""
    found = Product.objects.annotate(script_count=Count("scripts")).order_by("name", "pk")
    return found.filter(Q(code__icontains=search) | Q(name__icontains=search)) if search else found


def scripts(search: str = "") -> QuerySet[Script]:
    """Scripts with product, `live_number` and `newest_status`, by name."""
    versions = ScriptVersion.objects.filter(script=OuterRef("pk")).order_by("-number")
    found = Script.objects.select_related("product").annotate(
        live_number=Subquery(versions.filter(status=ScriptVersion.Status.LIVE).values("number")[:1]),
        newest_number=Subquery(versions.values("number")[:1]),
        newest_status=Subquery(versions.values("status")[:1]),
    )
    if search:
        found = found.filter(Q(code__icontains=search) | Q(name__icontains=search) | Q(product__name__icontains=search))
    return found.order_by("name", "pk")


def versions_of(script: Script, user: User) -> QuerySet[ScriptVersion]:
    """Those that the user may read, the newest first."""
    return script.versions.visible_to(user).select_related("created_by", "approved_by", "based_on").order_by("-number")
