"""Likeness to buyers over the API: where a campaign stands, and its switch."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns import rules
from campaigns.models import Campaign, LikenessModel
from campaigns.queries_likeness import likeness_of
from campaigns.services import likeness
from campaigns.wording_likeness import refusal_sentence
from core.clock import database_now
from core.errors import PermissionRefused


class LikenessModelSerializer(serializers.ModelSerializer):
    """What a training found. Judged on later calls, within periods: `report.within`; `report.random` is what a random split would have said."""

    refusal_reason = serializers.SerializerMethodField()

    class Meta:
        model = LikenessModel
        fields = ("id", "scope", "trained_at", "rows", "buyers", "refusal", "refusal_reason", "report", "protected")

    def get_refusal_reason(self, model: LikenessModel) -> str:
        return refusal_sentence(model)


class LikenessSerializer(serializers.Serializer):
    is_on = serializers.BooleanField()
    model_in_use = serializers.IntegerField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    is_training = serializers.BooleanField()
    newest = LikenessModelSerializer(allow_null=True)


class SwitchSerializer(serializers.Serializer):
    is_on = serializers.BooleanField()
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class CampaignLikeness(APIView):
    def _campaign(self, pk: int) -> Campaign:
        if not rules.can_read_campaigns(self.request.user):
            raise PermissionRefused(_("Your role does not allow this."))
        return get_object_or_404(Campaign.objects.visible_to(self.request.user), pk=pk)

    @extend_schema(responses=LikenessSerializer, summary="Likeness to buyers: state and figures")
    def get(self, request: Request, pk: int) -> Response:
        return Response(_told(self._campaign(pk), request.user))

    @extend_schema(
        request=SwitchSerializer,
        responses=LikenessSerializer,
        summary="Switch likeness on (by the newest training) or off",
    )
    def post(self, request: Request, pk: int) -> Response:
        campaign = self._campaign(pk)
        if not rules.can_plan(request.user, campaign):
            raise PermissionRefused(_("Your role does not allow this."))
        wish = SwitchSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        reason, at = wish.validated_data["reason"], database_now()
        if wish.validated_data["is_on"]:
            newest = likeness_of(campaign, request.user).newest
            if newest is None:
                raise likeness.NotUsable(_("Nothing has been learned yet. Train first."))
            likeness.switch_on(campaign=campaign, model=newest, reason=reason, by=request.user, at=at)
        else:
            likeness.switch_off(campaign=campaign, reason=reason, by=request.user, at=at)
        return Response(_told(campaign, request.user))


def _told(campaign: Campaign, user: Any) -> dict[str, Any]:
    state = likeness_of(campaign, user)
    told = {
        "is_on": state.use is not None,
        "model_in_use": state.use.model_id if state.use else None,
        "since": state.use.on_at if state.use else None,
        "is_training": state.training is not None,
        "newest": state.newest,
    }
    return dict(LikenessSerializer(told).data)
