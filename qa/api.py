"""Recordings and evaluations over the API: dialers bring recordings in, other systems read and hear what their account may."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from campaigns.models import Call
from campaigns.services.history import SYSTEM
from core import files, paging
from core.clock import database_now
from core.errors import PermissionRefused
from core.numbers import LARGEST_ID
from qa import (
    api_bulletins,
    api_complaints,
    api_reviews,
    api_surveys,
    api_wrap_ups,
    queries,
    queries_evaluations,
    rules,
)
from qa.filters import EvaluationFilter, RecordingFilter
from qa.models import Appeal, Evaluation, EvaluationAnswer, FirstRuling, Recording
from qa.models.evaluations import DRAWN_PICKS
from qa.services import evaluations, listening
from qa.services.recordings import CallUnknown, find_call, store_recording
from qa.services.transcripts import read_transcript


class NewestFirst(paging.NewestFirst):
    """By the time of the call."""

    ordering = ("-call_started_at", "-id")


class RecordingSerializer(serializers.ModelSerializer):
    state = serializers.CharField(source="sound_state", help_text="checked (waveform is being drawn), ready or broken")
    note_count = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Recording
        fields = (
            "id", "call_id", "call_started_at", "city_id", "agent_id", "team_id", "campaign_id", "product_id", "sale", "seconds", "origin", "state",
            "note_count", "stored_at", "keep_until",
        )  # fmt: skip
        read_only_fields = fields


class PostedRecordingSerializer(serializers.Serializer):
    """The file of a call, which is named by its number here (`call`) or by its number in a dialer (`system` and `call_id`)."""

    call = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    system = serializers.CharField(max_length=40, default=SYSTEM)
    call_id = serializers.CharField(max_length=64, required=False)
    file = serializers.FileField(allow_empty_file=True, help_text="WAV, MP3 or Opus; at most 200 MB and 3 hours.")
    transcript = serializers.CharField(required=False, help_text="JSON: segments with speaker, start, end and text.")


class TakenRecordingSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    call_id = serializers.IntegerField()
    is_new = serializers.BooleanField()


class RecordingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Recordings that you may hear, newest first."""

    queryset = Recording.objects.none()
    serializer_class = RecordingSerializer
    filterset_class = RecordingFilter
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet:
        must(rules.can_hear(self.request.user))
        return queries.recordings_shown(self.request.user)

    @extend_schema(
        request={"multipart/form-data": PostedRecordingSerializer},
        responses={201: TakenRecordingSerializer, 200: TakenRecordingSerializer},
    )
    def create(self, request: Request) -> Response:
        """Bring in the recording of a call. 201 when it is new, 200 when the call has it already; 409 with a sentence when it cannot be taken."""
        must(rules.can_upload(request.user))
        posted = PostedRecordingSerializer(data=request.data)
        posted.is_valid(raise_exception=True)
        said = posted.validated_data
        call = _call_of(request, said)
        must(rules.can_upload(request.user, call))
        stored = store_recording(
            call=call,
            stream=said["file"],
            by=request.user,
            at=database_now(),
            origin=Recording.Origin.API,
            transcript=read_transcript(said["transcript"]) if said.get("transcript") else None,
        )
        answer = {"id": stored.recording.pk, "call_id": stored.recording.call_id, "is_new": stored.is_new}
        return Response(answer, status=status.HTTP_201_CREATED if stored.is_new else status.HTTP_200_OK)

    @extend_schema(responses={(200, "audio/*"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def sound(self, request: Request, pk: str | None = None) -> HttpResponseBase:
        """The bytes, one range honoured; written down as a listening."""
        row = Recording.objects.select_related("sound__file").get(pk=self.get_object().pk)
        stored = listening.hear(recording=row, by=request.user, at=database_now())
        return files.respond(request, stored, inline=True)


class FirstRulingSerializer(serializers.ModelSerializer):
    class Meta:
        model = FirstRuling
        fields = ("reason", "appealed_at", "ground", "decided_at")
        read_only_fields = fields


class AppealSerializer(serializers.ModelSerializer):
    first = FirstRulingSerializer(
        read_only=True, allow_null=True, default=None, help_text="What QA upheld before the appeal went further."
    )

    class Meta:
        model = Appeal
        fields = (
            "level",
            "first",
            "reason",
            "appealed_at",
            "due_at",
            "decision",
            "right_answer",
            "ground",
            "decided_at",
        )
        read_only_fields = fields


class EvaluationAnswerSerializer(serializers.ModelSerializer):
    item = serializers.CharField(source="item.text")
    most_points = serializers.IntegerField(
        source="item.most_points",
        allow_null=True,
        help_text="of an item in points: full points; `answer` is then their number, or na",
    )
    script_part = serializers.CharField(source="item.script_part")
    clause = serializers.CharField(source="item.clause")
    article_id = serializers.IntegerField(source="item.article_id", allow_null=True)
    appeal = serializers.SerializerMethodField()

    class Meta:
        model = EvaluationAnswer
        fields = (
            "item_id",
            "item",
            "answer",
            "most_points",
            "script_part",
            "clause",
            "article_id",
            "remark",
            "from_ms",
            "until_ms",
            "appeal",
        )
        read_only_fields = fields

    @extend_schema_field(AppealSerializer(allow_null=True))
    def get_appeal(self, answer: EvaluationAnswer) -> dict[str, Any] | None:
        found = getattr(answer, "appeal", None)
        return AppealSerializer(found).data if found else None


class EvaluationSerializer(serializers.ModelSerializer):
    form = serializers.CharField(source="version.form.code")
    version = serializers.IntegerField(source="version.number")
    appeal_state = serializers.CharField(help_text="open, decided, or empty")
    agent_id = serializers.SerializerMethodField(help_text="empty to a scorer who is not to know it yet")
    team_id = serializers.SerializerMethodField(help_text="empty to a scorer who is not to know it yet")

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_agent_id(self, row: Evaluation) -> int | None:
        return None if row.is_blind else row.agent_id  # type: ignore[attr-defined]

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_team_id(self, row: Evaluation) -> int | None:
        return None if row.is_blind else row.team_id  # type: ignore[attr-defined]

    class Meta:
        model = Evaluation
        fields = (
            "id", "call_id", "call_started_at", "city_id", "agent_id", "team_id", "campaign_id", "recording_id", "form", "version", "scorer_id",
            "pick", "probability", "started_at", "submitted_at", "withdrawn_at", "definition", "raw", "reported", "outcome", "coverage",
            "accepted_at", "appeal_state",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: Evaluation) -> dict[str, Any]:
        """Of an own evaluation of a call that was drawn no more than that: a scorer does not learn which calls are scored twice."""
        told = super().to_representation(instance)
        user = getattr(self.context.get("request"), "user", None)
        if user is not None and instance.scorer_id == user.pk and instance.pick in DRAWN_PICKS:
            told |= {"pick": "drawn", "probability": None}
        return told


class WholeEvaluationSerializer(EvaluationSerializer):
    answers = EvaluationAnswerSerializer(many=True)

    class Meta(EvaluationSerializer.Meta):
        fields = (*EvaluationSerializer.Meta.fields, "remark", "answers")
        read_only_fields = fields


class EvaluationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Evaluations that you may read, newest call first; of one, its answers with their appeals."""

    queryset = Evaluation.objects.none()
    serializer_class = EvaluationSerializer
    filterset_class = EvaluationFilter
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet:
        must(rules.can_see_evaluations(self.request.user))
        rows = queries_evaluations.evaluations_shown(self.request.user)
        return rows.prefetch_related("answers__item", "answers__appeal__first") if self.action == "retrieve" else rows

    def get_object(self) -> Evaluation:
        row: Evaluation = super().get_object()
        if evaluations.is_locked(row):
            queries_evaluations.without_words(row, row.answers.all())
        return row

    def get_serializer_class(self) -> type[EvaluationSerializer]:
        return WholeEvaluationSerializer if self.action == "retrieve" else EvaluationSerializer


def _call_of(request: Request, said: dict[str, Any]) -> Call:
    among = Call.objects.visible_to(request.user)
    if "call" in said:
        call = among.filter(pk=said["call"]).first()
        if call is None:
            raise CallUnknown(_("There is no call %(number)s.") % {"number": said["call"]})
        return call
    if "call_id" not in said:
        raise CallUnknown(_("Say which call it is: call, or system and call_id."))
    return find_call(system=said["system"], number=said["call_id"], among=among)


def must(allowed: bool) -> None:
    """Raises PermissionRefused."""
    if not allowed:
        raise PermissionRefused(_("Your role does not allow this."))


def register(router: BaseRouter) -> None:
    router.register("recordings", RecordingViewSet, basename="recording")
    router.register("evaluations", EvaluationViewSet, basename="evaluation")
    for module in (api_complaints, api_reviews, api_bulletins, api_wrap_ups, api_surveys):
        module.register(router)
