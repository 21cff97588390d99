"""Who is not to be called, over the API: other systems hear of it and tell of it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from core.clock import database_now
from customers import rules
from customers.by_number import suppressions_seen
from customers.filters import SuppressionFilter
from customers.models import Customer, Suppression
from customers.services import suppress as services
from customers.services.persons import suppress_number


class SuppressionSerializer(serializers.ModelSerializer):
    """Without campaign and product: by nobody. Without customer: a number that is nobody's here."""

    customer_id = serializers.IntegerField(source="named_id", allow_null=True, read_only=True)

    class Meta:
        model = Suppression
        fields = (
            "id",
            "customer_id",
            "kind",
            "campaign_id",
            "product_id",
            "valid_from",
            "valid_to",
            "source",
            "lifted_at",
        )
        read_only_fields = fields


class SuppressionPost(serializers.Serializer):
    """Name a visible customer by id, or a number; the number is kept without its digits."""

    customer_id = serializers.IntegerField(required=False)
    number = serializers.CharField(required=False, max_length=40)
    kind = serializers.ChoiceField(choices=[choice for choice in Suppression.Kind.choices if choice[0] != "locked"])
    valid_to = serializers.DateTimeField(required=False, allow_null=True, default=None)
    note = serializers.CharField(required=False, max_length=200, default="", allow_blank=True)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("customer_id" in data) == ("number" in data):
            raise serializers.ValidationError("Give either customer_id or number.")
        return data


class LiftPost(serializers.Serializer):
    reason = serializers.CharField(max_length=200)


class SuppressionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Suppressions of the customers that the caller's role covers."""

    queryset = Suppression.objects.none()
    serializer_class = SuppressionSerializer
    filterset_class = SuppressionFilter

    def get_queryset(self) -> Any:
        if not rules.can_see_suppressions(self.request.user):
            return Suppression.objects.none()
        return suppressions_seen(self.request.user).order_by("-valid_from", "-pk")

    @extend_schema(request=SuppressionPost, responses={201: SuppressionSerializer, 202: None})
    def create(self, request: Request) -> Response:
        """Not to be called from now on. 201 with the row; 202 without it by number, whoever the number belongs to, and for a customer who was
        merged with one of another city in this moment."""
        if not rules.can_suppress(request.user):
            raise PermissionDenied
        post = SuppressionPost(data=request.data)
        post.is_valid(raise_exception=True)
        told, at = dict(post.validated_data), database_now()
        if "number" in told:
            suppress_number(number=told.pop("number"), **told, by=request.user, at=at)
            return Response(status=status.HTTP_202_ACCEPTED)
        customer = Customer.objects.visible_to(request.user).filter(pk=told.pop("customer_id")).first()
        if customer is None:
            return Response({"detail": "There is no such customer."}, status=status.HTTP_404_NOT_FOUND)
        row = services.suppress(customer=customer, **told, source="api", by=request.user, at=at)
        seen = self.get_queryset().filter(pk=row.pk).first()
        if seen is None:
            return Response(status=status.HTTP_202_ACCEPTED)
        return Response(SuppressionSerializer(seen).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=LiftPost, responses=SuppressionSerializer)
    @action(detail=True, methods=["post"])
    def lift(self, request: Request, pk: str | None = None) -> Response:
        """End it at once, with a reason. 409 when it was lifted before."""
        row = self.get_object()
        if not rules.can_lift(request.user, row):
            raise PermissionDenied
        post = LiftPost(data=request.data)
        post.is_valid(raise_exception=True)
        reason = post.validated_data["reason"]
        # told as it was seen, not read again: it may have gone to another city since, or the filter of this address may ask for others
        row.lifted_at = services.lift(suppression=row, by=request.user, at=database_now(), reason=reason).lifted_at
        return Response(SuppressionSerializer(row).data)


def register(router: BaseRouter) -> None:
    router.register("suppressions", SuppressionViewSet, basename="suppression")
