"""The desk for other systems: next lead, dial, result, give back. The same services, the same refusals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns import desk_fields, queries_guide, queries_script, rules
from campaigns.guide import NotesUnreadable, read, read_answers
from campaigns.models import Lead
from campaigns.services import arms, claim, desk, results
from campaigns.services.orders import Sale
from core.clock import database_now
from core.idempotency import once
from scripts.models import Offer, Product

KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key again returns the first answer."
)


class WorksADesk(BasePermission):
    """Agents of a team."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return rules.can_work_desk(request.user)


class ArmScenarioSerializer(serializers.Serializer):
    """The scenario that this person meets in an experiment, its blanks filled."""

    id = serializers.IntegerField(source="row.pk")
    name = serializers.CharField(source="row.name")
    picture = serializers.CharField()
    lines = serializers.CharField()
    sms_text = serializers.CharField()


class LeadSerializer(serializers.Serializer):
    """A lead in the agent's hand, script and offer as this person meets them. The number is masked; the telephone gets it from the server."""

    id = serializers.IntegerField()
    campaign = serializers.CharField(source="campaign.code")
    customer_id = serializers.IntegerField()
    customer_name = serializers.SerializerMethodField()
    phone = serializers.SerializerMethodField()
    city = serializers.CharField(source="city.name")
    attributes = serializers.SerializerMethodField()
    script_version = serializers.IntegerField(source="campaign.script_version_id", allow_null=True)
    offer = serializers.CharField(source="campaign.offer.code", default=None, allow_null=True)
    scenario = serializers.SerializerMethodField()
    attempts = serializers.IntegerField(source="attempts_made")
    is_callback = serializers.SerializerMethodField()
    held_at = serializers.DateTimeField()
    lease_until = serializers.DateTimeField()
    dial_by = serializers.SerializerMethodField(help_text="When the time to read the customer is over; null: no limit.")

    @extend_schema_field(ArmScenarioSerializer(allow_null=True))
    def get_scenario(self, lead: Lead) -> dict[str, Any] | None:
        if lead.agent is None or getattr(lead.campaign, "arm", None) is None:
            return None
        found = queries_guide.arm_scenario(lead.campaign, queries_script.blanks(lead, lead.agent))
        return dict(ArmScenarioSerializer(found).data) if found else None

    def get_phone(self, lead: Lead) -> str:
        numbers = sorted(lead.customer.phones.all(), key=lambda phone: (phone.is_dead, not phone.is_primary))
        return numbers[0].mask if numbers else ""

    def get_customer_name(self, lead: Lead) -> str:
        return str(desk_fields.door_of(lead).let("name", lead.customer.name) or "")

    def get_attributes(self, lead: Lead) -> dict[str, Any]:
        return desk_fields.door_of(lead).attributes(lead.customer.attributes)

    def get_dial_by(self, lead: Lead) -> datetime | None:
        limit = lead.campaign.preview_limit_seconds
        return lead.held_at + timedelta(seconds=limit) if limit and lead.held_at and not lead.dialled_at else None

    def get_is_callback(self, lead: Lead) -> bool:
        return lead.callback_agent_id is not None


class NextSerializer(serializers.Serializer):
    lead = LeadSerializer(allow_null=True)
    why = serializers.ListField(child=serializers.CharField(), help_text="Why there is none.")


class CallStatusSerializer(serializers.Serializer):
    phase = serializers.CharField()
    started_at = serializers.DateTimeField()
    ring_seconds = serializers.IntegerField()
    talk_seconds = serializers.IntegerField()
    outcome = serializers.CharField(allow_null=True)


class OrderSerializer(serializers.Serializer):
    number = serializers.CharField(max_length=64, required=False, default="")
    product = serializers.SlugRelatedField(
        slug_field="code", queryset=Product.objects.all(), required=False, default=None
    )
    offer = serializers.SlugRelatedField(slug_field="code", queryset=Offer.objects.all(), required=False, default=None)
    without_offer = serializers.BooleanField(
        required=False, default=False, help_text="Sold without any offer; otherwise the offer of the campaign is taken."
    )
    amount = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0, required=False, default=None)


class ResultSerializer(serializers.Serializer):
    result = serializers.CharField(max_length=40)
    callback_at = serializers.DateTimeField(required=False, default=None)
    order = OrderSerializer(required=False, default=None)
    reason = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    note = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    step_id = serializers.IntegerField(required=False, default=None)
    answers = serializers.DictField(child=serializers.JSONField(), required=False, default=dict)
    notes = serializers.JSONField(
        required=False,
        default=None,
        help_text="What was noted in the call, as /leads/{id}/notes/ takes it; not needed after that.",
    )
    waited_seconds = serializers.IntegerField(min_value=0, required=False, default=0)

    def validate_answers(self, value: dict[str, Any]) -> dict[int, Any]:
        if not all(str(key).isascii() and str(key).isdecimal() for key in value):
            raise serializers.ValidationError(_("Answers are named by the id of their question."))
        try:
            return read_answers(value)
        except NotesUnreadable as fault:
            raise serializers.ValidationError(str(fault)) from None

    def for_service(self, *, at: datetime) -> dict[str, Any]:
        data = self.validated_data
        order, waited = data["order"], results.waited_for(data["waited_seconds"])
        return {
            "disposition_code": data["result"],
            "callback_at": data["callback_at"],
            "order": self._sale(order) if order is not None else None,
            "reason": data["reason"],
            "note": data["note"],
            "step_id": data["step_id"],
            "answers": data["answers"],
            "notes": read(data["notes"], at=results.saved_when(at, waited)) if data["notes"] is not None else None,
            "waited": waited,
        }

    def _sale(self, order: dict[str, Any]) -> Sale:
        amount = order["amount"]
        cents = int(amount * 100) if amount is not None else None
        return Sale(
            number=order["number"], product=order["product"], offer=order["offer"], amount_cents=cents,
            has_no_offer=order["without_offer"],
        )  # fmt: skip


class RecordedSerializer(serializers.Serializer):
    call_id = serializers.IntegerField()
    left_out = serializers.ListField(
        child=serializers.CharField(), help_text="What could not be kept with the call, in sentences."
    )


class GiveBackSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=120)


class DeskView(APIView):
    permission_classes = (IsAuthenticated, WorksADesk)

    def lead(self, pk: int) -> Lead:
        """A lead that this agent may speak of; whose hand it is in is asked by the service."""
        return get_object_or_404(Lead.objects.visible_to(self.request.user), pk=pk)


class NextLead(DeskView):
    @extend_schema(request=None, responses=NextSerializer, summary="The lead in hand, or the next one")
    def post(self, request: Request) -> Response:
        from campaigns.services.desk_page import why_nothing

        at = database_now()
        lead = desk.next_lead(agent=request.user, at=at)
        if lead:
            lead.campaign = arms.campaign_of(lead, request.user)
        why = (
            []
            if lead
            else [
                f"{row.count}{'+' * row.is_capped} {row.text}" if row.count else row.text
                for row in why_nothing(agent=request.user, at=at)
            ]
        )
        return Response(NextSerializer({"lead": lead, "why": why}).data)


class DialLead(DeskView):
    @extend_schema(
        request=None, responses=CallStatusSerializer, summary="Call the lead in hand; the rules are asked again"
    )
    def post(self, request: Request, pk: int) -> Response:
        at = database_now()
        call = desk.dial(lead=self.lead(pk), agent=request.user, at=at)
        return Response(CallStatusSerializer(desk.status(call, at)).data)


class LeadResult(DeskView):
    @extend_schema(
        request=ResultSerializer,
        responses=RecordedSerializer,
        parameters=[KEY],
        summary="Record the result of the call in hand",
    )
    def post(self, request: Request, pk: int) -> Response:
        lead, at = get_object_or_404(Lead, pk=pk) if _was_own(request, pk) else self.lead(pk), database_now()
        posted = ResultSerializer(data=request.data)
        posted.is_valid(raise_exception=True)

        def run() -> dict[str, Any]:
            call = results.record_result(lead=lead, agent=request.user, at=at, **posted.for_service(at=at))
            return {"call_id": call.pk, "left_out": list(call.left_out)}

        told = {name: value for name, value in request.data.items() if name != "waited_seconds"}
        key = request.headers.get("Idempotency-Key", "")
        return Response(once(user=request.user, key=key, fingerprint={"lead": pk, **told}, run=run), status=201)


def _was_own(request: Request, pk: int) -> bool:
    """A repeat comes after the lead has left the agent's hand: it is answered, not hidden."""
    from campaigns.models import LiveCall

    return LiveCall.objects.filter(lead=pk, agent=request.user).exists()


class GiveBackLead(DeskView):
    @extend_schema(request=GiveBackSerializer, responses={204: None}, summary="Skip an undialled lead, with a reason")
    def post(self, request: Request, pk: int) -> Response:
        posted = GiveBackSerializer(data=request.data)
        posted.is_valid(raise_exception=True)
        claim.give_back(
            lead=self.lead(pk),
            agent=request.user,
            at=database_now(),
            reason=posted.validated_data["reason"],
            is_skip=True,
        )
        return Response(status=204)
