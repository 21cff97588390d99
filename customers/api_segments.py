"""Segments over the API: list, make, count conditions, read the customers. The same services as the pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter
from rest_framework.views import APIView

from core.clock import database_now
from customers import rules
from customers.conditions import matching, parse
from customers.counting import count_quickly
from customers.filters import SegmentFilter
from customers.members import Members, ids_of
from customers.models import Customer, Segment
from customers.services import segments as services
from people.models import City, User


class MaySeeSegments(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return rules.can_see_segments(request.user)


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    tag = serializers.CharField(source="tag.name", default="", read_only=True)
    job = serializers.IntegerField(source="job_id", read_only=True)

    class Meta:
        model = Segment
        fields = (
            "id", "name", "city", "conditions", "description", "strategy", "target", "refresh", "tag", "count", "counted_at", "archived_at", "job",
        )  # fmt: skip
        read_only_fields = fields


class SegmentPost(serializers.Serializer[Any]):
    """`conditions`: {"version": 1, "root": {"group": "and" | "or" | "not", "parts": [...]}}."""

    name = serializers.CharField(max_length=80)
    city = serializers.PrimaryKeyRelatedField(
        queryset=City.objects.all(), required=False, allow_null=True, default=None
    )
    conditions = serializers.JSONField()
    description = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)
    strategy = serializers.CharField(max_length=4000, required=False, default="", allow_blank=True)
    target = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False, allow_null=True, default=None)
    refresh = serializers.ChoiceField(
        choices=Segment.Refresh.choices, required=False, default=Segment.Refresh.ON_DEMAND
    )
    tag = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)


class CountPost(serializers.Serializer[Any]):
    conditions = serializers.JSONField()
    city = serializers.PrimaryKeyRelatedField(
        queryset=City.objects.all(), required=False, allow_null=True, default=None
    )


class CountAnswer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    is_exact = serializers.BooleanField(help_text="False: an estimate from a sample.")
    low = serializers.IntegerField()
    high = serializers.IntegerField()


class MemberSerializer(serializers.ModelSerializer[Customer]):
    number = serializers.SerializerMethodField(help_text="Masked.")

    class Meta:
        model = Customer
        fields = ("id", "name", "city", "type", "number")
        read_only_fields = fields

    def get_number(self, customer: Customer) -> str:
        phones = customer.first_phones  # type: ignore[attr-defined]
        return phones[0].mask if phones else ""


class SegmentJob(serializers.Serializer[Any]):
    job = serializers.IntegerField()


@extend_schema_view(list=extend_schema(summary="Segments"), retrieve=extend_schema(summary="One segment"))
class SegmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Segment]):
    """Customers told apart by conditions; made here, counted by a job."""

    queryset = Segment.objects.none()
    serializer_class = SegmentSerializer
    filterset_class = SegmentFilter
    permission_classes = [*viewsets.GenericViewSet.permission_classes, MaySeeSegments]

    def get_queryset(self) -> QuerySet[Segment]:
        return Segment.objects.visible_to(self.request.user).select_related("tag").order_by("name", "pk")

    @extend_schema(summary="Make a segment", request=SegmentPost, responses={201: SegmentSerializer})
    def create(self, request: Request) -> Response:
        """409 with a sentence when the conditions cannot be understood or the name is taken."""
        told = _checked(SegmentPost, request)
        made = services.create_segment(
            city=told.pop("city"), told=services.Told(**told), by=_maker(request), at=database_now()
        )
        return Response(SegmentSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Count conditions", request=CountPost, responses=CountAnswer, filters=False)
    @action(detail=False, methods=["post"], url_path="count", filterset_class=None)
    def count_conditions(self, request: Request) -> Response:
        """At once: exact when that is quick, else an estimate with its bounds. Of the customers that the caller sees."""
        told, user = _checked(CountPost, request), _maker(request)
        tree = parse(told["conditions"], user=user)
        city = told["city"]
        count = count_quickly(
            matching(tree, at=database_now(), city_id=city.pk if city else None, user=user),
        )
        return Response({"count": count.about, "is_exact": count.is_exact, "low": count.low, "high": count.high})

    @extend_schema(summary="Count it anew", request=None, responses={202: SegmentJob})
    @action(detail=True, methods=["post"])
    def refresh(self, request: Request, pk: str | None = None) -> Response:
        job = services.ask_refresh(segment=self.get_object(), by=_maker(request), at=database_now())
        return Response({"job": job.pk}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Customers of a segment, numbers masked", responses=MemberSerializer(many=True), filters=False
    )
    @action(detail=True, filterset_class=None)
    def members(self, request: Request, pk: str | None = None) -> Response:
        """As counted; in the order of their ids."""
        page = self.paginate_queryset(Members(ids_of(self.get_object()), request.user)) or []
        return self.get_paginated_response(MemberSerializer(page, many=True).data)


def _checked(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    told = serializer(data=request.data)
    told.is_valid(raise_exception=True)
    return dict(told.validated_data)


def _maker(request: Request) -> User:
    if not isinstance(request.user, User) or not rules.can_change_segments(request.user):
        raise PermissionDenied
    return request.user


def register(router: BaseRouter) -> None:
    router.register("segments", SegmentViewSet, basename="segment")
