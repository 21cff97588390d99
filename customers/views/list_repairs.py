"""Repair in place: one row in the table of a list, and one correction for all rows with the same fault."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _, gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from core.clock import database_now
from core.errors import DomainError
from core.htmx import is_htmx, refresh
from core.templatetags.look import thousands
from customers import list_queries, list_rules
from customers.corrections import WAYS, NotCorrectable
from customers.list_forms import CorrectionForm, RowForm
from customers.models import LeadList, ListRepair, RowVerdict
from customers.services import repair_undo as services, repairs
from customers.services.repairs import Correction, Outcome, StillFaulty
from customers.views.lists import frame, visible_list
from customers.wording import reason_words
from people.access import must
from people.models import City

WHAT = {
    "prefix": gettext_lazy("Digits are put before each number; a number that begins with + or 00 stays as it is."),
    "value": gettext_lazy("All these rows get the same value."),
    "cut": gettext_lazy("What is longer than 120 characters is cut off."),
    "empty": gettext_lazy("The rows are taken without a customer number."),
}


def _workable(request: HttpRequest, pk: int) -> LeadList:
    lead_list = visible_list(request, pk)
    must(request, list_rules.can_work_on_list(request.user, lead_list))
    return lead_list


def _cities(request: HttpRequest) -> list[tuple[str, str]]:
    is_region = list_rules.works_for_region(request.user)
    cities = City.objects.all() if is_region else City.objects.visible_to(request.user)
    return [(str(city.pk), city.label) for city in cities.order_by("name")]


def _refuse(request: HttpRequest, pk: int, refusal: DomainError) -> HttpResponse:
    messages.error(request, str(refusal))
    return refresh() if is_htmx(request) else redirect("customers:list", pk=pk)


# -- one row -----------------------------------------------------------------------------------------------------------


@never_cache
@require_POST
def row_open(request: HttpRequest, pk: int, row: int) -> HttpResponse:
    """The form of one row, in its place in the table or on a page of its own. A post: a faulty number is shown as it came, which is recorded."""
    lead_list = _workable(request, pk)
    try:
        opened = repairs.open_row(lead_list=lead_list, row_no=row, by=request.user, at=database_now())
    except DomainError as refusal:
        return _refuse(request, pk, refusal)
    form = RowForm(
        initial=opened.values, cities=_cities(request), mask=opened.phone_mask, seen=opened.seen, prefix=f"r{row}"
    )
    fault = f"{reason_words(opened.fault)}: {opened.detail}" if opened.detail else reason_words(opened.fault)
    return _row_page(request, lead_list, row, form, fault=fault)


def _row_page(
    request: HttpRequest, lead_list: LeadList, row: int, form: RowForm, *, fault: str = "", status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"lead_list": lead_list, "row_no": row, "form": form, "fault": fault}
    if is_htmx(request):
        return render(request, "customers/_list_row_form.html", context, status=status)
    title = _("Row %(row)s") % {"row": row}
    crumbs = [
        (_("Lists"), reverse("customers:lists")),
        (lead_list.name, reverse("customers:list", args=[lead_list.pk])),
    ]
    return render(request, "customers/lists_row.html", context | {"title": title, "crumbs": crumbs}, status=status)


@never_cache
@require_POST
def row_repair(request: HttpRequest, pk: int, row: int) -> HttpResponse:
    lead_list = _workable(request, pk)
    try:
        shown = repairs.row_as_seen(lead_list=lead_list, row_no=row, by=request.user)
    except DomainError as refusal:
        return _refuse(request, pk, refusal)
    form = RowForm(request.POST, cities=_cities(request), mask=shown.phone_mask, seen=shown.seen, prefix=f"r{row}")
    if form.is_valid():
        try:
            verdict = repairs.repair_row(
                lead_list=lead_list, row_no=row, values=form.cleaned_data, by=request.user, at=database_now()
            )
        except StillFaulty as still:
            form.add_error(still.field or None, str(still))
        except DomainError as refusal:
            return _refuse(request, pk, refusal)
        else:
            messages.success(request, _repaired(request, verdict))
            return refresh() if is_htmx(request) else redirect("customers:list", pk=pk)
    return _row_page(request, lead_list, row, form, status=422)


def _repaired(request: HttpRequest, verdict: RowVerdict) -> str:
    """The verdict as this reader is told."""
    said, reason = verdict.said_to(list_rules.works_for_region(request.user))
    words = (
        f"{RowVerdict.Verdict(said).label} ({reason_words(reason)})" if reason else str(RowVerdict.Verdict(said).label)
    )
    return _("Row %(row)s is repaired: %(verdict)s.") % {"row": verdict.row_no, "verdict": words}


@require_POST
def repair_undo(request: HttpRequest, pk: int, repair: int) -> HttpResponse:
    lead_list = _workable(request, pk)
    row = get_object_or_404(ListRepair.objects.visible_to(request.user), lead_list=lead_list, pk=repair)
    try:
        row = services.undo_repair(repair=row, by=request.user, at=database_now())
    except DomainError as refusal:
        return _refuse(request, pk, refusal)
    if row.undone_at:
        messages.success(request, _("The repair is undone: its rows are as they were before."))
    return redirect("customers:list", pk=pk)


# -- all rows with a fault ---------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "POST"])
def list_correct(request: HttpRequest, pk: int) -> HttpResponse:
    """`fault` says which; with `look` the page says what the correction would do; a post does it."""
    lead_list = _workable(request, pk)
    asked = request.POST if request.method == "POST" else request.GET
    code = asked.get("fault", "")
    if code not in WAYS:
        return _refuse(request, pk, NotCorrectable(_("Rows with this fault cannot be corrected together.")))
    way = WAYS[code]
    spellings = [
        (one.key, f"{one.seen or '–'} ({thousands(one.count)})") for one in list_queries.spellings_of(lead_list, code)
    ]
    is_asked = "look" in asked or request.method == "POST"
    form = CorrectionForm(asked if is_asked else None, way=way, spellings=spellings, cities=_cities(request))
    outcome = None
    if is_asked and form.is_valid():
        data = form.cleaned_data
        correction = Correction(code, data.get("value", ""), data.get("spelling", ""))
        try:
            if request.method == "POST":
                return _corrected(request, lead_list, correction)
            outcome = repairs.preview_correction(lead_list=lead_list, correction=correction, by=request.user)
        except DomainError as refusal:
            form.add_error("value" if "value" in form.fields else None, str(refusal))
    context = frame(request, lead_list) | {
        "form": form, "fault_code": code, "fault_words": reason_words(code), "what": WHAT[way.kind], "outcome": outcome, "count": lead_list.rows.filter(fault=code).count(),
        "crumbs": [(_("Lists"), reverse("customers:lists")), (lead_list.name, reverse("customers:list", args=[pk]))],
    }  # fmt: skip
    return render(request, "customers/lists_correct.html", context, status=422 if form.errors else 200)


def _corrected(request: HttpRequest, lead_list: LeadList, correction: Correction) -> HttpResponse:
    done = repairs.correct_rows(lead_list=lead_list, correction=correction, by=request.user, at=database_now())
    if done.job is None:
        messages.success(request, _sentence(done)) if done.rows else messages.warning(
            request, _("No row has this fault any more.")
        )
    query = urlencode({"verdict": "invalid"}) if done.no_help or done.next_fault else ""
    return redirect(f"{reverse('customers:list', args=[lead_list.pk])}{'?' + query if query else ''}")


def _sentence(done: Outcome) -> str:
    said = ngettext("%(rows)s row is good now.", "%(rows)s rows are good now.", done.good) % {
        "rows": thousands(done.good)
    }
    left = done.no_help + done.next_fault
    rest = _("Rows that are still invalid: %(rows)s.") % {"rows": thousands(left)}
    return f"{said} {rest}" if left else said
