"""The guide of a call for other systems: what was noted so far, read and written, with the same rules as at the desk."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import guide
from campaigns.api_desk import DeskView
from campaigns.services import guide as services
from core.clock import database_now


class VisitField(serializers.ListField):
    """[step id, seconds ago that it was entered], and a 1 when it was reached by going back; step 0 is the end of the script."""

    child = serializers.FloatField(min_value=0)
    min_length, max_length = 2, 3


class ShownSerializer(serializers.Serializer):
    step = serializers.IntegerField(allow_null=True, required=False)
    helped = serializers.BooleanField(allow_null=True, required=False)


class NotesSerializer(serializers.Serializer):
    """What was noted in a call in hand. `version` counts the changes: post one more than you have seen."""

    version = serializers.IntegerField(min_value=0)
    writer = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    script = serializers.IntegerField(
        allow_null=True, required=False, help_text="Id of the script version that is spoken."
    )
    answers = serializers.DictField(child=serializers.JSONField(), required=False, help_text="By id of the question.")
    path = serializers.ListField(child=VisitField(), required=False, max_length=guide.MOST_VISITS)
    said = serializers.ListField(child=serializers.CharField(), required=False, help_text="Must-say points ticked.")
    shown = serializers.DictField(
        child=ShownSerializer(), required=False, help_text="Answers to objections that were opened, by id."
    )
    scenarios = serializers.DictField(
        child=serializers.BooleanField(), required=False, help_text="Used or not, by id of the scenario."
    )


class LeadNotes(DeskView):
    @extend_schema(responses=NotesSerializer, summary="What was noted in the call in hand")
    def get(self, request: Request, pk: int) -> Response:
        lead = self.lead(pk)
        held = lead if lead.agent_id == request.user.pk else None
        notes = services.notes_of(held) if held else None
        return Response((notes or guide.Notes()).as_json(database_now()))

    @extend_schema(
        request=NotesSerializer,
        responses={
            200: NotesSerializer,
            409: OpenApiResponse(description="Somebody noted more, or the lead has gone."),
        },
        summary="Note answers, path and ticks of the call in hand",
    )
    def put(self, request: Request, pk: int) -> Response:
        posted = NotesSerializer(data=request.data)
        posted.is_valid(raise_exception=True)
        at = database_now()
        data: dict[str, Any] = dict(posted.validated_data)
        services.save_notes(lead=self.lead(pk), agent=request.user, notes=guide.read(data, at=at), at=at)
        return Response(guide.read(data, at=at).as_json(at))
