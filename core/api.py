"""Jobs over the API: list, look, stop."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from core.clock import database_now
from core.filters import JobFilter
from core.jobs import request_cancel
from core.jobs.panel import sentence
from core.models import Job


class JobSerializer(serializers.ModelSerializer):
    percent = serializers.FloatField(read_only=True, allow_null=True)
    sentence = serializers.SerializerMethodField(help_text="What the job does or did, in the language of the request.")

    class Meta:
        model = Job
        fields = (
            "id",
            "kind",
            "key",
            "queue",
            "state",
            "done",
            "total",
            "percent",
            "sentence",
            "result",
            "last_error",
            "created_by_name",
            "created_at",
            "started_at",
            "finished_at",
            "cancel_requested_at",
        )
        read_only_fields = fields

    def get_sentence(self, job: Job) -> str:
        return sentence(job)


class JobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Work in the background: one's own, administrators see all."""

    queryset = Job.objects.none()
    serializer_class = JobSerializer
    filterset_class = JobFilter

    def get_queryset(self) -> Any:
        return Job.objects.visible_to(self.request.user).order_by("-created_at", "-pk")

    @extend_schema(request=None, responses=JobSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str | None = None) -> Response:
        """Stop the job: at once when it waits, at its next part when it runs. 409 when it is over."""
        job = request_cancel(self.get_object(), by=request.user, at=database_now())
        return Response(self.get_serializer(job).data)


def register(router: BaseRouter) -> None:
    router.register("jobs", JobViewSet, basename="job")
