"""Wrap-ups over the API: what a campaign came to, with its figures as they were frozen."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets
from rest_framework.routers import BaseRouter

from campaigns.api_calls import must
from core import paging
from qa import rules
from qa.filters_checkpoints import WrapUpFilter
from qa.models import WrapUp


class NewestFirst(paging.NewestFirst):
    """By when they were made."""

    ordering = ("-made_at", "-id")


class WrapUpSerializer(serializers.ModelSerializer):
    campaign = serializers.CharField(source="campaign.code")

    class Meta:
        model = WrapUp
        fields = (
            "id", "campaign", "campaign_id", "made_by_id", "made_at", "is_finished", "finished_by_id", "finished_at", "digest",
        )  # fmt: skip
        read_only_fields = fields


class WholeWrapUpSerializer(WrapUpSerializer):
    class Meta(WrapUpSerializer.Meta):
        fields = (*WrapUpSerializer.Meta.fields, "keep", "change", "content")
        read_only_fields = fields
        extra_kwargs = {"content": {"help_text": "Figures and what was learnt, as they were counted when it was made."}}


class WrapUpViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Drafts and finished wrap-ups of campaigns that your place covers whole, the newest first."""

    queryset = WrapUp.objects.none()
    filterset_class = WrapUpFilter
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[WrapUp]:
        must(rules.can_see_wrap_ups(self.request.user))
        rows = WrapUp.objects.visible_to(self.request.user).select_related("campaign")
        return rows if self.action == "retrieve" else rows.defer("content")

    def get_serializer_class(self) -> type[WrapUpSerializer]:
        return WholeWrapUpSerializer if self.action == "retrieve" else WrapUpSerializer


def register(router: BaseRouter) -> None:
    router.register("wrap-ups", WrapUpViewSet, basename="wrap-up")
