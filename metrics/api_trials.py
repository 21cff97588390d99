"""`GET /api/v1/experiments/`: experiments with their figures by arm and what their looks said, to read."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from campaigns import rules
from campaigns.models import Experiment
from core.clock import database_now
from core.errors import PermissionRefused
from core.numbers import number_or_none
from metrics.trial_page import Board, Row, board_of


class ExperimentSerializer(serializers.ModelSerializer):
    """The plan and where it stands. Rates and differences in percent and points."""

    campaign = serializers.CharField(source="campaign.code", read_only=True)
    adopted = serializers.IntegerField(
        source="adopted.number", default=None, read_only=True, help_text="Number of the arm."
    )

    class Meta:
        model = Experiment
        fields = (
            "id", "campaign", "name", "question", "kind", "indicator", "usual_percent", "smallest_points", "looks", "per_arm",
            "stops_for_harm", "state", "started_at", "ended_at", "decided_at", "adopted", "reason",
        )  # fmt: skip
        read_only_fields = fields


class ExperimentsViewSet(ViewSet):
    """Experiments of the campaigns that the user may look into."""

    serializer_class = ExperimentSerializer

    def _seen(self) -> Any:
        if not rules.can_see_experiments(self.request.user):
            raise PermissionRefused(_("Your role does not allow this."))
        return Experiment.objects.visible_to(self.request.user).select_related("campaign", "adopted")

    @extend_schema(
        parameters=[OpenApiParameter("campaign", OpenApiTypes.INT, description="Only those of this campaign.")],
        responses=ExperimentSerializer(many=True),
        summary="Experiments, the newest first",
    )
    def list(self, request: Request) -> Response:
        found, campaign = self._seen().order_by("-created_at", "-pk"), request.query_params.get("campaign", "")
        if campaign:
            if (number := number_or_none(campaign)) is None:
                raise ValidationError({"campaign": _("Give ids separated by commas.")})
            found = found.filter(campaign=number)
        return Response(ExperimentSerializer(found[:500], many=True).data)

    @extend_schema(
        parameters=[OpenApiParameter("id", OpenApiTypes.INT, OpenApiParameter.PATH)],
        responses={200: {"type": "object", "additionalProperties": True}},
        summary="One experiment with its figures",
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """The plan, what the looks have said, each look, and every arm as it stands now: a peek between two looks decides nothing."""
        found = get_object_or_404(self._seen(), pk=number_or_none(pk))
        board = board_of(found, database_now())
        return Response(
            dict(ExperimentSerializer(found).data)
            | {
                "headline": board.headline,
                "matures_days": board.matures_days,
                "arms": [_arm(row, board) for row in board.rows],
                "looks_taken": _looks(board),
            }
        )


def _arm(row: Row, board: Board) -> dict[str, Any]:
    line, gain = row.line, row.line.gain
    return {
        "number": line.arm.number,
        "name": str(line.arm.thing),
        "share": line.arm.share,
        "stopped_at": line.arm.stopped_at,
        "stopped_for": line.arm.stopped_for,
        "measures": line.counts,
        "rate": {
            "value": line.rate.value,
            "low": line.rate.low,
            "high": line.rate.high,
            "is_small": line.rate.is_small,
        },
        "difference": gain and {"value": 100 * gain.value, "low": 100 * gain.low, "high": 100 * gain.high},
        "probability_better": line.better,
        "verdict": board.verdicts.get(line.arm.pk),
    }


def _looks(board: Board) -> list[dict[str, Any]]:
    return [
        {"number": look.number, "persons_an_arm": look.size, "taken_at": look.taken_at, "said": look.said}
        for look in board.looks
    ]
