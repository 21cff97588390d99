"""Calls that come in, for other systems: who calls, for whom and about what, and the end without a result. The result is a lead's."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api_desk import KEY, DeskView, LeadSerializer
from campaigns.models import Campaign, Lead
from campaigns.services import inbound
from core.clock import database_now
from core.idempotency import once
from people.models import City


class CallerSerializer(serializers.Serializer):
    number = serializers.CharField(max_length=40, write_only=True, help_text="The whole number of who calls.")


class CampaignChoiceSerializer(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()


class InboundSerializer(serializers.Serializer):
    """The call at the desk. `lead` is the customer when nothing had to be asked; otherwise post to take/ what was chosen."""

    lead = LeadSerializer(allow_null=True)
    phone = serializers.CharField(help_text="Masked.")
    is_known = serializers.BooleanField(help_text="The number belongs to a customer whom the agent serves.")
    name = serializers.CharField(help_text="Of that customer, masked.", allow_blank=True)
    with_agent = serializers.CharField(allow_null=True, help_text="Who has that customer at the desk at this moment.")
    campaigns = CampaignChoiceSerializer(many=True, help_text="For the customer who is known.")
    campaigns_of_new = CampaignChoiceSerializer(many=True, help_text="For somebody else.")


class TakeSerializer(serializers.Serializer):
    campaign = serializers.SlugRelatedField(slug_field="code", queryset=Campaign.objects.all())
    is_new = serializers.BooleanField(required=False, default=False, help_text="Not the customer who is known.")
    name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    city = serializers.SlugRelatedField(
        slug_field="code", queryset=City.objects.all(), required=False, default=None, help_text="Of somebody new."
    )


class EndingSerializer(serializers.Serializer):
    reason = serializers.ChoiceField([(code, str(code)) for code in inbound.ENDINGS])


class InboundBegin(DeskView):
    @extend_schema(
        request=CallerSerializer, responses=InboundSerializer, parameters=[KEY], summary="Take a call by its number"
    )
    def post(self, request: Request) -> Response:
        posted, at = CallerSerializer(data=request.data), database_now()
        posted.is_valid(raise_exception=True)
        agent, number = request.user, posted.validated_data["number"]

        def run() -> dict[str, Any]:
            return {"call": inbound.begin(agent=agent, number=number, at=at).pk}

        once(user=agent, key=request.headers.get("Idempotency-Key", ""), fingerprint={"inbound": number}, run=run)
        return Response(InboundSerializer(self._told(request, at)).data, status=201)

    def _told(self, request: Request, at: Any) -> dict[str, Any]:
        call = inbound.open_call(request.user)
        if call is None:
            raise inbound.NoCallOpen(_("No call is open at your desk."))
        choice = inbound.choice_of(call, agent=request.user, at=at)
        return {
            "lead": Lead.objects.held_by(request.user).first(),
            "phone": call.mask,
            "is_known": choice.known,
            "name": choice.name,
            "with_agent": str(choice.with_agent) if choice.with_agent else None,
            "campaigns": choice.campaigns,
            "campaigns_of_new": choice.all_campaigns,
        }


class InboundTake(DeskView):
    @extend_schema(request=TakeSerializer, responses=LeadSerializer, summary="For whom and about what the call is")
    def post(self, request: Request) -> Response:
        posted = TakeSerializer(data=request.data)
        posted.is_valid(raise_exception=True)
        data = posted.validated_data
        lead = inbound.take(
            agent=request.user, campaign_id=data["campaign"].pk, is_new=data["is_new"], name=data["name"],
            city_id=data["city"].pk if data["city"] else None, at=database_now(),
        )  # fmt: skip
        return Response(LeadSerializer(lead).data)


class InboundDrop(DeskView):
    @extend_schema(request=EndingSerializer, responses={204: None}, summary="End the call without a result")
    def post(self, request: Request) -> Response:
        posted = EndingSerializer(data=request.data)
        posted.is_valid(raise_exception=True)
        inbound.drop(agent=request.user, reason=posted.validated_data["reason"], at=database_now())
        return Response(status=204)
