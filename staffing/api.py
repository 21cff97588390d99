"""Coaching sessions over the API: read them, plan one, the agent's own view, sign."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from campaigns.api_calls import IDEMPOTENCY, key_of, must
from core import paging
from core.clock import database_now
from core.idempotency import once
from people.models import User
from qa.models import Evaluation
from staffing import queries_coaching as queries, rules
from staffing.filters import SessionFilter
from staffing.models import CoachingSession, CoachingStep
from staffing.services import coaching as services


class NewestFirst(paging.NewestFirst):
    """By when they are planned for."""

    ordering = ("-planned_at", "-id")


class CoachingSessionSerializer(serializers.ModelSerializer):
    state = serializers.CharField(help_text="planned, viewed, written, half (one signature), signed or cancelled")

    class Meta:
        model = CoachingSession
        fields = (
            "id", "agent_id", "coach_id", "team_id", "city_id", "planned_at", "state", "own_view_at", "written_at", "next_on", "coach_signed_at",
            "agent_signed_at", "cancelled_at",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: CoachingSession) -> dict[str, Any]:
        """The next day is the coach's word: to the agent it comes after the own view, in the list too."""
        told = super().to_representation(instance)
        return told if self._shows_coach_words(instance) else told | {"next_on": None}

    def _shows_coach_words(self, session: CoachingSession) -> bool:
        return session.shows_coach_words_to(self.context["request"].user)


class CoachingStepSerializer(serializers.ModelSerializer):
    class Meta:
        model = CoachingStep
        fields = ("id", "what", "due_on", "is_done", "looked_at")
        read_only_fields = fields


class WholeCoachingSessionSerializer(CoachingSessionSerializer):
    """The agent judges first: to the agent the coach's words and the steps are empty until the own view is written."""

    evaluations = serializers.SerializerMethodField(help_text="Those prepared that you may read.")
    steps = serializers.SerializerMethodField()

    class Meta(CoachingSessionSerializer.Meta):
        fields = (
            *CoachingSessionSerializer.Meta.fields, "own_view", "good", "improve", "expected", "aim_id", "change_why", "evaluations", "steps",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_evaluations(self, session: CoachingSession) -> list[int]:
        sheets, _clips = queries.prepared_for(self.context["request"].user, session)
        return [sheet.pk for sheet in sheets]

    @extend_schema_field(CoachingStepSerializer(many=True))
    def get_steps(self, session: CoachingSession) -> list[dict[str, Any]]:
        is_shown = self._shows_coach_words(session)
        return CoachingStepSerializer(session.steps.order_by("pk"), many=True).data if is_shown else []

    def to_representation(self, instance: CoachingSession) -> dict[str, Any]:
        told = super().to_representation(instance)
        is_shown = self._shows_coach_words(instance)
        return told if is_shown else told | {"good": "", "improve": "", "expected": "", "aim_id": None}


class SessionPost(serializers.Serializer):
    agent = serializers.PrimaryKeyRelatedField(queryset=User.objects.none(), help_text="Of a team that you may coach.")
    planned_at = serializers.DateTimeField()
    evaluations = serializers.PrimaryKeyRelatedField(
        queryset=Evaluation.objects.none(), many=True, required=False, help_text="Submitted ones of this agent."
    )

    def get_fields(self) -> dict[str, Any]:
        """Only agents whom the asker may coach, and evaluations that the asker may read."""
        fields = super().get_fields()
        request = self.context.get("request")
        if request is not None and request.user.is_authenticated:
            coached = queries.agents_coached_by(request.user).order_by().values("user")
            fields["agent"].queryset = User.objects.filter(pk__in=coached)
            fields["evaluations"].child_relation.queryset = Evaluation.objects.visible_to(request.user)
        return fields


class OwnViewPost(serializers.Serializer):
    text = serializers.CharField(max_length=4000)


class CoachingSessionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Sessions that you may see, the latest plan first: an agent's and a coach's own, those of the team you lead or the city you manage."""

    queryset = CoachingSession.objects.none()
    filterset_class = SessionFilter
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[CoachingSession]:
        must(rules.can_see_coaching(self.request.user))
        return queries.sessions_shown(self.request.user)

    def get_serializer_class(self) -> type[CoachingSessionSerializer]:
        return CoachingSessionSerializer if self.action == "list" else WholeCoachingSessionSerializer

    @extend_schema(request=SessionPost, responses={201: WholeCoachingSessionSerializer}, parameters=[IDEMPOTENCY])
    def create(self, request: Request) -> Response:
        """Plan a session with an agent of a team that you may coach. 409 for a time more than a month ago or a year ahead."""
        must(rules.can_coach(request.user))
        posted = SessionPost(data=request.data, context=self.get_serializer_context())
        posted.is_valid(raise_exception=True)
        wish = posted.validated_data

        def run() -> dict[str, Any]:
            made = services.plan_session(coach=request.user, at=database_now(), **wish)
            return dict(self._told(made))

        sheets = sorted(sheet.pk for sheet in wish.get("evaluations", ()))
        said = {
            "post": "coaching-sessions",
            "agent": wish["agent"].pk,
            "planned_at": wish["planned_at"],
            "evaluations": sheets,
        }
        answer = once(user=request.user, key=key_of(request), fingerprint=said, run=run)
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(request=OwnViewPost, responses=WholeCoachingSessionSerializer)
    @action(detail=True, methods=["post"], url_path="own-view")
    def own_view(self, request: Request, pk: str | None = None) -> Response:
        """The agent's own view, which comes before the coach's words. 409 when the session is signed or cancelled."""
        posted = OwnViewPost(data=request.data)
        posted.is_valid(raise_exception=True)
        text = posted.validated_data["text"]
        return self._whole(
            services.write_own_view(session=self.get_object(), by=request.user, text=text, at=database_now())
        )

    @extend_schema(request=None, responses=WholeCoachingSessionSerializer)
    @action(detail=True, methods=["post"])
    def signature(self, request: Request, pk: str | None = None) -> Response:
        """Sign for yourself, as the agent or as the coach. 409 while words of one of the two are missing."""
        return self._whole(services.sign(session=self.get_object(), by=request.user, at=database_now()))

    def _whole(self, session: CoachingSession) -> Response:
        return Response(self._told(session))

    def _told(self, session: CoachingSession) -> dict[str, Any]:
        return WholeCoachingSessionSerializer(session, context=self.get_serializer_context()).data


def register(router: BaseRouter) -> None:
    router.register("coaching-sessions", CoachingSessionViewSet, basename="coaching-session")
