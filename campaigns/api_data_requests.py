"""Data requests over the API: ask, look, decide, take back, close, read the record of use. The same services as the pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from campaigns import rules
from campaigns.api_calls import IDEMPOTENCY, key_of
from campaigns.filters_data_requests import DataRequestFilter
from campaigns.models import Campaign, DataRequest
from campaigns.queries_data_requests import Use, record_of
from campaigns.services import data_requests as services
from core.clock import database_now
from core.idempotency import once
from customers.models import Segment
from people.models import City


class MaySeeDataRequests(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return rules.can_see_data_requests(request.user)


class Visible(serializers.PrimaryKeyRelatedField):
    """An id that the caller sees; any other does not exist."""

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().visible_to(self.context["request"].user)


class DataRequestSerializer(serializers.ModelSerializer[DataRequest]):
    """`desk_fields` says what agents see, {"name": "shown", "attribute:ARPU": "masked"}; what is not named is hidden from them."""

    desk_fields = serializers.JSONField(source="fields", read_only=True)
    end_reason = serializers.CharField(source="why_ended", read_only=True)
    job = serializers.IntegerField(
        source="job_id", allow_null=True, read_only=True, help_text="The job that makes the leads, or withdraws them."
    )

    class Meta:
        model = DataRequest
        fields = (
            "id", "campaign", "city", "wanted", "conditions", "segment", "order", "desk_fields", "needed_on", "use_until", "reason", "asked_by",
            "asked_at", "state", "decided_by", "decided_at", "answer", "job", "fulfilled_at", "lead_count", "left_out", "ended_by", "ended_at",
            "end_reason", "withdrawn_count",
        )  # fmt: skip
        read_only_fields = fields


class DataRequestPost(serializers.Serializer[Any]):
    """By `conditions`, as those of a segment, or by those of a saved `segment` as they stand now."""

    campaign = Visible(queryset=Campaign.objects.all())
    city = Visible(
        queryset=City.objects.all(),
        required=False,
        allow_null=True,
        default=None,
        help_text="None: that of the campaign or the segment, else the whole region.",
    )
    wanted = serializers.IntegerField(help_text="How many customers, 1 to 1,000,000.")
    conditions = serializers.JSONField(required=False, allow_null=True, default=None)
    segment = Visible(queryset=Segment.objects.live(), required=False, allow_null=True, default=None)
    order = serializers.ChoiceField(choices=DataRequest.Order.choices, required=False, default=DataRequest.Order.RANDOM)
    desk_fields = serializers.DictField(
        child=serializers.CharField(), required=False, default=dict, help_text="Field to `shown` or `masked`."
    )
    needed_on = serializers.DateField()
    use_until = serializers.DateField()
    reason = serializers.CharField(max_length=500)

    def validate(self, told: dict[str, Any]) -> dict[str, Any]:
        if told["conditions"] is None and told["segment"] is None:
            raise serializers.ValidationError({"conditions": _("Say who is meant: conditions, or a segment.")})
        return told


class WhyPost(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class UseSerializer(serializers.Serializer[Any]):
    """Customers, not calls: a customer called five times is one called."""

    team = serializers.CharField()
    agent = serializers.CharField(help_text="Empty: the whole team.")
    called = serializers.IntegerField()
    reached = serializers.IntegerField()
    won = serializers.IntegerField()


class RecordSerializer(serializers.Serializer[Any]):
    """What became of the leads, as it stands now."""

    made = serializers.IntegerField(help_text="Leads that the request has made.")
    open = serializers.IntegerField(help_text="Of them still to be called, or in somebody's hand.")
    called = serializers.IntegerField()
    reached = serializers.IntegerField()
    won = serializers.IntegerField()
    by_team = UseSerializer(many=True)
    by_agent = UseSerializer(many=True)


@extend_schema_view(list=extend_schema(summary="Data requests"), retrieve=extend_schema(summary="One data request"))
class DataRequestViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[DataRequest]):
    """Customers asked for by a campaign: decided by a second person, filled by a job, used until a day."""

    queryset = DataRequest.objects.none()
    serializer_class = DataRequestSerializer
    filterset_class = DataRequestFilter
    permission_classes = [*viewsets.GenericViewSet.permission_classes, MaySeeDataRequests]

    def get_queryset(self) -> QuerySet[DataRequest]:
        rows = DataRequest.objects.visible_to(self.request.user).select_related("campaign", "city")
        return rows.order_by("-asked_at", "-pk")

    @extend_schema(
        summary="Ask for customers",
        request=DataRequestPost,
        responses={201: DataRequestSerializer},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """Nothing happens before a second person approves. 409 with a sentence when it cannot be asked so."""
        told = DataRequestPost(data=request.data, context={"request": request})
        told.is_valid(raise_exception=True)
        data = dict(told.validated_data)

        def run() -> dict[str, Any]:
            campaign, city, fields = data.pop("campaign"), data.pop("city"), data.pop("desk_fields")
            asked = services.Asked(**data, fields=fields)
            row = services.ask_data(campaign=campaign, city=city, asked=asked, by=request.user, at=database_now())
            return {"id": row.pk}

        said = {"post": "data-requests", **told.data}
        answer = once(user=request.user, key=key_of(request), fingerprint=said, run=run)
        made = self.get_queryset().get(pk=answer["id"])
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Approve", request=None, responses={202: DataRequestSerializer})
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str | None = None) -> Response:
        """By somebody else than who asked; a job then draws the customers and makes the leads, and the state becomes `fulfilled`."""
        row = services.approve_request(request=self.get_object(), by=request.user, at=database_now())
        return self._told(row, status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Refuse", request=WhyPost, responses=DataRequestSerializer)
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, pk: str | None = None) -> Response:
        """By somebody else than who asked, and why."""
        row = self.get_object()
        return self._told(
            services.refuse_request(request=row, reason=_why(request), by=request.user, at=database_now())
        )

    @extend_schema(summary="Take it back", request=None, responses=DataRequestSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str | None = None) -> Response:
        """By who asked, while nobody has decided."""
        return self._told(services.withdraw_request(request=self.get_object(), by=request.user, at=database_now()))

    @extend_schema(summary="End the use early", request=WhyPost, responses={202: DataRequestSerializer})
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str | None = None) -> Response:
        """A job withdraws the leads that are still open."""
        row = self.get_object()
        closed = services.close_request(request=row, reason=_why(request), by=request.user, at=database_now())
        return self._told(closed, status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Record of use", responses=RecordSerializer, filters=False)
    @action(detail=True, filterset_class=None, pagination_class=None)
    def use(self, request: Request, pk: str | None = None) -> Response:
        """Customers called, reached and won, by team and by agent."""
        record = record_of(self.get_object())
        told = {
            "made": record.made, "open": record.open, **_figures(record.total),
            "by_team": [{"team": one.team, "agent": "", **_figures(one.use)} for one in record.by_team],
            "by_agent": [{"team": one.team, "agent": one.agent, **_figures(one.use)} for one in record.by_agent],
        }  # fmt: skip
        return Response(RecordSerializer(told).data)

    def _told(self, row: DataRequest, answer: int = status.HTTP_200_OK) -> Response:
        return Response(self.get_serializer(row).data, status=answer)


def _why(request: Request) -> str:
    told = WhyPost(data=request.data)
    told.is_valid(raise_exception=True)
    return str(told.validated_data["reason"])


def _figures(use: Use) -> dict[str, int]:
    return {"called": use.called, "reached": use.reached, "won": use.won}


def register(router: BaseRouter) -> None:
    router.register("data-requests", DataRequestViewSet, basename="data-request")
