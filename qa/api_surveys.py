"""Satisfaction over the API: what came of the surveys, each call that was drawn, and an agent's record of an answer."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from campaigns.api_calls import must
from core import paging
from core.calendar import business_date, midnight
from core.clock import database_now
from qa import queries_surveys as queries, rules
from qa.filters_surveys import SurveyRowFilter
from qa.models import SurveyAsk
from qa.services import surveys as services

LONGEST = timedelta(days=366)  # the page shows twelve months at most


class NewestFirst(paging.NewestFirst):
    """By the time of the call."""

    ordering = ("-call_started_at", "-id")


class SurveySerializer(serializers.ModelSerializer):
    score = serializers.IntegerField(
        source="answer.score", default=None, allow_null=True, help_text="From 1 to 5; null without an answer."
    )

    class Meta:
        model = SurveyAsk
        fields = (
            "id", "rule_id", "call_id", "call_started_at", "city_id", "team_id", "agent_id", "campaign_id", "channel", "probability", "state",
            "reason", "chosen_at", "sent_at", "expires_at", "score",
        )  # fmt: skip
        read_only_fields = fields


class QuestionSerializer(serializers.ModelSerializer):
    question = serializers.CharField(source="rule.questionnaire.question", help_text="In the language of the request.")
    open_question = serializers.CharField(source="rule.questionnaire.open_question")

    class Meta:
        model = SurveyAsk
        fields = ("id", "lead_id", "call_started_at", "expires_at", "question", "open_question")
        read_only_fields = fields


class ResultSerializer(serializers.Serializer):
    """`mean` is null with fewer than 30 answers, `rate` with fewer than 30 asked."""

    label = serializers.CharField()
    chosen = serializers.IntegerField()
    asked = serializers.IntegerField()
    answered = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True, help_text="Answered of those asked, a share of 1.")
    rate_low = serializers.FloatField()
    rate_high = serializers.FloatField()
    mean = serializers.FloatField(allow_null=True, help_text="Each answer by the inverse of its chance to be chosen.")
    low = serializers.FloatField()
    high = serializers.FloatField()


class ResultsSerializer(serializers.Serializer):
    whole = ResultSerializer(allow_null=True)
    groups = ResultSerializer(many=True)


class ResultsAsked(serializers.Serializer):
    by = serializers.ChoiceField(choices=list(queries.GROUPS), default="campaign")
    since = serializers.DateField(help_text="Calls from this day on, twelve months ago at most.")

    def validate_since(self, day: date) -> date:
        if day < business_date(database_now()) - LONGEST:
            raise serializers.ValidationError(_("Results go back twelve months at most. Choose a later day."))
        return day


class SurveyAnswerPost(serializers.Serializer):
    score = serializers.IntegerField(min_value=1, max_value=services.BEST)
    words = serializers.CharField(max_length=services.LONGEST, default="", allow_blank=True)


class KeptAnswerSerializer(serializers.Serializer):
    id = serializers.IntegerField(source="ask_id", help_text="Of the survey.")
    score = serializers.IntegerField()
    at = serializers.DateTimeField()


class SurveyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Calls that a rule has drawn, asked about or not, the newest call first. Without the customer and the customer's words."""

    queryset = SurveyAsk.objects.none()
    serializer_class = SurveySerializer
    filterset_class = SurveyRowFilter
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[SurveyAsk]:
        must(rules.can_see_surveys(self.request.user))
        return SurveyAsk.objects.visible_to(self.request.user).select_related("answer")

    @extend_schema(parameters=[ResultsAsked], responses=ResultsSerializer, filters=False)
    @action(detail=False, methods=["get"], pagination_class=None, filterset_class=None)
    def results(self, request: Request) -> Response:
        """Response rate and mean answer with their bounds (95 percent), of all and of each group."""
        must(rules.can_see_surveys(request.user))
        asked = ResultsAsked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        whole, groups = queries.results(request.user, by=said["by"], since=midnight(said["since"]))
        return Response(ResultsSerializer({"whole": whole, "groups": groups}).data)

    @extend_schema(responses=QuestionSerializer(many=True), filters=False)
    @action(detail=False, methods=["get"], pagination_class=None, filterset_class=None)
    def mine(self, request: Request) -> Response:
        """An agent's: open surveys of the customer at the desk, and of those called back lately."""
        must(rules.can_record_answers(request.user))
        rows = queries.to_record(request.user, at=database_now())
        return Response(QuestionSerializer(rows, many=True).data)

    @extend_schema(request=SurveyAnswerPost, responses=KeptAnswerSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str | None = None) -> Response:
        """Write down what the customer said on the callback. 409 when it was answered before, or the time is over."""
        must(rules.can_record_answers(request.user))
        at = database_now()
        posted = SurveyAnswerPost(data=request.data)
        posted.is_valid(raise_exception=True)
        said: dict[str, Any] = posted.validated_data
        ask = get_object_or_404(queries.called_back(request.user, at=at), pk=pk)
        kept = services.record_answer(ask=ask, by=request.user, at=at, **said)
        return Response(KeptAnswerSerializer(kept).data)


def register(router: BaseRouter) -> None:
    router.register("surveys", SurveyViewSet, basename="survey")
