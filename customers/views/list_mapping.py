"""Sheet, heading row and columns of a file, chosen by a person before the check or instead of what was understood by itself."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.clock import database_now
from core.errors import DomainError
from customers import list_rules
from customers.models import Customer, LeadList
from customers.reading.headings import ATTRIBUTE, KNOWN, PHONE
from customers.services import mappings
from customers.views.list_pages import FIELD_WORDS
from customers.views.lists import frame, visible_list
from customers.wording import reason_words
from people.access import must
from people.models import City

COLUMNS = 200
STATES: dict[str, tuple[str, str, Any]] = {
    "twice": ("is-invalid", "!", gettext_lazy("taken twice")),
    "unclear": ("is-ask", "?", gettext_lazy("unclear")),
    "heading": ("is-new", "✓", gettext_lazy("known by its heading")),
    "saved": ("is-new", "✓", gettext_lazy("saved mapping")),
    "chosen": ("is-new", "✓", gettext_lazy("chosen by hand")),
    "attribute": ("is-update", "+", gettext_lazy("kept as attribute")),
    "out": ("is-dupfile", "–", gettext_lazy("left out")),
}


@never_cache
@require_http_methods(["GET", "POST"])
def list_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    """A get shows what is found, `sheet` and `row` another place in the file; a post shows it with other columns, or with `check` takes them."""
    lead_list = visible_list(request, pk)
    must(request, list_rules.can_work_on_list(request.user, lead_list))
    asked: dict[str, Any] = _place(request.POST if request.method == "POST" else request.GET)
    refusal = ""
    if request.method == "POST":
        asked["columns"] = _columns(request)
        if "check" in request.POST:
            try:
                _confirm(request, lead_list, asked)
            except DomainError as error:
                refusal = str(error)
            else:
                return redirect("customers:list", pk=pk)
    try:
        looked = mappings.look_into(lead_list=lead_list, by=request.user, **asked)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("customers:list", pk=pk)
    context = frame(request, lead_list, current="columns") | _shown(looked) | {
        "refusal": refusal, "asks_for_sheet": len(looked["lists"]) > 1 and asked["sheet"] is None and not lead_list.mapping.get("chosen"), "remember": request.method == "GET" or "remember" in request.POST, "fields": [(name, FIELD_WORDS[name]) for name in (*KNOWN, ATTRIBUTE)],
    }  # fmt: skip
    return render(request, "customers/lists_mapping.html", context, status=422 if refusal else 200)


def _place(asked: Any) -> dict[str, Any]:
    row = asked.get("row", "")
    return {"sheet": asked.get("sheet"), "row_no": int(row) if row.isdecimal() and len(row) < 6 else None}


def _columns(request: HttpRequest) -> list[tuple[str, str]]:
    count = next((i for i in range(COLUMNS) if f"field-{i}" not in request.POST), COLUMNS)
    return [(request.POST[f"field-{i}"], request.POST.get(f"name-{i}", "").strip()) for i in range(count)]


def _confirm(request: HttpRequest, lead_list: LeadList, asked: dict[str, Any]) -> None:
    mappings.confirm_mapping(
        lead_list=lead_list, sheet=asked["sheet"] or "", row_no=asked["row_no"] or 0, columns=asked["columns"], remember="remember" in request.POST,
        by=request.user, at=database_now(),
    )  # fmt: skip


def _shown(looked: dict[str, Any]) -> dict[str, Any]:
    taken = Counter(column["field"] for column in looked["columns"] if column["field"] in KNOWN)
    columns = [column | {"state": _state(column, taken, looked["saved"])} for column in looked["columns"]]
    current = next((sheet for sheet in looked["sheets"] if sheet["name"] == looked["sheet"]), None)
    return {
        "looked": looked,
        "columns": columns,
        "rows": [_row(row) for row in looked["rows"]],
        "names": [column["name"] for column in columns if column["field"] == ATTRIBUTE],
        "row_count": max(0, current["rows"] - looked["row_no"]) if current else 0,
        "has_phone": taken[PHONE] == 1,
    }


def _state(column: dict[str, Any], taken: Counter[str], is_saved: bool) -> tuple[str, str, Any]:
    field = column["field"]
    if taken[field] > 1:
        return STATES["twice"]
    if is_saved:
        return STATES["saved"] if field else STATES["out"]
    if field in KNOWN:
        return STATES["heading"] if column["known"] == field else STATES["chosen"]
    if field == ATTRIBUTE:
        return STATES["attribute"]
    # a column that is left out although it has something to say
    return (
        STATES["unclear"]
        if column["seen"] and (column["known"] or column["is_number"] or not column["heading"])
        else STATES["out"]
    )


def _row(row: dict[str, Any]) -> dict[str, Any]:
    kinds: dict[str, Any] = dict(Customer.Type.choices)
    genders: dict[str, Any] = dict(Customer.Gender.choices)
    city = City.objects.filter(pk=row["city_id"]).first() if row["city_id"] else None
    return row | {
        "city": city.label if city else "",
        "type": kinds.get(row["type"], ""),
        "gender": genders.get(row["gender"], ""),
        "reason": reason_words(row["fault"]),
        "values": list(row["attributes"].items()),
    }
