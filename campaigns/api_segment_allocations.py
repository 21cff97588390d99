"""Segments given to campaigns over the API: what would come of it, give, look. The same services as the page."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from campaigns import rules
from campaigns.api_calls import IDEMPOTENCY, key_of, must
from campaigns.api_data_requests import Visible
from campaigns.filters import visible_rows
from campaigns.models import Campaign, SegmentAllocation
from campaigns.services.segment_allocation import allocate_segment, check_segment
from campaigns.services.segment_draws import outlook
from core.clock import database_now
from core.idempotency import once
from customers.members import ids_of
from customers.models import Segment
from customers.rules import can_see_segments


class MaySeeAllocations(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return rules.can_read_campaigns(request.user) and can_see_segments(request.user)


class SegmentAllocationFilter(django_filters.FilterSet):
    segment = django_filters.ModelChoiceFilter(label=_("Segment"), queryset=visible_rows(Segment, "name"))
    campaign = django_filters.ModelChoiceFilter(label=_("Campaign"), queryset=visible_rows(Campaign, "name"))

    class Meta:
        model = SegmentAllocation
        fields: list[str] = []


class SegmentAllocationSerializer(serializers.ModelSerializer[SegmentAllocation]):
    """`left_out` counts by reason who became no lead; `not_drawn` are those whom the next allocation of so many may bring."""

    job = serializers.IntegerField(source="job_id", allow_null=True, read_only=True)

    class Meta:
        model = SegmentAllocation
        fields = (
            "id", "campaign", "segment", "counted_at", "priority", "most", "order", "by", "at", "job", "customer_count", "lead_count", "left_out",
        )  # fmt: skip
        read_only_fields = fields


class OutlookPost(serializers.Serializer[Any]):
    campaign = Visible(queryset=Campaign.objects.all())
    segment = Visible(queryset=Segment.objects.live())
    most = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="At most so many leads; null: everybody."
    )


class SegmentAllocationPost(OutlookPost):
    priority = serializers.IntegerField(required=False, default=5, help_text="0 to 9.")
    order = serializers.ChoiceField(
        choices=SegmentAllocation.Order.choices,
        required=False,
        default=SegmentAllocation.Order.RANDOM,
        help_text="Who of them, when only so many are given.",
    )


class OutlookSerializer(serializers.Serializer[Any]):
    customers = serializers.IntegerField(help_text="In the segment.")
    able = serializers.IntegerField(help_text="Could become leads of the campaign now.")
    made = serializers.IntegerField(help_text="Would become leads.")
    left_out = serializers.DictField(child=serializers.IntegerField(), help_text="By reason.")
    is_exact = serializers.BooleanField(help_text="False: estimated from some of them.")


@extend_schema_view(
    list=extend_schema(summary="Segments given to campaigns"), retrieve=extend_schema(summary="One segment given to a campaign")
)  # fmt: skip
class SegmentAllocationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[SegmentAllocation]
):
    """The customers of a segment become leads of a campaign, all of them or so many."""

    queryset = SegmentAllocation.objects.none()
    serializer_class = SegmentAllocationSerializer
    filterset_class = SegmentAllocationFilter
    permission_classes = [*viewsets.GenericViewSet.permission_classes, MaySeeAllocations]

    def get_queryset(self) -> QuerySet[SegmentAllocation]:
        return SegmentAllocation.objects.visible_to(self.request.user).order_by("-at", "-pk")

    @extend_schema(
        summary="Give a segment to a campaign",
        request=SegmentAllocationPost,
        responses={202: SegmentAllocationSerializer},
        parameters=[IDEMPOTENCY],
    )
    def create(self, request: Request) -> Response:
        """A job makes the leads. With `most` the same again brings the next ones; without, the same count again answers as before."""
        must(rules.can_allocate(request.user))
        told = SegmentAllocationPost(data=request.data, context={"request": request})
        told.is_valid(raise_exception=True)

        def run() -> dict[str, Any]:
            return {"id": allocate_segment(by=request.user, at=database_now(), **told.validated_data).pk}

        said = {"post": "segment-allocations", **told.data}
        answer = once(user=request.user, key=key_of(request), fingerprint=said, run=run)
        made = self.get_queryset().get(pk=answer["id"])
        return Response(self.get_serializer(made).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="What would come of it", request=OutlookPost, responses=OutlookSerializer, filters=False)
    @action(detail=False, methods=["post"], url_path="outlook", filterset_class=None)
    def look_ahead(self, request: Request) -> Response:
        """How many leads the allocation would make now, and why others would be left out. Makes nothing."""
        must(rules.can_allocate(request.user))
        told = OutlookPost(data=request.data, context={"request": request})
        told.is_valid(raise_exception=True)
        campaign, segment, most = (told.validated_data[name] for name in ("campaign", "segment", "most"))
        check_segment(campaign, segment, most=most)
        found = outlook(campaign, segment, ids=ids_of(segment), at=database_now())
        answer = {
            "customers": found.customers, "able": found.able, "made": found.made(most), "left_out": found.left_out, "is_exact": found.is_exact,
        }  # fmt: skip
        return Response(OutlookSerializer(answer).data)


def register(router: BaseRouter) -> None:
    router.register("segment-allocations", SegmentAllocationViewSet, basename="segment-allocation")
