"""Possible same persons: the queue, two side by side, and what was merged."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from core.clock import database_now
from core.errors import DomainError, PermissionRefused
from core.listing import Column, Listing
from core.models import Job
from customers import rules
from customers.duplicate_forms import LookForm, MergeForm
from customers.filters_duplicates import MergeFilter, SamePersonFilter
from customers.models import Merge, SamePerson
from customers.queries_duplicates import merges_for_list, pairs_for_list, side_by_side
from customers.retention import UNDO
from customers.services import merging, same_persons, unmerging
from customers.wording import left_sentences
from people.access import must
from people.models import City


def _masks(row: SamePerson) -> str:
    phones = [phone.mask for customer in (row.first, row.second) for phone in customer.first_phones]  # type: ignore[attr-defined]
    return " · ".join(phones)


PAIR_COLUMNS = [
    Column("name", gettext_lazy("Name"), value=lambda row: str(row.first), sort=""),
    Column("numbers", gettext_lazy("Numbers"), value=_masks, sort=""),
    Column("city", gettext_lazy("City"), value="first.city.label", sort="first__city__name"),
    Column("why", gettext_lazy("Besides the name"), value="get_why_display", sort="why"),
    Column("found_at", gettext_lazy("Found"), kind="moment"),
    Column("state", gettext_lazy("State"), template="customers/_same_person_state.html", value="get_state_display", sort=""),
    Column("decided_by", gettext_lazy("Decided by"), value=lambda row: str(row.decided_by or ""), sort=""),
]  # fmt: skip

MERGE_COLUMNS = [
    Column("at", gettext_lazy("Merged"), kind="moment"),
    Column("kept", gettext_lazy("Who stays"), value=lambda row: f"{row.kept} (#{row.kept_id})", sort=""),
    Column("gone", gettext_lazy("Who was merged"), value=lambda row: f"{row.gone} (#{row.gone_id})", sort=""),
    Column("city", gettext_lazy("City"), value="kept.city.label", sort="kept__city__name"),
    Column("by", gettext_lazy("Merged by"), value=lambda row: str(row.by), sort=""),
    Column("state", gettext_lazy("State"), template="customers/_merge_state.html", value="pk", sort=""),
]


# ---------------------------------------------------------------- the queue


@never_cache
@require_GET
def pairs(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_decide_same_persons(request.user))
    listing = Listing(
        request, pairs_for_list(request.user), PAIR_COLUMNS, name="customers.same_persons", title=_("Possible same persons"),
        filterset=SamePersonFilter, order="-found_at", may_export=False,
        row_link=lambda row: reverse("customers:same-person", args=[row.pk]),
        empty_title=_("Nobody stands twice here, as far as is known."),
        empty_text=_("Each list is looked through after its commit. A city can be looked through as a whole below."),
    )  # fmt: skip
    last = Job.objects.filter(kind=same_persons.KIND, args__city__in=_cities(request)).order_by("-pk").first()
    return listing.page_or_export(
        "customers/same_persons.html",
        {"look_form": LookForm(user=request.user), "last_look": last, "most": same_persons.MOST},
    )


def _cities(request: HttpRequest) -> list[int]:
    return list(City.objects.visible_to(request.user).values_list("pk", flat=True))


@require_POST
def look(request: HttpRequest) -> HttpResponse:
    must(request, rules.can_decide_same_persons(request.user))
    form = LookForm(request.POST, user=request.user)
    if not form.is_valid():
        messages.error(request, _("Choose one of your cities."))
        return redirect("customers:same-persons")
    try:
        same_persons.ask_to_look(city=form.cleaned_data["city"], by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The city is looked through; pairs appear here as they are found."))
    return redirect("customers:same-persons")


# ---------------------------------------------------------------- two side by side


def _pair_or_404(request: HttpRequest, pk: int) -> SamePerson:
    rows = SamePerson.objects.visible_to(request.user).select_related(
        "first__city", "first__source", "second__city", "second__source", "decided_by"
    )
    return get_object_or_404(rows, pk=pk)


@never_cache
@require_GET
def pair(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_decide_same_persons(request.user))
    row = _pair_or_404(request, pk)
    return _pair_page(request, row, MergeForm(pair=row, initial={"keep": row.first_id}))


def _pair_page(request: HttpRequest, row: SamePerson, form: MergeForm) -> HttpResponse:
    is_open = row.state == SamePerson.State.OPEN
    context: dict[str, Any] = {
        "row": row,
        "is_open": is_open,
        "lines": side_by_side(row.first, row.second, at=database_now()),
        "why_not": merging.why_not_merge(row.first, row.second) if is_open else [],
        "form": form,
        "merges": row.merges.select_related("by").order_by("-at"),
        "days": UNDO.days,
        "crumbs": [(_("Possible same persons"), reverse("customers:same-persons"))],
    }
    return render(request, "customers/same_person.html", context, status=422 if form.errors else 200)


@require_POST
def pair_different(request: HttpRequest, pk: int) -> HttpResponse:
    row = _pair_or_404(request, pk)
    must(request, rules.can_decide_same_persons(request.user))
    try:
        same_persons.tell_apart(pair=row, by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("customers:same-person", pk=row.pk)
    messages.success(request, _("They are two persons. The pair does not come back."))
    return redirect("customers:same-persons")


@require_POST
def pair_merge(request: HttpRequest, pk: int) -> HttpResponse:
    row = _pair_or_404(request, pk)
    must(request, rules.can_decide_same_persons(request.user))
    form = MergeForm(request.POST, pair=row)
    if form.is_valid():
        try:
            made = merging.merge(pair=row, keep_id=form.cleaned_data["keep"], by=request.user, at=database_now())
        except PermissionRefused:
            raise
        except DomainError as refusal:
            form.add_error(None, str(refusal))
            row.refresh_from_db()
        else:
            messages.success(request, _("They are one customer now."))
            return redirect("customers:merge", pk=made.pk)
    return _pair_page(request, row, form)


# ---------------------------------------------------------------- what was merged


@never_cache
@require_GET
def merges(request: HttpRequest) -> HttpResponseBase:
    must(request, rules.can_decide_same_persons(request.user))
    listing = Listing(
        request, merges_for_list(request.user), MERGE_COLUMNS, name="customers.merges", title=_("Merged customers"),
        filterset=MergeFilter, order="-at", may_export=False,
        row_link=lambda row: reverse("customers:merge", args=[row.pk]), empty_title=_("No customers were merged yet."),
        empty_text=_("Open a pair under Possible same persons and decide about it."),
    )  # fmt: skip
    return listing.page_or_export("customers/merges.html", {"days": UNDO.days})


def _merge_or_404(request: HttpRequest, pk: int) -> Merge:
    return get_object_or_404(merges_for_list(request.user), pk=pk)


@never_cache
@require_GET
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    must(request, rules.can_decide_same_persons(request.user))
    row = _merge_or_404(request, pk)
    at = database_now()
    context = {
        "row": row,
        "counts": _counts(row),
        "why_not": [] if row.undone_at else unmerging.why_not_undo(row, row.kept, row.gone, at=at),
        "left": left_sentences(row.left),
        "undo_until": row.at + UNDO,
        "crumbs": [(_("Merged customers"), reverse("customers:merges"))],
    }
    return render(request, "customers/merge.html", context)


def _counts(row: Merge) -> list[tuple[str, int]]:
    """(what, how many) of what went over; [] once it is forgotten."""
    if not row.moved:
        return []
    moved = json.loads(row.moved)
    leads = moved.get("campaigns", {"leads": []})["leads"]
    ended = [after for _pk, _before, after in leads if after["state"] == "done"]
    told = [
        (_("Numbers"), len(moved["phones"])),
        (_("Consents"), len(moved["consents"])),
        (_("Do not call"), len(moved["suppressions"])),
        (_("Tags"), len(moved["tags"])),
        (_("Details filled in"), len(moved["fields"]) + len(moved["attributes"]) + bool(moved["number"])),
        (_("Contacts"), len(moved["contacts"])),
        (_("Leads that went over"), sum(after["customer_id"] != before["customer_id"] for _pk, before, after in leads)),
        (_("Leads ended"), len(ended)),
    ]
    return [(what, count) for what, count in told if count]


@require_POST
def merge_undo(request: HttpRequest, pk: int) -> HttpResponse:
    row = _merge_or_404(request, pk)
    must(request, rules.can_decide_same_persons(request.user))
    try:
        unmerging.undo(made=row, by=request.user, at=database_now())
    except PermissionRefused:
        raise
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("They are two customers again."))
    return redirect("customers:merge", pk=row.pk)
