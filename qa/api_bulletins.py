"""Hourly bulletins over the API, with their figures as they were frozen."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets
from rest_framework.routers import BaseRouter

from campaigns.api_calls import must
from core import paging
from qa import queries_bulletins as queries, rules
from qa.filters_checkpoints import BulletinFilter
from qa.models import Bulletin


class NewestFirst(paging.NewestFirst):
    """By their hour."""

    ordering = ("-hour", "-id")


class BulletinSerializer(serializers.ModelSerializer):
    campaign = serializers.CharField(source="campaign.code")
    seen_count = serializers.IntegerField(help_text="Agents who have read it.")

    class Meta:
        model = Bulletin
        fields = (
            "id", "campaign", "campaign_id", "hour", "composed_at", "composed_by_id", "sent_at", "sent_by_id", "seen_count",
        )  # fmt: skip
        read_only_fields = fields


class WholeBulletinSerializer(BulletinSerializer):
    class Meta(BulletinSerializer.Meta):
        fields = (*BulletinSerializer.Meta.fields, "text", "suggestions", "figures")
        read_only_fields = fields
        extra_kwargs = {
            "figures": {"help_text": "Counted once, when it was composed."},
            "suggestions": {"help_text": "Words heard, as they are told to the floor."},
        }


class BulletinViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Drafts and sent bulletins of campaigns that your place covers whole, the newest hour first."""

    queryset = Bulletin.objects.none()
    filterset_class = BulletinFilter
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Bulletin]:
        must(rules.can_see_runs(self.request.user))
        return queries.bulletins_shown(self.request.user)

    def get_serializer_class(self) -> type[BulletinSerializer]:
        return WholeBulletinSerializer if self.action == "retrieve" else BulletinSerializer


def register(router: BaseRouter) -> None:
    router.register("bulletins", BulletinViewSet, basename="bulletin")
