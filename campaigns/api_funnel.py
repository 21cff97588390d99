"""The funnel of a campaign over the API: where its leads stand, when the next is callable, how long the stock lasts."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns import rules
from campaigns.funnel import board, classes, counting
from campaigns.funnel.forecast import forecast
from campaigns.models import Campaign
from core.clock import database_now
from core.numbers import number_or_none


class ReadsCampaigns(BasePermission):
    """Those who see the pages of campaigns."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return rules.can_read_campaigns(request.user)


class FunnelClassSerializer(serializers.Serializer):
    name = serializers.ChoiceField(choices=list(classes.WORDS))
    leads = serializers.IntegerField()
    next_at = serializers.DateTimeField(allow_null=True, help_text="When the first of them becomes callable by itself.")


class FunnelSerializer(serializers.Serializer):
    """Every lead is in one class; the classes add up to `total`. Of the cities that you may see."""

    campaign = serializers.IntegerField()
    counted_at = serializers.DateTimeField()
    total = serializers.IntegerField()
    classes = FunnelClassSerializer(many=True)
    next_callable_at = serializers.DateTimeField(allow_null=True)
    stock = serializers.IntegerField(help_text="Leads that are callable or held back by time alone.")
    finished_per_day = serializers.FloatField(
        allow_null=True, help_text="Mean of the last days, five at most, with finished leads."
    )
    stock_days = serializers.FloatField(allow_null=True, help_text="Working days; null when it cannot be said.")
    is_low = serializers.BooleanField(help_text="Below the campaign's own limit of days.")


class CampaignFunnel(APIView):
    """Why not now."""

    permission_classes = [IsAuthenticated, ReadsCampaigns]

    @extend_schema(
        responses=FunnelSerializer,
        parameters=[
            OpenApiParameter("city", int, description="Of this city only; one you may not see holds no leads.")
        ],
    )
    def get(self, request: Request, pk: int) -> Response:
        seen = Campaign.objects.visible_to(request.user).select_related("product")
        campaign = get_object_or_404(seen, pk=pk)
        counted = counting.kept([campaign], database_now())[campaign.pk]
        funnel = counting.cut([counted], _cities(request))
        told = forecast(funnel)
        return Response(
            FunnelSerializer({
                "campaign": campaign.pk, "counted_at": funnel.at, "total": funnel.total, "next_callable_at": funnel.next_at,
                "classes": [{"name": name, "leads": funnel.counts[name], "next_at": funnel.frees.get(name)} for name in classes.WORDS],
                "stock": told.stock, "finished_per_day": told.per_day, "stock_days": told.days,
                "is_low": told.is_low(campaign.stock_alert_days),
            }).data
        )  # fmt: skip


def _cities(request: Request) -> set[int] | None:
    cities, asked = board.cities_counted(request.user), request.query_params.get("city", "")
    if (city := number_or_none(asked)) is None:
        return cities
    return {city} if cities is None else {city} & cities
