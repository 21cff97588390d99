"""Places and oneself over the API, to read."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from people.filters import CityFilter, TeamFilter
from people.models import City, Team, User


class CitySerializer(serializers.ModelSerializer):
    zone = serializers.CharField(source="zone.name", default=None, read_only=True)

    class Meta:
        model = City
        fields = ("id", "code", "name", "name_zh", "zone", "is_on")
        read_only_fields = fields


class TeamSerializer(serializers.ModelSerializer):
    city = serializers.SlugRelatedField("code", read_only=True)

    class Meta:
        model = Team
        fields = ("id", "code", "name", "city", "is_active")
        read_only_fields = fields


class MeSerializer(serializers.ModelSerializer):
    roles = serializers.SerializerMethodField(help_text="Roles held today.")
    is_region = serializers.BooleanField(source="scope.is_region", read_only=True)

    class Meta:
        model = User
        fields = ("id", "username", "display_name", "code", "language", "theme", "roles", "is_region")
        read_only_fields = fields

    def get_roles(self, user: User) -> list[str]:
        return sorted(user.scope().roles)


class CityViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Cities that the caller's role covers."""

    queryset = City.objects.none()
    serializer_class = CitySerializer
    filterset_class = CityFilter

    def get_queryset(self) -> Any:
        return City.objects.visible_to(self.request.user).select_related("zone").order_by("name")


class TeamViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Teams that the caller's role covers."""

    queryset = Team.objects.none()
    serializer_class = TeamSerializer
    filterset_class = TeamFilter

    def get_queryset(self) -> Any:
        return Team.objects.visible_to(self.request.user).select_related("city").order_by("code")


class MeViewSet(viewsets.GenericViewSet):
    """Who is asking."""

    queryset = User.objects.none()
    serializer_class = MeSerializer

    @extend_schema(responses=MeSerializer)
    def list(self, request: Request) -> Response:
        return Response(self.get_serializer(request.user).data)


def register(router: BaseRouter) -> None:
    router.register("cities", CityViewSet, basename="city")
    router.register("teams", TeamViewSet, basename="team")
    router.register("me", MeViewSet, basename="me")
