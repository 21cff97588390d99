"""Costs over the API: look, enter, take back, put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from campaigns import rules
from campaigns.api_calls import IDEMPOTENCY, key_of, must
from campaigns.filters_costs import CostFilter
from campaigns.models import Campaign, Cost
from campaigns.services import costs
from core.clock import database_now
from core.idempotency import once
from core.numbers import units
from people.models import City


class CostSerializer(serializers.ModelSerializer):
    month = serializers.DateField(format="%Y-%m")
    amount = serializers.SerializerMethodField(help_text="In currency units.")

    class Meta:
        model = Cost
        fields = (
            "id",
            "month",
            "kind",
            "amount",
            "city_id",
            "campaign_id",
            "spread",
            "note",
            "created_at",
            "taken_back_at",
        )
        read_only_fields = fields

    def get_amount(self, cost: Cost) -> str:
        return units(cost.amount_cents)


class NewCostSerializer(serializers.Serializer):
    month = serializers.DateField(input_formats=["%Y-%m"], help_text="2026-11")
    kind = serializers.ChoiceField(choices=Cost.Kind.choices)
    amount = serializers.DecimalField(max_digits=12, decimal_places=2, help_text="In currency units, above nothing.")
    city = serializers.PrimaryKeyRelatedField(queryset=City.objects.none(), allow_null=True, default=None)
    campaign = serializers.PrimaryKeyRelatedField(queryset=Campaign.objects.none(), allow_null=True, default=None)
    spread = serializers.ChoiceField(
        choices=Cost.Spread.choices,
        default="",
        help_text="By what it is shared among the cities or campaigns that are left open.",
    )
    note = serializers.CharField(max_length=200, allow_blank=True, default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = self.context["request"].user if "request" in self.context else None
        for name, model in (("city", City), ("campaign", Campaign)):
            if user is not None:
                self.fields[name].queryset = model.objects.visible_to(user)


class CostViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Costs that you may see, those that count; `state=back`: those taken back."""

    queryset = Cost.objects.none()
    serializer_class = CostSerializer
    filterset_class = CostFilter

    def get_queryset(self) -> QuerySet:
        must(rules.can_see_costs(self.request.user))
        return Cost.objects.visible_to(self.request.user).order_by("-month", "-pk")

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    @extend_schema(request=NewCostSerializer, responses={201: CostSerializer}, parameters=[IDEMPOTENCY])
    def create(self, request: Request) -> Response:
        """409 with a sentence when it cannot be entered."""
        must(rules.can_see_costs(request.user))
        posted = NewCostSerializer(data=request.data, context={"request": request})
        posted.is_valid(raise_exception=True)
        row = dict(posted.validated_data)
        cents = int(row.pop("amount") * 100)

        def run() -> dict[str, Any]:
            cost = costs.enter_cost(**row, amount_cents=cents, by=request.user, at=database_now())
            return dict(CostSerializer(cost).data)

        said = {"post": "costs", **posted.data}
        return Response(
            once(user=request.user, key=key_of(request), fingerprint=said, run=run), status=status.HTTP_201_CREATED
        )

    @extend_schema(request=None, responses=CostSerializer, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"], url_path="take-back")
    def take_back(self, request: Request, pk: str | None = None) -> Response:
        """It no longer counts. 409 when it is taken back already."""
        return self._turn(request, costs.take_back_cost)

    @extend_schema(request=None, responses=CostSerializer, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"], url_path="put-back")
    def put_back(self, request: Request, pk: str | None = None) -> Response:
        """It counts again. 409 when it does already."""
        return self._turn(request, costs.put_back_cost)

    def _turn(self, request: Request, verb: Callable[..., Cost]) -> Response:
        cost = self.get_object()

        def run() -> dict[str, Any]:
            return dict(CostSerializer(verb(cost=cost, by=request.user, at=database_now())).data)

        said = {"post": verb.__name__, "cost": cost.pk}
        return Response(once(user=request.user, key=key_of(request), fingerprint=said, run=run))


def register(router: BaseRouter) -> None:
    router.register("costs", CostViewSet, basename="cost")
