"""Calls and orders over the API: look, post calls of other systems, cancel and reinstate orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, pagination, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from campaigns import rules
from campaigns.desk_fields import SHOWN
from campaigns.filters import CallFilter, OrderFilter
from campaigns.models import Call, Order
from campaigns.queries_calls import Names, calls_shown, door_of
from campaigns.services import history, orders
from campaigns.services.history_posting import post_call
from core.clock import database_now
from core.errors import PermissionRefused
from core.idempotency import once
from core.numbers import units

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER,
    description="The same key with the same content gets the first answer again, and nothing is done twice; at most 200 characters.",
)  # fmt: skip


class NewestFirst(pagination.CursorPagination):
    """By time, newest first, by a cursor: page 10,000 is as fast as page 1."""

    ordering = ("-started_at", "-id")
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000


class NewestOrdersFirst(NewestFirst):
    ordering = ("-call_started_at", "-id")


class CallSerializer(serializers.ModelSerializer):
    """A call with its circumstances. `result` is the code; the number is masked."""

    result = serializers.SerializerMethodField()
    city = serializers.SerializerMethodField()
    agent = serializers.SerializerMethodField()
    phone = serializers.CharField(source="phone_mask", allow_null=True)
    order_state = serializers.CharField(allow_null=True)
    source_id = serializers.SerializerMethodField(help_text="Null where a data request does not show it.")

    class Meta:
        model = Call
        fields = (
            "id", "started_at", "recorded_at", "direction", "customer_id", "phone", "city_id", "city", "agent_id", "agent", "team_id", "team_city_id",
            "campaign_id", "lead_id", "list_id", "source_id", "product_id", "offer_id", "script_version_id", "experiment_arm_id", "attempt",
            "recommended", "result", "connected", "right_party", "sale", "refuses_offer", "refuses_calls", "mid_call", "complaint", "bad_number",
            "ring_seconds", "talk_seconds", "hold_seconds", "after_call_seconds", "step_id", "reason", "order_state",
        )  # fmt: skip
        read_only_fields = fields

    @property
    def _names(self) -> Names:
        return self.context.setdefault("names", Names())

    def get_result(self, call: Call) -> str:
        found = self._names.results.get(call.disposition_id)
        return found.code if found else ""

    def get_source_id(self, call: Call) -> int | None:
        fields = door_of(call).fields
        return call.source_id if fields is None or fields.get("source") == SHOWN else None

    def get_city(self, call: Call) -> str:
        return self._names.cities.get(call.city_id, "")

    def get_agent(self, call: Call) -> str:
        return self._names.agent(call.agent_id)


class PostedCallSerializer(serializers.Serializer):
    """A call of another system, by its own numbers and codes: the columns of the call history."""

    system = serializers.CharField(
        max_length=40, default=history.SYSTEM, help_text="The dialer; call and order numbers are unique within it."
    )
    create = serializers.BooleanField(
        default=False, help_text="Make campaigns, products, teams, agents and customers that are not known."
    )
    call_id = serializers.CharField(max_length=64)
    campaign = serializers.CharField(max_length=40)
    agent = serializers.CharField(max_length=30)
    team = serializers.CharField(max_length=30, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40)
    direction = serializers.ChoiceField(Call.Direction.choices, default=Call.Direction.OUTBOUND)
    started_at = serializers.CharField(max_length=40, help_text="Local time of the region, or with offset.")
    result = serializers.CharField(max_length=40)
    talk_seconds = serializers.IntegerField(default=0)
    after_call_seconds = serializers.IntegerField(default=0)
    order_id = serializers.CharField(max_length=64, required=False, allow_blank=True)
    product = serializers.CharField(max_length=40, required=False, allow_blank=True)
    amount = serializers.DecimalField(
        max_digits=14, decimal_places=2, required=False, allow_null=True, help_text="In currency units."
    )
    cancelled_at = serializers.CharField(max_length=40, required=False, allow_blank=True, allow_null=True)


class TakenCallSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    call_id = serializers.CharField()
    verdict = serializers.CharField(help_text="new, cancellation (a known sale is now cancelled) or unchanged")


class CallViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Calls that you may see, newest first. One call per customer (`customers`) is of the last 31 days when no date is given."""

    queryset = Call.objects.none()
    serializer_class = CallSerializer
    filterset_class = CallFilter
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet:
        must(rules.can_read_calls(self.request.user))
        return calls_shown(self.request.user)

    @extend_schema(
        request=PostedCallSerializer,
        responses={201: TakenCallSerializer, 200: TakenCallSerializer},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """Post a call of another system. 201 when it is new, 200 when it was known; 409 with a sentence when it cannot be taken."""
        must(rules.can_import_calls(request.user))
        posted = PostedCallSerializer(data=request.data)
        posted.is_valid(raise_exception=True)
        row = dict(posted.validated_data)
        system, makes = row.pop("system"), row.pop("create")

        def run() -> dict[str, Any]:
            call, verdict = post_call(row=row, system=system, makes_missing=makes, by=request.user, at=database_now())
            return {"id": call.pk, "call_id": row["call_id"], "verdict": verdict}

        answer = once(user=request.user, key=key_of(request), fingerprint={"post": "calls", **posted.data}, run=run)
        return Response(answer, status=status.HTTP_201_CREATED if answer["verdict"] == "new" else status.HTTP_200_OK)


class OrderSerializer(serializers.ModelSerializer):
    product = serializers.CharField(source="product.code")
    offer = serializers.CharField(source="offer.code", allow_null=True, default=None)
    amount = serializers.SerializerMethodField(help_text="In currency units.")

    class Meta:
        model = Order
        fields = (
            "id", "system", "number", "state", "call_id", "call_started_at", "customer_id", "city_id", "agent_id", "team_id", "campaign_id", "product",
            "offer", "amount", "recorded_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_amount(self, order: Order) -> str:
        return units(order.amount_cents)


class OrderEventSerializer(serializers.Serializer):
    occurred_at = serializers.DateTimeField(help_text="When it happened; without an offset the region's time.")
    reason = serializers.CharField(max_length=200)


class OrderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Orders that you may see, the newest sale first."""

    queryset = Order.objects.none()
    serializer_class = OrderSerializer
    filterset_class = OrderFilter
    pagination_class = NewestOrdersFirst

    def get_queryset(self) -> QuerySet:
        must(rules.can_read_orders(self.request.user))
        return Order.objects.visible_to(self.request.user).select_related("product", "offer")

    @extend_schema(request=OrderEventSerializer, responses=OrderSerializer, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"])
    def cancellation(self, request: Request, pk: str | None = None) -> Response:
        """The customer went back on it. The figures of the sale's day change. 409 when it is cancelled already, or the time cannot be."""
        return self._change(request, orders.cancel_order)

    @extend_schema(request=OrderEventSerializer, responses=OrderSerializer, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"])
    def reinstatement(self, request: Request, pk: str | None = None) -> Response:
        """The cancellation is taken back. 409 when the order is not cancelled, or the time cannot be."""
        return self._change(request, orders.reinstate_order)

    def _change(self, request: Request, verb: Callable[..., Order]) -> Response:
        order = self.get_object()
        must(rules.can_change_order(request.user))
        posted = OrderEventSerializer(data=request.data)
        posted.is_valid(raise_exception=True)

        def run() -> dict[str, Any]:
            changed = verb(order=order, by=request.user, at=database_now(), **posted.validated_data)
            return dict(OrderSerializer(changed).data)

        said = {"post": verb.__name__, "order": order.pk, **posted.data}
        return Response(once(user=request.user, key=key_of(request), fingerprint=said, run=run))


def key_of(request: Request) -> str:
    """The idempotency key that was sent, "" without one."""
    return request.headers.get("Idempotency-Key", "").strip()


def must(allowed: bool) -> None:
    """Raises PermissionRefused."""
    if not allowed:
        raise PermissionRefused(_("Your role does not allow this."))


def register(router: BaseRouter) -> None:
    router.register("calls", CallViewSet, basename="call")
    router.register("orders", OrderViewSet, basename="order")
