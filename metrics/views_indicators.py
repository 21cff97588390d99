"""The indicators page, its definitions, its files."""

from __future__ import annotations

from dataclasses import replace

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core.audit import audit
from core.calendar import business_date
from core.clock import database_now
from core.files import attachment
from core.workbooks import CSV_TYPE, XLSX_TYPE
from metrics import export, registry
from metrics.column_sets import column_set
from metrics.indicator_page.board import NotYours, build_board
from metrics.indicator_page.state import State, read_state
from metrics.peak import find_peak
from metrics.questions import Question, ask, periods

TYPES = {"xlsx": XLSX_TYPE, "csv": CSV_TYPE}


@require_GET
def indicators(request: HttpRequest) -> HttpResponse:
    """Figures of a range of days, cut as the address says, within what the user may see."""
    today = business_date(database_now())
    try:
        board = build_board(request.user, read_state(request.GET.dict(), today), today)
    except NotYours:
        raise Http404 from None
    return render(
        request,
        "metrics/indicators.html",
        {"board": board, "frame": board.frame, "state": board.state, "table": board.table},
    )


@require_GET
def indicators_peak(request: HttpRequest) -> HttpResponse:
    """The best agent of the range beside what luck alone would bring; asked for after the page stands."""
    state = read_state(request.GET.dict(), business_date(database_now()))
    return render(
        request, "metrics/_indicators_peak.html", {"peak": find_peak(_question(request, state)), "state": state}
    )


@require_GET
def indicators_export(request: HttpRequest, suffix: str) -> FileResponse:
    """The columns that the address names as a file, all without; Excel also holds the course by period, the chart and the definitions."""
    at = database_now()
    state = read_state(request.GET.dict(), business_date(at))
    question = _question(request, state)
    if state.by == "period":
        question = replace(question, periods=tuple(periods(state.since, state.until, state.grain)))
    shown = column_set(request.GET.get("columns", ""))
    table = export.Table(question, state.grain if state.by == "period" else "total", course=state.grain, shown=shown)
    audit(
        "metrics.indicators.exported",
        by=request.user,
        at=at,
        format=suffix,
        since=state.since.isoformat(),
        until=state.until.isoformat(),
        grouped_by=state.by,
        columns=shown.key if shown else "",
    )
    name = f"indicators-{state.since:%Y%m%d}-{state.until:%Y%m%d}.{suffix}"
    found = export.open_written(table, f".{suffix}")
    return attachment(found, name, TYPES[suffix])


def _question(request: HttpRequest, state: State) -> Question:
    filters = {name: (number,) for name, number in state.filters.items()}
    by = () if state.by == "period" else (state.by,)
    return ask(since=state.since, until=state.until, by=by, filters=filters, user=request.user)


@require_GET
def definitions(request: HttpRequest) -> HttpResponse:
    """Every indicator: formula, what it tells, the date it hangs on, when it is mature."""
    rows = [(found, export.unit_label(found.unit)) for found in registry.indicators()]
    crumbs = [(_("Indicators"), reverse("metrics:indicators"))]
    return render(request, "metrics/indicators_definitions.html", {"rows": rows, "crumbs": crumbs})
