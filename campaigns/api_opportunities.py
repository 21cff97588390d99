"""Opportunities over the API: look, hand over, close, open again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from campaigns import rules
from campaigns.api_calls import IDEMPOTENCY, NewestFirst, key_of, must
from campaigns.filters_opportunities import OpportunityFilter
from campaigns.models import Call, Opportunity
from campaigns.queries_calls import opportunities_shown
from campaigns.services import opportunities
from core.clock import database_now
from core.idempotency import once
from core.numbers import LARGEST_ID, units


class NewestHandedFirst(NewestFirst):
    ordering = ("-handed_at", "-id")


class OpportunitySerializer(serializers.ModelSerializer):
    wish = serializers.CharField(
        source="wish_shown",
        read_only=True,
        help_text="What the customer wants; empty while the person's data are locked.",
    )
    reason = serializers.CharField(source="reason_shown", read_only=True)
    amount = serializers.SerializerMethodField(help_text="In currency units, of what was won.")

    class Meta:
        model = Opportunity
        fields = (
            "id", "state", "call_id", "call_started_at", "customer_id", "city_id", "team_id", "agent_id", "campaign_id", "wish", "closer", "handed_at",
            "closed_at", "amount", "quality", "reason",
        )  # fmt: skip
        read_only_fields = fields

    def get_amount(self, row: Opportunity) -> str | None:
        return None if row.amount_cents is None else units(row.amount_cents)


class HandedOverSerializer(serializers.Serializer):
    call_id = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)
    wish = serializers.CharField(max_length=400, help_text="What the customer wants.")
    closer = serializers.CharField(max_length=120, help_text="Who closes it.")


class EndSerializer(serializers.Serializer):
    won = serializers.BooleanField()
    closed_on = serializers.DateField()
    quality = serializers.ChoiceField(choices=Opportunity.Quality.choices, help_text="How well it was prepared.")
    amount = serializers.DecimalField(
        max_digits=12, decimal_places=2, allow_null=True, default=None, help_text="Of what was won."
    )
    reason = serializers.CharField(max_length=200, allow_blank=True, default="", help_text="Why it was lost.")


class OpportunityViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Opportunities that you may see, the last handed over first."""

    queryset = Opportunity.objects.none()
    serializer_class = OpportunitySerializer
    filterset_class = OpportunityFilter
    pagination_class = NewestHandedFirst

    def get_queryset(self) -> QuerySet:
        must(rules.can_read_opportunities(self.request.user))
        return opportunities_shown(self.request.user)

    @extend_schema(request=HandedOverSerializer, responses={201: OpportunitySerializer}, parameters=[IDEMPOTENCY])
    def create(self, request: Request) -> Response:
        """409 with a sentence when the call cannot be handed over, or is already."""
        must(rules.can_read_opportunities(request.user))
        posted = HandedOverSerializer(data=request.data)
        posted.is_valid(raise_exception=True)
        said = dict(posted.validated_data)
        call = get_object_or_404(Call.objects.visible_to(request.user), pk=said.pop("call_id"))

        def run() -> dict[str, Any]:
            made = opportunities.hand_over(call=call, by=request.user, at=database_now(), **said)
            return {"id": made.pk}

        return self._told(request, {"post": "opportunities", **posted.data}, run, status.HTTP_201_CREATED)

    @extend_schema(request=EndSerializer, responses=OpportunitySerializer, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str | None = None) -> Response:
        """How it ended. 409 with a sentence when it is closed already, or the end lacks something."""
        row = self.get_object()
        must(rules.can_close_opportunity(request.user, row))
        posted = EndSerializer(data=request.data)
        posted.is_valid(raise_exception=True)
        end = dict(posted.validated_data)
        amount = end.pop("amount")

        def run() -> dict[str, Any]:
            cents = None if amount is None else int(amount * 100)
            closed = opportunities.close_opportunity(
                opportunity=row, amount_cents=cents, by=request.user, at=database_now(), **end
            )
            return {"id": closed.pk}

        return self._told(request, {"post": "close", "opportunity": row.pk, **posted.data}, run)

    @extend_schema(request=None, responses=OpportunitySerializer, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str | None = None) -> Response:
        """The end is taken back. 409 when it is open."""
        row = self.get_object()
        must(rules.can_close_opportunity(request.user, row))

        def run() -> dict[str, Any]:
            opened = opportunities.reopen_opportunity(opportunity=row, by=request.user, at=database_now())
            return {"id": opened.pk}

        return self._told(request, {"post": "reopen", "opportunity": row.pk}, run)

    def _told(
        self, request: Request, said: dict[str, Any], run: Callable[[], dict[str, Any]], code: int = status.HTTP_200_OK
    ) -> Response:
        """As it stands now: what is kept with the key tells nothing of a person."""
        answer = once(user=request.user, key=key_of(request), fingerprint=said, run=run)
        return Response(self.get_serializer(self.get_queryset().get(pk=answer["id"])).data, status=code)


def register(router: BaseRouter) -> None:
    router.register("opportunities", OpportunityViewSet, basename="opportunity")
