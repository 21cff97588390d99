"""Complaints over the API: other systems (a hotline, a mailbox) bring them in, and read those that their account may see."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from campaigns.models import Call
from core import paging
from core.clock import database_now
from core.errors import PermissionRefused
from core.numbers import LARGEST_ID
from customers.models import Customer
from qa import queries_complaints as queries, rules
from qa.filters_complaints import ComplaintFilter
from qa.models import Complaint, ComplaintCategory, ComplaintStep, Severity
from qa.services import complaints as services


class NewestFirst(paging.NewestFirst):
    """By the time they were received."""

    ordering = ("-received_at", "-id")


class ComplaintSerializer(serializers.ModelSerializer):
    category = serializers.CharField(source="category.code")
    state = serializers.CharField(help_text="received, in_work, answered or closed")

    class Meta:
        model = Complaint
        fields = (
            "id", "category", "severity", "state", "customer_id", "city_id", "call_id", "call_started_at", "campaign_id", "team_id", "agent_id",
            "script_version_id", "cause", "cause_article_id", "in_charge_id", "received_by_id", "received_at", "due_at", "confirmed_at",
            "stopped_campaign", "answered_at", "closed_at",
        )  # fmt: skip
        read_only_fields = fields


class ComplaintStepSerializer(serializers.ModelSerializer):
    class Meta:
        model = ComplaintStep
        fields = ("kind", "words", "by_id", "at")
        read_only_fields = fields


class WholeComplaintSerializer(ComplaintSerializer):
    steps = serializers.SerializerMethodField()

    class Meta(ComplaintSerializer.Meta):
        fields = (*ComplaintSerializer.Meta.fields, "words", "answer", "steps")
        read_only_fields = fields

    @extend_schema_field(ComplaintStepSerializer(many=True))
    def get_steps(self, row: Complaint) -> list[dict[str, Any]]:
        return ComplaintStepSerializer(sorted(row.steps.all(), key=lambda step: step.pk), many=True).data


class PostedComplaintSerializer(serializers.Serializer):
    """About a call (`call`), or of a customer (`customer`), or of a city alone (`city`, by its code)."""

    category = serializers.CharField(max_length=20, help_text="Code of the category.")
    severity = serializers.ChoiceField(choices=Severity.choices, default=Severity.NORMAL)
    words = serializers.CharField(max_length=4000)
    call = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    customer = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    city = serializers.CharField(required=False, max_length=40)


class ComplaintViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Complaints that you may see, newest first; of one, its words and its log."""

    queryset = Complaint.objects.none()
    serializer_class = ComplaintSerializer
    filterset_class = ComplaintFilter
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet:
        if not rules.can_see_complaints(self.request.user):
            raise PermissionRefused(_("Your role does not allow this."))
        rows = queries.complaints_shown(self.request.user)
        return rows.prefetch_related("steps") if self.action == "retrieve" else rows

    def get_serializer_class(self) -> type[ComplaintSerializer]:
        return WholeComplaintSerializer if self.action == "retrieve" else ComplaintSerializer

    @extend_schema(request=PostedComplaintSerializer, responses={201: ComplaintSerializer, 200: ComplaintSerializer})
    def create(self, request: Request) -> Response:
        """Take a complaint. 201 when it is new, 200 when the call has one of this category already; 409 with a sentence when it cannot be taken."""
        if not rules.can_take_complaints(request.user):
            raise PermissionRefused(_("Your role does not allow this."))
        posted = PostedComplaintSerializer(data=request.data)
        posted.is_valid(raise_exception=True)
        said, at = posted.validated_data, database_now()
        category = ComplaintCategory.objects.filter(code=said["category"], is_active=True).first()
        if category is None:
            raise serializers.ValidationError({"category": [_("There is no category %(code)s.") % {"code": said["category"]}]})  # fmt: skip
        taken = services.take_complaint(
            category=category, severity=said["severity"], words=said["words"], by=request.user, at=at,
            **_about(request, said),
        )  # fmt: skip
        is_new = taken.received_at == at
        answer = ComplaintSerializer(taken).data
        return Response(answer, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)


def _about(request: Request, said: dict[str, Any]) -> dict[str, Any]:
    """What it is about, among what the account may see."""
    found: dict[str, Any] = {}
    if "call" in said:
        found["call"] = Call.objects.visible_to(request.user).filter(pk=said["call"]).first()
    elif "customer" in said:
        found["customer"] = Customer.objects.visible_to(request.user).filter(pk=said["customer"]).first()
    elif "city" in said:
        found["city"] = queries.cities_for(request.user).filter(code=said["city"]).first()
    if found and None in found.values():
        raise services.ComplaintWithoutPlace(_("The call, the customer or the city is none that your account may see."))
    return found


def register(router: BaseRouter) -> None:
    router.register("complaints", ComplaintViewSet, basename="complaint")
