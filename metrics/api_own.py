"""`GET /api/v1/desk/own/`: an agent's own day, the same figures as the panel at the desk."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns.rules import can_work_desk
from core.clock import database_now
from core.errors import PermissionRefused
from metrics.own_day import own_day


class OwnLineSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="deals, connected or calls.")
    today = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True, help_text="Of the last working days, whole days.")
    best = serializers.IntegerField(allow_null=True, help_text="On the best day.")
    target = serializers.IntegerField(allow_null=True)


class OwnDaySerializer(serializers.Serializer):
    """Today beside the own measure. Nobody else's figures."""

    lines = OwnLineSerializer(many=True)
    mean_of = serializers.IntegerField(help_text="Days behind the mean, at most 20.")
    best_day = serializers.DateField(allow_null=True)


class OwnDayView(APIView):
    @extend_schema(responses=OwnDaySerializer, summary="The agent's own day")
    def get(self, request: Request) -> Response:
        if not can_work_desk(request.user):
            raise PermissionRefused(_("Only agents of a team have a desk."))
        return Response(OwnDaySerializer(own_day(request.user, database_now())).data)
