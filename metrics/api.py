"""`GET /api/v1/indicators/`: the same figures as the page and the files, as JSON."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import date
from typing import Any

from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter
from rest_framework.viewsets import ViewSet

from core.errors import DomainError
from core.numbers import number_or_none
from customers.rules import can_see_sources
from metrics import export, registry, scorecards
from metrics.api_own import OwnDayView
from metrics.api_trials import ExperimentsViewSet
from metrics.column_sets import ColumnSet
from metrics.questions import GRAINS, GROUPS, Question, ask

JSON_TYPE = "application/json"
AT_ONCE = 8 << 20  # bytes of an answer that may lie in memory; a larger one is read from its file

IDS = [
    OpenApiParameter(name, OpenApiTypes.STR, description=f"Only these ids of {name}, separated by commas.")
    for name in GROUPS
]


class IndicatorsViewSet(ViewSet):
    """Figures of a range of days, both ends included, within what the user may see."""

    serializer_class = None

    @extend_schema(
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATE, required=True, description="First day."),
            OpenApiParameter("to", OpenApiTypes.DATE, required=True, description="Last day, included."),
            OpenApiParameter("grain", OpenApiTypes.STR, enum=list(GRAINS), default="total"),
            OpenApiParameter(
                "by", OpenApiTypes.STR, description="Any of city,team,agent,campaign, separated by commas."
            ),
            OpenApiParameter(
                "columns",
                OpenApiTypes.STR,
                description="Only the columns of one set of the page, such as sales or quality; all without.",
            ),
            *IDS,
        ],
        responses={200: {"type": "array", "items": {"type": "object", "additionalProperties": True}}},
        summary="Indicators by period and group",
    )
    def list(self, request: Request) -> HttpResponseBase:
        """One object per period and group, ascending. Rates in percent, unrounded, null where the denominator is 0.

        `cost_per_order` is null also where no cost has been entered, and always by team or agent, whose costs nobody enters.
        """
        grain = request.query_params.get("grain") or "total"
        table = export.Table(self._question(request, grain), grain, shown=_columns(request.query_params))
        try:
            found = export.open_written(table, ".json")
        except DomainError as refusal:
            raise ValidationError(str(refusal)) from refusal
        if os.fstat(found.fileno()).st_size > AT_ONCE:
            return FileResponse(found, filename="indicators.json", content_type=JSON_TYPE)
        with found:
            return HttpResponse(found.read(), content_type=JSON_TYPE)

    @extend_schema(
        responses={200: {"type": "array", "items": {"type": "object", "additionalProperties": True}}},
        summary="Definitions of the indicators",
    )
    @action(detail=False)
    def definitions(self, request: Request) -> Response:
        """Name, formula and version of every indicator, in the language of the request."""
        return Response([_definition(found) for found in registry.indicators()])

    def _question(self, request: Request, grain: str) -> Question:
        query = request.query_params
        by = [name.strip() for name in query.get("by", "").split(",") if name.strip()]
        filters = {name: _ids(query[name], name) for name in GROUPS if query.get(name)}
        try:
            return ask(
                since=_day(query, "from"),
                until=_day(query, "to"),
                grain=grain,
                by=by,
                filters=filters,
                user=request.user,
            )
        except DomainError as refusal:
            raise ValidationError(str(refusal)) from refusal


class ScorecardsViewSet(ViewSet):
    """Sources or lists side by side, within what the user may see."""

    serializer_class = None

    @extend_schema(
        parameters=[
            OpenApiParameter("by", OpenApiTypes.STR, enum=["source", "list"], default="source"),
            OpenApiParameter("source", OpenApiTypes.INT, description="Only lists of this source; by list."),
        ],
        responses={200: {"type": "array", "items": {"type": "object", "additionalProperties": True}}},
        summary="Scorecards of sources and lists",
    )
    def list(self, request: Request) -> Response:
        """One object per source or committed list: rows by verdict as the user is told them, the measures, and each rate in percent with
        its 95 % interval, null where the denominator is 0; `is_small` where pages grey it. Costs in cents: price per row times rows
        received, null without a price."""
        if not can_see_sources(request.user):
            raise PermissionDenied
        by = request.query_params.get("by") or "source"
        if by == "source":
            return Response([_score(score) for score in scorecards.source_scores(request.user)])
        if by != "list":
            raise ValidationError({"by": _("Give source or list.")})
        wanted = _ids(request.query_params.get("source", ""), "source")
        narrow = (lambda found: found.filter(source__in=wanted)) if wanted else (lambda found: found)
        return Response([_score(score) for score in scorecards.list_scores(request.user, narrow)])


def _score(score: scorecards.Score) -> dict[str, Any]:
    source = score.source
    return {
        "id": score.pk,
        "name": score.name,
        "source": source and source.pk,
        "kind": source and source.kind,
        "supplier": source and source.supplier,
        "price_cents": source and source.price_cents,
        "lists": score.lists,
        "rows_received": score.received,
        "rows": {verdict.value: score.verdicts[verdict] for verdict in scorecards.Verdict},
        "measures": score.counts,
        "rates": {key: asdict(score.rate(key)) for key in scorecards.RATES},
        "cost_per_order": score.cost_per_order,
    }


def _definition(found: registry.Indicator) -> dict[str, Any]:
    return {
        "key": found.key,
        "version": found.version,
        "label": str(found.label),
        "formula": str(found.formula),
        "tells": str(found.tells),
        "numerator": list(found.numerator),
        "denominator": list(found.denominator),
        "hangs_on": str(found.hangs_on),
        "unit": found.unit,
        "better": found.better,
        "smallest_denominator": found.least,
        "matures_days": found.matures_days,
    }


def _day(query: Any, name: str) -> date:
    text = query.get(name, "")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValidationError({name: _("Give a date as 2026-11-22.")}) from None


def _columns(query: Any) -> ColumnSet | None:
    wanted = query.get("columns", "")
    try:
        return export.columns_named(wanted) if wanted else None
    except DomainError as refusal:
        raise ValidationError({"columns": str(refusal)}) from refusal


def _ids(text: str, name: str) -> list[int]:
    found = [number_or_none(part.strip()) for part in text.split(",") if part.strip()]
    if None in found:
        raise ValidationError({name: _("Give ids separated by commas.")})
    return [one for one in found if one is not None]


def register(router: BaseRouter) -> None:
    router.register("scorecards", ScorecardsViewSet, basename="scorecard")
    router.register("experiments", ExperimentsViewSet, basename="experiment")
    router.register("indicators", IndicatorsViewSet, basename="indicator")


urlpatterns = [path("desk/own/", OwnDayView.as_view(), name="own-day")]
