"""Checkpoints 1 and 2 over the API: which gates there are and wait, their rounds of review, and the verdict."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from campaigns.api_calls import must
from campaigns.models import Gate
from campaigns.rules import GATE_READERS, can_see_gates, covers_as
from core import paging
from core.clock import database_now
from qa import checkpoints, queries_reviews as queries
from qa.filters_checkpoints import GateFilter, GateReviewFilter
from qa.forms_reviews import forms_of_trials
from qa.models import GateReview, GateReviewItem, QualityForm
from qa.services import reviews as services


class LatestFirst(paging.NewestFirst):
    """By the order in which they were made: an open round has no time of its end."""

    ordering = ("-id",)


class GateSerializer(serializers.ModelSerializer):
    campaign = serializers.CharField(source="campaign.code")
    is_opened = serializers.BooleanField(help_text="A round of review is open.")
    is_outdated = serializers.BooleanField(help_text="It was passed for another script version than the campaign has.")

    class Meta:
        model = Gate
        fields = (
            "id", "campaign", "campaign_id", "stage", "status", "is_opened", "is_outdated", "decided_by_id", "second_by_id", "decided_at", "reason",
        )  # fmt: skip
        read_only_fields = fields


class ReviewItemSerializer(serializers.ModelSerializer):
    label = serializers.SerializerMethodField(help_text="In the language of the request.")
    said = serializers.SerializerMethodField(
        help_text="What the machine saw, in sentences; of calls only where your place covers the campaign whole."
    )

    class Meta:
        model = GateReviewItem
        fields = ("key", "label", "kind", "result", "said", "remark", "by_id", "at")
        read_only_fields = fields

    def get_label(self, item: GateReviewItem) -> str:
        return checkpoints.label(self.context["stage"], item.key)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_said(self, item: GateReviewItem) -> list[str]:
        is_told = self.context["is_whole"] or item.key not in checkpoints.OF_CALLS
        return checkpoints.sentences(item.key, item.found) if is_told else []


class GateReviewSerializer(serializers.ModelSerializer):
    campaign = serializers.CharField(source="gate.campaign.code")
    stage = serializers.CharField(source="gate.stage")

    class Meta:
        model = GateReview
        fields = (
            "id", "gate_id", "campaign", "stage", "form_id", "opened_by_id", "opened_at", "verdict", "reason", "more_calls", "script_version_id",
            "closed_by_id", "closed_at",
        )  # fmt: skip
        read_only_fields = fields


class WholeGateReviewSerializer(GateReviewSerializer):
    items = serializers.SerializerMethodField()
    rates = serializers.SerializerMethodField(
        help_text="The trial's rates as they were frozen with the verdict; null while it is open, before the trial, or where your place does not cover the campaign whole."
    )

    class Meta(GateReviewSerializer.Meta):
        fields = (*GateReviewSerializer.Meta.fields, "items", "rates")
        read_only_fields = fields

    @extend_schema_field(ReviewItemSerializer(many=True))
    def get_items(self, review: GateReview) -> list[dict[str, Any]]:
        context = {"stage": review.gate.stage, "is_whole": self._is_whole(review)}
        items = services.fresh_items(review, database_now())
        return ReviewItemSerializer(items, many=True, context=context).data

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_rates(self, review: GateReview) -> dict[str, Any] | None:
        return (review.evidence or {}).get("rates") if self._is_whole(review) else None

    def _is_whole(self, review: GateReview) -> bool:
        return covers_as(self.context["request"].user, review.gate.campaign, GATE_READERS)


class OpenPost(serializers.Serializer):
    form = serializers.PrimaryKeyRelatedField(
        queryset=QualityForm.objects.none(), required=False, help_text="On which the recordings of a trial are scored."
    )

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["form"].queryset = forms_of_trials()
        return fields


class AnswerPost(serializers.Serializer):
    item = serializers.CharField(max_length=20, help_text="Key of an item that QA fills.")
    result = serializers.ChoiceField(choices=GateReviewItem.Result.choices)
    remark = serializers.CharField(max_length=500, default="", allow_blank=True)


class VerdictPost(serializers.Serializer):
    verdict = serializers.ChoiceField(choices=GateReview.Verdict.choices)
    reason = serializers.CharField(max_length=1000, default="", allow_blank=True)


class GateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Gates before the trial call and before the full run of the campaigns that you see."""

    queryset = Gate.objects.none()
    serializer_class = GateSerializer
    filterset_class = GateFilter
    pagination_class = LatestFirst

    def get_queryset(self) -> QuerySet[Gate]:
        must(can_see_gates(self.request.user))
        return queries.gates_shown(self.request.user)

    @extend_schema(request=OpenPost, responses=WholeGateReviewSerializer)
    @action(detail=True, methods=["post"], url_path="review")
    def open_review(self, request: Request, pk: str | None = None) -> Response:
        """Begin a round of review, or have the one that is open. 409 with a sentence when this gate is not the next one."""
        gate, said = self.get_object(), self._said(OpenPost)
        review = services.open_review(gate=gate, form=said.get("form"), by=request.user, at=database_now())
        return self._whole(review)

    @extend_schema(request=AnswerPost, responses=WholeGateReviewSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str | None = None) -> Response:
        """Say of one item of the open round whether it is in order. 409 when the machine fills it, or a remark is missing."""
        review, said = self._open(), self._said(AnswerPost)
        services.answer(
            review=review, key=said["item"], result=said["result"], remark=said["remark"], by=request.user, at=database_now()
        )  # fmt: skip
        return self._whole(review)

    @extend_schema(request=VerdictPost, responses=WholeGateReviewSerializer)
    @action(detail=True, methods=["post"])
    def verdict(self, request: Request, pk: str | None = None) -> Response:
        """Close the open round: pass, back (with a reason) or early. 409 says what keeps the gate from being passed."""
        review, said = self._open(), self._said(VerdictPost)
        services.close(review=review, by=request.user, at=database_now(), **said)
        return self._whole(review)

    def _said(self, kind: type[serializers.Serializer]) -> dict[str, Any]:
        posted = kind(data=self.request.data)
        posted.is_valid(raise_exception=True)
        return posted.validated_data

    def _open(self) -> GateReview:
        review = queries.reviews_shown(self.request.user).open().filter(gate=self.get_object()).first()
        if review is None:
            raise Http404
        return review

    def _whole(self, review: GateReview) -> Response:
        fresh = queries.reviews_shown(self.request.user).get(pk=review.pk)
        return Response(WholeGateReviewSerializer(fresh, context=self.get_serializer_context()).data)


class GateReviewViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Rounds of review, the newest first; of one, its items: of an open round as they stand now, of a closed one as they were frozen."""

    queryset = GateReview.objects.none()
    filterset_class = GateReviewFilter
    pagination_class = LatestFirst

    def get_queryset(self) -> QuerySet[GateReview]:
        must(can_see_gates(self.request.user))
        return queries.reviews_shown(self.request.user)

    def get_serializer_class(self) -> type[GateReviewSerializer]:
        return WholeGateReviewSerializer if self.action == "retrieve" else GateReviewSerializer


def register(router: BaseRouter) -> None:
    router.register("gates", GateViewSet, basename="gate")
    router.register("gate-reviews", GateReviewViewSet, basename="gate-review")
